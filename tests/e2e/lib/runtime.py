# SPDX-License-Identifier: Apache-2.0
"""Containers. `Runtime` drives tests/fake/runtime.c over its stdin and stdout; the bytes it read from each pipe are the
truth that tests compare with."""

import atexit
import collections
import json
import os
import queue
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

from . import cgroups, paths

TIMEOUT = 20
Result = collections.namedtuple("Result", "status stdout stderr")


class RuntimeFailed(AssertionError):
    pass


class Pod:
    """A name, a namespace, a uid; containers are added by Runtime.container."""

    def __init__(self, name, namespace, uid=None, labels=None, annotations=None):
        self.name, self.namespace, self.uid = name, namespace, uid or cgroups.new_uid()
        self.labels, self.annotations = labels or {}, annotations or {}
        self.restarts = collections.Counter()


class Container:
    def __init__(self, runtime, pod, name, number, identity, answer):
        self.runtime, self.pod, self.name, self.number, self.id = runtime, pod, name, number, identity
        self.pid, self.cgroup_id, self.cgroup = answer["pid"], answer["cgroup_id"], answer["cgroup"]
        self.events = {}
        self.changed = threading.Condition()

    @property
    def directory(self):
        return os.path.join(self.runtime.pods_dir, f"{self.pod.namespace}_{self.pod.name}_{self.pod.uid}", self.name)

    @property
    def log_path(self):
        return os.path.join(self.directory, f"{self.number}.log")

    def raw(self, stream="stdout"):
        """The bytes that came out of the pipe so far."""
        with open(os.path.join(self.directory, f"{self.number}.{stream}.raw"), "rb") as file:
            return file.read()

    def log_files(self):
        """The CRI files, oldest first."""
        prefix = f"{self.number}.log."
        rotated = sorted(name for name in os.listdir(self.directory) if name.startswith(prefix))
        return [os.path.join(self.directory, name) for name in rotated] + [self.log_path]

    def note(self, event):
        with self.changed:
            self.events[event["event"]] = event
            self.changed.notify_all()

    def wait_for(self, *names, timeout=TIMEOUT):
        with self.changed:
            if not self.changed.wait_for(lambda: any(name in self.events for name in names), timeout):
                raise RuntimeFailed(f"{self.name}: none of {names} within {timeout} s, only {list(self.events)}")
            return next(self.events[name] for name in names if name in self.events)

    def wait_started(self, timeout=TIMEOUT):
        event = self.wait_for("started", "failed", timeout=timeout)
        if event["event"] == "failed":
            raise RuntimeFailed(f"{self.name}: {event['why']}")
        return self

    def wait(self, timeout=TIMEOUT):
        """Its end, with the log complete. Returns the exit status."""
        return self.wait_for("exited", timeout=timeout)["status"]

    def wait_removed(self, timeout=TIMEOUT):
        self.wait_for("removed", timeout=timeout)

    def exec(self, *arguments, timeout=TIMEOUT):
        """As kubectl exec: a process beside the entrypoint with pipes of its own."""
        return self.runtime.session(self.id, arguments, timeout)

    def kill(self, number=signal.SIGKILL):
        self.runtime.command("signal", id=self.id, signal=int(number))

    def stop(self, timeout=TIMEOUT, number=signal.SIGKILL):
        """Shells that are pid 1 ignore SIGTERM; a test that wants it asks for it."""
        if "exited" not in self.events:
            try:
                self.kill(number)
            except RuntimeFailed:
                pass
        return self.wait(timeout)

    def send(self, text):
        self.runtime.command("input", id=self.id, data=text)

    def close_stdin(self):
        self.runtime.command("input", id=self.id)

    def stall(self):
        self.runtime.command("stall", id=self.id)

    def resume(self):
        self.runtime.command("resume", id=self.id)

    def set_rate(self, bytes_per_second):
        self.runtime.command("rate", id=self.id, rate=bytes_per_second)

    def forget(self):
        """A restart of containerd in the middle of a line; returns the bytes that are lost from the file."""
        return self.runtime.command("forget", id=self.id)["lost"]

    def rotate(self, timeout=3):
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.runtime.command("rotate", id=self.id)
            except RuntimeFailed:
                # A second rotation within one second would need the same name.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


class Runtime:
    """One process that is shim, runc and kubelet's log keeper of all its containers."""

    def __init__(self, directory=None):
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="e2e-")
        self.pods_dir = os.path.join(self.directory, "log", "pods")
        os.makedirs(self.pods_dir, exist_ok=True)
        self.containers = {}
        self.sessions = {}
        self.numbers = iter(range(1, 1 << 60))
        self.replies = {}
        self.lock = threading.Lock()
        self.early = collections.defaultdict(list)
        paths.need(paths.RUNTIME, "build it from tests/fake/runtime*.c")
        self.process = subprocess.Popen([paths.RUNTIME], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.reader = threading.Thread(target=self.read_events, daemon=True)
        self.reader.start()
        atexit.register(self.stop)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def read_events(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if "reply" in event:
                waiting = self.replies.get(event["reply"])
            elif event["event"] == "session":
                waiting = self.sessions.get(event["session"])
            else:
                self.note(event)
                continue
            if waiting:
                waiting.put(event)

    def note(self, event):
        """A container may say that it started before the answer that names it was seen."""
        with self.lock:
            container = self.containers.get(event["id"])
            if not container:
                self.early[event["id"]].append(event)
                return
        container.note(event)

    def begin(self, verb, **values):
        number = next(self.numbers)
        words = [str(number), verb]
        for key, value in values.items():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                words.append(f"{key}={urllib.parse.quote(str(item), safe='/.-_')}")
        self.replies[number] = queue.Queue()
        if verb == "exec":
            self.sessions[number] = queue.Queue()
        with self.lock:
            self.process.stdin.write((" ".join(words) + "\n").encode())
            self.process.stdin.flush()
        return number

    def answer(self, number, what, timeout=TIMEOUT):
        try:
            answer = self.replies[number].get(timeout=timeout)
        except queue.Empty:
            raise RuntimeFailed(f"the runtime does not answer {what} within {timeout} s") from None
        finally:
            del self.replies[number]
        if not answer["ok"]:
            raise RuntimeFailed(f"the runtime refuses {what}: {answer['error']}")
        return answer

    def command(self, verb, **values):
        return self.answer(self.begin(verb, **values), verb)

    def session(self, identity, arguments, timeout):
        number = self.begin("exec", id=identity, arg=arguments)
        try:
            self.answer(number, f"exec {arguments}")
            event = self.sessions[number].get(timeout=timeout)
        except queue.Empty:
            raise RuntimeFailed(f"exec {arguments} does not end within {timeout} s") from None
        finally:
            del self.sessions[number]
        return Result(event["status"], bytes.fromhex(event["stdout"]), bytes.fromhex(event["stderr"]))

    def container(self, pod, name, *arguments, identity=None, **options):
        """Makes a container and returns before its entrypoint runs. Options are the runtime's own: driver, qos, v1, rootfs,
        tty, stdin, pid, mount, init, delay_ms, remove_ms, rate, rotate, rotate_ms, keep, env, stdio, raw, cgroup."""
        identity = identity or secrets.token_hex(32)
        number = pod.restarts[name]
        pod.restarts[name] += 1
        answer = self.command("run", id=identity, uid=pod.uid, ns=pod.namespace, pod=pod.name, container=name, n=number,
                              pods_dir=self.pods_dir, arg=list(arguments), **options)
        container = Container(self, pod, name, number, identity, answer)
        with self.lock:
            self.containers[identity] = container
            early = self.early.pop(identity, [])
        for event in early:
            container.note(event)
        return container

    def shell(self, pod, name, script, **options):
        return self.container(pod, name, "/bin/sh", "-c", script, **options)

    def writer(self, pod, name, *arguments, **options):
        return self.container(pod, name, paths.need(paths.WRITER, "build it from tests/e2e/writer.c"),
                              *[str(argument) for argument in arguments], **options)

    def stop(self):
        atexit.unregister(self.stop)
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        if self.process.poll() is None:
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(TIMEOUT)
        self.process.stdout.close()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)


def busybox_rootfs(directory):
    """A root filesystem of busybox alone, with the links in /dev that a container has."""
    source = shutil.which("busybox")
    if not source:
        raise paths.MissingTool("busybox is missing: install busybox-static")
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "run", "var"):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    target = os.path.join(directory, "bin", "busybox")
    shutil.copy(source, target)
    for name in subprocess.run([target, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if name != "busybox":
            os.symlink("busybox", os.path.join(directory, "bin", name))
    writer = os.path.join(directory, "bin", "writer")
    shutil.copy(paths.need(paths.WRITER, "build it from tests/e2e/writer.c"), writer)
    if subprocess.run(["chroot", directory, "/bin/writer", "wait", "0"], capture_output=True, check=False).returncode != 0:
        raise paths.MissingTool(f"{paths.WRITER} does not run in an empty root file system: link it with -static")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", os.path.join(directory, "dev", name))
    os.symlink("/proc/self/fd", os.path.join(directory, "dev", "fd"))
    os.mknod(os.path.join(directory, "dev", "null"), 0o20666, os.makedev(1, 3))
    return directory
