# SPDX-License-Identifier: Apache-2.0
"""Groups and streams, their constraints, and reading events back through the API."""

import unittest

import client
from client import event, now_ms

ARN = "arn:aws:logs:eu-central-1:123456789012:log-group:"


class Operations(unittest.TestCase):
    def setUp(self):
        self.fake = client.FakeCloudWatch().start()
        self.addCleanup(self.fake.stop)
        self.client = client.Client(self.fake)
        self.addCleanup(self.client.close)

    def ok(self, operation, **document):
        reply = self.client.call(operation, **document)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.document

    def refused(self, error, text, operation, **document):
        reply = self.client.call(operation, **document)
        self.assertEqual((reply.status, reply.error), (400, error))
        self.assertIn(text, reply.message)

    def test_a_group_is_created_once(self):
        self.assertIsNone(self.ok("CreateLogGroup", logGroupName="/eks/c/containers"))
        self.refused(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
            "CreateLogGroup",
            logGroupName="/eks/c/containers",
        )

    def test_names_of_groups_are_checked(self):
        for name in ("", "a b", "a:b", "g" * 513, "\u00e9"):
            self.refused(
                "InvalidParameterException", "'logGroupName'", "CreateLogGroup", logGroupName=name
            )
        self.refused(
            "InvalidParameterException", "reserved", "CreateLogGroup", logGroupName="aws/x"
        )
        self.refused("InvalidParameterException", "must not be null", "CreateLogGroup")
        for name in ("g" * 512, "/aws/x", "a.b-c_d/e#1"):
            self.ok("CreateLogGroup", logGroupName=name)

    def test_a_group_has_class_key_and_tags(self):
        key = "arn:aws:kms:eu-central-1:123456789012:key/1"
        self.ok(
            "CreateLogGroup",
            logGroupName="g",
            logGroupClass="INFREQUENT_ACCESS",
            kmsKeyId=key,
            tags={"Team": "\u00e9 x"},
        )
        group = self.ok("DescribeLogGroups", logGroupNamePrefix="g")["logGroups"][0]
        self.assertEqual((group["logGroupClass"], group["kmsKeyId"]), ("INFREQUENT_ACCESS", key))
        self.assertEqual(self.fake.groups()[0]["tags"], {"Team": "\u00e9 x"})
        self.ok("CreateLogStream", logGroupName="g", logStreamName="s")
        self.refused(
            "InvalidParameterException", "class INFREQUENT_ACCESS",
            "GetLogEvents", logGroupName="g", logStreamName="s",
        )  # fmt: skip

    def test_class_key_and_tags_are_checked(self):
        for text, document in (
            ("enum value set", {"logGroupClass": "CHEAP"}),
            ("KMS key", {"kmsKeyId": "mine"}),
            ("'tags'", {"tags": {}}),
            ("'tags'", {"tags": {str(n): "v" for n in range(51)}}),
            ("'tags.key'", {"tags": {"k" * 129: "v"}}),
            ("'tags.k.member'", {"tags": {"k": "v" * 257}}),
            ("'tags.k.member'", {"tags": {"k": "a&b"}}),
        ):
            with self.subTest(text):
                self.refused(
                    "InvalidParameterException", text, "CreateLogGroup", logGroupName="g", **document
                )

    def test_streams_need_a_group_and_a_good_name(self):
        self.refused(
            "ResourceNotFoundException",
            "The specified log group does not exist.",
            "CreateLogStream", logGroupName="g", logStreamName="s",
        )  # fmt: skip
        self.ok("CreateLogGroup", logGroupName="g")
        for name in ("", "a:b", "a*", "s" * 513):
            self.refused(
                "InvalidParameterException", "'logStreamName'",
                "CreateLogStream", logGroupName="g", logStreamName=name,
            )  # fmt: skip
        self.ok("CreateLogStream", logGroupName="g", logStreamName="node/\u00e9 [$LATEST]")
        self.ok("CreateLogStream", logGroupName="g", logStreamName="s")
        self.refused(
            "ResourceAlreadyExistsException", "log stream already exists",
            "CreateLogStream", logGroupName="g", logStreamName="s",
        )  # fmt: skip
        self.assertEqual(self.fake.groups()[0]["streams"], ["node/\u00e9 [$LATEST]", "s"])

    def test_retention_is_one_of_the_published_values(self):
        self.ok("CreateLogGroup", logGroupName="g")
        for days in (1, 14, 3653):
            self.ok("PutRetentionPolicy", logGroupName="g", retentionInDays=days)
            self.assertEqual(self.fake.groups()[0]["retention_days"], days)
        for days in (0, 2, 10, -1, 4000):
            self.refused(
                "InvalidParameterException", "retentionInDays",
                "PutRetentionPolicy", logGroupName="g", retentionInDays=days,
            )  # fmt: skip
        self.refused(
            "SerializationException", "", "PutRetentionPolicy",
            logGroupName="g", retentionInDays="7",
        )  # fmt: skip
        self.refused(
            "ResourceNotFoundException", "", "PutRetentionPolicy",
            logGroupName="h", retentionInDays=7,
        )  # fmt: skip
        self.ok("DeleteRetentionPolicy", logGroupName="g")
        self.assertIsNone(self.fake.groups()[0]["retention_days"])

    def test_tags_are_added_by_the_arn_without_a_star(self):
        self.ok("CreateLogGroup", logGroupName="g", tags={"a": "1"})
        self.ok("TagResource", resourceArn=ARN + "g", tags={"b": "2"})
        tags = self.ok("ListTagsForResource", resourceArn=ARN + "g")["tags"]
        self.assertEqual(tags, {"a": "1", "b": "2"})
        many = {str(n): "v" for n in range(49)}
        for error, arn, tags in (
            ("InvalidParameterException", ARN + "g:*", {"a": "1"}),
            ("InvalidParameterException", "arn:aws:s3:::g", {"a": "1"}),
            ("ResourceNotFoundException", ARN + "h", {"a": "1"}),
            ("TooManyTagsException", ARN + "g", many),
        ):
            self.refused(error, "", "TagResource", resourceArn=arn, tags=tags)

    def test_groups_are_described_page_by_page(self):
        for number in range(7):
            self.fake.create(f"g{number}")
        self.fake.create("other")
        seen, token = [], {}
        while True:
            page = self.ok("DescribeLogGroups", logGroupNamePrefix="g", limit=3, **token)
            self.assertLessEqual(len(page["logGroups"]), 3)
            seen += [group["logGroupName"] for group in page["logGroups"]]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        self.assertEqual(seen, [f"g{number}" for number in range(7)])
        self.refused("InvalidParameterException", "'limit'", "DescribeLogGroups", limit=51)
        self.refused("InvalidParameterException", "nextToken", "DescribeLogGroups", nextToken="x")

    def test_streams_are_described_with_their_times(self):
        self.fake.create("g", "b")
        self.fake.create("g", "a")
        now = now_ms()
        self.client.put("g", "b", [event("1", now - 9), event("2", now)])
        streams = self.ok("DescribeLogStreams", logGroupName="g")["logStreams"]
        self.assertEqual([s["logStreamName"] for s in streams], ["a", "b"])
        self.assertNotIn("firstEventTimestamp", streams[0])
        self.assertEqual(
            (streams[1]["firstEventTimestamp"], streams[1]["lastEventTimestamp"]), (now - 9, now)
        )
        latest = self.ok(
            "DescribeLogStreams", logGroupName="g", orderBy="LastEventTime", descending=True
        )
        self.assertEqual(latest["logStreams"][0]["logStreamName"], "b")
        self.refused("InvalidParameterException", "Exactly one", "DescribeLogStreams")

    def test_events_are_read_by_time_and_page(self):
        self.fake.create("g", "s")
        now = now_ms() - 1000
        self.client.put("g", "s", [event(f"m{n}", now + n) for n in range(10)])
        name = {"logGroupName": "g", "logStreamName": "s"}
        page = self.ok("GetLogEvents", **name, startFromHead=True, limit=4)
        self.assertEqual([e["message"] for e in page["events"]], ["m0", "m1", "m2", "m3"])
        page = self.ok("GetLogEvents", **name, nextToken=page["nextForwardToken"])
        self.assertEqual([e["message"] for e in page["events"]], [f"m{n}" for n in range(4, 10)])
        last = self.ok("GetLogEvents", **name, nextToken=page["nextForwardToken"])
        self.assertEqual((last["events"], last["nextForwardToken"]), ([], page["nextForwardToken"]))
        tail = self.ok("GetLogEvents", **name, limit=2)
        self.assertEqual([e["message"] for e in tail["events"]], ["m8", "m9"])
        middle = self.ok("GetLogEvents", **name, startTime=now + 2, endTime=now + 4)
        self.assertEqual([e["message"] for e in middle["events"]], ["m2", "m3"])

    def test_a_page_holds_no_more_than_a_mebibyte(self):
        self.fake.create("g", "s")
        for _ in range(3):
            self.client.put("g", "s", [event("x" * 600000)])
        page = self.ok("GetLogEvents", logGroupName="g", logStreamName="s", startFromHead=True)
        self.assertEqual(len(page["events"]), 1)
        page = self.ok("GetLogEvents", logGroupName="g", logStreamName="s")
        self.assertEqual(len(page["events"]), 1)
        page = self.ok(
            "GetLogEvents", logGroupName="g", logStreamName="s", nextToken=page["nextBackwardToken"]
        )
        self.assertEqual(len(page["events"]), 1)

    def test_events_are_filtered_by_terms_and_streams(self):
        for stream in ("a1", "a2", "b"):
            self.fake.create("g", stream)
            self.client.put("g", stream, [event(f"{stream} good"), event(f"{stream} bad day")])

        def found(**document):
            events = self.ok("FilterLogEvents", logGroupName="g", **document)["events"]
            return sorted(e["message"] for e in events)

        self.assertEqual(len(found()), 6)
        self.assertEqual(found(filterPattern='"bad day"', logStreamNamePrefix="a"),
                         ["a1 bad day", "a2 bad day"])
        self.assertEqual(found(filterPattern="good", logStreamNames=["b"]), ["b good"])
        self.refused(
            "InvalidParameterException", "filter pattern",
            "FilterLogEvents", logGroupName="g", filterPattern="{ $.a = 1 }",
        )  # fmt: skip

    def test_what_is_deleted_is_gone(self):
        self.fake.create("g", "s")
        self.client.put("g", "s", [event("a")])
        self.ok("DeleteLogStream", logGroupName="g", logStreamName="s")
        self.assertEqual(self.fake.events(), [])
        self.refused(
            "ResourceNotFoundException", "log stream", "DeleteLogStream",
            logGroupName="g", logStreamName="s",
        )  # fmt: skip
        self.ok("DeleteLogGroup", logGroupName="g")
        self.assertEqual(self.fake.groups(), [])

    def test_an_unknown_operation_or_content_type_is_refused(self):
        headers = self.client.headers("PutNothing", b"{}")
        reply = self.client.send_headers(b"{}", headers)
        self.assertEqual((reply.status, reply.error), (404, "UnknownOperationException"))
        headers = self.client.headers("DescribeLogGroups", b"{}", {"content-type": "text/json"})
        self.assertEqual(self.client.send_headers(b"{}", headers).status, 404)
        headers = self.client.headers("DescribeLogGroups", b"{}")
        self.assertEqual(self.client.send_headers(b"{}", headers, path="/x").status, 404)


if __name__ == "__main__":
    unittest.main()
