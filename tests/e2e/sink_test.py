# SPDX-License-Identifier: Apache-2.0
"""Sinks that are no CloudWatch."""

import json
import os
import signal

from lib.scenario import Scenario


class Sink(Scenario):
    def lines_of(self, path):
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def test_a_file_gets_json_lines_and_is_opened_again_on_sighup(self):
        path = os.path.join(self.directory, "events")
        agent = self.agent({"sink": f"file:{path}", "cluster": "e2e"})
        container = self.shell("echo one; read x; echo two", stdin=1)
        event, = self.eventually(lambda: self.lines_of(path), "an event in the file")
        self.assertEqual(list(event), ["timestamp", "group", "stream", "message"])
        self.assertEqual((event["group"], event["stream"]), ("/eks/e2e/containers", self.log_stream(container)))
        self.assertEqual(json.loads(event["message"])["log"], "one")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        os.rename(path, f"{path}.1")
        agent.signal(signal.SIGHUP)
        self.eventually(lambda: os.path.exists(path), "a new file")
        container.send("go\n")
        event, = self.eventually(lambda: self.lines_of(path), "an event in the new file")
        self.assertEqual(json.loads(event["message"])["log"], "two")
        self.assertEqual(self.cloudwatch.requests(), [])

    def test_stdout_gets_json_lines_of_raw_messages(self):
        agent = self.agent({"sink": "stdout", "containers.format": "raw"})
        self.shell("echo plain text")
        agent.wait_for_text("plain text", "stdout")
        self.assertEqual(json.loads(agent.stdout)["message"], "plain text")
