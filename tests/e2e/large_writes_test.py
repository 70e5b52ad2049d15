# SPDX-License-Identifier: Apache-2.0
"""Writes that are large, in pieces, or only partly accepted."""

import time

from lib import lines
from lib.scenario import Scenario

MIB = 1 << 20


class LargeWrites(Scenario):
    def test_one_line_of_1_mib_in_one_write_arrives_in_parts_that_join(self):
        self.agent()
        container = self.writer("one", MIB)
        self.assertEqual(container.wait(), 0)
        records = self.assert_whole(container)
        self.assertEqual([record.get("partial", False) for record in records], [True] * (len(records) - 1) + [False])
        self.assertGreaterEqual(len(records), 2)
        self.assertEqual(len(container.raw()), MIB)

    def test_many_lines_of_1_mib_in_one_write_arrive_whole(self):
        self.agent()
        container = self.writer("block", MIB, 97)
        self.assertEqual(container.wait(), 0)
        self.assert_whole(container)
        self.assertEqual(len(self.logs(container)), container.raw().count(b"\n"))

    def test_a_line_length_limit_cuts_on_utf_8_boundaries(self):
        self.agent({"limits.line": 1024})
        container = self.shell("for i in $(seq 400); do printf '\\360\\237\\246\\235ab'; done; echo")
        container.wait()
        records = self.assert_whole(container)
        self.assertGreater(len(records), 2)
        for message in self.messages(container):
            self.assertLessEqual(len(message.encode()), 1024)
            self.assertNotIn("\ufffd", message)

    def test_writev_of_many_segments_some_of_them_empty(self):
        self.agent()
        containers = [self.writer("writev", segments, 50) for segments in (2, 3, 8, 40, 200, 1000)]
        for container in containers:
            self.assertEqual(container.wait(), 0)
            self.assert_whole(container)

    def test_partial_writes_of_a_non_blocking_pipe(self):
        self.agent()
        container = self.writer("nonblock", 700000, rate=2000000)
        self.assertEqual(container.wait(), 0)
        self.assert_whole(container)

    def test_a_line_written_byte_by_byte_is_one_line(self):
        self.agent()
        container = self.shell("for c in a b c d e f g h; do printf $c; sleep 0.02; done; echo; printf 'x\\r'; sleep 0.1; echo")
        self.wait_for_logs(container, ["abcdefgh", "x"])

    def test_threads_that_write_one_pipe_at_once_lose_no_line(self):
        self.agent()
        container = self.writer("threads", 8, 500)
        self.assertEqual(container.wait(), 0)
        self.wait_for_count(container, 4000, time.monotonic() + 12)
        expected = sorted(lines.texts(container.raw()))
        lines.assert_same(expected, sorted(self.logs(container)))
