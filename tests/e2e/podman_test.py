# SPDX-License-Identifier: Apache-2.0
"""A few scenarios again with a real runtime: podman, conmon and runc make the containers."""

from lib import lines
from lib.podman import Podman
from lib.scenario import Scenario


class RealRuntime(Scenario):
    def start(self, *arguments):
        if "podman" not in self.made:
            self.made["podman"] = self.enterContext(Podman(self.runtime.pods_dir))
        podman = self.made["podman"]
        container = podman.create(self.pod(), "app", *arguments)
        self.register(container)
        podman.start(container)
        return container

    def test_one_line_of_a_podman_container(self):
        self.agent()
        container = self.start("echo", "hello from podman")
        self.wait_for_logs(container, ["hello from podman"])
        names = self.records(container)[0]["kubernetes"]
        self.assertEqual((names["pod_id"], names["docker_id"]), (container.pod.uid, container.id))

    def test_5000_lines_of_a_podman_container_on_both_streams(self):
        self.agent()
        container = self.start("writer", "lines", "77", "5000", "2000", "0")
        self.assertEqual(container.wait(), 0)
        self.assert_whole(container)
        self.assertEqual(len(self.records(container)), 5000)

    def test_1_mib_in_one_write_of_a_podman_container(self):
        self.agent()
        container = self.start("writer", "block", str(1 << 20), "100")
        self.assertEqual(container.wait(), 0)
        self.assert_whole(container)
        self.assertEqual(len(container.raw()), 1 << 20)

    def test_an_exec_session_of_podman_is_not_captured(self):
        self.agent()
        container = self.start("sh", "-c", "echo first; sleep 3; echo last")
        self.wait_for_logs(container, ["first"])
        done = container.exec("sh", "-c", "echo hidden; echo hidden >&2; echo shown >/proc/1/fd/1")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"hidden\n", b"hidden\n"))
        container.wait()
        self.wait_for_logs(container, ["first", "shown", "last"])
        self.assertEqual(self.logs(container, "stderr"), [])

    def test_the_pipes_inside_a_pipeline_in_podman_are_not_captured(self):
        self.agent()
        container = self.start("sh", "-c", "echo hidden | sed s/hidden/shown/; echo x | cat >/dev/null; echo end >/dev/stdout")
        container.wait()
        self.wait_for_logs(container, ["shown", "end"])
        lines.assert_same(lines.texts(container.raw()), self.logs(container))
