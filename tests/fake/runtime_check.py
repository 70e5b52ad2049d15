#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the stand-in runtime by itself: its log files against those that containerd wrote for the same bytes, its cgroups,
namespaces and pipes against what was seen on a node. Without this the end-to-end tests would prove only that two of our own
programs agree.

    tests/fake/runtime_check.py [PATTERN...]       prints TAP
"""

import os
import re
import sys
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

from lib import cgroups, lines, paths, tap  # noqa: E402
from lib.runtime import Pod, Runtime, RuntimeFailed, busybox_rootfs  # noqa: E402

SAMPLES = os.path.join(paths.DATA, "cri", "containerd-2.1.9")


def shape(log):
    """All but the times."""
    return [entry[1:] for entry in lines.entries(log)]


class LogFiles(unittest.TestCase):
    def setUp(self):
        self.runtime = self.enterContext(Runtime())
        self.pod = Pod("samples", "check")

    def sample(self, name, script=None, **options):
        raw = os.path.join(SAMPLES, f"{name}.stdout.raw")
        container = self.runtime.shell(self.pod, name.replace("_", "-"), script or f"cat {raw}", delay_ms=0, **options)
        self.assertEqual(container.wait(), 0)
        expected = lines.read_log(os.path.join(SAMPLES, f"{name}.log"))
        return shape(expected), shape(lines.read_log(container.log_path)), container

    def test_files_equal_containerds_for_the_same_bytes(self):
        names = sorted(name[:-len(".stdout.raw")] for name in os.listdir(SAMPLES) if name.endswith(".stdout.raw"))
        self.assertGreater(len(names), 15)
        for name in names:
            if name.startswith("tty") or name in ("interleave", "nonl_slow"):
                continue
            with self.subTest(sample=name):
                expected, got, container = self.sample(name)
                self.assertEqual(expected, got)
                with open(os.path.join(SAMPLES, f"{name}.stdout.raw"), "rb") as file:
                    self.assertEqual(file.read(), container.raw())

    def test_files_equal_containerds_on_a_terminal(self):
        for name in ("tty", "tty40k"):
            with self.subTest(sample=name):
                expected, got, _ = self.sample(name, tty=1)
                self.assertEqual(expected, got)

    def test_each_stream_of_a_file_equals_containerds(self):
        raw = os.path.join(SAMPLES, "interleave")
        expected, got, _ = self.sample("interleave", f"cat {raw}.stdout.raw; cat {raw}.stderr.raw >&2")
        for stream in ("stdout", "stderr"):
            self.assertEqual([entry for entry in expected if entry[0] == stream],
                             [entry for entry in got if entry[0] == stream])

    def test_a_line_written_in_parts_is_one_entry(self):
        expected, got, _ = self.sample("nonl_slow", "printf 'part1 '; sleep 0.1; printf 'part2 '; sleep 0.1; printf 'end\\nnext'")
        self.assertEqual(expected, got)

    def test_times_are_utc_nanoseconds_without_trailing_zeros_and_rise(self):
        container = self.runtime.shell(self.pod, "times", "for i in $(seq 300); do echo $i; done", delay_ms=0)
        container.wait()
        times = [entry[0] for entry in lines.entries(lines.read_log(container.log_path))]
        self.assertEqual(len(times), 300)
        for text in times:
            self.assertRegex(text, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$")
        padded = [re.sub(r"(\.\d+)?Z$", lambda m: (m[1] or ".").ljust(10, "0"), text) for text in times]
        self.assertEqual(padded, sorted(padded))
        self.assertTrue(any(len(text) < 30 for text in times), "no time has lost a zero in 300")

    def test_random_lines_can_be_rebuilt_from_the_file(self):
        container = self.runtime.writer(self.pod, "random", "lines", 4, 3000, 40000, 0)
        self.assertEqual(container.wait(), 0)
        log = lines.read_log(container.log_path)
        for stream in ("stdout", "stderr"):
            raw = container.raw(stream)
            self.assertGreater(len(raw), 100000)
            self.assertEqual(lines.rebuild(log, stream), re.sub(rb"\r\n", b"\n", raw))

    def test_the_link_names_pod_namespace_container_and_id(self):
        container = self.runtime.shell(self.pod, "linked", "echo x")
        container.wait()
        link = os.path.join(self.runtime.directory, "log", "containers", f"samples_check_linked-{container.id}.log")
        self.assertEqual(os.readlink(link), container.log_path)

    def test_a_rotation_in_a_line_flushes_a_short_part(self):
        container = self.runtime.shell(self.pod, "rotated", "printf abc; read x; printf 'def\\n'; read x", stdin=1)
        container.wait_started()
        self.wait_until(lambda: container.raw() == b"abc")
        container.rotate()
        container.send("go\n")
        self.wait_until(lambda: lines.read_log(container.log_path))
        rotated, current = container.log_files()
        self.assertRegex(os.path.basename(rotated), r"^0\.log\.\d{8}-\d{6}$")
        self.assertEqual(shape(lines.read_log(rotated)), [("stdout", "P", b"abc")])
        self.assertEqual(shape(lines.read_log(current)), [("stdout", "F", b"def")])
        container.stop()

    def test_older_rotated_files_are_gzipped_and_the_oldest_removed(self):
        container = self.runtime.shell(self.pod, "many", "while read x; do echo line $x; done", stdin=1, keep=3)
        container.wait_started()
        for number in range(4):
            container.send(f"{number}\n")
            self.wait_until(lambda n=number: container.raw().count(b"\n") == n + 1)
            container.rotate()
        # The current file, the one before it as it is, the one before that compressed.
        self.wait_until(lambda: [name[-3:] for name in container.log_files()][:1] == [".gz"] and
                        not any(name.endswith(".tmp") for name in container.log_files()))
        names = container.log_files()
        self.assertEqual(len(names), 3, names)
        content = b"".join(lines.read_log(name) for name in names)
        self.assertEqual([entry[3] for entry in lines.entries(content)], [b"line 2", b"line 3"])
        container.stop()

    def test_a_rotation_by_size_loses_nothing(self):
        container = self.runtime.writer(self.pod, "sized", "rate", 2000, 3, 400, rotate=300000, rotate_ms=500, keep=50)
        self.assertEqual(container.wait(), 0)
        self.wait_until(lambda: not any(name.endswith(".tmp") for name in container.log_files()))
        time.sleep(0.2)
        names = container.log_files()
        self.assertGreater(len(names), 2)
        self.assertEqual(b"".join(lines.rebuild(lines.read_log(name)) for name in names), container.raw())

    def test_a_restart_of_the_runtime_loses_the_unfinished_line(self):
        container = self.runtime.shell(self.pod, "forgetful", "printf unfinished; read x; printf 'end\\n'; read x", stdin=1)
        container.wait_started()
        self.wait_until(lambda: container.raw() == b"unfinished")
        self.assertEqual(container.forget(), len("unfinished"))
        container.send("go\n")
        self.wait_until(lambda: lines.read_log(container.log_path))
        self.assertEqual(shape(lines.read_log(container.log_path)), [("stdout", "F", b"end")])
        container.stop()

    def wait_until(self, condition, timeout=5):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                self.fail("did not happen within 5 s")
            time.sleep(0.01)


def fd_target(pid, number):
    return os.readlink(f"/proc/{pid}/fd/{number}")


def holders(inode):
    """Names of the processes that have this pipe open, other than the container's own."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            targets = [os.readlink(f"/proc/{entry}/fd/{fd}") for fd in os.listdir(f"/proc/{entry}/fd")]
            if inode in targets:
                with open(f"/proc/{entry}/comm", encoding="utf-8") as file:
                    found.append((int(entry), file.read().strip()))
        except OSError:
            continue
    return found


class Containers(unittest.TestCase):
    def setUp(self):
        self.runtime = self.enterContext(Runtime())
        self.pod = Pod("shapes", "check")

    def start(self, name, script="sleep 30", **options):
        container = self.runtime.shell(self.pod, name, script, **options)
        container.wait_started()
        return container

    def unified_path(self, container):
        with open(f"/proc/{container.pid}/cgroup", encoding="utf-8") as file:
            return next(line.rstrip("\n")[3:] for line in file if line.startswith("0::"))

    def test_cgroups_have_the_shapes_of_both_drivers_and_all_classes(self):
        uid, escaped = self.pod.uid, self.pod.uid.replace("-", "_")
        for driver, qos, expected in (
                ("cgroupfs", "guaranteed", f"/kubepods/pod{uid}/"),
                ("cgroupfs", "burstable", f"/kubepods/burstable/pod{uid}/"),
                ("cgroupfs", "besteffort", f"/kubepods/besteffort/pod{uid}/"),
                ("systemd", "guaranteed", f"/kubepods.slice/kubepods-pod{escaped}.slice/cri-containerd-"),
                ("systemd", "burstable",
                 f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{escaped}.slice/cri-containerd-")):
            with self.subTest(driver=driver, qos=qos):
                container = self.start(f"{driver}-{qos}", driver=driver, qos=qos)
                path = self.unified_path(container)
                self.assertEqual(path, expected + container.id + (".scope" if driver == "systemd" else ""))
                self.assertEqual(os.stat(cgroups.unified() + path).st_ino, container.cgroup_id)

    def test_v1_hierarchies_get_the_same_path_when_asked(self):
        container = self.start("v1", v1="memory,pids,systemd")
        with open(f"/proc/{container.pid}/cgroup", encoding="utf-8") as file:
            rows = [line.rstrip("\n").split(":", 2) for line in file]
        if os.path.isdir("/sys/fs/cgroup/unified"):
            self.assertEqual(sum(row[2] == container.cgroup for row in rows), 4, rows)
        else:
            self.assertEqual([row[2] for row in rows if row[0] == "0"], [container.cgroup])

    def test_stdout_and_stderr_are_two_pipes_that_only_the_shim_reads(self):
        container = self.start("pipes", "exec sleep 30")
        out, err = fd_target(container.pid, 1), fd_target(container.pid, 2)
        self.assertRegex(out, r"^pipe:\[\d+\]$")
        self.assertRegex(err, r"^pipe:\[\d+\]$")
        self.assertNotEqual(out, err)
        self.assertEqual(fd_target(container.pid, 0), "/dev/null")
        self.assertEqual(sorted(os.listdir(f"/proc/{container.pid}/fd"), key=int), ["0", "1", "2"])
        others = [holder for holder in holders(out) if holder[0] != container.pid]
        self.assertEqual(others, [(self.runtime.process.pid, "containerd-shim")])
        flags = self.shim_flags(out)
        self.assertTrue(flags & os.O_NONBLOCK and flags & os.O_CLOEXEC, oct(flags))

    def shim_flags(self, inode):
        pid = self.runtime.process.pid
        number = next(fd for fd in os.listdir(f"/proc/{pid}/fd") if fd_target(pid, fd) == inode)
        with open(f"/proc/{pid}/fdinfo/{number}", encoding="utf-8") as file:
            return int(next(line for line in file if line.startswith("flags")).split()[1], 8)

    def namespace_pids(self, pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return [int(n) for n in next(line for line in file if line.startswith("NSpid")).split()[1:]]

    def parent(self, pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return int(next(line for line in file if line.startswith("PPid")).split()[1])

    def test_the_entrypoint_is_pid_1_and_the_shims_child(self):
        for init in ("outside", "inside", "none"):
            with self.subTest(init=init):
                container = self.start(f"init-{init}", init=init)
                self.assertEqual(self.namespace_pids(container.pid), [container.pid, 1])
                self.assertEqual(self.parent(container.pid), self.runtime.process.pid)

    def test_proc_inside_shows_the_containers_own_processes(self):
        container = self.runtime.shell(self.pod, "proc", "cat /proc/1/comm; ls -d /proc/[0-9]* | wc -l; echo $$")
        container.wait()
        comm, count, pid = container.raw().split()
        self.assertEqual((comm, pid), (b"sh", b"1"))
        self.assertLess(int(count), 5)

    def test_host_pid_has_no_namespace_and_is_the_shims_child(self):
        container = self.start("hostpid", pid="host")
        self.assertEqual(self.namespace_pids(container.pid), [container.pid])
        self.assertEqual(self.parent(container.pid), self.runtime.process.pid)

    def test_a_shared_pid_namespace_is_the_other_containers(self):
        first = self.start("sandbox", stdio="null")
        second = self.start("sharing", pid=first.id)
        self.assertEqual(os.readlink(f"/proc/{first.pid}/ns/pid"), os.readlink(f"/proc/{second.pid}/ns/pid"))
        self.assertGreater(self.namespace_pids(second.pid)[1], 1)
        second.stop()
        second.wait_removed()

    def test_a_terminal_is_the_containers_own_and_all_three_fds(self):
        first, second = self.start("tty-a", tty=1), self.start("tty-b", tty=1)
        for container in (first, second):
            self.assertEqual([fd_target(container.pid, fd) for fd in range(3)], ["/dev/pts/0"] * 3)
        left, right = (os.stat(f"/proc/{container.pid}/fd/1") for container in (first, second))
        self.assertEqual(left.st_rdev, right.st_rdev)
        self.assertNotEqual(left.st_dev, right.st_dev)

    def test_an_exec_session_shares_cgroup_and_namespace_but_not_the_pipes(self):
        container = self.start("session", "echo from the entrypoint; sleep 30")
        result = container.exec("/bin/sh", "-c", "echo $$; readlink /proc/self/fd/1; cat /proc/self/cgroup; echo bad >&2; exit 7")
        pid, pipe, *rest = result.stdout.decode().split("\n")
        self.assertEqual((result.status, result.stderr), (7, b"bad\n"))
        self.assertGreater(int(pid), 1)
        self.assertNotEqual(pipe, fd_target(container.pid, 1))
        self.assertIn(f"0::{container.cgroup}", rest)
        self.assertEqual(container.raw(), b"from the entrypoint\n")

    def test_the_delay_lies_between_the_cgroup_and_the_entrypoint(self):
        begin = time.monotonic()
        container = self.runtime.shell(self.pod, "delayed", "echo", delay_ms=300)
        time.sleep(0.1)
        with open(f"/proc/{container.pid}/comm", encoding="utf-8") as file:
            self.assertEqual(file.read(), "runc:[2:INIT]\n")
        container.wait_started()
        self.assertGreater(time.monotonic() - begin, 0.3)
        container.wait()

    def test_the_cgroup_goes_a_moment_after_the_end(self):
        container = self.runtime.shell(self.pod, "ending", "exit 3", remove_ms=300)
        self.assertEqual(container.wait(), 3)
        directory = cgroups.unified() + container.cgroup
        self.assertTrue(os.path.isdir(directory))
        container.wait_removed()
        self.assertFalse(os.path.exists(directory))

    def test_a_missing_program_is_told_and_leaves_nothing(self):
        container = self.runtime.container(self.pod, "missing", "/no/such/program")
        with self.assertRaisesRegex(RuntimeFailed, "No such file"):
            container.wait_started()
        container.wait_removed()

    def test_a_stalled_reader_holds_the_writer_back(self):
        container = self.runtime.writer(self.pod, "stalled", "flood", 5000, 100)
        container.stall()
        container.wait_started()
        time.sleep(0.5)
        self.assertNotIn("exited", container.events)
        self.assertEqual(container.raw(), b"")
        container.resume()
        self.assertEqual(container.wait(), 0)
        self.assertEqual(len(container.raw()), 500000)

    def test_a_slow_reader_takes_its_rate(self):
        container = self.runtime.writer(self.pod, "slow", "flood", 3000, 100, rate=200000)
        begin = time.monotonic()
        self.assertEqual(container.wait(), 0)
        self.assertEqual(len(container.raw()), 300000)
        self.assertTrue(0.9 < time.monotonic() - begin < 4, time.monotonic() - begin)

    def test_a_busybox_root_works_with_sessions_and_terminals(self):
        root = busybox_rootfs(os.path.join(self.runtime.directory, "root"))
        container = self.start("busybox", "echo hello >/dev/stdout; writer text 2 'oops\\n'; sleep 30", rootfs=root)
        self.assertEqual(container.exec("ls", "/").stdout.split()[:2], [b"bin", b"dev"])
        self.assertEqual((container.raw(), container.raw("stderr")), (b"hello\n", b"oops\n"))
        terminal = self.runtime.shell(self.pod, "busybox-tty", "tty; echo hello", rootfs=root, tty=1)
        terminal.wait()
        self.assertEqual(terminal.raw(), b"/dev/pts/0\r\nhello\r\n")

    def test_many_containers_at_once_cost_little(self):
        pods = [Pod(f"many-{i}", "check") for i in range(100)]
        containers = [self.runtime.shell(pod, "app", "echo $$; sleep 5", delay_ms=0) for pod in pods]
        for container in containers:
            container.wait_started()
        before = self.cpu_ticks()
        time.sleep(1)
        self.assertLess(self.cpu_ticks() - before, 5)
        for container in containers:
            container.stop()
            container.wait_removed()

    def cpu_ticks(self):
        with open(f"/proc/{self.runtime.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


class Ends(unittest.TestCase):
    def test_nothing_is_left_when_the_runtime_stops(self):
        runtime = Runtime()
        pod = Pod("left", "check")
        containers = [runtime.shell(pod, f"c{i}", "sleep 60 & sleep 60", v1="pids") for i in range(3)]
        for container in containers:
            container.wait_started()
        runtime.stop()
        self.assertEqual(cgroups.pods(lambda owner: owner == os.getpid()), [])
        for container in containers:
            self.assertFalse(os.path.exists(f"/proc/{container.pid}"))

    def test_a_killed_runtime_takes_its_containers_along_and_the_sweep_removes_their_cgroups(self):
        runtime = Runtime()
        pod = Pod("killed", "check")
        container = runtime.shell(pod, "app", "sleep 60 & sleep 60").wait_started()
        other = runtime.shell(pod, "host", "sleep 60 & sleep 60", pid="host").wait_started()
        runtime.process.kill()
        runtime.process.wait()
        deadline = time.monotonic() + 5
        while any(os.path.exists(f"/proc/{c.pid}") for c in (container, other)) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(os.path.exists(f"/proc/{container.pid}"))
        self.assertFalse(os.path.exists(f"/proc/{other.pid}"))
        cgroups.sweep_own()
        self.assertEqual(cgroups.pods(lambda owner: owner == os.getpid()), [])
        runtime.stop()


if __name__ == "__main__":
    CHOSEN = [(name, test) for name, test in tap.tests_of(sys.modules["__main__"], "runtime")
              if not sys.argv[1:] or any(pattern in name for pattern in sys.argv[1:])]
    sys.exit(tap.main(CHOSEN))
