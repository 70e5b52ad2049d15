# SPDX-License-Identifier: Apache-2.0
"""Whatever reaches the entrypoint's pipe is its log, by whichever fd, process and path."""

from lib.scenario import Scenario


class SamePipe(Scenario):
    def test_stdout_opened_again_by_its_paths_is_captured(self):
        self.agent()
        root = self.rootfs()
        for path in ("/dev/stdout", "/proc/self/fd/1", "/proc/1/fd/1"):
            with self.subTest(path=path):
                container = self.container("/bin/writer", "reopen", path, f"through {path}", rootfs=root)
                self.wait_for_logs(container, [f"through {path}"])
                self.assertEqual(container.wait(), 0)

    def test_stderr_opened_again_is_stderr(self):
        self.agent()
        container = self.container("/bin/writer", "reopen", "/dev/stderr", "an error", rootfs=self.rootfs())
        self.wait_for_logs(container, ["an error"], "stderr")
        self.assertEqual(self.logs(container), [])

    def test_a_dup_of_stdout_is_captured_when_fd_1_is_closed(self):
        self.agent()
        container = self.writer("dup", "through fd 200")
        self.wait_for_logs(container, ["through fd 200"])

    def test_children_and_their_children_are_captured(self):
        self.agent()
        container = self.shell("echo a; (echo b; sh -c 'echo c; (sleep 0.2; echo d) & wait'); setsid sh -c 'echo e'")
        self.wait_for_logs(container, ["a", "b", "c", "d", "e"])

    def test_stderr_redirected_to_stdout_is_stdout_and_the_reverse(self):
        self.agent()
        container = self.shell("echo 1 >&2; sleep 0.1; echo 2 2>&1; exec 2>&1; echo 3 >&2; echo 4")
        container.wait()
        self.assert_whole(container)
        self.assertEqual(self.logs(container), ["2", "3", "4"])
        self.assertEqual(self.logs(container, "stderr"), ["1"])

    def test_a_container_with_the_hosts_pid_namespace_is_captured(self):
        self.agent()
        container = self.shell("sleep 0.1; echo hidden | cat >/dev/null; echo host pid", pid="host")
        self.wait_for_logs(container, ["host pid"])

    def test_containers_that_share_a_pid_namespace_are_captured_each_as_its_own(self):
        self.agent()
        pod = self.pod()
        sandbox = self.runtime.shell(pod, "sandbox", "sleep 60", stdio="null").wait_started()
        first = self.shell("echo first; sleep 0.5", pod=pod, name="first", pid=sandbox.id)
        second = self.shell("echo second; sleep 0.5", pod=pod, name="second", pid=sandbox.id)
        self.wait_for_logs(first, ["first"])
        self.wait_for_logs(second, ["second"])
        first.wait()
        second.wait()
        sandbox.stop()

    def test_a_terminal_is_stdout_and_keeps_its_carriage_returns(self):
        self.agent()
        container = self.shell("echo out; echo err >&2; printf 'dos\\r\\n'; sleep 0.1", tty=1)
        self.wait_for_logs(container, ["out", "err", "dos\r"])
        self.assertEqual(self.logs(container, "stderr"), [])

    def test_a_container_that_ran_before_the_agent_is_captured_from_then_on(self):
        container = self.shell("while read x; do echo $x; done", stdin=1).wait_started()
        self.agent()
        container.send("hello\n")
        self.wait_for_logs(container, ["hello"])
        container.stop()
