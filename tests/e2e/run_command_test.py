# SPDX-License-Identifier: Apache-2.0
"""ringtail run: a command's output through BPF, without Kubernetes."""

import json
import os
import signal
import subprocess
import tempfile
import unittest

from lib import cgroups, lines, paths
from lib.agent import Command, ringtail


def records(output):
    return [json.loads(json.loads(line)["message"]) for line in output.splitlines()]


def logs(output, stream="stdout"):
    texts, begun = [], ""
    for record in records(output):
        if record["stream"] == stream:
            begun += record["log"]
            if not record.get("partial"):
                texts.append(begun)
                begun = ""
    return texts


class Run(unittest.TestCase):
    def run_shell(self, script, *options, **more):
        return ringtail("run", *options, "--", "sh", "-c", script, **more)

    def test_stdout_and_stderr_are_printed_as_json_lines(self):
        command = self.run_shell("echo out; echo err >&2")
        self.assertEqual(command.process.returncode, 0, command.describe())
        self.assertEqual((logs(command.stdout), logs(command.stdout, "stderr")), (["out"], ["err"]))
        for line in command.stdout.splitlines():
            event = json.loads(line)
            self.assertEqual(list(event), ["timestamp", "group", "stream", "message"])
            self.assertEqual(event["group"], "/eks/local/containers")
            self.assertRegex(event["stream"], "^run_local_sh-[0-9a-f]{64}$")
        record = records(command.stdout)[0]
        self.assertEqual(list(record), ["time", "stream", "log", "kubernetes"])
        self.assertEqual(list(record["kubernetes"]), ["container_name", "host", "docker_id"])
        self.assertEqual(record["kubernetes"]["container_name"], "sh")
        self.assertEqual(record["kubernetes"]["host"], os.uname().nodename)

    def test_the_status_passes_through(self):
        for script, status in (("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137)):
            with self.subTest(script=script):
                self.assertEqual(self.run_shell(script).process.returncode, status)

    def test_a_command_that_is_missing_is_127_and_one_that_cannot_run_126(self):
        self.assertEqual(ringtail("run", "/no/such/command").process.returncode, 127)
        self.assertEqual(ringtail("run", "no-such-command").process.returncode, 127)
        self.assertEqual(ringtail("run", "/etc/passwd").process.returncode, 126)
        self.assertEqual(ringtail("run").process.returncode, 2)

    def test_stdin_passes_through(self):
        command = ringtail("run", "cat", stdin=b"one\ntwo\n")
        self.assertEqual((command.process.returncode, logs(command.stdout)), (0, ["one", "two"]))

    def test_signals_are_forwarded(self):
        command = Command("run", "--", "sh", "-c", "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done")
        self.addCleanup(command.end)
        command.wait_for_text("ready", "stdout")
        command.signal(signal.SIGTERM)
        self.assertEqual(command.wait(10), 5)
        self.assertEqual(logs(command.stdout), ["ready", "caught"])

    def test_events_are_printed_at_once(self):
        command = Command("run", "--", "sh", "-c", "echo now; sleep 20")
        self.addCleanup(command.end)
        command.wait_for_text('now', "stdout", timeout=5)
        command.signal(signal.SIGTERM)
        self.assertEqual(command.wait(10), 143)

    def test_much_output_arrives_whole(self):
        writer = paths.need(paths.WRITER, "build it from tests/e2e/writer.c")
        command = ringtail("run", writer, "block", "3000000", "100")
        self.assertEqual(command.process.returncode, 0)
        raw = subprocess.run([writer, "block", "3000000", "100"], check=True, capture_output=True).stdout
        lines.assert_same(lines.texts(raw), logs(command.stdout))

    def test_an_unterminated_last_line_is_printed(self):
        self.assertEqual(logs(self.run_shell("printf 'no newline'").stdout), ["no newline"])

    def test_a_file_sink_gets_the_events_and_is_private(self):
        with tempfile.TemporaryDirectory(prefix="e2e-") as directory:
            path = os.path.join(directory, "events")
            for word in ("one", "two"):
                command = self.run_shell(f"echo {word}", f"--sink=file:{path}")
                self.assertEqual((command.process.returncode, command.stdout), (0, b""), command.describe())
            with open(path, "rb") as file:
                self.assertEqual(logs(file.read()), ["one", "two"])
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def test_raw_format_and_names_can_be_chosen(self):
        command = self.run_shell("echo plain", "--containers-format=raw", "--cluster=here", "--containers-stream=${container}")
        event = json.loads(command.stdout)
        self.assertEqual((event["group"], event["stream"], event["message"]), ("/eks/here/containers", "sh", "plain"))

    def test_its_cgroup_is_gone_afterwards(self):
        command = self.run_shell("cat /proc/self/cgroup")
        paths_inside = [text.split(":", 2)[2] for text in logs(command.stdout) if text.startswith("0::")]
        self.assertEqual(len(paths_inside), 1, command.describe())
        self.assertNotEqual(paths_inside[0], "/")
        self.assertFalse(os.path.exists(cgroups.unified() + paths_inside[0]))
