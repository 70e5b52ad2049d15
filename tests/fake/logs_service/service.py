# SPDX-License-Identifier: Apache-2.0
"""The way of one request: head, body, signature, quota, document, fault, operation, reply.

Each step may end it with a ServiceError. Nothing is stored before a fault had its say, and a reply is
written only after what it acknowledges is stored.
"""

import json
import re
import time
import uuid
import zlib
from dataclasses import dataclass, field

import sigv4_verify

from . import errors, put_events, wire
from .errors import ServiceError
from .faults import Fault, Faults, Quotas
from .journal import Journal, Record
from .model import Model
from .operations import Operations
from .reader import Reader
from .store import Batch, Group, Store, Stream

CONTENT_TYPE = "application/x-amz-json-1.1"
TARGET_PREFIX = "Logs_20140328."
PEEK_BYTES = 4096
# Quotes inside a message are escaped, so these cannot match there.
_NAME = {
    name: re.compile(rb'"%s"\s*:\s*"([^"\\]+)"' % name.encode())
    for name in ("logGroupName", "logStreamName")
}


@dataclass
class Settings:
    access_key: str = "AKIDEXAMPLE"
    secret_key: str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    session_token: str | None = None
    region: str = "eu-central-1"
    account: str = "123456789012"
    refuse_gzip: bool = False
    # Acknowledges PutLogEvents after the signature alone and checks what it holds when it is read:
    # for benchmarks, where the service must not be what is measured. The log of requests then knows
    # no numbers of events.
    deferred: bool = False
    max_body: int = 16 << 20  # bytes on the wire; beyond: 413
    max_event: int = put_events.EVENT_BYTES_MAX
    idle_timeout: float = 60.0  # seconds after which an idle connection is cut
    quotas: dict = field(default_factory=dict)  # operation or "*" -> requests per second
    seed: int = 0


class Service:
    def __init__(self, settings, directory=None):
        self.settings = settings
        self.clock_offset = 0.0  # seconds that this service is ahead of the machine
        self.store = Store(directory)
        self.journal = Journal()
        self.faults = Faults(settings.seed)
        self.quotas = Quotas()
        self.quotas.set(settings.quotas)
        self.credentials = {
            settings.access_key: sigv4_verify.Credential(
                settings.secret_key, settings.session_token
            )
        }
        self.reader = Reader(self.store, settings.max_event, self.journal.note)
        self._scope = sigv4_verify.Scope(settings.region, "logs")
        self._model = Model()
        self._operations = Operations(
            self.store, self.reader, self.now, settings.region, settings.account
        )

    def now(self):
        return time.time() + self.clock_offset

    def create(self, group, stream=None):
        """A group (and a stream) that is there before anybody asks."""
        now_ms = int(self.now() * 1000)
        if group not in [known.name for known in self.store.groups()]:
            self.store.create_group(Group(group, now_ms))
        if stream is not None:
            self.store.create_stream(group, Stream(stream, now_ms))

    def reset(self):
        self.store.reset()
        self.faults.clear()
        self.journal.reset()
        self.clock_offset = 0.0

    # One request --------------------------------------------------------------------------------

    def serve(self, connection, head, number):
        """Reads the rest of the request and answers it. True: the connection goes on."""
        record = Record(connection.sock, head.started)
        record.public.update(request=str(uuid.uuid4()), connection=number)
        try:
            answer = self._answer(connection, head, record)
            if record.public["outcome"] is None:
                record.public["outcome"] = "accepted"
            if answer.reply not in wire.NO_REPLY:
                record.public["status"] = _status(answer)
            return connection.send(answer, self.now(), lambda: self.journal.finish(record))
        except (wire.Disconnected, OSError):
            record.public["outcome"] = "disconnected"
            return False
        finally:
            self.journal.finish(record)

    def _answer(self, connection, head, record):
        """An Answer; never raises but for a broken connection."""
        request_id = {"x-amzn-RequestId": record.public["request"]}
        body = None
        try:
            operation = self._operation(head)
            record.public["operation"] = operation
            fault = self.faults.pick(operation, head_only=True)
            if fault is None and head.length > self.settings.max_body:
                fault = Fault({"action": "too_large"})
            if fault is not None:
                record.public.update(fault=fault.name, outcome=fault.name)
                return wire.Answer(0, reply=fault.reply, seconds=fault.rule.get("seconds"))
            body = self._read_body(connection, head, record)
            self._authenticate(head, body)
            if not self.quotas.allow(operation):
                raise errors.throttled()
            request = self._open(operation, head, body, record)
            fault = self.faults.pick(operation, *_names(request.document))
            answer = self._carry_out(request, fault, record)
        except ServiceError as error:
            answer = self._refuse(error, record)
        answer.headers = {**request_id, **answer.headers}
        unread = body is None and head.length > 0
        answer.close = unread or (head.header("connection") or "").lower() == "close"
        return answer

    def _operation(self, head):
        target = head.header("x-amz-target") or ""
        operation = target.removeprefix(TARGET_PREFIX)
        known = target.startswith(TARGET_PREFIX) and operation in self._model.operations()
        if head.method != "POST" or head.path != "/" or head.query or not known:
            raise ServiceError("UnknownOperationException", "", 404)
        if head.header("content-type") != CONTENT_TYPE:
            raise ServiceError("UnknownOperationException", "", 404)
        return operation

    def _read_body(self, connection, head, record):
        if (head.header("expect") or "").lower() == "100-continue":
            self.journal.blame(record, "expect_continue", "a round trip for nothing")
            connection.expect_continue()
        body = connection.read_body(head.length)
        record.public["wire_bytes"] = len(body)
        return body

    def _authenticate(self, head, body):
        request = sigv4_verify.SignedRequest(
            head.method, head.path, head.query, head.headers, body
        )
        try:
            sigv4_verify.verify(request, self.credentials, self._scope, self.now())
        except sigv4_verify.Refusal as refusal:
            raise ServiceError(refusal.type, refusal.message) from None

    def _open(self, operation, head, body, record):
        """Decompresses and parses; PutLogEvents only as far as its names when checks are deferred."""
        encoding = head.header("content-encoding")
        if encoding not in (None, "identity", "gzip"):
            raise errors.serialization(f"Content-Encoding {encoding} is not supported")
        gzip = encoding == "gzip" and not self.settings.refuse_gzip
        record.public["gzip"] = encoding == "gzip"
        request = Request(operation, body, gzip)
        put = operation == "PutLogEvents"
        if put and self.settings.deferred:
            request.document = _peek_names(body, gzip)
        if request.document is None:
            text = put_events.decode_body(body, gzip)
            record.public["body_bytes"] = len(text) if text.isascii() else len(text.encode())
            request.document = put_events.parse_json(text)
            request.parsed = True
        group, stream = _names(request.document)
        record.public.update(group=group, stream=stream)
        if put:
            self.journal.enter_stream(record, group, stream)
        return request

    def _carry_out(self, request, fault, record):
        answer = wire.Answer(200)
        refused = None
        if fault is not None:
            record.public["fault"] = fault.name
        if fault is None or fault.accepted:
            try:
                answer = self._execute(request, fault, record)
                record.public["accepted"] = True
            except ServiceError as error:
                refused = error
                answer = self._refuse(error, record)
        if fault is None:
            return answer
        if fault.reply == "error":
            answer = self._refuse(fault.error, record, fault.rule.get("style", "plain"))
        else:
            answer.reply, answer.seconds = fault.reply, fault.rule.get("seconds")
            if refused is None:
                record.public["outcome"] = fault.name if fault.reply else None
        answer.headers.update(fault.headers())
        return answer

    @staticmethod
    def _refuse(error, record, style="plain"):
        record.public["outcome"] = error.type
        if error.status == 413:
            return wire.Answer(413, reply="too_large")
        headers = {"Content-Type": CONTENT_TYPE}
        return wire.Answer(error.status, error.body(style), headers)

    def _execute(self, request, fault, record):
        if request.operation == "PutLogEvents":
            document = self._put_log_events(request, fault, record)
        else:
            self._model.check(request.operation, request.document)
            document = self._operations.call(request.operation, request.document)
        body = b"" if document is None else json.dumps(document).encode()
        return wire.Answer(200, body, {"Content-Type": CONTENT_TYPE})

    # PutLogEvents -------------------------------------------------------------------------------

    def _put_log_events(self, request, fault, record):
        document, verdict, times = request.document, None, None
        if request.parsed:
            self._model.check("PutLogEvents", document, unchecked=("logEvents",))
            times, _ = put_events.split_events(document["logEvents"], self.settings.max_event)
            self._inspect(document, record)
        group_name, stream_name = _names(document)
        group = self.store.group(group_name)
        self.store.stream(group_name, stream_name)
        now_ms = int(self.now() * 1000)
        if request.parsed:
            verdict = put_events.judge(times, now_ms, group.retention_days)
            if fault is not None and fault.name == "partial_rejection":
                verdict = put_events.reject_more(verdict, len(times), fault.rule)
            times = times[verdict.first : verdict.last]
            record.public.update(
                events=len(document["logEvents"]),
                accepted_events=len(times),
                rejected=verdict.info,
            )
        self._keep(request, record, verdict, times, group, stream_name, now_ms)
        return _put_reply(document, verdict, group)

    def _keep(self, request, record, verdict, times, group, stream_name, now_ms):
        if verdict is not None and verdict.first == verdict.last:
            return
        first, last = (verdict.first, verdict.last) if verdict else (None, None)
        batch = Batch(
            record.public["request"], now_ms, 0, 0, request.gzip, first, last, group.retention_days
        )
        self.store.append(group.name, stream_name, batch, request.body, times)

    def _inspect(self, document, record):
        record.public["entity"] = (document.get("entity") or {}).get("keyAttributes")
        if "sequenceToken" in document:
            self.journal.blame(record, "sequence_token", "ignored since 2023")
        if set(map(len, document["logEvents"])) != {2}:
            self.journal.blame(record, "unknown_member", "in an event")
        unknown = set(document) - {"logGroupName", "logStreamName", "logEvents", "sequenceToken", "entity"}
        if unknown:
            self.journal.blame(record, "unknown_member", ", ".join(sorted(unknown)))


@dataclass
class Request:
    operation: str
    body: bytes
    gzip: bool
    document: dict | None = None
    parsed: bool = False


def _names(document):
    """What the request says; not checked yet, so only strings count."""
    names = (document.get("logGroupName"), document.get("logStreamName"))
    return tuple(name if isinstance(name, str) else None for name in names)


def _peek_names(body, gzip):
    """The names of a PutLogEvents body without parsing it all; None: they are not at its start."""
    start = bytes(body[:PEEK_BYTES])
    if gzip:
        try:
            start = zlib.decompressobj(wbits=31).decompress(start, PEEK_BYTES)
        except zlib.error:
            return None
    found = {name: pattern.search(start) for name, pattern in _NAME.items()}
    if not all(found.values()):
        return None
    return {name: match[1].decode("utf-8", "replace") for name, match in found.items()}


def _put_reply(document, verdict, group):
    reply = {"nextSequenceToken": "0" * 56}
    if verdict is not None and verdict.info:
        reply["rejectedLogEventsInfo"] = verdict.info
    error = put_events.judge_entity(document.get("entity"), group.log_class)
    if error is not None:
        reply["rejectedEntityInfo"] = {"errorType": error}
    return reply


def _status(answer):
    return {"too_large": 413, "empty_200": 200, "html_200": 200, "html_503": 503}.get(
        answer.reply, answer.status
    )
