# SPDX-License-Identifier: Apache-2.0
"""All operations but PutLogEvents: a method each, named after the operation; the document it gets has
passed the model's constraints. Returns the reply's document, None for an empty reply.
"""

import re

from .errors import ServiceError, invalid_parameter
from .store import Group, Stream

RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
TAGS_MAX = 50
PAGE_BYTES_MAX = 1048576
PAGE_EVENTS_MAX = 10000


class Operations:
    def __init__(self, store, reader, now, region, account):
        self._store = store
        self._reader = reader
        self._now = now
        self._arn_prefix = f"arn:aws:logs:{region}:{account}:log-group:"

    def call(self, operation, document):
        return getattr(self, "_" + operation)(document)

    def _now_ms(self):
        return int(self._now() * 1000)

    # Groups -------------------------------------------------------------------------------------

    def _CreateLogGroup(self, document):
        name = document["logGroupName"]
        if name.lower().startswith("aws/"):
            raise invalid_parameter("Log groups starting with AWS/ are reserved for AWS.")
        key = document.get("kmsKeyId")
        if key is not None and re.match(r"arn:aws[a-z-]*:kms:[^:]+:\d{12}:key/.", key) is None:
            raise invalid_parameter(
                "The specified KMS key does not exist or is not allowed to be used"
            )
        self._store.create_group(
            Group(
                name,
                self._now_ms(),
                kms_key=key,
                log_class=document.get("logGroupClass") or "STANDARD",
                protected=document.get("deletionProtectionEnabled") or False,
                tags=dict(document.get("tags") or {}),
            )
        )

    def _DeleteLogGroup(self, document):
        group = self._store.group(document["logGroupName"])
        if group.protected:
            raise ServiceError("ValidationException", "The log group is protected from deletion.")
        self._store.delete_group(group.name)

    def _PutRetentionPolicy(self, document):
        group = self._store.group(document["logGroupName"])
        days = document["retentionInDays"]
        if days not in RETENTION_DAYS:
            values = ", ".join(map(str, RETENTION_DAYS))
            raise invalid_parameter(
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to "
                f"satisfy constraint: Member must satisfy enum value set: [{values}]"
            )
        if group.log_class == "DELIVERY":
            raise invalid_parameter("Retention is fixed for log groups of the class DELIVERY.")
        group.retention_days = days

    def _DeleteRetentionPolicy(self, document):
        self._store.group(document["logGroupName"]).retention_days = None

    def _TagResource(self, document):
        group = self._tagged_group(document)
        tags = {**group.tags, **document["tags"]}
        if len(tags) > TAGS_MAX:
            raise ServiceError("TooManyTagsException", "A resource can have no more than 50 tags.")
        group.tags = tags

    def _ListTagsForResource(self, document):
        return {"tags": self._tagged_group(document).tags}

    def _tagged_group(self, document):
        arn = document["resourceArn"]
        name = arn.removeprefix(self._arn_prefix)
        if name == arn or ":" in name:
            raise invalid_parameter(f"Invalid resource ARN: {arn}")
        return self._store.group(name)

    def _DescribeLogGroups(self, document):
        prefix = document.get("logGroupNamePrefix")
        pattern = document.get("logGroupNamePattern")
        if prefix is not None and pattern is not None:
            raise invalid_parameter(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
            )
        wanted = document.get("logGroupIdentifiers")
        names = wanted and {self._identified(identifier) for identifier in wanted}
        log_class = document.get("logGroupClass")
        groups = [
            self._describe_group(group)
            for group in self._store.groups()
            if group.name.startswith(prefix or "")
            and (pattern or "").lower() in group.name.lower()
            and (not names or group.name in names)
            and log_class in (None, group.log_class)
        ]
        return _page(document, "logGroups", groups)

    def _describe_group(self, group):
        shown = {
            "logGroupName": group.name,
            "creationTime": group.created_ms,
            "metricFilterCount": 0,
            "arn": f"{self._arn_prefix}{group.name}:*",
            "logGroupArn": self._arn_prefix + group.name,
            "storedBytes": 0,
            "logGroupClass": group.log_class,
            "deletionProtectionEnabled": group.protected,
        }
        if group.retention_days is not None:
            shown["retentionInDays"] = group.retention_days
        if group.kms_key is not None:
            shown["kmsKeyId"] = group.kms_key
        return shown

    # Streams ------------------------------------------------------------------------------------

    def _CreateLogStream(self, document):
        stream = Stream(document["logStreamName"], self._now_ms())
        self._store.create_stream(document["logGroupName"], stream)

    def _DeleteLogStream(self, document):
        self._store.delete_stream(document["logGroupName"], document["logStreamName"])

    def _DescribeLogStreams(self, document):
        group = self._named_group(document)
        by_time = document.get("orderBy") == "LastEventTime"
        prefix = document.get("logStreamNamePrefix")
        if by_time and prefix is not None:
            raise invalid_parameter(
                "Cannot order by LastEventTime with a logStreamNamePrefix."
            )
        streams = self._store.streams(group.name)
        if by_time:
            streams.sort(key=lambda stream: stream.last_ms or 0)
        if document.get("descending"):
            streams.reverse()
        shown = [
            self._describe_stream(group, stream)
            for stream in streams
            if stream.name.startswith(prefix or "")
        ]
        return _page(document, "logStreams", shown)

    def _describe_stream(self, group, stream):
        shown = {
            "logStreamName": stream.name,
            "creationTime": stream.created_ms,
            "arn": f"{self._arn_prefix}{group.name}:log-stream:{stream.name}",
            "storedBytes": 0,
        }
        if stream.events:
            shown["firstEventTimestamp"] = stream.first_ms
            shown["lastEventTimestamp"] = stream.last_ms
            shown["lastIngestionTime"] = stream.ingested_ms
            shown["uploadSequenceToken"] = "0" * 56
        return shown

    # Events -------------------------------------------------------------------------------------

    def _GetLogEvents(self, document):
        group = self._named_group(document)
        stream = self._store.stream(group.name, document["logStreamName"])
        events = self._sorted_events(document, group, lambda name: name == stream.name)
        low, high = _window(document, events)
        shown = [
            {key: event[key] for key in ("timestamp", "message", "ingestionTime")}
            for event in events[low:high]
        ]
        return {
            "events": shown,
            "nextForwardToken": f"f/{high:056d}/s",
            "nextBackwardToken": f"b/{low:056d}/s",
        }

    def _FilterLogEvents(self, document):
        group = self._named_group(document)
        names, prefix = document.get("logStreamNames"), document.get("logStreamNamePrefix")
        if names is not None and prefix is not None:
            raise invalid_parameter("logStreamNamePrefix and logStreamNames exclude each other.")
        for name in names or ():
            self._store.stream(group.name, name)
        matches = _compile_filter(document.get("filterPattern") or "")
        events = [
            event
            for event in self._sorted_events(
                document,
                group,
                lambda name: name in names if names else name.startswith(prefix or ""),
            )
            if matches(event["message"])
        ]
        low = _offset(document.get("nextToken"), "n/")
        high = _page_end(events, low, document.get("limit") or PAGE_EVENTS_MAX)
        reply = {"events": events[low:high], "searchedLogStreams": []}
        if high < len(events):
            reply["nextToken"] = f"n/{high:056d}/s"
        return reply

    def _sorted_events(self, document, group, wanted):
        if group.log_class != "STANDARD":
            raise invalid_parameter(f"Not supported for log groups of the class {group.log_class}.")
        start = document.get("startTime") or 0
        end = document.get("endTime")
        events = [
            {
                "logStreamName": event["stream"],
                "timestamp": event["timestamp"],
                "message": event["message"],
                "ingestionTime": event["ingested"],
                "eventId": f"{event['ingested']:020d}{event['index']:036d}",
            }
            for event in self._reader.events(group.name)
            if wanted(event["stream"])
            and event["timestamp"] >= start
            and (end is None or event["timestamp"] < end)
        ]
        events.sort(key=lambda event: event["timestamp"])
        return events

    def _named_group(self, document):
        name, identifier = document.get("logGroupName"), document.get("logGroupIdentifier")
        if (name is None) == (identifier is None):
            raise invalid_parameter(
                "Exactly one of logGroupName and logGroupIdentifier must be specified."
            )
        return self._store.group(name if name is not None else self._identified(identifier))

    def _identified(self, identifier):
        return identifier.removeprefix(self._arn_prefix)


def _page(document, member, items):
    low = _offset(document.get("nextToken"), "p/")
    high = low + (document.get("limit") or 50)
    reply = {member: items[low:high]}
    if high < len(items):
        reply["nextToken"] = f"p/{high:056d}/s"
    return reply


def _offset(token, kind):
    if token is None:
        return 0
    match = re.fullmatch(re.escape(kind) + r"(\d{56})/s", token)
    if match is None:
        raise invalid_parameter("The specified nextToken is invalid.")
    return int(match[1])


def _window(document, events):
    """GetLogEvents pages both ways: [low, high) of the events."""
    limit = document.get("limit") or PAGE_EVENTS_MAX
    token = document.get("nextToken")
    forward = document.get("startFromHead") if token is None else token.startswith("f/")
    if forward:
        low = min(len(events), _offset(token, "f/"))
        return low, _page_end(events, low, limit)
    high = min(len(events), _offset(token, "b/")) if token else len(events)
    low, size = high, 0
    while low > 0 and high - low < limit:
        size += len(events[low - 1]["message"].encode()) + 26
        if size > PAGE_BYTES_MAX:
            break
        low -= 1
    return low, high


def _page_end(events, low, limit):
    high, size = low, 0
    while high < len(events) and high - low < limit:
        size += len(events[high]["message"].encode()) + 26
        if size > PAGE_BYTES_MAX:
            break
        high += 1
    return high


def _compile_filter(pattern):
    """Plain and quoted terms, all of which must occur. Other patterns are refused."""
    if re.search(r'^\s*[{\[%]|(^|\s)[?-]', pattern):
        raise invalid_parameter("Invalid filter pattern")
    terms = [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', pattern)]
    return lambda message: all(term in message for term in terms)
