# SPDX-License-Identifier: Apache-2.0
"""The product's processes: the collector (Agent), and any other command (Command), with their output collected and their
time bounded."""

import ctypes
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

from . import paths

READY = "capturing"
START_TIMEOUT = 10
STOP_TIMEOUT = 25


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_the_test():
    """Between fork and exec: a test that is killed leaves no process behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def flags(settings):
    """{"containers.format": "raw", "journal.enabled": False} as flags."""
    result = []
    for key, value in settings.items():
        text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        result.append(f"--{key.replace('.', '-').replace('_', '-')}={text}")
    return result


class Command:
    """A process of build/ringtail. stdout and stderr are collected as they come."""

    def __init__(self, *arguments, environment=None, stdin=None, wrapper=()):
        paths.need(paths.RINGTAIL, "build it with make")
        self.arguments = [str(argument) for argument in arguments]
        self.chunks = {"stdout": bytearray(), "stderr": bytearray()}
        self.changed = threading.Condition()
        base = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
        self.process = subprocess.Popen(
            [*wrapper, paths.RINGTAIL, *self.arguments], env={**base, **(environment or {})}, cwd="/",
            preexec_fn=die_with_the_test, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.readers = [threading.Thread(target=self.collect, args=(name,), daemon=True) for name in self.chunks]
        for reader in self.readers:
            reader.start()
        if stdin:
            self.process.stdin.write(stdin)
            self.process.stdin.flush()

    def collect(self, name):
        pipe = getattr(self.process, name)
        while chunk := pipe.read1(1 << 16):
            with self.changed:
                self.chunks[name] += chunk
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    @property
    def stdout(self):
        with self.changed:
            return bytes(self.chunks["stdout"])

    @property
    def stderr(self):
        with self.changed:
            return self.chunks["stderr"].decode("utf-8", "replace")

    def wait_for_text(self, text, stream="stderr", timeout=START_TIMEOUT):
        wanted = text.encode()
        deadline = time.monotonic() + timeout
        with self.changed:
            while wanted not in self.chunks[stream]:
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not any(r.is_alive() for r in self.readers)):
                    raise AssertionError(f"{self.describe()} did not say {text!r} on {stream} within {timeout} s")
                self.changed.wait(min(left, 0.05))
        return self

    def wait(self, timeout=STOP_TIMEOUT):
        """Its exit status; negative for a signal, as subprocess has it."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.describe()} does not end within {timeout} s") from None
        for reader in self.readers:
            reader.join(5)
        return status

    def signal(self, number):
        self.process.send_signal(number)

    def close_stdin(self):
        self.process.stdin.close()

    def describe(self):
        tail = self.stderr[-2000:]
        return f"ringtail {' '.join(self.arguments)} (status {self.process.poll()}, stderr: {tail!r})"

    def end(self):
        """For cleaning up: whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


def ringtail(*arguments, environment=None, stdin=None, timeout=20, wrapper=()):
    """Runs a command to its end."""
    command = Command(*arguments, environment=environment, stdin=stdin, wrapper=wrapper)
    try:
        if stdin is not None:
            command.close_stdin()
        command.wait(timeout)
    finally:
        command.end()
    return command


class Agent(Command):
    def __init__(self, runtime=None, kubelet=None, cloudwatch=None, settings=None, environment=None, wait=True,
                 directory=None):
        self.temporary = None
        if not directory:
            self.temporary = tempfile.TemporaryDirectory(prefix="agent-")
            directory = self.temporary.name
        self.directory = directory
        self.port = free_port()
        self.settings = {
            "cluster": "e2e", "node": "node-1", "state_dir": os.path.join(directory, "state"),
            "control_socket": os.path.join(directory, "control.sock"), "listen": f"127.0.0.1:{self.port}",
            "journal.enabled": False, "cloudwatch.flush_interval": "300ms",
        }
        if runtime:
            self.settings["pod_logs_dir"] = runtime.pods_dir
        if cloudwatch and cloudwatch.ca_file:
            self.settings["cloudwatch.ca_file"] = cloudwatch.ca_file
        self.settings.update(kubelet_settings(kubelet))
        self.settings.update(settings or {})
        effective = dict(cloudwatch.environment() if cloudwatch else {})
        effective.update(environment or {})
        super().__init__("agent", *flags({k: v for k, v in self.settings.items() if v is not None}), environment=effective)
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout=START_TIMEOUT):
        return self.wait_for_text(READY, timeout=timeout)

    def stop(self, status=0, timeout=STOP_TIMEOUT):
        """SIGTERM; it must end with this status."""
        self.signal(signal.SIGTERM)
        got = self.wait(timeout)
        if got != status:
            raise AssertionError(f"the agent ended with {got} instead of {status}: {self.describe()}")
        return self

    def end(self):
        super().end()
        if self.temporary:
            self.temporary.cleanup()


def kubelet_settings(kubelet):
    if not kubelet:
        return {"kubelet.enabled": False}
    return {"kubelet.url": kubelet.url, "kubelet.ca_file": kubelet.ca_file, "kubelet.token_file": kubelet.token_file}
