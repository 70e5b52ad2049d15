# SPDX-License-Identifier: Apache-2.0
"""What scenarios are made of: `Scenario`, a TestCase with a runtime, a kubelet, a CloudWatch and agents that go away by
themselves, and with assertions about what arrived."""

import json
import os
import sys
import tempfile
import time
import unittest

from . import lines, paths
from .agent import Agent, Command, kubelet_settings
from .runtime import Pod, Runtime, busybox_rootfs

from cloudwatch import FakeCloudWatch  # noqa: E402  tests/fake, put into the path by paths
from kubelet import FakeKubelet  # noqa: E402

assert paths.FAKE in sys.path

GROUP = "/eks/e2e/containers"
ARRIVAL_TIMEOUT = 12


class Scenario(unittest.TestCase):
    CLOUDWATCH = {}

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="e2e-")
        self.addCleanup(temporary.cleanup)
        self.directory = temporary.name
        self.pods = 0
        self.made = {}
        self.commands = []

    def __getattr__(self, name):
        """runtime, kubelet and cloudwatch are made when a test first uses them."""
        makers = {"runtime": Runtime, "kubelet": FakeKubelet, "cloudwatch": self.new_cloudwatch}
        if name not in makers:
            raise AttributeError(name)
        if name not in self.made:
            self.made[name] = makers[name]()
            self.enterContext(self.made[name])
        return self.made[name]

    def new_cloudwatch(self):
        return FakeCloudWatch(**type(self).CLOUDWATCH)

    # Making ----------------------------------------------------------------------------------------------------------

    def agent(self, settings=None, kubelet=True, **options):
        agent = Agent(self.runtime, self.kubelet if kubelet else None, self.cloudwatch, settings,
                      directory=options.pop("directory", None), wait=False, **options)
        self.commands.append(agent)
        self.addCleanup(agent.end)
        return agent.wait_ready()

    def command(self, *arguments, **options):
        command = Command(*arguments, **options)
        self.commands.append(command)
        self.addCleanup(command.end)
        return command

    def tap(self, *arguments):
        settings = {"pod_logs_dir": self.runtime.pods_dir, **kubelet_settings(self.kubelet)}
        return self.command("tap", *arguments, *[f"--{key.replace('.', '-').replace('_', '-')}={value}"
                                                 for key, value in settings.items()])

    def pod(self, name=None, namespace="shop", **options):
        self.pods += 1
        return Pod(name or f"web-{self.pods}", namespace, **options)

    def register(self, container):
        """Lets the kubelet know of it."""
        pod = container.pod
        self.kubelet.add_container(pod=pod.name, namespace=pod.namespace, uid=pod.uid, container=container.name,
                                   container_id=container.id, labels=pod.labels or None,
                                   annotations=pod.annotations or None)

    def container(self, *arguments, pod=None, name="app", known=True, **options):
        container = self.runtime.container(pod or self.pod(), name, *[str(argument) for argument in arguments], **options)
        if known:
            self.register(container)
        return container

    def shell(self, script, **options):
        return self.container("/bin/sh", "-c", script, **options)

    @staticmethod
    def writer_path():
        return paths.need(paths.WRITER, "build it from tests/e2e/writer.c")

    def writer(self, *arguments, **options):
        return self.container(self.writer_path(), *arguments, **options)

    def rootfs(self):
        return busybox_rootfs(os.path.join(self.directory, "rootfs"))

    # What arrived ----------------------------------------------------------------------------------------------------

    @staticmethod
    def log_stream(container):
        pod = container.pod
        return f"{pod.name}_{pod.namespace}_{container.name}-{container.id}"

    def messages(self, container, group=GROUP):
        return self.cloudwatch.messages(group, self.log_stream(container))

    def records(self, container):
        """The container's events as objects, in the order of their acceptance."""
        return [json.loads(message) for message in self.messages(container)]

    @staticmethod
    def joined(records, stream="stdout"):
        """The `log` texts of one stream, parts put together."""
        texts, begun = [], ""
        for record in records:
            if record.get("stream") != stream or "log" not in record:
                continue
            begun += record["log"]
            if not record.get("partial"):
                texts.append(begun)
                begun = ""
        return texts + [begun] if begun else texts

    def logs(self, container, stream="stdout"):
        return self.joined(self.records(container), stream)

    def eventually(self, condition, what, timeout=ARRIVAL_TIMEOUT):
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            if time.monotonic() > deadline:
                self.fail(f"not within {timeout} s: {what}")
            time.sleep(0.03)
        return value

    def wait_for_logs(self, container, expected, stream="stdout", timeout=ARRIVAL_TIMEOUT):
        """Exactly these lines, in this order."""
        deadline = time.monotonic() + timeout
        self.wait_for_count(container, len(expected), deadline)
        while (got := self.logs(container, stream)) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        lines.assert_same(expected, got, f"{self.log_stream(container)[:40]} {stream} line")

    def wait_for_count(self, container, count, deadline):
        """Cheap to ask, so that waiting does not parse everything again and again."""
        while self.cloudwatch.count(GROUP, self.log_stream(container)) < count and time.monotonic() < deadline:
            time.sleep(0.05)

    def assert_whole(self, container, timeout=ARRIVAL_TIMEOUT, streams=("stdout", "stderr")):
        """All that came out of the container's pipes arrived, in order, once. Call when it has ended."""
        expected = {stream: lines.texts(container.raw(stream)) for stream in streams}
        deadline = time.monotonic() + timeout
        self.wait_for_count(container, sum(map(len, expected.values())), deadline)
        while True:
            records = self.records(container)
            got = {stream: self.joined(records, stream) for stream in streams}
            if got == expected or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        for stream in streams:
            lines.assert_same(expected[stream], got[stream], f"{self.log_stream(container)[:40]} {stream} line")
        return records

    def diagnostics(self):
        """For a failed test: what the product said, and what the service thinks of it."""
        found = [command.describe() for command in self.commands]
        return found + [str(note) for note in self.made["cloudwatch"].misbehaviour()] if "cloudwatch" in self.made else found
