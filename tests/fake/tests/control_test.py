# SPDX-License-Identifier: Apache-2.0
"""The tests' side over HTTP, the command, and TLS."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import client
from client import event

COMMAND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cloudwatch.py")


class Control(unittest.TestCase):
    def setUp(self):
        self.fake = client.FakeCloudWatch().start()
        self.addCleanup(self.fake.stop)
        self.client = client.Client(self.fake)
        self.addCleanup(self.client.close)

    def get(self, path):
        with urllib.request.urlopen(self.fake.control_url + path) as reply:
            return [json.loads(line) for line in reply]

    def post(self, path, document=None, method="POST"):
        body = json.dumps(document or {}).encode()
        request = urllib.request.Request(self.fake.control_url + path, body, method=method)
        with urllib.request.urlopen(request) as reply:
            return reply.status

    def test_events_are_told_exactly(self):
        text = 'line "\u2028\x00\u00e9\U0001f600\\n'
        self.post("/create", {"group": "g/a", "stream": "s t"})
        self.client.put("g/a", "s t", [event(text, 5 + client.now_ms() - 5)])
        events = self.get("/events?group=g/a&stream=s%20t")
        self.assertEqual([e["message"] for e in events], [text])
        self.assertEqual(events, self.fake.events())
        self.assertEqual(self.get("/events?group=other"), [])
        self.assertEqual(self.get("/count"), [{"events": 1}])
        self.assertEqual(self.get("/groups")[0]["streams"], ["s t"])

    def test_requests_are_told(self):
        self.client.call("CreateLogGroup", logGroupName="g")
        self.client.put("g", "s", [event("a")])
        told = self.get("/requests")
        self.assertEqual(
            [(r["operation"], r["status"], r["outcome"], r["group"]) for r in told],
            [
                ("CreateLogGroup", 200, "accepted", "g"),
                ("PutLogEvents", 400, "ResourceNotFoundException", "g"),
            ],
        )
        self.assertEqual(told[0]["connection"], told[1]["connection"])

    def test_faults_are_set_told_and_cleared(self):
        self.post("/faults", {"action": "throttle"})
        self.assertEqual(self.client.call("DescribeLogGroups").status, 400)
        self.assertEqual(self.get("/faults")[0]["applied"], 1)
        self.post("/faults", method="DELETE")
        self.assertEqual(self.client.call("DescribeLogGroups").status, 200)

    def test_nonsense_is_refused(self):
        for path, document in (
            ("/faults", {"action": "no"}),
            ("/settings", {"port": 1}),
            ("/clock", {"hours": 1}),
            ("/nothing", {}),
        ):
            with self.subTest(path), self.assertRaises(urllib.error.HTTPError):
                self.post(path, document)

    def test_the_clock_is_set_and_advanced(self):
        self.post("/clock", {"offset": 100})
        self.post("/clock", {"advance": 500})
        reply = self.client.call("DescribeLogGroups")
        self.assertEqual(reply.error, "InvalidSignatureException")
        self.post("/clock", {"offset": 0})
        self.assertEqual(self.client.call("DescribeLogGroups").status, 200)

    def test_settings_and_credentials_are_changed(self):
        self.post("/settings", {"refuse_gzip": True})
        reply = self.client.put_gzip("g", "s", [event("a")])
        self.assertEqual(reply.error, "SerializationException")
        self.post("/credentials", {"access_key": self.client.access_key, "expired": True})
        reply = self.client.call("DescribeLogGroups")
        self.assertEqual(reply.error, "ExpiredTokenException")

    def test_an_outage_begins_and_ends(self):
        self.post("/outage", {"seconds": None})
        with self.assertRaises(ConnectionRefusedError):
            client.Client(self.fake).call("DescribeLogGroups")
        self.post("/back")
        again = client.Client(self.fake)
        self.assertEqual(again.call("DescribeLogGroups").status, 200)
        again.close()

    def test_a_reset_forgets_all(self):
        self.post("/create", {"group": "g", "stream": "s"})
        self.client.put("g", "s", [event("a")])
        self.fake.fault(action="throttle")
        self.post("/reset")
        for path in ("/events", "/requests", "/groups", "/faults", "/misbehaviour"):
            self.assertEqual(self.get(path), [])

    def test_waiting_for_events_ends_in_time(self):
        self.fake.create("g", "s")
        self.client.put("g", "s", [event("a")])
        self.fake.wait_for_events(1, "g", "s", timeout=1)
        with self.assertRaisesRegex(TimeoutError, "1 of 2 events"):
            self.fake.wait_for_events(2, timeout=0.1)


    def test_events_can_be_read_after_the_end(self):
        with client.FakeCloudWatch() as fake:
            fake.create("g", "s")
            brief = client.Client(fake)
            brief.put("g", "s", [event("a")])
            brief.close()
        self.assertEqual(fake.messages(), ["a"])


class Command(unittest.TestCase):
    def test_the_command_says_when_it_is_ready_and_ends_on_sigterm(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "ready")
            process = subprocess.Popen(
                [sys.executable, COMMAND, "--dir", directory, "--tls", "--access-key", "AK",
                 "--secret-key", "SK", "--session-token", "T", "--quotas", '{"*": 50}'],
            )  # fmt: skip
            try:
                deadline = time.monotonic() + 10
                while not os.path.exists(path) and time.monotonic() < deadline:
                    time.sleep(0.02)
                with open(path, encoding="utf-8") as file:
                    ready = json.load(file)
                context = ssl.create_default_context(cafile=ready["ca_file"])
                with urllib.request.urlopen(ready["control_url"] + "/groups") as reply:
                    self.assertEqual(reply.read(), b"")
                host = ready["url"].removeprefix("https://")
                connection = http.client.HTTPSConnection(host, context=context)
                connection.request("POST", "/", b"{}")
                self.assertEqual(connection.getresponse().status, 404)
                connection.close()
                self.assertEqual(ready["environment"]["AWS_SESSION_TOKEN"], "T")
            finally:
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10), 0)
            self.assertFalse(os.path.exists(path))


class Tls(unittest.TestCase):
    def test_signed_requests_pass_and_faults_happen_over_tls(self):
        with client.FakeCloudWatch(tls=True) as fake:
            fake.create("g", "s")
            context = ssl.create_default_context(cafile=fake.ca_file)

            def connect():
                made = client.Client(fake)
                made.connection = http.client.HTTPSConnection(
                    "127.0.0.1", fake.port, context=context, timeout=5
                )
                self.addCleanup(made.close)
                return made

            keeping = connect()
            for _ in range(3):
                self.assertEqual(keeping.put("g", "s", [event("a" * 500000)]).status, 200)
            self.assertEqual(len({r["connection"] for r in fake.requests()}), 1)
            fake.fault(action="reset_after", count=1)
            with self.assertRaises((ConnectionResetError, ssl.SSLError)):
                connect().put("g", "s", [event("b")])
            fake.outage()
            with self.assertRaises((ConnectionError, ssl.SSLError)):
                keeping.put("g", "s", [event("c")])
            self.assertEqual(fake.count(), 4)

    def test_a_client_that_does_not_know_the_authority_refuses(self):
        with client.FakeCloudWatch(tls=True) as fake:
            connection = http.client.HTTPSConnection("127.0.0.1", fake.port, timeout=5)
            with self.assertRaises(ssl.SSLCertVerificationError):
                connection.request("POST", "/")


if __name__ == "__main__":
    unittest.main()
