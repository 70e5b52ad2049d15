#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A kubelet for tests: HTTPS, GET /pods, and as strict as the real one.

What it says and how it misbehaves are files in its directory, read again at each request, so that tests in any language
steer it by rewriting them (write a new file and rename it):

    pods.json      the PodList that /pods answers with
    tokens.json    {"accepted": [...], "without_rights": [...]}: 200 or 403; any other token is a 401
    fault.json     absent, or one object: {"status": 500}, {"delay_s": 2}, {"hang": true}, {"garbage": true},
                   {"truncated": true}, {"size": 5000000} (an answer of at least so many bytes, by padding);
                   "delay_s" goes together with any other

It writes:

    ready           JSON with url, ca_file, token_file, other_ca_file, directory and pid, once it listens
    requests.jsonl  a line per request: time, method, path, status (null while it hangs), connection; never a token
    ca.crt          the authority of its certificate; other-ca.crt is one that has nothing to do with it
    token           an accepted token

    kubelet.py --dir DIR [--port 0]

From Python:

    with FakeKubelet() as kubelet:
        kubelet.add_container(pod="web-0", namespace="shop", uid=UID, container="app", container_id=64 * "a")
        ... kubelet.url, kubelet.ca_file, kubelet.token_file ...
"""

import argparse
import http.server
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

CHUNK = 4096


def write_file(path, text, mode=0o644):
    """Replaces the file in one step: a reader sees the old text or the new one."""
    temporary = f"{path}.new"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(temporary, path)


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def make_authority(path, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", f"{path}.crt")


def make_certificates(directory):
    """A serving certificate signed by an authority, as on EKS, and a second authority that signed nothing."""
    def file(name):
        return os.path.join(directory, name)

    if os.path.exists(file("server.crt")):
        return
    make_authority(file("ca"), "fake cluster")
    make_authority(file("other-ca"), "another cluster")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/O=system:nodes/CN=system:node:fake", "-keyout", file("server.key"), "-out", file("server.csr"))
    write_file(file("server.ext"), "subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", file("server.csr"), "-CA", file("ca.crt"), "-CAkey", file("ca.key"),
            "-CAcreateserial", "-days", "30", "-extfile", file("server.ext"), "-out", file("server.crt"))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "fake-kubelet"
    sys_version = ""
    timeout = 60

    def setup(self):
        self.request.settimeout(10)
        try:
            self.request.do_handshake()
        except (OSError, ssl.SSLError):  # a client that does not trust us is a test's business
            self.request.close()
            raise ConnectionError("no TLS") from None
        super().setup()

    def handle(self):
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    def log_message(self, format, *arguments):  # pylint: disable=redefined-builtin
        pass

    def refuse(self, status, text):
        body = text.encode()
        self.note(status)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def note(self, status):
        self.server.kubelet.note(self.command, self.path, status, "%s:%d" % self.client_address[:2])

    def answer(self):
        kubelet = self.server.kubelet
        fault = kubelet.read_json("fault.json", {})
        tokens = kubelet.read_json("tokens.json", {})
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        length = int(self.headers.get("Content-Length") or 0)

        self.rfile.read(length)
        if fault.get("hang"):
            self.note(None)
            kubelet.stopped.wait(60)
            self.close_connection = True
            return
        kubelet.stopped.wait(fault.get("delay_s", 0))
        if fault.get("status"):
            self.refuse(fault["status"], "Internal error: a fault that a test asked for")
        elif scheme != "Bearer" or token not in tokens.get("accepted", []) + tokens.get("without_rights", []):
            self.refuse(401, "Unauthorized")
        elif token not in tokens.get("accepted", []):
            self.refuse(403, "Forbidden (user=system:serviceaccount:kube-system:ringtail, verb=get, resource=nodes, "
                             "subresource(s)=[pods])\n")
        elif self.path.partition("?")[0] != "/pods":
            self.refuse(404, "404 page not found\n")
        elif self.command != "GET":
            self.refuse(405, "405: Method Not Allowed")
        else:
            self.send_pods(fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer

    def send_pods(self, fault):
        body = self.server.kubelet.answer_body(fault)
        self.note(200)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = len(body) // 2 if fault.get("truncated") else len(body)
        for begin in range(0, end, CHUNK):
            piece = body[begin:min(begin + CHUNK, end)]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if fault.get("truncated"):
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, kubelet, port):
        super().__init__(("127.0.0.1", port), Handler)
        self.kubelet = kubelet
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(kubelet.file("server.crt"), kubelet.file("server.key"))

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The handshake is for the connection's own thread: a client that says nothing holds up nobody.
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)


class FakeKubelet:
    # Stands in each pod's spec, for tests that search whatever they can reach for it.
    ENV_SECRET = "env-secret-that-must-stay-in-the-answer"

    def __init__(self, directory=None, port=0):
        self.own_directory = directory is None
        self.directory = os.path.abspath(directory or tempfile.mkdtemp(prefix="fake-kubelet."))
        self.port = port
        self.server = None
        self.thread = None
        self.lock = threading.RLock()
        self.stopped = threading.Event()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def file(self, name):
        return os.path.join(self.directory, name)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self):
        return self.file("ca.crt")

    @property
    def other_ca_file(self):
        return self.file("other-ca.crt")

    @property
    def token_file(self):
        return self.file("token")

    # Running -------------------------------------------------------------------------------------------------------

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        make_certificates(self.directory)
        if not os.path.exists(self.token_file):
            self.rotate_token()
        if not os.path.exists(self.file("pods.json")):
            self.set_pods([])
        self.stopped.clear()
        self.server = Server(self, self.port)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        write_file(self.file("ready"), json.dumps({
            "url": self.url, "ca_file": self.ca_file, "token_file": self.token_file,
            "other_ca_file": self.other_ca_file, "directory": self.directory, "pid": os.getpid()}) + "\n")
        return self

    def stop(self):
        """Connections under way are dropped. What a start() after it continues with is still in the directory,
        unless the directory was our own."""
        self.stopped.set()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
            self.server = None
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)
        elif os.path.exists(self.file("ready")):
            os.unlink(self.file("ready"))

    # What it says --------------------------------------------------------------------------------------------------

    def read_json(self, name, absent):
        try:
            with open(self.file(name), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return absent

    def set_pods(self, items):
        with self.lock:
            write_file(self.file("pods.json"), json.dumps(
                {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}, ensure_ascii=False))

    def pods(self):
        return self.read_json("pods.json", {"items": []})["items"] or []

    def answer_body(self, fault):
        if fault.get("garbage"):
            return b"\x00\xff<html>this is no pod list</html>"
        pods = self.read_json("pods.json", {})
        if fault.get("size"):
            pods = {**pods, "metadata": {"continue": "x" * fault["size"]}}
        return json.dumps(pods, separators=(",", ":"), ensure_ascii=False).encode()

    def add_container(self, *, pod, namespace, uid, container, container_id, image="docker.io/library/demo:1",
                      labels=None, annotations=None, kind="container", previous_id=None, runtime="containerd"):
        """Adds the container, and its pod if that is new. The same container with another id is its restart: the old id
        moves to lastState. kind: container, init or ephemeral. labels and annotations are the pod's."""
        group = {"container": "", "init": "init", "ephemeral": "ephemeral"}[kind]
        spec_list = group + "Containers" if group else "containers"
        status_list = group + "ContainerStatuses" if group else "containerStatuses"
        with self.lock:
            items = self.pods()
            item = next((i for i in items if i["metadata"]["uid"] == uid), None)
            if item is None:
                item = {"metadata": {"name": pod, "namespace": namespace, "uid": uid,
                                     "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
                        "spec": {"containers": []}, "status": {"phase": "Running", "qosClass": "Burstable"}}
                items.append(item)
            if labels is not None:
                item["metadata"]["labels"] = labels
            if annotations is not None:
                item["metadata"]["annotations"] = annotations
            statuses = item["status"].setdefault(status_list, [])
            status = next((s for s in statuses if s["name"] == container), None)
            if status is None:
                status = {"name": container, "restartCount": 0, "lastState": {}}
                statuses.append(status)
                item["spec"].setdefault(spec_list, []).append(
                    {"name": container, "image": image, "env": [{"name": "SECRET", "value": self.ENV_SECRET}]})
            else:
                previous_id = previous_id or status["containerID"].partition("://")[2]
                status["restartCount"] += 1
            if previous_id:
                status["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error",
                                                      "containerID": f"{runtime}://{previous_id}"}}
            status.update(image=image, imageID=f"{image}@sha256:{64 * '0'}", ready=True, started=True,
                          state={"running": {"startedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}},
                          containerID=f"{runtime}://{container_id}")
            self.set_pods(items)

    def remove(self, uid=None, container_id=None):
        """A pod by its uid, or one container by its id."""
        with self.lock:
            items = [i for i in self.pods() if uid is None or i["metadata"]["uid"] != uid]
            for item in items:
                for key, value in item["status"].items():
                    if container_id and key.lower().endswith("containerstatuses"):
                        item["status"][key] = [s for s in value if not s["containerID"].endswith("/" + container_id)]
            self.set_pods(items)

    # How it behaves ------------------------------------------------------------------------------------------------

    def rotate_token(self, accept_old=False):
        """Puts a new token into token_file; the old one is good for nothing from now on."""
        token = secrets.token_urlsafe(48)
        tokens = self.read_json("tokens.json", {})
        accepted = (tokens.get("accepted", []) if accept_old else []) + [token]
        self.set_tokens(accepted, tokens.get("without_rights", []))
        write_file(self.token_file, token + "\n", 0o600)

    def set_tokens(self, accepted, without_rights=()):
        write_file(self.file("tokens.json"),
                   json.dumps({"accepted": list(accepted), "without_rights": list(without_rights)}), 0o600)

    def take_rights(self):
        """The token in token_file still says who we are, but may no longer read pods: 403."""
        with open(self.token_file, encoding="utf-8") as file:
            self.set_tokens([], [file.read().strip()])

    def give_rights(self):
        with open(self.token_file, encoding="utf-8") as file:
            self.set_tokens([file.read().strip()])

    def set_fault(self, **fault):
        """set_fault(status=500), set_fault(delay_s=2), …; without arguments it is well again."""
        write_file(self.file("fault.json"), json.dumps(fault))

    # What it saw ---------------------------------------------------------------------------------------------------

    def note(self, method, path, status, connection):
        line = json.dumps({"time": time.time(), "method": method, "path": path, "status": status,
                           "connection": connection})
        with self.lock, open(self.file("requests.jsonl"), "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def requests(self):
        try:
            with open(self.file("requests.jsonl"), encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []


def main():
    parser = argparse.ArgumentParser(description="A kubelet for tests; see the top of this file.")
    parser.add_argument("--dir", required=True, help="its files; made when missing")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0 takes a free one")
    arguments = parser.parse_args()

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    kubelet = FakeKubelet(arguments.dir, arguments.port).start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    kubelet.stop()


if __name__ == "__main__":
    main()
