# SPDX-License-Identifier: Apache-2.0
"""Names come later than lines: the kubelet is slow, gone, or knows a container under a new id."""

import os
import time

from kubelet import FakeKubelet

from lib.scenario import Scenario


class Names(Scenario):
    def test_lines_wait_for_a_slow_kubelet_and_get_the_right_names(self):
        self.kubelet.set_fault(delay_s=3)
        self.agent()
        container = self.shell("echo early; sleep 4; echo late")
        time.sleep(1.5)
        self.assertEqual(self.cloudwatch.count(), 0)
        self.wait_for_logs(container, ["early", "late"])
        names = self.records(container)[0]["kubernetes"]
        self.assertEqual((names["pod_name"], names["container_image"]), (container.pod.name, "docker.io/library/demo:1"))

    def test_a_container_that_the_kubelet_shows_late_is_named_as_soon_as_it_does(self):
        self.agent()
        container = self.shell("echo early; sleep 60", known=False)
        time.sleep(2)
        self.assertEqual(self.cloudwatch.count(), 0)
        self.register(container)
        self.wait_for_logs(container, ["early"], timeout=5)
        container.stop()

    def test_without_a_kubelet_lines_go_out_after_10_s_under_the_names_of_the_log_directory(self):
        self.made["kubelet"] = FakeKubelet(os.path.join(self.directory, "kubelet")).start()
        self.made["kubelet"].stop()
        self.agent()
        container = self.shell("echo nameless; sleep 60", pod=self.pod("web-down", "shop"), known=False)
        time.sleep(7)
        self.assertEqual(self.cloudwatch.count(), 0)
        self.wait_for_logs(container, ["nameless"])
        names = self.records(container)[0]["kubernetes"]
        self.assertEqual((names["pod_name"], names["namespace_name"], names["container_name"], names["pod_id"],
                          names["docker_id"]),
                         ("web-down", "shop", "app", container.pod.uid, container.id))
        container.stop()

    def test_a_restarted_container_has_its_own_stream_under_its_new_id(self):
        self.agent()
        pod = self.pod()
        first = self.shell("echo one", pod=pod)
        self.assertEqual(first.wait(), 0)
        second = self.shell("echo two", pod=pod)
        self.assertEqual(second.number, 1)
        self.wait_for_logs(first, ["one"])
        self.wait_for_logs(second, ["two"])
        self.assertNotEqual(self.log_stream(first), self.log_stream(second))

    def test_the_kubelet_is_not_asked_more_than_once_a_second(self):
        self.agent()
        for _ in range(12):
            self.shell("echo x", known=False)
        time.sleep(4)
        self.assertLessEqual(len(self.kubelet.requests()), 8)
        self.assertGreaterEqual(len(self.kubelet.requests()), 2)
