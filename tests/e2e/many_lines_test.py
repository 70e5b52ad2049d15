# SPDX-License-Identifier: Apache-2.0
"""Many containers at once, odd bytes, both streams: compared byte for byte with what came out of the pipes."""

import time

from lib.scenario import Scenario

CONTAINERS, LINES, MAX, RATE = 20, 5000, 4096, 1000


class ManyLines(Scenario):
    def test_20_containers_of_5000_random_lines_arrive_whole_and_in_order(self):
        self.agent()
        containers = [self.writer("lines", seed, LINES, MAX, RATE) for seed in range(1, CONTAINERS + 1)]
        for container in containers:
            self.assertEqual(container.wait(), 0)
        total = 0
        for container in containers:
            self.assert_whole(container)
            total += container.raw().count(b"\n") + container.raw("stderr").count(b"\n")
        self.assertEqual(total, CONTAINERS * LINES)
        # A second copy of a line would come late.
        time.sleep(1)
        self.assertEqual(self.cloudwatch.count(), total)
        self.assertEqual(self.cloudwatch.misbehaviour(), [])

    def test_lines_of_odd_bytes_arrive_as_the_contract_says(self):
        self.agent()
        odd = "a\\r\\n\\r\\n\\r\\r\\nmid\\rcr\\n\\n\\0\\n x \\n"
        container = self.writer("text", 1, odd)
        self.wait_for_logs(container, ["a", "", "\r", "mid\rcr", "", "\0", " x "])

    def test_bad_utf_8_is_one_replacement_character_per_maximal_subpart(self):
        self.agent()
        container = self.shell(r"printf '\377\376\303(\200|\342\202|\355\240\200|\360\237\246\235\n'")
        self.wait_for_logs(container, ["\ufffd\ufffd\ufffd(\ufffd|\ufffd|\ufffd\ufffd\ufffd|\U0001f99d"])
