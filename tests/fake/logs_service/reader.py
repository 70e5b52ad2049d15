# SPDX-License-Identifier: Apache-2.0
"""Reads accepted batches back, event by event, exactly as they were sent.

With deferred checks a batch was acknowledged unseen: its first reader finds out what the service
would have taken, as of the time of its arrival. What it would have refused is told as misbehaviour
of the client (late_refusal, late_rejection), and is not read back.
"""

import threading

from . import put_events
from .errors import ServiceError


class Reader:
    def __init__(self, store, event_bytes_max, on_late_finding):
        self._store = store
        self._event_bytes_max = event_bytes_max
        self._on_late_finding = on_late_finding  # (kind, request id, detail)
        self._lock = threading.Lock()

    def events(self, group=None, stream=None):
        """Yields dicts in the order of acceptance; `index` counts within the stream."""
        indices = {}
        for group_name, stream_name, batch in self._store.log(group, stream):
            key = (group_name, stream_name)
            index = indices.get(key, 0)
            for event in self.batch(group_name, stream_name, batch):
                yield {
                    "group": group_name,
                    "stream": stream_name,
                    "timestamp": event["timestamp"],
                    "message": event["message"],
                    "request": batch.request,
                    "index": index,
                    "ingested": batch.ingested_ms,
                }
                index += 1
            indices[key] = index

    def count(self, group=None, stream=None):
        total = 0
        for group_name, stream_name, batch in self._store.log(group, stream):
            if batch.first is None:
                self.batch(group_name, stream_name, batch)
            total += batch.last - batch.first
        return total

    def batch(self, group_name, stream_name, batch):
        """The accepted events of one batch, a list of {timestamp, message}."""
        if batch.last == 0:
            return []
        try:
            text = put_events.decode_body(self._store.read(batch), batch.gzip)
            events = put_events.parse_json(text).get("logEvents")
            with self._lock:
                if batch.first is None:
                    self._look_at(group_name, stream_name, batch, events)
        except ServiceError as error:
            batch.first = batch.last = 0
            self._on_late_finding("late_refusal", batch.request, str(error))
            return []
        return events[batch.first : batch.last]

    def _look_at(self, group_name, stream_name, batch, events):
        times, _ = put_events.split_events(events, self._event_bytes_max)
        verdict = put_events.judge(times, batch.ingested_ms, batch.retention_days)
        if verdict.info:
            self._on_late_finding("late_rejection", batch.request, str(verdict.info))
        batch.first, batch.last = verdict.first, verdict.last
        stream = self._store.stream(group_name, stream_name)
        self._store.count(stream, times[batch.first : batch.last])
