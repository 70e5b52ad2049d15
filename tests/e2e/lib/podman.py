# SPDX-License-Identifier: Apache-2.0
"""Containers of a real runtime: podman, conmon and runc, without an image and without a network. Pod and container look as
the kubelet's do: cgroups below /kubepods, a log file below pods_dir."""

import os
import shutil
import subprocess
import tempfile

from . import cgroups, lines, paths
from .runtime import busybox_rootfs

TIMEOUT = 30
NEEDED = {"podman": "podman", "conmon": "conmon", "runc": "runc"}


class PodmanContainer:
    def __init__(self, podman, pod, name, identity, log_path):
        self.podman, self.pod, self.name, self.id, self.log_path = podman, pod, name, identity, log_path

    def raw(self, stream="stdout"):
        """Rebuilt from what conmon wrote: the true bytes but for CRs before newlines."""
        return lines.rebuild(lines.read_log(self.log_path), stream)

    def wait(self):
        return int(self.podman.call("wait", self.id))

    def exec(self, *arguments):
        return subprocess.run(self.podman.command("exec", self.id, *arguments), env=self.podman.environment,
                              capture_output=True, timeout=TIMEOUT, check=False)

    def remove(self):
        self.podman.call("rm", "--force", "--time", "0", self.id)


class Podman:
    def __init__(self, pods_dir):
        for tool, package in NEEDED.items():
            if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
                raise paths.MissingTool(f"{tool} is missing: install the package {package}")
        # Short, since podman takes no run root of more than 50 characters.
        self.directory, self.pods_dir = tempfile.mkdtemp(prefix="p-"), pods_dir
        self.root = busybox_rootfs(os.path.join(self.directory, "rootfs"))
        configuration = os.path.join(self.directory, "containers.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            # Root need not have CAP_SYS_RESOURCE: ask for limits that it may set.
            file.write('[containers]\ndefault_ulimits = ["nofile=1024:1024","nproc=1024:1024"]\n')
        self.environment = {**os.environ, "CONTAINERS_CONF": configuration}
        self.containers = []

    def command(self, *arguments):
        own = self.directory
        return ["podman", "--root", f"{own}/root", "--runroot", f"{own}/run", "--tmpdir", f"{own}/tmp",
                "--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime", "runc", *arguments]

    def call(self, *arguments):
        done = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True,
                              timeout=TIMEOUT, check=False)
        if done.returncode != 0:
            raise AssertionError(f"podman {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def create(self, pod, name, *arguments):
        """Made but not started, so that the kubelet can know its id first."""
        log_path = os.path.join(self.pods_dir, f"{pod.namespace}_{pod.name}_{pod.uid}", name, "0.log")
        os.makedirs(os.path.dirname(log_path), exist_ok=True)
        identity = self.call("create", f"--cgroup-parent=/kubepods/burstable/pod{pod.uid}", "--network=none",
                             "--log-driver", "k8s-file", "--log-opt", f"path={log_path}", "--rootfs", self.root, *arguments)
        container = PodmanContainer(self, pod, name, identity, log_path)
        self.containers.append(container)
        return container

    def start(self, container):
        self.call("start", container.id)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for container in self.containers:
            try:
                container.remove()
            except (AssertionError, subprocess.TimeoutExpired):
                pass
        cgroups.sweep_own()
        remove_mounts(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)


def remove_mounts(directory):
    """Whatever podman left mounted below its folders, innermost first."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        points = [line.split()[1] for line in mounts]
    for point in sorted((p for p in points if p.startswith(directory + "/")), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)
