# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, and when: an ordered list of rules, the first that applies wins.

A rule is a dict. It applies to requests that match `operation`, `group` and `stream` (patterns of
fnmatch, default any), after `skip` of them went by, at most `count` times, to the given `share` of
them (0..1, drawn from a seeded generator), for `seconds_active` from now on. What happens is its
`action`.
"""

import fnmatch
import random
import threading
import time
from collections import namedtuple

from .errors import ServiceError

# accepted: is the request carried out?  reply: "" its own answer, else one of wire.py's
# misbehaviours or "error", which answers `error`.
Action = namedtuple("Action", "accepted reply error")


def _error(type, message, status=400):
    return Action(False, "error", ServiceError(type, message, status))


ACTIONS = {
    "throttle": _error("ThrottlingException", "Rate exceeded"),
    "internal_error": _error("InternalFailure", "", 500),
    "unavailable": _error("ServiceUnavailableException", "The service cannot complete the request.", 503),
    "unavailable_html": Action(False, "html_503", None),
    "expired_token": _error(
        "ExpiredTokenException", "The security token included in the request is expired"
    ),
    "invalid_token": _error(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    ),
    "access_denied": _error(
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/node/i-0 is not authorized to perform this "
        "action because no identity-based policy allows it",
    ),
    "group_not_found": _error(
        "ResourceNotFoundException", "The specified log group does not exist."
    ),
    "stream_not_found": _error(
        "ResourceNotFoundException", "The specified log stream does not exist."
    ),
    "aborted": _error(
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
    ),
    "too_large": Action(False, "too_large", None),
    "error": Action(False, "error", None),  # `type`, `message`, `status` of the rule
    "reset_before": Action(False, "reset", None),
    "reset_after": Action(True, "reset", None),
    "hang_before": Action(False, "hang", None),
    "hang_after": Action(True, "hang", None),
    "drop_reply": Action(True, "drop", None),
    "cut_reply": Action(True, "cut", None),
    "slow_reply": Action(True, "slow", None),
    "delay": Action(True, "delay", None),
    "close_after": Action(True, "close", None),
    "empty_200": Action(False, "empty_200", None),
    "html_200": Action(False, "html_200", None),
    "partial_rejection": Action(True, "", None),
}
# These need no more than the head of the request, and then come before its body is read.
BEFORE_THE_BODY = {"reset_before", "hang_before", "too_large"}

MATCH_KEYS = {"operation", "group", "stream", "count", "skip", "share", "seconds_active"}
ACTION_KEYS = {
    "action",
    "accepted",  # overrides the action's own
    "type", "message", "status",  # of "error"
    "style",  # of errors: "namespaced", "capital"
    "retry_after",  # seconds, header Retry-After
    "retry_after_ms",  # header x-amz-retry-after
    "seconds",  # how long hang, slow_reply and delay last; hang without: for ever
    "too_old", "expired", "too_new",  # of partial_rejection: how many events
}  # fmt: skip


class Fault:
    """A rule that applied to a request."""

    def __init__(self, rule):
        action = ACTIONS[rule["action"]]
        self.rule = rule
        self.name = rule["action"]
        self.accepted = rule.get("accepted", action.accepted)
        self.reply = action.reply
        self.error = action.error or ServiceError(
            rule.get("type", "InternalFailure"), rule.get("message", ""), rule.get("status", 500)
        )

    def headers(self):
        headers = {}
        if "retry_after" in self.rule:
            headers["Retry-After"] = str(self.rule["retry_after"])
        if "retry_after_ms" in self.rule:
            headers["x-amz-retry-after"] = str(self.rule["retry_after_ms"])
        return headers


class Faults:
    def __init__(self, seed=0):
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._rules = []

    def add(self, rule):
        unknown = set(rule) - MATCH_KEYS - ACTION_KEYS
        if unknown or rule.get("action") not in ACTIONS:
            raise ValueError(f"no such fault: {sorted(unknown) or rule.get('action')}")
        kept = dict(rule)
        kept["applied"] = 0
        kept["seen"] = 0
        if "seconds_active" in rule:
            kept["ends_at"] = time.monotonic() + rule["seconds_active"]
        with self._lock:
            self._rules.append(kept)

    def clear(self):
        with self._lock:
            self._rules.clear()

    def list(self):
        with self._lock:
            return [dict(rule) for rule in self._rules]

    def pick(self, operation, group=None, stream=None, head_only=False):
        """The fault of this request or None. Asked twice: for the head alone, then knowing all."""
        with self._lock:
            for rule in self._rules:
                if _asks_at_head(rule) != head_only:
                    continue
                if self._applies(rule, operation, group, stream):
                    rule["applied"] += 1
                    return Fault(rule)
        return None

    def _applies(self, rule, operation, group, stream):
        for name, value in (("operation", operation), ("group", group), ("stream", stream)):
            if name in rule and not fnmatch.fnmatchcase(value or "", rule[name]):
                return False
        if rule["applied"] >= rule.get("count", float("inf")):
            return False
        if time.monotonic() >= rule.get("ends_at", float("inf")):
            return False
        rule["seen"] += 1
        if rule["seen"] <= rule.get("skip", 0):
            return False
        return "share" not in rule or self._random.random() < rule["share"]


def _asks_at_head(rule):
    return rule["action"] in BEFORE_THE_BODY and "group" not in rule and "stream" not in rule


class Quotas:
    """Requests per second, by operation; "*" counts them all. A bucket holds one second's worth."""

    def __init__(self):
        self._lock = threading.Lock()
        self._buckets = {}  # name -> [rate, tokens, time of the last refill]

    def set(self, rates):
        now = time.monotonic()
        with self._lock:
            self._buckets = {name: [rate, float(rate), now] for name, rate in rates.items()}

    def allow(self, operation):
        now = time.monotonic()
        with self._lock:
            buckets = [self._buckets[n] for n in ("*", operation) if n in self._buckets]
            for bucket in buckets:
                rate, tokens, filled = bucket
                bucket[1:] = [min(rate, tokens + (now - filled) * rate), now]
            if any(bucket[1] < 1 for bucket in buckets):
                return False
            for bucket in buckets:
                bucket[1] -= 1
            return True
