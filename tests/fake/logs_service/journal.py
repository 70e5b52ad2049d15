# SPDX-License-Identifier: Apache-2.0
"""What was asked, what came of it, and what clients should not do.

Every request leaves one record. PutLogEvents requests that overlap in time on one stream are found
here: a request is in flight from its first byte to the moment before its reply is written, or until
its client hangs up. A client that waits for each reply is never seen overlapping itself.
"""

import collections
import select
import threading
import time

RECENT = 16  # finished requests per stream that a late starter is compared with


class Record:
    """One request. `public` is what tests see."""

    def __init__(self, sock, started):
        self.sock = sock
        self.started = started  # monotonic
        self.answered = None
        self.key = None
        self.public = {
            "request": None,
            "time": time.time(),
            "operation": None,
            "group": None,
            "stream": None,
            "status": None,  # None: no reply was sent
            "outcome": None,  # "accepted", an error's type, or what became of the connection
            "accepted": False,
            "fault": None,
            "events": 0,  # sent
            "accepted_events": 0,
            "rejected": None,
            "gzip": False,
            "wire_bytes": 0,  # of the body
            "body_bytes": 0,  # after decompression
            "concurrency": 0,
            "connection": None,
            "entity": None,
            "seconds": None,  # from its first byte to its reply
        }

    def hung_up(self):
        if self.sock.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self.sock.fileno(), select.POLLRDHUP)
        return bool(poll.poll(0))


class Journal:
    def __init__(self):
        self._lock = threading.Lock()
        self._records = []
        self._misbehaviour = []
        self._in_flight = collections.defaultdict(set)
        self._recent = collections.defaultdict(lambda: collections.deque(maxlen=RECENT))

    def enter_stream(self, record, group, stream):
        """The record's stream is known now: counts who else is in flight for it."""
        with self._lock:
            record.key = (group, stream)
            flying = [r for r in self._in_flight[record.key] if not r.hung_up()]
            overlapping = [r for r in self._recent[record.key] if r.answered > record.started]
            self._in_flight[record.key].add(record)
            concurrency = 1 + len(flying) + len(overlapping)
            record.public["concurrency"] = concurrency
        if concurrency > 1:
            self.blame(record, "parallel_put", f"{concurrency} at once in {group} {stream}")

    def _leave_stream(self, record):
        with self._lock:
            if record.key is None or record.answered is not None:
                return
            record.answered = time.monotonic()
            self._in_flight[record.key].discard(record)
            # Whose client hung up was given up on: what comes after it is a retry, not a rival.
            if not record.hung_up():
                self._recent[record.key].append(record)

    def finish(self, record):
        """Called once or more, first before the client can know the reply: then whoever has it
        finds the request here."""
        self._leave_stream(record)
        with self._lock:
            if record.public["seconds"] is None:
                record.public["seconds"] = round(time.monotonic() - record.started, 6)
                self._records.append(record.public)

    def blame(self, record, kind, detail):
        self.note(kind, record.public["request"], detail)

    def note(self, kind, request, detail):
        with self._lock:
            self._misbehaviour.append({"kind": kind, "request": request, "detail": detail})

    def requests(self):
        with self._lock:
            return [dict(public) for public in self._records]

    def misbehaviour(self):
        with self._lock:
            return [dict(entry) for entry in self._misbehaviour]

    def reset(self):
        with self._lock:
            self._records.clear()
            self._misbehaviour.clear()
