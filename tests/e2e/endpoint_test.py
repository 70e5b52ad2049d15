# SPDX-License-Identifier: Apache-2.0
"""CloudWatch that refuses, hangs, forgets."""

import time

from lib import lines
from lib.scenario import GROUP, Scenario


class Endpoint(Scenario):
    def test_throttled_lines_arrive_exactly_once(self):
        self.cloudwatch.fault(action="throttle", operation="PutLogEvents", count=4)
        self.agent()
        container = self.writer("rate", 500, 2, 80)
        container.wait()
        self.assert_whole(container, timeout=18)
        throttled = [request for request in self.cloudwatch.requests("PutLogEvents") if request["status"] == 400]
        self.assertGreaterEqual(len(throttled), 4)
        time.sleep(1)
        self.assertEqual(self.cloudwatch.count(), 1000)

    def test_a_hanging_endpoint_does_not_stop_capture_and_all_arrives_afterwards(self):
        self.agent()
        first = self.shell("echo before")
        self.wait_for_logs(first, ["before"])
        self.cloudwatch.fault(action="hang_before", operation="PutLogEvents", seconds=4, seconds_active=4)
        begin = time.monotonic()
        containers = [self.writer("rate", 1000, 2, 120) for _ in range(3)]
        for container in containers:
            self.assertEqual(container.wait(), 0)
        self.assertLess(time.monotonic() - begin, 4, "the containers were slowed")
        self.assertEqual(self.messages(containers[0]), [])
        for container in containers:
            self.assert_whole(container, timeout=18)

    def test_missing_group_and_stream_are_created_and_kept(self):
        self.agent({"cloudwatch.retention_days": 7, "cloudwatch.tags": "team=a,env=test"})
        container = self.shell("echo one; sleep 1; echo two")
        self.wait_for_logs(container, ["one", "two"])
        group, = self.cloudwatch.groups()
        self.assertEqual((group["name"], group["streams"]), (GROUP, [self.log_stream(container)]))
        self.assertEqual((group["retention_days"], group["tags"]), (7, {"team": "a", "env": "test"}))
        creations = [request["operation"] for request in self.cloudwatch.requests() if request["operation"].startswith("Create")]
        self.assertEqual([creation for creation in creations if creation.startswith("CreateLog")],
                         ["CreateLogStream", "CreateLogGroup", "CreateLogStream"])  # the first finds no group

    def test_a_group_that_vanishes_is_made_again_without_loss(self):
        self.agent()
        container = self.shell("echo one; read x; echo two", stdin=1)
        self.wait_for_logs(container, ["one"])
        self.cloudwatch.reset()
        container.send("go\n")
        self.wait_for_logs(container, ["two"])

    def test_an_outage_costs_no_line(self):
        self.agent()
        container = self.writer("rate", 300, 4, 100)
        time.sleep(1)
        self.cloudwatch.outage(2)
        container.wait()
        self.assert_whole(container, timeout=18)
        lines.assert_same(sorted(set(self.logs(container))), sorted(self.logs(container)))

    def test_a_server_error_in_the_middle_costs_no_line(self):
        self.agent()
        self.cloudwatch.fault(action="internal_error", operation="PutLogEvents", count=2)
        self.cloudwatch.fault(action="unavailable_html", operation="PutLogEvents", count=1)
        container = self.writer("rate", 500, 1, 100)
        container.wait()
        self.assert_whole(container, timeout=18)
