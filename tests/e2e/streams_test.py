# SPDX-License-Identifier: Apache-2.0
"""stdout and stderr, lines without an end, empty lines."""

import json
import time

from lib.scenario import Scenario


class Streams(Scenario):
    def test_stdout_and_stderr_are_told_apart(self):
        self.agent()
        container = self.shell("for i in 1 2 3; do echo out $i; echo err $i >&2; done")
        container.wait()
        self.assert_whole(container)
        self.assertEqual(self.logs(container), ["out 1", "out 2", "out 3"])
        self.assertEqual(self.logs(container, "stderr"), ["err 1", "err 2", "err 3"])

    def test_an_unterminated_last_line_is_delivered_when_the_container_ends(self):
        self.agent()
        container = self.shell("echo first; printf 'no newline'; printf 'nor here\\r' >&2; read x", stdin=1)
        self.wait_for_logs(container, ["first"])
        time.sleep(0.5)
        self.assertEqual((self.logs(container), self.logs(container, "stderr")), (["first"], []))
        container.close_stdin()
        container.wait()
        self.wait_for_logs(container, ["first", "no newline"])
        self.wait_for_logs(container, ["nor here\r"], "stderr")

    def test_an_unterminated_last_line_of_a_container_that_is_killed(self):
        self.agent()
        container = self.shell("printf 'cut short'; sleep 60").wait_started()
        time.sleep(0.2)
        container.stop()
        self.wait_for_logs(container, ["cut short"])

    def test_a_container_that_lives_for_an_instant_is_captured(self):
        self.agent()
        containers = [self.shell(f"echo {number}", delay_ms=0, remove_ms=0) for number in range(30)]
        for number, container in enumerate(containers):
            self.wait_for_logs(container, [str(number)])

    def test_empty_lines_are_an_empty_log_and_in_raw_a_space(self):
        self.agent()
        container = self.shell("echo; echo x; echo")
        self.wait_for_logs(container, ["", "x", ""])
        other = self.agent({"containers.format": "raw", "cluster": "raw"}, directory=self.directory)
        container = self.shell("echo; echo x; echo")
        self.eventually(lambda: self.messages(container, "/eks/raw/containers") == [" ", "x", " "], "three raw events")
        other.stop()

    def test_raw_sends_the_line_alone(self):
        self.agent({"containers.format": "raw"})
        container = self.shell("echo '{\"a\": 1}'; printf 'tab\\t\"q\" \\377\\r\\n'")
        self.eventually(lambda: self.messages(container) == ['{"a": 1}', 'tab\t"q" \ufffd'], "two raw events")

    def test_merge_json_puts_an_object_in_as_it_is(self):
        self.agent({"containers.merge_json": True})
        container = self.shell("echo '{\"a\": 1.50, \"b\":[ ]}'; echo '[1]'; echo '{broken'")
        self.eventually(lambda: len(self.messages(container)) == 3, "three events")
        first, second, third = self.messages(container)
        self.assertIn('"log_processed":{"a": 1.50, "b":[ ]}', first)
        self.assertNotIn('"log":', first)
        self.assertEqual([json.loads(text)["log"] for text in (second, third)], ["[1]", "{broken"])
