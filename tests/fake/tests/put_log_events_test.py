# SPDX-License-Identifier: Apache-2.0
"""PutLogEvents: every limit at its edge, and that what is read back is what was sent."""

import gzip
import json
import unittest

import client
from client import DAY_MS, event, now_ms

MESSAGE_MAX = 1048576 - 26


class Service(unittest.TestCase):
    SETTINGS = {}

    def setUp(self):
        self.fake = client.FakeCloudWatch(**self.SETTINGS).start()
        self.addCleanup(self.fake.stop)
        self.fake.create("g", "s")
        self.client = client.Client(self.fake)
        self.addCleanup(self.client.close)

    def put(self, events, **more):
        return self.client.put("g", "s", events, **more)

    def assert_refused(self, reply, error, text, status=400):
        self.assertEqual((reply.status, reply.error), (status, error))
        self.assertIn(text, reply.message)
        self.assertEqual(self.fake.count(), 0)

    def assert_stored(self, reply, messages):
        self.assertEqual(reply.status, 200, reply.body)
        self.assertNotIn("rejectedLogEventsInfo", reply.document)
        self.assertEqual(self.fake.messages(), messages)


class Limits(Service):
    def test_one_event_is_stored_and_acknowledged(self):
        sent = event("hello")
        self.assert_stored(self.put([sent]), ["hello"])
        got = self.fake.events()[0]
        self.assertEqual(
            (got["group"], got["stream"], got["timestamp"], got["index"]),
            ("g", "s", sent["timestamp"], 0),
        )
        request = self.fake.requests()[0]
        self.assertEqual(got["request"], request["request"])
        self.assertEqual((request["events"], request["accepted_events"]), (1, 1))

    def test_ten_thousand_events_are_taken_and_one_more_is_not(self):
        events = [event("x")] * 10000
        self.assertEqual(self.put(events).status, 200)
        self.assertEqual(self.fake.count(), 10000)
        self.fake.reset()
        self.fake.create("g", "s")
        reply = self.put(events + events[:1])
        self.assert_refused(
            reply, "InvalidParameterException", "Member must have length less than or equal to 10000"
        )

    def test_no_events_are_refused(self):
        self.assert_refused(
            self.put([]), "InvalidParameterException", "'logEvents' failed to satisfy constraint"
        )

    def test_the_largest_message_is_1048550_bytes(self):
        self.assert_stored(self.put([event("m" * MESSAGE_MAX)]), ["m" * MESSAGE_MAX])

    def test_one_byte_more_is_too_large_an_event(self):
        reply = self.put([event("m" * (MESSAGE_MAX + 1))])
        text = "Log event too large: 1048577 bytes exceeds limit of 1048576"
        self.assert_refused(reply, "InvalidParameterException", text)

    def test_bytes_are_counted_in_utf8(self):
        fits = "\u00e9" * (MESSAGE_MAX // 2)
        self.assert_stored(self.put([event(fits)]), [fits])
        self.fake.reset()
        self.fake.create("g", "s")
        self.assert_refused(
            self.put([event(fits + "\u00e9")]), "InvalidParameterException", "1048578 bytes"
        )

    def test_each_event_costs_26_bytes_of_the_batch(self):
        events = [event("m" * 1022)] * 1000 + [event("e" * 550)]
        self.assertEqual(self.put(events).status, 200)
        self.fake.reset()
        self.fake.create("g", "s")
        text = "Upload too large: 1048577 bytes exceeds limit of 1048576"
        events[-1] = event("e" * 551)
        self.assert_refused(self.put(events), "InvalidParameterException", text)

    def test_escapes_of_json_do_not_count(self):
        quotes = '"' * MESSAGE_MAX
        self.assert_stored(self.put([event(quotes)]), [quotes])

    def test_an_event_before_its_predecessor_is_refused(self):
        now = now_ms()
        reply = self.put([event("a", now), event("b", now - 1)])
        self.assert_refused(reply, "InvalidParameterException", "must be in chronological order")
        self.assertEqual(self.put([event("a", now), event("b", now)]).status, 200)

    def test_24_hours_are_spanned_and_a_millisecond_more_is_not(self):
        start = now_ms() - 2 * DAY_MS
        reply = self.put([event("a", start), event("b", start + DAY_MS + 1)])
        self.assert_refused(reply, "InvalidParameterException", "cannot span more than 24 hours")
        reply = self.put([event("a", start), event("b", start + DAY_MS)])
        self.assert_stored(reply, ["a", "b"])

    def test_an_empty_message_is_refused(self):
        reply = self.put([event("a"), event("")])
        self.assert_refused(reply, "InvalidParameterException", "'logEvents.2.member.message'")

    def test_a_missing_or_null_member_is_refused(self):
        for broken in ({"message": "a"}, {"timestamp": 1, "message": None}):
            reply = self.put([broken])
            self.assert_refused(reply, "InvalidParameterException", "Member must not be null")

    def test_a_negative_timestamp_is_refused(self):
        self.assert_refused(
            self.put([event("a", -1)]), "InvalidParameterException", "greater than or equal to 0"
        )

    def test_wrong_types_do_not_deserialize(self):
        for broken in (
            {"timestamp": "1", "message": "a"},
            {"timestamp": 1.5, "message": "a"},
            {"timestamp": True, "message": "a"},
            {"timestamp": 1 << 63, "message": "a"},
            {"timestamp": 1, "message": 7},
            "event",
        ):
            with self.subTest(broken):
                self.assert_refused(self.put([broken]), "SerializationException", "")
        self.assert_refused(self.put({"a": 1}), "SerializationException", "")

    def test_missing_members_are_counted_in_one_error(self):
        reply = self.client.call("PutLogEvents", logEvents=[event("a")])
        self.assert_refused(reply, "InvalidParameterException", "2 validation errors detected: ")

    def test_a_missing_group_or_stream_is_not_found(self):
        for group, stream, text in (
            ("other", "s", "The specified log group does not exist."),
            ("g", "other", "The specified log stream does not exist."),
        ):
            reply = self.client.put(group, stream, [event("a")])
            self.assert_refused(reply, "ResourceNotFoundException", text)

    def test_forbidden_names_are_refused(self):
        for group, stream in (("g:", "s"), ("", "s"), ("g" * 513, "s"), ("g", "a:b"), ("g", "*")):
            with self.subTest(group=group[:5], stream=stream):
                reply = self.client.put(group, stream, [event("a")])
                self.assert_refused(reply, "InvalidParameterException", "failed to satisfy")


class Ages(Service):
    def test_old_and_new_events_are_rejected_and_the_middle_is_kept(self):
        now = now_ms()
        reply = self.put(
            [
                event("too old", now - 14 * DAY_MS - 5000),
                event("kept", now - 1000),
                event("kept too", now + 7200 * 1000 - 5000),
                event("too new", now + 7200 * 1000 + 5000),
                event("too new", now + 90 * DAY_MS),
            ]
        )
        self.assertEqual(reply.status, 200)
        self.assertEqual(
            reply.document["rejectedLogEventsInfo"],
            {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 3},
        )
        self.assertEqual(self.fake.messages(), ["kept", "kept too"])
        self.assertEqual(self.fake.requests()[0]["rejected"], reply.document["rejectedLogEventsInfo"])

    def test_retention_expires_events(self):
        self.client.call("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
        now = now_ms()
        reply = self.put([event("expired", now - DAY_MS - 5000), event("kept", now - DAY_MS + 5000)])
        self.assertEqual(
            reply.document["rejectedLogEventsInfo"], {"expiredLogEventEndIndex": 1}
        )
        self.assertEqual(self.fake.messages(), ["kept"])

    def test_all_events_may_be_rejected(self):
        reply = self.put([event("a", 0), event("b", 1)])
        self.assertEqual(reply.document["rejectedLogEventsInfo"], {"tooOldLogEventEndIndex": 2})
        reply = self.put([event("a", now_ms() + DAY_MS)])
        self.assertEqual(reply.document["rejectedLogEventsInfo"], {"tooNewLogEventStartIndex": 0})
        self.assertEqual((reply.status, self.fake.count()), (200, 0))

    def test_the_service_s_clock_decides(self):
        self.fake.clock(offset=-3 * 3600)
        self.client.clock = -3 * 3600
        reply = self.put([event("a")])
        self.assertEqual(reply.document["rejectedLogEventsInfo"], {"tooNewLogEventStartIndex": 0})


class Bodies(Service):
    def test_gzip_is_taken(self):
        events = [event(f"line {n} \u00e9\U0001f600") for n in range(1000)]
        self.assert_stored(
            self.client.put_gzip("g", "s", events), [e["message"] for e in events]
        )
        request = self.fake.requests()[0]
        self.assertTrue(request["gzip"])
        self.assertLess(request["wire_bytes"], request["body_bytes"] / 5)

    def test_broken_gzip_is_refused(self):
        for how in ({"tail": b"x"}, {"keep": -1}, {"keep": 5}, {"tail": gzip.compress(b" ")}):
            with self.subTest(how):
                reply = self.client.put_gzip("g", "s", [event("a")], **how)
                self.assert_refused(reply, "SerializationException", "")

    def test_plain_json_called_gzip_is_refused(self):
        reply = self.client.send("PutLogEvents", b"{}", {"content-encoding": "gzip"})
        self.assert_refused(reply, "SerializationException", "Not gzip")

    def test_gzip_that_is_not_declared_is_refused(self):
        self.assert_refused(
            self.client.send("PutLogEvents", gzip.compress(b"{}")), "SerializationException", "UTF-8"
        )

    def test_an_unknown_encoding_is_refused(self):
        reply = self.client.send("PutLogEvents", b"{}", {"content-encoding": "zstd"})
        self.assert_refused(reply, "SerializationException", "zstd")

    def test_a_bomb_is_refused(self):
        bomb = gzip.compress(b" " * (64 << 20))
        reply = self.client.send("PutLogEvents", bomb, {"content-encoding": "gzip"})
        self.assertEqual(reply.status, 413)

    def test_an_endpoint_can_refuse_gzip(self):
        self.fake.configure(refuse_gzip=True)
        reply = self.client.put_gzip("g", "s", [event("a")])
        self.assert_refused(reply, "SerializationException", "")
        self.assertEqual(self.put([event("a")]).status, 200)

    def test_bytes_that_are_not_utf8_do_not_deserialize(self):
        body = json.dumps(
            {"logGroupName": "g", "logStreamName": "s", "logEvents": [event("BAD")]}
        ).encode()
        for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xc3"):
            reply = self.client.send("PutLogEvents", body.replace(b"BAD", bad))
            self.assert_refused(reply, "SerializationException", "Invalid UTF-8")

    def test_an_unpaired_surrogate_does_not_deserialize(self):
        self.assert_refused(self.put([event("a\ud800")]), "SerializationException", "surrogate")

    def test_what_is_not_json_does_not_deserialize(self):
        for body in (b"", b"[]", b"{", b'{"a":NaN}', b'{"a":"\n"}', b"\xef\xbb\xbf{}", b"[" * 100000):
            with self.subTest(body[:10]):
                reply = self.client.send("PutLogEvents", body)
                self.assert_refused(reply, "SerializationException", "")

    def test_a_body_beyond_the_limit_is_413_without_a_request_id(self):
        self.fake.configure(max_body=1000)
        reply = self.put([event("a" * 2000)])
        self.assertEqual(reply.status, 413)
        self.assertIsNone(reply.headers["x-amzn-RequestId"])
        self.assertEqual(self.fake.requests()[0]["outcome"], "too_large")

    def test_every_character_comes_back_as_it_was_sent(self):
        text = "".join(map(chr, range(0xD800))) + "\ue000\ufffd\uffff\U00010000\U0010ffff"
        for send in (self.put, lambda events: self.client.put_gzip("g", "s", events)):
            self.fake.reset()
            self.fake.create("g", "s")
            self.assert_stored(send([event(text)]), [text])

    def test_batches_come_back_in_the_order_of_their_acceptance(self):
        self.fake.create("g", "t")
        now = now_ms()
        self.client.put("g", "t", [event("1", now), event("2", now)])
        self.put([event("3", now - 5)])
        self.client.put_gzip("g", "t", [event("4", now - 9)])
        self.assertEqual(self.fake.messages(), ["1", "2", "3", "4"])
        self.assertEqual(self.fake.messages("g", "t"), ["1", "2", "4"])
        self.assertEqual([e["index"] for e in self.fake.events("g", "t")], [0, 1, 2])


class Entities(Service):
    WORKLOAD = {"Type": "Service", "Name": "shop", "Environment": "eks:c/n", "AwsAccountId": "1"}

    def error_of(self, keys, **attributes):
        entity = {"keyAttributes": keys, "attributes": attributes}
        reply = self.put([event("a")], entity=entity)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.document.get("rejectedEntityInfo", {}).get("errorType")

    def test_a_workload_is_taken(self):
        self.assertIsNone(self.error_of(self.WORKLOAD, PlatformType="AWS::EKS"))
        self.assertEqual(self.fake.requests()[0]["entity"], self.WORKLOAD)

    def test_a_rejected_entity_does_not_reject_its_events(self):
        for change, error in (
            ({"Type": "Pod"}, "InvalidTypeValue"),
            ({"Name": None}, "MissingRequiredFields"),
            ({"AwsAccountId": None, "Node": "n"}, "InvalidKeyAttributes"),
        ):
            keys = {k: v for k, v in {**self.WORKLOAD, **change}.items() if v is not None}
            self.assertEqual(self.error_of(keys), error)
        self.assertEqual(self.fake.count(), 3)

    def test_lengths_of_attributes_are_checked(self):
        keys = {**self.WORKLOAD, "Name": "n" * 513}
        reply = self.put([event("a")], entity={"keyAttributes": keys})
        self.assert_refused(reply, "InvalidParameterException", "less than or equal to 512")


class Deferred(Service):
    SETTINGS = {"deferred": True}

    def test_events_are_checked_when_they_are_read(self):
        now = now_ms()
        self.client.put_gzip("g", "s", [event("old", 0), event("good", now)])
        reply = self.client.put_gzip("g", "s", [event("a", now), event("b", now - 1)])
        self.assertEqual(reply.status, 200)
        self.assertEqual(self.fake.misbehaviour(), [])
        self.assertEqual(self.fake.messages(), ["good"])
        self.assertEqual(self.fake.messages(), ["good"])
        kinds = [found["kind"] for found in self.fake.misbehaviour()]
        self.assertEqual(kinds, ["late_rejection", "late_refusal"])

    def test_a_missing_stream_is_found_missing_at_once(self):
        reply = self.client.put_gzip("g", "t", [event("a")])
        self.assertEqual(reply.error, "ResourceNotFoundException")

    def test_names_at_the_end_are_found_too(self):
        body = json.dumps(
            {
                "logEvents": [event('"logGroupName":"x"' * 1000)],
                "logGroupName": "g",
                "logStreamName": "s",
            }
        ).encode()
        self.assertEqual(self.client.send("PutLogEvents", body).status, 200)
        self.assertEqual(self.fake.count("g", "s"), 1)

    def test_a_partial_rejection_cannot_be_asked_for(self):
        with self.assertRaises(ValueError):
            self.fake.fault(action="partial_rejection", too_old=1)


if __name__ == "__main__":
    unittest.main()
