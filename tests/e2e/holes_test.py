# SPDX-License-Identifier: Apache-2.0
"""What cannot be captured arrives by another way or is told, byte by byte: never silence."""

import os
import time

from lib import lines
from lib.scenario import Scenario


class Holes(Scenario):
    def account(self, container):
        """(bytes delivered, bytes told as lost), newlines included; None when a hole's size is not known."""
        records = [record for record in self.records(container) if record["stream"] == "stdout"]
        told = [record["ringtail"]["lost_bytes"] for record in records if "ringtail" in record]
        delivered = sum(len(text.encode()) + 1 for text in self.joined(records))
        return delivered, None if None in told else sum(told)

    def assert_accounted(self, container, timeout):
        """Each whole line that arrived is one that was written, in order, and what is missing is told to the byte, but for
        the newlines of the pieces that holes leave of lines."""
        raw = container.raw()
        whole = set(lines.texts(raw))
        holes = 0

        def settled():
            nonlocal holes
            holes = sum("ringtail" in record for record in self.records(container))
            pieces = sum(text not in whole for text in self.logs(container))
            delivered, lost = self.account(container)
            return lost is not None and abs(delivered + lost - len(raw)) <= 2 * holes + pieces

        try:
            self.eventually(settled, "", timeout)
        except AssertionError:
            delivered, lost = self.account(container)
            self.fail(f"{len(raw)} bytes were written, {delivered} arrived and {lost} were told as lost, in {holes} holes")
        written = iter(lines.texts(raw))
        strangers = [text for text in self.logs(container) if not any(text == line for line in written)]
        self.assertLessEqual(len(strangers), 2 * holes, strangers[:3])

    def test_a_flood_through_a_small_ring_arrives_or_is_told(self):
        self.agent({"capture.ring_size": "64KiB"})
        container = self.writer("flood", 60000, 100)
        self.assertEqual(container.wait(), 0)
        self.assert_accounted(container, 15)

    def test_a_flood_with_little_memory_and_a_slow_endpoint_arrives_or_is_told(self):
        self.cloudwatch.fault(action="delay", operation="PutLogEvents", seconds=1, seconds_active=4)
        self.agent({"limits.memory": "8MiB"})
        container = self.writer("flood", 60000, 200)
        self.assertEqual(container.wait(), 0)
        self.assert_accounted(container, 18)

    def test_bytes_that_no_hook_can_read_arrive_or_are_told(self):
        self.agent()
        path = os.path.join(self.directory, "file")
        with open(path, "w", encoding="utf-8") as file:
            file.write("from a file\n" * 20)
        for arguments in (("sendfile", path), ("splice", "from a pipe"), ("vmsplice", "from pages")):
            with self.subTest(call=arguments[0]):
                container = self.writer(*arguments)
                self.assertEqual(container.wait(), 0)
                self.assert_accounted(container, 5)

    def test_bytes_that_no_hook_can_read_between_others_are_in_their_place(self):
        self.agent()
        container = self.shell(f"echo before; {self.writer_path()} splice 'from a pipe'; echo after")
        container.wait()
        self.assert_accounted(container, 5)
        told = [record.get("log", record.get("ringtail", {}).get("reason")) for record in self.records(container)]
        self.assertIn(told, (["before", "from a pipe", "after"], ["before", "unreadable", "after"]))

    def test_a_reader_that_stands_still_does_not_disturb_capture(self):
        self.agent()
        container = self.writer("rate", 1000, 1, 120)
        container.stall()
        time.sleep(1)
        container.resume()
        self.assertEqual(container.wait(), 0)
        self.assert_whole(container)
