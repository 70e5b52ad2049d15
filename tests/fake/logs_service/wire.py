# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on one connection: reads requests strictly, writes replies, and misbehaves on demand.

Header names are lower-cased and names and values decoded as latin-1, so that the signature is
checked over the bytes that were sent. A body needs Content-Length. Bounds: 64 KiB of head, the
caller's limit for bodies.
"""

import select
import socket
import struct
import time
from dataclasses import dataclass, field
from email.utils import formatdate

HEAD_BYTES_MAX = 64 << 10
LINGER_BYTES_MAX = 64 << 20
REASONS = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    411: "Length Required", 413: "Request Entity Too Large", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
HTML = (
    b"<html><head><title>%(t)s</title></head>\r\n<body><center><h1>%(t)s</h1></center></body></html>\r\n"
)


class ProtocolError(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Disconnected(Exception):
    """The client hung up in the middle of a request."""


@dataclass
class Head:
    method: str
    path: str
    query: str
    headers: dict  # lower-case name -> list of values
    length: int
    started: float  # monotonic, when its first byte was seen

    def header(self, name):
        values = self.headers.get(name)
        return values[0] if values else None


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    reply: str = ""  # or a misbehaviour: a key of REPLIES
    seconds: float | None = None  # of hang, slow and delay
    close: bool = False


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self._buffer = b""

    def read_head(self, idle_timeout):
        """The next request's head; None when the client is done or idle for too long."""
        self.sock.settimeout(idle_timeout)
        started = time.monotonic() if self._buffer else None
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise ProtocolError(431, "The head is too long")
            try:
                data = self.sock.recv(HEAD_BYTES_MAX)
            except TimeoutError:
                return None
            if not data:
                if self._buffer:
                    raise Disconnected
                return None
            started = started or time.monotonic()
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return parse_head(text.decode("latin-1"), started)

    def read_body(self, length):
        body = bytearray(length)
        have = min(length, len(self._buffer))
        body[:have] = self._buffer[:have]
        self._buffer = self._buffer[have:]
        view = memoryview(body)
        while have < length:
            try:
                count = self.sock.recv_into(view[have:])
            except TimeoutError:
                raise Disconnected from None
            if count == 0:
                raise Disconnected
            have += count
        return body

    def expect_continue(self):
        self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send(self, answer, now, before_last_byte):
        """True: the connection may be used again. `before_last_byte` is called when the client
        cannot yet have the whole reply, or when it will get none."""
        if answer.reply:
            return REPLIES[answer.reply](self, answer, now, before_last_byte)
        before_last_byte()
        self.sock.sendall(render(answer, now))
        if answer.close:
            self._linger()
        return not answer.close

    def _reset(self, answer, now, before_last_byte):
        before_last_byte()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def _drop(self, answer, now, before_last_byte):
        before_last_byte()
        return False

    def _hang(self, answer, now, before_last_byte):
        self._wait(answer.seconds)
        before_last_byte()
        return False

    def _delay(self, answer, now, before_last_byte):
        if self._wait(10 if answer.seconds is None else answer.seconds):
            raise Disconnected
        before_last_byte()
        self.sock.sendall(render(answer, now))
        return True

    def _cut(self, answer, now, before_last_byte):
        before_last_byte()
        data = render(answer, now)
        self.sock.sendall(data[: len(data) - max(1, len(answer.body) // 2)])
        return False

    def _slow(self, answer, now, before_last_byte):
        data = render(answer, now)
        head, rest = data[: len(data) - len(answer.body)], answer.body
        self.sock.sendall(head)
        pause = (10 if answer.seconds is None else answer.seconds) / max(1, len(rest))
        for index in range(len(rest)):
            if self._wait(pause):
                raise Disconnected
            if index == len(rest) - 1:
                before_last_byte()
            self.sock.sendall(rest[index : index + 1])
        before_last_byte()
        return True

    def _close(self, answer, now, before_last_byte):
        """A reply that does not announce that the connection ends, as front ends do."""
        before_last_byte()
        self.sock.sendall(render(answer, now))
        return False

    def _too_large(self, answer, now, before_last_byte):
        """Seen in the wild without a request id, from in front of the service."""
        before_last_byte()
        html = HTML % {b"t": b"413 Request Entity Too Large"}
        headers = {"Content-Type": "text/html", "Connection": "close"}
        self.sock.sendall(render(Answer(413, html, headers), now))
        self._linger()
        return False

    def _linger(self):
        """Reads on for a while: closing with unread bytes would reset the reply away."""
        self.sock.settimeout(2)
        try:
            self.sock.shutdown(socket.SHUT_WR)
            left = LINGER_BYTES_MAX
            while left > 0:
                data = self.sock.recv(1 << 16)
                if not data:
                    return
                left -= len(data)
        except OSError:
            return

    def _wait(self, seconds):
        """True: the client hung up. None waits for that alone."""
        poll = select.poll()
        poll.register(self.sock.fileno(), select.POLLRDHUP)
        return bool(poll.poll(None if seconds is None else seconds * 1000))


def _canned(status, body):
    def send(connection, answer, now, before_last_byte):
        headers = {**answer.headers, "Content-Type": "text/html"} if body else answer.headers
        before_last_byte()
        connection.sock.sendall(render(Answer(status, body, headers), now))
        return True

    return send


REPLIES = {
    "reset": Connection._reset,
    "drop": Connection._drop,
    "hang": Connection._hang,
    "delay": Connection._delay,
    "cut": Connection._cut,
    "slow": Connection._slow,
    "close": Connection._close,
    "too_large": Connection._too_large,
    "empty_200": _canned(200, b""),
    "html_200": _canned(200, HTML % {b"t": b"Welcome"}),
    "html_503": _canned(503, HTML % {b"t": b"503 Service Unavailable"}),
}
NO_REPLY = {"reset", "drop", "hang"}


def parse_head(text, started):
    lines = text.split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] != "HTTP/1.1":
        raise ProtocolError(400, "Not an HTTP/1.1 request")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\n" in line:
            raise ProtocolError(400, "A header line is malformed")
        headers.setdefault(name.lower(), []).append(value.strip(" \t"))
    if len(headers.get("host", [])) != 1:
        raise ProtocolError(400, "Host is needed once")
    path, _, query = parts[1].partition("?")
    return Head(parts[0], path, query, headers, _body_length(parts[0], headers), started)


def _body_length(method, headers):
    if "transfer-encoding" in headers:
        raise ProtocolError(411, "Content-Length is needed")
    values = headers.get("content-length")
    if values is None:
        if method in ("POST", "PUT"):
            raise ProtocolError(411, "Content-Length is needed")
        return 0
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()):
        raise ProtocolError(400, "Content-Length is malformed")
    return int(values[0])


def render(answer, now):
    headers = {
        "Date": formatdate(now, usegmt=True),
        **answer.headers,
        "Content-Length": str(len(answer.body)),
    }
    if answer.close:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body
