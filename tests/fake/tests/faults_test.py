# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on demand: every action as a client meets it, and how rules choose requests."""

import http.client
import json
import socket
import threading
import time
import unittest

import client
from client import event
from logs_service.faults import ACTIONS

ERRORS = {  # action -> status and type
    "throttle": (400, "ThrottlingException"),
    "internal_error": (500, "InternalFailure"),
    "unavailable": (503, "ServiceUnavailableException"),
    "expired_token": (400, "ExpiredTokenException"),
    "invalid_token": (400, "UnrecognizedClientException"),
    "access_denied": (400, "AccessDeniedException"),
    "group_not_found": (400, "ResourceNotFoundException"),
    "stream_not_found": (400, "ResourceNotFoundException"),
    "aborted": (400, "OperationAbortedException"),
}


class Service(unittest.TestCase):
    def setUp(self):
        self.fake = client.FakeCloudWatch().start()
        self.addCleanup(self.fake.stop)
        self.fake.create("g", "s")
        self.client = self.new_client()

    def new_client(self, **options):
        made = client.Client(self.fake, **options)
        self.addCleanup(made.close)
        return made

    def put(self, stream="s", message="a"):
        return self.client.put("g", stream, [event(message)])

    def assert_recovers(self, stored):
        """The rule was used up: a new connection works; `stored` counts the event before."""
        self.assertEqual(self.new_client().put("g", "s", [event("b")]).status, 200)
        self.assertEqual(self.fake.messages(), ["a", "b"] if stored else ["b"])
        self.assertEqual(self.fake.misbehaviour(), [])


class Actions(Service):
    def test_errors_have_their_name_and_status_and_store_nothing(self):
        for action, expected in ERRORS.items():
            with self.subTest(action):
                self.fake.fault(action=action, count=1)
                reply = self.put()
                self.assertEqual((reply.status, reply.error), expected)
                self.assertIn("message", reply.document)
        self.assert_recovers(stored=False)

    def test_any_error_can_be_made_up_in_any_style(self):
        made = {"action": "error", "type": "LimitExceededException", "message": "no", "status": 429}
        for style, key, name in (
            ("plain", "message", "LimitExceededException"),
            ("capital", "Message", "LimitExceededException"),
            ("namespaced", "message", "com.amazonaws.logs#LimitExceededException"),
        ):
            self.fake.fault(**made, style=style, count=1)
            reply = self.put()
            self.assertEqual(reply.status, 429)
            self.assertEqual(reply.document, {"__type": name, key: "no"})

    def test_retry_headers_are_sent(self):
        self.fake.fault(action="throttle", retry_after=7, retry_after_ms=1500)
        reply = self.put()
        self.assertEqual(reply.headers["Retry-After"], "7")
        self.assertEqual(reply.headers["x-amz-retry-after"], "1500")

    def test_replies_that_are_not_the_service_s(self):
        for action, status, body in (
            ("unavailable_html", 503, b"<html>"),
            ("html_200", 200, b"<html>"),
            ("empty_200", 200, b""),
        ):
            with self.subTest(action):
                self.fake.fault(action=action, count=1)
                reply = self.put()
                self.assertEqual(reply.status, status)
                self.assertEqual(reply.body[:6], body)
        self.assert_recovers(stored=False)

    def test_too_large_has_no_request_id(self):
        self.fake.fault(action="too_large", count=1)
        reply = self.put()
        self.assertEqual((reply.status, reply.headers["x-amzn-RequestId"]), (413, None))
        self.assert_recovers(stored=False)

    def test_reset_before_stores_nothing_and_reset_after_stores(self):
        for action, stored in (("reset_before", False), ("reset_after", True)):
            with self.subTest(action):
                self.fake.fault(action=action, count=1)
                with self.assertRaises(ConnectionResetError):
                    self.new_client().put("g", "s", [event("a")])
                self.assert_recovers(stored)
                self.fake.reset()
                self.fake.create("g", "s")

    def test_a_reset_can_be_for_one_stream_only(self):
        self.fake.create("g", "t")
        self.fake.fault(action="reset_before", stream="t")
        with self.assertRaises(ConnectionResetError):
            self.new_client().put("g", "t", [event("a")])
        self.assert_recovers(stored=False)

    def test_a_dropped_reply_was_accepted(self):
        self.fake.fault(action="drop_reply", count=1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.put()
        request = self.fake.requests()[0]
        self.assertEqual(
            (request["accepted"], request["status"], request["outcome"]), (True, None, "drop_reply")
        )
        self.assert_recovers(stored=True)

    def test_hangs_end_with_the_client_s_patience(self):
        for action, stored in (("hang_before", False), ("hang_after", True)):
            with self.subTest(action):
                self.fake.fault(action=action, count=1)
                impatient = self.new_client(timeout=0.5)
                with self.assertRaises(TimeoutError):
                    impatient.put("g", "s", [event("a")])
                impatient.close()
                self.assert_recovers(stored)
                self.fake.reset()
                self.fake.create("g", "s")

    def test_a_hang_can_end_by_itself(self):
        self.fake.fault(action="hang_before", seconds=0.1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.put()

    def test_a_cut_reply_is_shorter_than_announced(self):
        self.fake.fault(action="cut_reply", count=1)
        with self.assertRaises(http.client.IncompleteRead):
            self.put()
        self.assert_recovers(stored=True)

    def test_slow_and_delayed_replies_arrive_whole(self):
        for action in ("slow_reply", "delay"):
            with self.subTest(action):
                self.fake.fault(action=action, seconds=0.3, count=1)
                started = time.monotonic()
                self.assertIn("nextSequenceToken", self.put().document)
                self.assertGreaterEqual(time.monotonic() - started, 0.25)

    def test_a_connection_can_end_after_a_reply_without_a_word(self):
        self.fake.fault(action="close_after", count=1)
        reply = self.put()
        self.assertEqual((reply.status, reply.headers["Connection"]), (200, None))
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.client.connection.auto_open = False
            self.put(message="again")
        self.assert_recovers(stored=True)

    def test_partial_rejections_leave_the_middle(self):
        self.fake.fault(action="partial_rejection", too_old=1, too_new=2, count=1)
        events = [event(str(n)) for n in range(6)]
        reply = self.client.put("g", "s", events)
        self.assertEqual(
            reply.document["rejectedLogEventsInfo"],
            {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 4},
        )
        self.assertEqual(self.fake.messages(), ["1", "2", "3"])

    def test_an_error_can_come_after_the_events_were_stored(self):
        self.fake.fault(action="internal_error", accepted=True, count=1)
        self.assertEqual(self.put().status, 500)
        self.assert_recovers(stored=True)

    def test_every_action_leaves_its_name_in_the_log_of_requests(self):
        for action in ACTIONS:
            self.fake.fault(action=action, count=1, seconds=0)
            try:
                self.new_client(timeout=2).put("g", "s", [event("a")])
            except (OSError, http.client.HTTPException):
                pass
        self.assertEqual([request["fault"] for request in self.fake.requests()], list(ACTIONS))


class Rules(Service):
    def statuses(self, count):
        return [self.put().status for _ in range(count)]

    def test_count_and_skip(self):
        self.fake.fault(action="throttle", skip=1, count=2)
        self.assertEqual(self.statuses(5), [200, 400, 400, 200, 200])
        rule = self.fake.faults()[0]
        self.assertEqual(rule["applied"], 2)

    def test_a_share_is_about_that_share_and_repeatable(self):
        self.fake.fault(action="throttle", share=0.3)
        first = self.statuses(100)
        self.assertTrue(15 <= first.count(400) <= 45, first.count(400))
        with client.FakeCloudWatch() as again:
            again.create("g", "s")
            again.fault(action="throttle", share=0.3)
            other = client.Client(again)
            self.assertEqual(
                [other.put("g", "s", [event("a")]).status for _ in range(100)], first
            )
            other.close()

    def test_operation_group_and_stream_choose(self):
        self.fake.create("g", "t-1")
        self.fake.fault(action="throttle", operation="PutLogEvents", group="g", stream="t-*")
        self.assertEqual((self.put().status, self.put("t-1").status), (200, 400))
        self.fake.clear_faults()
        self.fake.fault(action="throttle", operation="Create*")
        reply = self.client.call("CreateLogStream", logGroupName="g", logStreamName="u")
        self.assertEqual((self.put().status, reply.error), (200, "ThrottlingException"))

    def test_a_rule_can_end_with_time(self):
        self.fake.fault(action="stream_not_found", seconds_active=1)
        self.assertEqual(self.put().error, "ResourceNotFoundException")
        time.sleep(1.05)
        self.assertEqual(self.put().status, 200)

    def test_the_first_rule_that_applies_wins(self):
        self.fake.fault(action="throttle", count=1)
        self.fake.fault(action="internal_error")
        self.assertEqual(self.statuses(2), [400, 500])

    def test_a_bad_signature_is_told_before_any_fault(self):
        self.fake.fault(action="throttle")
        bad = self.new_client(secret_key="wrong")
        reply = bad.put("g", "s", [event("a")])
        self.assertEqual(reply.error, "InvalidSignatureException")

    def test_a_misspelt_rule_is_refused(self):
        for rule in ({"action": "thottle"}, {"action": "throttle", "cout": 1}, {}):
            with self.assertRaises(ValueError):
                self.fake.fault(**rule)

    def test_a_quota_throttles_what_is_above_it(self):
        self.fake.configure(quotas={"CreateLogStream": 5})
        codes = [
            self.client.call("CreateLogStream", logGroupName="g", logStreamName=f"q{n}").status
            for n in range(10)
        ]
        self.assertEqual(codes[:5], [200] * 5)
        self.assertIn(400, codes[5:])
        self.assertEqual(self.statuses(20), [200] * 20)
        time.sleep(0.5)
        reply = self.client.call("CreateLogStream", logGroupName="g", logStreamName="late")
        self.assertEqual(reply.status, 200)

    def test_a_quota_can_be_for_all_operations(self):
        self.fake.configure(quotas={"*": 1})
        self.assertEqual(self.put().status, 200)
        self.assertEqual(self.put().error, "ThrottlingException")


class Outages(Service):
    def test_an_outage_refuses_connections_and_resets_open_ones(self):
        self.assertEqual(self.put().status, 200)
        self.fake.outage(1)
        with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
            self.put()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.fake.port))
        time.sleep(1.2)
        self.assertEqual(self.new_client().put("g", "s", [event("b")]).status, 200)

    def test_an_outage_without_end_ends_on_demand(self):
        self.fake.outage()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.fake.port))
        self.fake.back()
        self.assertEqual(self.put().status, 200)

    def test_the_port_is_kept_meanwhile(self):
        self.fake.outage()
        with socket.socket() as other, self.assertRaises(OSError):
            other.bind(("127.0.0.1", self.fake.port))

    def test_idle_connections_are_cut(self):
        self.fake.configure(idle_timeout=0.2)
        self.assertEqual(self.put().status, 200)
        time.sleep(0.4)
        self.client.connection.auto_open = False
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.put()


class Clients(Service):
    """What clients should not do is found, and what they may do is not."""

    def kinds(self):
        return [found["kind"] for found in self.fake.misbehaviour()]

    def put_at_once(self, streams):
        self.fake.fault(action="delay", seconds=0.7)
        threads = [
            threading.Thread(target=self.new_client().put, args=("g", stream, [event("a")]))
            for stream in streams
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_two_requests_at_once_for_one_stream_are_found(self):
        self.put_at_once(["s", "s"])
        self.assertEqual(self.kinds(), ["parallel_put"])
        self.assertEqual(max(r["concurrency"] for r in self.fake.requests()), 2)

    def test_two_streams_may_be_written_at_once(self):
        self.fake.create("g", "t")
        self.put_at_once(["s", "t"])
        self.assertEqual((self.kinds(), self.fake.count()), ([], 2))

    def test_a_request_that_was_given_up_on_does_not_count(self):
        self.fake.fault(action="hang_after", count=3)
        for _ in range(3):
            impatient = self.new_client(timeout=0.1)
            with self.assertRaises(TimeoutError):
                impatient.put("g", "s", [event("a")])
            impatient.close()
        self.assertEqual(self.put().status, 200)
        self.assertEqual(self.kinds(), [])

    def test_serial_requests_over_many_connections_do_not_overlap(self):
        for _ in range(50):
            serial = client.Client(self.fake)
            serial.put("g", "s", [event("a")])
            serial.close()
        self.assertEqual(self.kinds(), [])

    def test_a_sequence_token_and_unknown_members_are_found(self):
        self.client.put("g", "s", [event("a")], sequenceToken="1", colour="red")
        self.client.put("g", "s", [{**event("a"), "extra": 1}])
        self.assertEqual(self.kinds(), ["sequence_token", "unknown_member", "unknown_member"])

    def test_expect_100_continue_is_served_and_found(self):
        body = json.dumps(
            {"logGroupName": "g", "logStreamName": "s", "logEvents": [event("a")]}
        ).encode()
        headers = self.client.headers("PutLogEvents", body)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(
            ["POST / HTTP/1.1", *lines, f"content-length: {len(body)}", "expect: 100-continue", "", ""]
        )
        with socket.create_connection(("127.0.0.1", self.fake.port)) as sock:
            sock.sendall(head.encode())
            self.assertEqual(sock.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            sock.sendall(body)
            self.assertTrue(sock.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertEqual(self.kinds(), ["expect_continue"])

    def test_a_client_that_wants_to_close_is_closed(self):
        body = b"{}"
        headers = self.client.headers("DescribeLogGroups", body)
        reply = self.client.send_headers(body, {**headers, "connection": "close"})
        self.assertEqual((reply.status, reply.headers["Connection"]), (200, "close"))

    def test_malformed_http_is_refused(self):
        for text, status in (
            (b"nonsense\r\n\r\n", 400),
            (b"POST / HTTP/1.0\r\nhost: a\r\ncontent-length: 0\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nhost: a\r\n\r\n", 411),
            (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", 411),
            (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nx : y\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nx: " + b"y" * 70000, 431),
        ):
            with self.subTest(text[:60]):
                with socket.create_connection(("127.0.0.1", self.fake.port)) as sock:
                    sock.sendall(text)
                    reply = sock.recv(1000)
                    self.assertTrue(reply.startswith(b"HTTP/1.1 %d " % status), reply)


if __name__ == "__main__":
    unittest.main()
