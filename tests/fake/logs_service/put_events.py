# SPDX-License-Identifier: Apache-2.0
"""PutLogEvents: what a batch must satisfy, and which of its events are taken.

The order of the checks is a guess of the strict kind (nobody has published it): shape, bytes, order,
existence, age, span. No Python runs per event while a batch is good: sets, sorts and bisections over
whole lists find out that something is wrong, a second look finds out what.
"""

import json
import zlib
from bisect import bisect_left, bisect_right
from collections import namedtuple
from operator import itemgetter

from . import errors, model

EVENTS_MAX = 10000
BATCH_BYTES_MAX = 1048576
EVENT_BYTES_MAX = 1048576  # with the overhead: 1 MB since April 2025
EVENT_OVERHEAD = 26
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
TOO_NEW_MS = 2 * HOUR_MS
TOO_OLD_MS = 14 * DAY_MS
SPAN_MAX_MS = DAY_MS
DECODED_BYTES_MAX = 16 << 20

# The accepted events are events[first:last]; `info` is rejectedLogEventsInfo or None.
Verdict = namedtuple("Verdict", "first last info")

KEY_ATTRIBUTES = {"Type", "ResourceType", "Identifier", "Name", "Environment", "AwsAccountId"}
ENTITY_TYPES = {  # -> the key attributes that it needs
    "Service": {"Name", "Environment"},
    "RemoteService": {"Name"},
    "AWS::Service": {"Name"},
    "Resource": {"ResourceType", "Identifier"},
    "AWS::Resource": {"ResourceType", "Identifier"},
}


def decode_body(body, gzip):
    """The JSON text of a body, or SerializationException."""
    if gzip:
        body = gunzip(body)
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise errors.serialization(f"Invalid UTF-8 at byte {error.start}") from None


def gunzip(body):
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, DECODED_BYTES_MAX + 1)
    except zlib.error as error:
        raise errors.serialization(f"Not gzip: {error}") from None
    if len(plain) > DECODED_BYTES_MAX:
        raise errors.ServiceError("RequestEntityTooLarge", "", 413)
    if not inflater.eof:
        raise errors.serialization("The gzip body is cut short")
    if inflater.unused_data:
        raise errors.serialization("Bytes follow the gzip body")
    return plain


def parse_json(text):
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise errors.serialization(str(error)) from None
    if type(document) is not dict:
        raise errors.serialization("Start of structure or map expected")
    return document


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def split_events(events, event_bytes_max=EVENT_BYTES_MAX):
    """(timestamps, messages) of logEvents, after all checks that need no log group."""
    if type(events) is not list:
        raise errors.serialization("logEvents is not a list")
    if not 1 <= len(events) <= EVENTS_MAX:
        sign, bound = ("greater", 1) if not events else ("less", EVENTS_MAX)
        rule = f"have length {sign} than or equal to {bound}"
        model.raise_problems([model.constraint([], "logEvents", rule)])
    try:
        times = list(map(itemgetter("timestamp"), events))
        messages = list(map(itemgetter("message"), events))
    except (KeyError, TypeError):
        _explain(events)
        raise
    well_typed = set(map(type, times)) == {int} and set(map(type, messages)) == {str}
    if not well_typed or "" in messages or min(times) < 0 or max(times) >= 1 << 63:
        _explain(events)
    _check_bytes(messages, event_bytes_max)
    if times != sorted(times):
        raise errors.invalid_parameter(
            "Log events in a single PutLogEvents request must be in chronological order."
        )
    return times, messages


def _explain(events):
    """Something is wrong with some event: raises what."""
    problems = []
    for number, event in enumerate(events, 1):
        path = f"logEvents.{number}.member."
        model.check_type("structure", event)
        for name, kind in (("timestamp", "long"), ("message", "string")):
            value = event.get(name)
            if value is None:
                problems.append(model.missing(path + name))
                continue
            model.check_type(kind, value)
            if kind == "string" and value == "":
                rule = "have length greater than or equal to 1"
                problems.append(model.constraint(value, path + name, rule))
            if kind == "long" and value < 0:
                rule = "have value greater than or equal to 0"
                problems.append(model.constraint(value, path + name, rule))
    model.raise_problems(problems)


def _check_bytes(messages, event_bytes_max):
    text = "".join(messages)
    if text.isascii():
        size = len(text)
    else:
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise errors.serialization("a message holds an unpaired surrogate") from None
    size += EVENT_OVERHEAD * len(messages)
    # Below the smaller of both limits no single event can be too large.
    if size <= min(event_bytes_max, BATCH_BYTES_MAX):
        return
    largest = max(len(message.encode()) for message in messages) + EVENT_OVERHEAD
    if largest > event_bytes_max:
        raise errors.invalid_parameter(
            f"Log event too large: {largest} bytes exceeds limit of {event_bytes_max}"
        )
    if size > BATCH_BYTES_MAX:
        raise errors.invalid_parameter(
            f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )


def judge(times, now_ms, retention_days):
    """Ages decide event by event, the span over what is left of them decides for all."""
    too_old = bisect_left(times, now_ms - TOO_OLD_MS)
    expired = bisect_left(times, now_ms - retention_days * DAY_MS) if retention_days else 0
    first = max(too_old, expired)
    last = max(first, bisect_right(times, now_ms + TOO_NEW_MS))
    too_new = bisect_right(times, now_ms + TOO_NEW_MS)
    if first < last and times[last - 1] - times[first] > SPAN_MAX_MS:
        raise errors.invalid_parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than "
            "24 hours."
        )
    info = {}
    if too_new < len(times):
        info["tooNewLogEventStartIndex"] = too_new
    if too_old:
        info["tooOldLogEventEndIndex"] = too_old
    if expired:
        info["expiredLogEventEndIndex"] = expired
    return Verdict(first, last, info or None)


def reject_more(verdict, count, rule):
    """A fault: `too_old`, `expired` and `too_new` more events are rejected at the ends."""
    first, last, info = verdict.first, verdict.last, dict(verdict.info or {})
    for name, member in (("too_old", "tooOldLogEventEndIndex"), ("expired", "expiredLogEventEndIndex")):
        if rule.get(name):
            first = max(first, min(count, rule[name]))
            info[member] = first
    if rule.get("too_new"):
        last = max(0, min(last, count - rule["too_new"]))
        info["tooNewLogEventStartIndex"] = last
    return Verdict(first, max(first, last), info or None)


def judge_entity(entity, log_class):
    """rejectedEntityInfo's errorType or None. The events are taken all the same."""
    keys = (entity or {}).get("keyAttributes")
    if entity is None:
        return None
    if log_class != "STANDARD":
        return "UnsupportedLogGroupType"
    if not keys or "Type" not in keys:
        return "MissingRequiredFields"
    if keys["Type"] not in ENTITY_TYPES:
        return "InvalidTypeValue"
    if not set(keys) <= KEY_ATTRIBUTES:
        return "InvalidKeyAttributes"
    if not ENTITY_TYPES[keys["Type"]] <= set(keys):
        return "MissingRequiredFields"
    return None
