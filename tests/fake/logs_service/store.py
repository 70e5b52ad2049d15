# SPDX-License-Identifier: Apache-2.0
"""Groups, streams and the batches that were accepted.

A batch is kept as the client sent it, in an unlinked file, with the range of its events that were
accepted; it is decoded again when somebody reads. That keeps memory small and what is read back is
what was sent, byte for byte. Thread-safe: every method takes the lock.
"""

import os
import tempfile
import threading
from dataclasses import dataclass, field

from . import errors


@dataclass
class Batch:
    request: str
    ingested_ms: int
    offset: int
    length: int
    gzip: bool
    first: int | None  # accepted: events[first:last]; None: not looked at yet (deferred checks)
    last: int | None
    retention_days: int | None


@dataclass
class Stream:
    name: str
    created_ms: int
    batches: list = field(default_factory=list)
    events: int = 0  # of the batches that were looked at
    first_ms: int | None = None
    last_ms: int | None = None
    ingested_ms: int | None = None


@dataclass
class Group:
    name: str
    created_ms: int
    kms_key: str | None = None
    log_class: str = "STANDARD"
    protected: bool = False
    tags: dict = field(default_factory=dict)
    retention_days: int | None = None
    streams: dict = field(default_factory=dict)


class Store:
    def __init__(self, directory=None):
        self._lock = threading.RLock()
        self._spool = tempfile.TemporaryFile(dir=directory)
        self._end = 0
        self._groups = {}
        self._log = []  # (group's name, stream's name, Batch), in the order of acceptance

    def __del__(self):
        self._spool.close()

    def reset(self):
        with self._lock:
            self._groups.clear()
            self._log.clear()
            self._end = 0
            self._spool.truncate(0)

    def create_group(self, group):
        with self._lock:
            if group.name in self._groups:
                raise errors.already_exists("group")
            self._groups[group.name] = group

    def create_stream(self, group_name, stream):
        with self._lock:
            streams = self.group(group_name).streams
            if stream.name in streams:
                raise errors.already_exists("stream")
            streams[stream.name] = stream

    def group(self, name):
        with self._lock:
            if name not in self._groups:
                raise errors.group_not_found()
            return self._groups[name]

    def stream(self, group_name, name):
        with self._lock:
            streams = self.group(group_name).streams
            if name not in streams:
                raise errors.stream_not_found()
            return streams[name]

    def groups(self):
        with self._lock:
            return sorted(self._groups.values(), key=lambda group: group.name)

    def streams(self, group_name):
        with self._lock:
            return sorted(self.group(group_name).streams.values(), key=lambda stream: stream.name)

    def delete_group(self, name):
        with self._lock:
            self.group(name)
            del self._groups[name]
            self._log = [entry for entry in self._log if entry[0] != name]

    def delete_stream(self, group_name, name):
        with self._lock:
            self.stream(group_name, name)
            del self._groups[group_name].streams[name]
            self._log = [entry for entry in self._log if entry[:2] != (group_name, name)]

    def append(self, group_name, stream_name, batch, body, times=None):
        """`times`: the accepted events' timestamps, in order; None: not known yet."""
        with self._lock:
            self.stream(group_name, stream_name)
            batch.offset, batch.length = self._end, len(body)
            self._end += len(body)
        write_all(self._spool.fileno(), body, batch.offset)
        with self._lock:
            stream = self.stream(group_name, stream_name)
            stream.batches.append(batch)
            stream.ingested_ms = batch.ingested_ms
            self._log.append((group_name, stream_name, batch))
            self.count(stream, times)

    def count(self, stream, times):
        if not times:
            return
        with self._lock:
            stream.events += len(times)
            stream.first_ms = times[0] if stream.first_ms is None else min(stream.first_ms, times[0])
            stream.last_ms = max(stream.last_ms or 0, times[-1])

    def log(self, group_name=None, stream_name=None):
        """The batches in the order of acceptance: [(group, stream, Batch)]."""
        with self._lock:
            return [
                entry
                for entry in self._log
                if group_name in (None, entry[0]) and stream_name in (None, entry[1])
            ]

    def read(self, batch):
        return os.pread(self._spool.fileno(), batch.length, batch.offset)


def write_all(fd, body, offset):
    view = memoryview(body)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written
