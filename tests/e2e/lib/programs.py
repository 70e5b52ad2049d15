# SPDX-License-Identifier: Apache-2.0
"""Programs that nobody here wrote, as containers run them: where they are, which Debian package has them, their truth and
their load. Nothing of the product is known here."""

import collections
import http.client
import os
import shutil
import threading

from . import lines, paths
from .podman import Podman

# Not the caller's PATH: it may lead to wrappers that look at the caller's home.
SEARCH = "/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGES = {
    "bash": "bash", "busybox": "busybox-static", "cat": "coreutils", "dd": "coreutils", "head": "coreutils",
    "java": "openjdk-17-jdk-headless", "nginx": "nginx-light", "node": "nodejs", "perl": "perl-base",
    "python3": "python3-minimal", "sed": "sed", "seq": "coreutils", "sort": "coreutils", "tee": "coreutils",
}


def path_of(program):
    path = shutil.which(program, path=SEARCH)
    if not path:
        raise paths.MissingTool(f"{program} is missing: install the Debian package {PACKAGES[program]}")
    return path


def by_writer(texts, writer_of):
    """The lines of each of several writers that share a pipe, in their order."""
    found = collections.defaultdict(list)
    for text in texts:
        found[writer_of(text)].append(text)
    return found


def assert_same_writers(expected, got, what):
    """Between writers that do not wait for each other any order is right; each one's own must be kept."""
    lines.assert_same(sorted(map(str, expected)), sorted(map(str, got)), f"{what}: writer")
    for writer, texts in expected.items():
        lines.assert_same(texts, got[writer], f"{what}: {writer}'s line")


# nginx -------------------------------------------------------------------------------------------------------------------

# Workers are nobody: they reopen what belongs to root only after the master gave it to them.
NGINX = """
daemon off; master_process on; worker_processes 2; user nobody nogroup; pid {directory}/pid;
error_log /dev/stderr notice;
events {{ worker_connections 64; multi_accept off; }}
http {{
    log_format numbered '$pid $connection $connection_requests "$request" $status "$http_user_agent"';
    access_log /dev/stdout numbered;
    client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
    uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
    keepalive_requests 100000; root /nonexistent;
    server {{
        listen 127.0.0.1:{port} reuseport;
        location /n/ {{ return 200 "ok"; }}
    }}
}}
"""


def nginx_command(directory, port):
    """-e: else it opens /var/log/nginx/error.log before it reads its configuration."""
    path = os.path.join(directory, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(NGINX.format(directory=directory, port=port))
    return path_of("nginx"), "-e", "/dev/stderr", "-c", path


def request_all(port, targets, agent):
    with_problems = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        for target in targets:
            connection.request("GET", target, headers={"User-Agent": agent})
            answer = connection.getresponse()
            answer.read()
            wanted = 200 if target.startswith("/n/") else 404
            if answer.status != wanted:
                with_problems.append((target, answer.status))
    except OSError as error:
        with_problems.append(error)
    finally:
        connection.close()
    return with_problems


def load(port, connections, requests, name):
    """`requests` on each of the connections, every hundredth of something that is not there. Returns what was asked for,
    as `METHOD TARGET AGENT`."""
    plans, problems, threads = [], [], []
    for number in range(connections):
        plans.append([f"/{'missing' if i % 100 == 99 else 'n'}/{name}/{number}/{i}" for i in range(requests)])
        threads.append(threading.Thread(target=lambda n=number: problems.extend(request_all(port, plans[n], f"load {n}"))))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise AssertionError(f"{len(problems)} requests failed, the first: {problems[0]}")
    return [f"{target} load {number}" for number, plan in enumerate(plans) for target in plan]


# podman ------------------------------------------------------------------------------------------------------------------

class HostPodman(Podman):
    """Its containers see the host's programs, read-only, beside busybox."""

    VOLUMES = ("/usr", "/etc/alternatives")

    def __init__(self, pods_dir):
        super().__init__(pods_dir)
        for name in ("lib", "lib64"):
            os.symlink(f"usr/{name}", os.path.join(self.root, name))
        for path in self.VOLUMES:
            os.makedirs(self.root + path, exist_ok=True)

    def call(self, *arguments):
        if arguments[0] == "create":
            volumes = [f"--volume={path}:{path}:ro" for path in self.VOLUMES if os.path.isdir(path)]
            arguments = ("create", *volumes, *arguments[1:])
        return super().call(*arguments)
