# SPDX-License-Identifier: Apache-2.0
"""The way of one line: every field of its event, its group and stream, once."""

import datetime
import json
import time

from lib.scenario import GROUP, Scenario


def milliseconds(text):
    whole, fraction = text.rstrip("Z").split(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 1000 + int(fraction) // 1000000


class OneLine(Scenario):
    CLOUDWATCH = {"tls": True}

    def test_one_line_arrives_once_under_the_right_names_byte_for_byte(self):
        self.agent()
        pod = self.pod("web-0", "shop")
        before = time.time_ns()
        container = self.shell('sleep 0.1; printf \'he said "hi"\\ttab \\\\ \\001 \\303\\251\\n\'', pod=pod)
        container.wait()
        after = time.time_ns()
        self.wait_for_logs(container, ['he said "hi"\ttab \\ \x01 é'])
        event, = self.cloudwatch.events(GROUP, f"web-0_shop_app-{container.id}")
        text = json.loads(event["message"])["time"]
        self.assertRegex(text, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
        self.assertEqual(event["timestamp"], milliseconds(text))
        self.assertTrue(before // 1000000 <= event["timestamp"] <= after // 1000000, (before, event, after))
        self.assertEqual(event["message"],
                         '{"time":"%s","stream":"stdout","log":"he said \\"hi\\"\\ttab \\\\ \\u0001 é",'
                         '"kubernetes":{"pod_name":"web-0","namespace_name":"shop","container_name":"app","pod_id":"%s",'
                         '"host":"node-1","docker_id":"%s","container_image":"docker.io/library/demo:1"}}'
                         % (text, pod.uid, container.id))
        time.sleep(1)
        self.assertEqual(self.cloudwatch.count(), 1)
        self.assertEqual(self.cloudwatch.misbehaviour(), [])

    def test_a_container_is_named_in_every_shape_of_cgroup_path(self):
        self.agent()
        shapes = [(driver, qos, {}) for driver in ("cgroupfs", "systemd") for qos in ("guaranteed", "burstable", "besteffort")]
        shapes.append(("cgroupfs", "burstable", {"v1": "memory,pids,systemd"}))
        shapes.append(("systemd", "burstable", {"init": "inside", "delay_ms": 0}))
        containers = []
        for driver, qos, options in shapes:
            containers.append(self.shell(f"echo {driver} {qos}", driver=driver, qos=qos, **options))
        for container, (driver, qos, _) in zip(containers, shapes):
            with self.subTest(driver=driver, qos=qos):
                self.wait_for_logs(container, [f"{driver} {qos}"])
                record, = self.records(container)
                self.assertEqual(record["kubernetes"]["pod_id"], container.pod.uid)

    def test_labels_and_annotations_are_put_in_when_configured(self):
        self.agent({"containers.labels": "*", "containers.annotations": "team"})
        pod = self.pod(labels={"app": "web", "tier": "front"}, annotations={"team": "a \"b\"", "other": "x"})
        container = self.shell("sleep 0.1; echo labelled", pod=pod)
        self.wait_for_logs(container, ["labelled"])
        names = self.records(container)[0]["kubernetes"]
        self.assertEqual(names["labels"], {"app": "web", "tier": "front"})
        self.assertEqual(names["annotations"], {"team": "a \"b\""})
