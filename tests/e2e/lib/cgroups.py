# SPDX-License-Identifier: Apache-2.0
"""Pod uids of tests carry the number of the process that made them, so that what a crashed test left behind can be told
from what a test that still runs is using, and removed."""

import os
import re
import secrets
import signal
import time

PREFIX = "7e57"
UID = re.compile(PREFIX + r"([0-9a-f]{4})[-_]([0-9a-f]{4})[-_]4[0-9a-f]{3}[-_]8[0-9a-f]{3}[-_][0-9a-f]{12}")


def new_uid():
    owner = f"{os.getpid():08x}"
    tail = secrets.token_hex(9)
    return f"{PREFIX}{owner[:4]}-{owner[4:]}-4{tail[:3]}-8{tail[3:6]}-{tail[6:]}"


def hierarchies():
    """The mount points of all hierarchies, the v2 one first."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        rows = [line.split() for line in mounts]
    second = [row[1] for row in rows if row[2] == "cgroup2"]
    return second + [row[1] for row in rows if row[2] == "cgroup"]


def unified():
    found = hierarchies()
    if not found:
        raise AssertionError("no cgroup hierarchy is mounted")
    return found[0]


def processes(directory):
    try:
        with open(os.path.join(directory, "cgroup.procs"), encoding="utf-8") as file:
            return [int(line) for line in file]
    except OSError:
        return []


def remove_tree(directory, deadline):
    """Kills what is inside and removes the directory, as far as that works before the deadline."""
    while True:
        for path, _, _ in os.walk(directory, topdown=False):
            for pid in processes(path):
                try:
                    os.kill(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            try:
                os.rmdir(path)
            except OSError:
                pass
        if not os.path.isdir(directory) or time.monotonic() > deadline:
            return
        time.sleep(0.02)


def pods(owner_filter):
    """Directories of tests' pods whose owner passes the filter, in all hierarchies."""
    found = []
    for root in hierarchies():
        for base in ("kubepods", "kubepods.slice"):
            for path, names, _ in os.walk(os.path.join(root, base)):
                for name in list(names):
                    match = UID.search(name)
                    if match:
                        names.remove(name)
                        if owner_filter(int(match.group(1) + match.group(2), 16)):
                            found.append(os.path.join(path, name))
    return found


def sweep(owner_filter, timeout=5):
    deadline = time.monotonic() + timeout
    for directory in pods(owner_filter):
        remove_tree(directory, deadline)
    for root in hierarchies():
        for base in ("kubepods", "kubepods.slice"):
            for path, _, _ in os.walk(os.path.join(root, base), topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass


def sweep_of_the_dead():
    sweep(lambda owner: not os.path.exists(f"/proc/{owner}"))


def sweep_own():
    sweep(lambda owner: owner == os.getpid())
