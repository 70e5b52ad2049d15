# SPDX-License-Identifier: Apache-2.0
"""What is not the container's log: other files, inner pipes, exec sessions, the agent's own words."""

import subprocess
import time

from lib import paths
from lib.agent import flags, free_port, kubelet_settings
from lib.scenario import Scenario


class NotCaptured(Scenario):
    def assert_only(self, container, expected):
        self.wait_for_logs(container, expected)
        time.sleep(0.8)
        self.assertEqual(self.logs(container), expected)
        self.assertEqual(self.logs(container, "stderr"), [])

    def test_a_stdout_that_is_redirected_to_a_file_is_not_captured(self):
        self.agent()
        container = self.shell(f"echo before; (exec >{self.directory}/file; echo hidden; echo hidden >&2) 2>/dev/null; "
                               "exec 3>&1 >/dev/null; echo hidden; exec >&3; echo after")
        container.wait()
        self.assert_only(container, ["before", "after"])

    def test_the_pipes_inside_a_pipeline_are_not_captured(self):
        self.agent()
        container = self.shell("echo hidden | sed s/hidden/shown/; x=$(echo hidden; echo hidden >&1); "
                               "(echo hidden; echo hidden) | wc -l | tr -d ' '; echo done")
        container.wait()
        self.assert_only(container, ["shown", "2", "done"])

    def test_an_exec_session_is_not_captured(self):
        self.agent()
        container = self.shell("echo first; read x; echo last", stdin=1)
        container.wait_started()
        result = container.exec("/bin/sh", "-c", "echo hidden; echo hidden >&2; seq 500")
        self.assertEqual((result.status, len(result.stdout.split())), (0, 501))
        self.assertEqual(result.stderr, b"hidden\n")
        container.send("go\n")
        container.wait()
        self.assert_only(container, ["first", "last"])

    def test_an_exec_session_that_writes_to_the_entrypoints_stdout_is_captured(self):
        self.agent()
        container = self.shell("read x", stdin=1)
        container.wait_started()
        container.exec("/bin/sh", "-c", "echo from a cron job >/proc/1/fd/1")
        self.wait_for_logs(container, ["from a cron job"])
        container.stop()

    def test_a_process_outside_of_containers_is_not_captured(self):
        self.agent()
        subprocess.run(["sh", "-c", "seq 1000 | cat"], check=True, capture_output=True)
        container = self.shell("echo one")
        self.wait_for_logs(container, ["one"])
        self.assertEqual(self.cloudwatch.count(), 1)

    def test_the_agents_own_output_is_never_captured(self):
        settings = {"cluster": "e2e", "node": "node-1", "state_dir": f"{self.directory}/state", "journal.enabled": False,
                    "control_socket": f"{self.directory}/control.sock", "listen": f"127.0.0.1:{free_port()}",
                    "pod_logs_dir": self.runtime.pods_dir, "cloudwatch.flush_interval": "200ms", "log_level": "debug",
                    **kubelet_settings(self.kubelet)}
        environment = [f"{key}={value}" for key, value in self.cloudwatch.environment().items()]
        paths.need(paths.RINGTAIL, "build it with make")
        own = self.container(paths.RINGTAIL, "agent", *flags(settings), name="ringtail", pod=self.pod("ringtail", "kube-system"),
                             pid="host", mount="host", env=environment)
        self.eventually(lambda: b"capturing" in own.raw("stderr"), "the agent in its container captures")
        other = self.shell("for i in 1 2 3; do echo $i; sleep 0.2; done")
        self.wait_for_logs(other, ["1", "2", "3"])
        time.sleep(1)
        self.assertEqual(self.messages(own), [])
        self.assertEqual(own.stop(number=15), 0)
