# SPDX-License-Identifier: Apache-2.0
"""Accepts connections, a thread each, with or without TLS; can be away for a while.

During an outage nobody listens and open connections are reset. The port stays ours: a second socket,
bound and never listening, keeps it.
"""

import itertools
import socket
import ssl
import struct
import sys
import threading
import traceback

from . import wire

BACKLOG = 1024


class Listener:
    def __init__(self, service, address, port, tls=None):
        self._service = service
        self._tls = tls
        self._lock = threading.Lock()
        self._connections = set()
        self._numbers = itertools.count(1)
        self._stopped = False
        self._timer = None
        self._keeper = self._bind(address, port)
        self.address, self.port = self._keeper.getsockname()[:2]
        self._socket = None

    @staticmethod
    def _bind(address, port):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((address, port))
        return sock

    def start(self):
        with self._lock:
            if self._stopped or self._socket is not None:
                return
            self._socket = self._bind(self.address, self.port)
            self._socket.listen(BACKLOG)
            sock = self._socket
        threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def stop(self):
        with self._lock:
            self._stopped = True
            timer = self._timer
        if timer is not None:
            timer.cancel()
        self._go_away()
        self._keeper.close()

    def outage(self, seconds):
        """None: until back()."""
        self._go_away()
        if seconds is not None:
            with self._lock:
                self._timer = threading.Timer(seconds, self.start)
                self._timer.daemon = True
            self._timer.start()

    def back(self):
        self.start()

    def _go_away(self):
        with self._lock:
            sock, self._socket = self._socket, None
            connections = list(self._connections)
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)  # wakes accept, which closes it
        for connection in connections:
            reset(connection)

    def _accept(self, sock):
        with sock:
            while True:
                try:
                    connection, _ = sock.accept()
                except OSError:
                    return
                with self._lock:
                    current = self._socket is sock
                    if current:
                        self._connections.add(connection)
                if not current:
                    connection.close()
                    return
                number = next(self._numbers)
                threading.Thread(
                    target=self._serve, args=(connection, number), daemon=True
                ).start()

    def _serve(self, plain, number):
        sock = plain
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                plain.settimeout(10)
                # The set holds what can be reset: it follows the descriptor.
                sock = self._tls.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._connections.discard(plain)
                    self._connections.add(sock)
            self._talk(sock, number)
        except (OSError, ssl.SSLError, wire.Disconnected):
            pass
        except Exception:  # ours: it must be seen, and must not look like a fault
            traceback.print_exc(file=sys.stderr)
        finally:
            with self._lock:
                self._connections -= {plain, sock}
            sock.close()

    def _talk(self, sock, number):
        connection = wire.Connection(sock)
        while True:
            try:
                head = connection.read_head(self._service.settings.idle_timeout)
            except wire.ProtocolError as error:
                answer = wire.Answer(error.status, str(error).encode(), close=True)
                connection.send(answer, self._service.now(), lambda: None)
                return
            if head is None or not self._service.serve(connection, head, number):
                return


def reset(sock):
    """A thread may be at work on it: it finds its connection gone."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
