# SPDX-License-Identifier: Apache-2.0
"""The signature's verifier: AWS's vectors, then everything that must be refused."""

import calendar
import json
import os
import time
import unittest

import client
import sigv4_verify
from sigv4_verify import Credential, Refusal, Scope, SignedRequest

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/sigv4/vectors.json")


def load_vectors():
    with open(VECTORS, encoding="utf-8") as file:
        return json.load(file)["vectors"]


def wire(text):
    return text.encode().decode("latin-1")


def build(vector):
    headers = {}
    for name, value in vector["signed_request_headers"]:
        headers.setdefault(name.lower(), []).append(wire(value))
    headers["authorization"] = [vector["authorization"]]
    return SignedRequest(
        vector["method"],
        wire(vector["path"]),
        wire(vector["query"]),
        headers,
        vector["body"].encode(),
    )


def check(vector, request, strict=True, credentials=None):
    keys = vector["credentials"]
    known = {
        keys["access_key_id"]: Credential(keys["secret_access_key"], keys.get("token"))
    }
    scope = Scope(vector["region"], vector["service"])
    now = calendar.timegm(time.strptime(vector["amz_date"], "%Y%m%dT%H%M%SZ"))
    return sigv4_verify.verify(request, credentials or known, scope, now, strict, vector["normalize"])


class Vectors(unittest.TestCase):
    def test_all_38_vectors_have_the_canonical_request_of_aws(self):
        vectors = load_vectors()
        self.assertEqual(len(vectors), 38)
        for vector in vectors:
            with self.subTest(vector["name"]):
                request, names = build(vector), vector["signed_headers"]
                canonical = sigv4_verify.canonical_request(request, names, vector["normalize"])
                self.assertEqual(canonical, vector["canonical_request"])
                text = sigv4_verify.string_to_sign(
                    canonical, vector["amz_date"], vector["region"], vector["service"]
                )
                self.assertEqual(text, vector["string_to_sign"])

    def test_the_signature_of_all_38_vectors_is_accepted(self):
        accepted = 0
        for vector in load_vectors():
            with self.subTest(vector["name"]):
                strict = not vector["omit_session_token"]
                key = check(vector, build(vector), strict)
                self.assertEqual(key, vector["credentials"]["access_key_id"])
                accepted += 1
        self.assertEqual(accepted, 38)

    def test_every_vector_with_another_body_method_or_header_is_refused(self):
        for vector in load_vectors():
            for change in ("body", "method", "host"):
                with self.subTest(vector["name"], change=change):
                    request = build(vector)
                    if change == "body":
                        request.body += b"x"
                    elif change == "method":
                        request.method = "PUT"
                    else:
                        request.headers["host"] = ["example.org"]
                    with self.assertRaises(Refusal) as caught:
                        check(vector, request, strict=False)
                    self.assertEqual(caught.exception.type, "InvalidSignatureException")

    def test_an_unsigned_session_token_is_refused_by_the_strict_check(self):
        vector = next(v for v in load_vectors() if v["omit_session_token"])
        with self.assertRaisesRegex(Refusal, "x-amz-security-token' must be a 'SignedHeader'"):
            check(vector, build(vector))


class Requests(unittest.TestCase):
    """Signed requests over the wire, each wrong in one way."""

    BODY = b'{"logGroupNamePrefix":"a"}'

    def setUp(self):
        self.fake = client.FakeCloudWatch().start()
        self.addCleanup(self.fake.stop)
        self.client = client.Client(self.fake)
        self.addCleanup(self.client.close)

    def headers(self, **extra):
        return self.client.headers("DescribeLogGroups", self.BODY, extra)

    def expect(self, error, text, headers):
        reply = self.client.send_headers(self.BODY, headers)
        self.assertEqual((reply.status, reply.error), (400, error))
        self.assertIn(text, reply.message)

    def resigned(self, headers, **how):
        headers.pop("authorization")
        headers["authorization"] = self.client.authorization(headers, self.BODY, **how)
        return headers

    def test_a_right_signature_is_accepted(self):
        reply = self.client.send_headers(self.BODY, self.headers())
        self.assertEqual((reply.status, reply.document), (200, {"logGroups": []}))
        self.assertRegex(reply.headers["x-amzn-RequestId"], "^[0-9a-f-]{36}$")

    def test_a_missing_authorization_is_refused(self):
        headers = self.headers()
        del headers["authorization"]
        self.expect("MissingAuthenticationTokenException", "Missing Authentication Token", headers)

    def test_a_malformed_authorization_is_refused(self):
        for value in ("Bearer x", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request"):
            headers = {**self.headers(), "authorization": value}
            self.expect("IncompleteSignatureException", "Authorization", headers)

    def test_an_unknown_key_is_refused(self):
        self.client.access_key = "AKIDUNKNOWN"
        text = "The security token included in the request is invalid."
        self.expect("UnrecognizedClientException", text, self.headers())

    def test_a_wrong_secret_is_refused_and_the_canonical_string_shown(self):
        self.client.secret_key = "wrong"
        text = "The Canonical String for this request should have been\n'POST\n/\n\ncontent-type:"
        self.expect("InvalidSignatureException", text, self.headers())

    def test_another_region_service_or_day_is_refused(self):
        for how, text in (
            ({"service": "sts"}, "correct service: 'logs'"),
            ({"date": "20200101"}, "Date in Credential scope does not match YYYYMMDD"),
        ):
            self.expect("InvalidSignatureException", text, self.resigned(self.headers(), **how))
        self.client.region = "us-east-1"
        self.expect("InvalidSignatureException", "valid region", self.headers())

    def test_headers_that_must_be_signed_are_asked_for(self):
        headers = self.headers(**{"content-encoding": "identity"})
        headers.pop("authorization")
        for name in ("host", "x-amz-date", "x-amz-target", "content-type", "content-encoding"):
            with self.subTest(name):
                names = sorted(set(headers) - {name})
                authorization = self.client.authorization(headers, self.BODY, names=names)
                self.expect(
                    "InvalidSignatureException",
                    "must be a 'SignedHeader'",
                    {**headers, "authorization": authorization},
                )

    def test_unsorted_signed_headers_are_refused(self):
        headers = self.headers()
        names = sorted(set(headers) - {"authorization"}, reverse=True)
        self.expect(
            "InvalidSignatureException", "sorted", self.resigned(headers, names=names)
        )

    def test_a_header_signed_but_not_sent_is_refused(self):
        headers = self.headers(**{"x-amz-nothing": "1"})
        del headers["x-amz-nothing"]
        self.expect("InvalidSignatureException", "was not sent", headers)

    def test_a_second_date_is_refused(self):
        connection = self.client.connection
        connection.putrequest("POST", "/", skip_host=True, skip_accept_encoding=True)
        headers = self.headers()
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("X-Amz-Date", headers["x-amz-date"])
        connection.putheader("content-length", str(len(self.BODY)))
        connection.endheaders(self.BODY)
        reply = client.Reply(connection.getresponse())
        self.assertEqual(reply.error, "IncompleteSignatureException")

    def test_a_body_hash_that_is_not_the_body_s_is_refused(self):
        headers = self.headers(**{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
        self.expect("InvalidSignatureException", "x-amz-content-sha256", headers)

    def test_five_minutes_of_skew_are_borne_and_no_more(self):
        for offset in (-290, 290):
            self.fake.clock(offset=offset)
            self.assertEqual(self.client.send_headers(self.BODY, self.headers()).status, 200)
        self.fake.clock(offset=310)
        pattern = r"^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)$"
        reply = self.client.send_headers(self.BODY, self.headers())
        self.assertEqual(reply.error, "InvalidSignatureException")
        self.assertRegex(reply.message, pattern)
        self.fake.clock(offset=-310)
        self.expect("InvalidSignatureException", "Signature not yet current: ", self.headers())

    def test_the_date_of_the_reply_is_the_service_s_clock(self):
        self.fake.clock(offset=3600)
        self.client.clock = 3600
        reply = self.client.send_headers(self.BODY, self.headers())
        date = calendar.timegm(time.strptime(reply.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT"))
        self.assertAlmostEqual(date, time.time() + 3600, delta=3)


class Tokens(unittest.TestCase):
    def setUp(self):
        self.fake = client.FakeCloudWatch(session_token="t0ken/+=").start()
        self.addCleanup(self.fake.stop)

    def ask(self, **identity):
        asking = client.Client(self.fake, **identity)
        self.addCleanup(asking.close)
        return asking.call("DescribeLogGroups")

    def test_the_right_session_token_is_accepted(self):
        self.assertEqual(self.ask().status, 200)

    def test_a_wrong_or_missing_session_token_is_refused(self):
        for token in ("other", None):
            self.assertEqual(self.ask(token=token).error, "UnrecognizedClientException")

    def test_an_expired_key_is_refused_until_it_is_replaced(self):
        key = self.fake.environment()["AWS_ACCESS_KEY_ID"]
        self.fake.credentials(key, expired=True)
        reply = self.ask()
        self.assertEqual((reply.status, reply.error), (400, "ExpiredTokenException"))
        self.assertIn("is expired", reply.message)
        self.fake.credentials("AKIDNEW", "new", "new-token")
        reply = self.ask(access_key="AKIDNEW", secret_key="new", token="new-token")
        self.assertEqual(reply.status, 200)


if __name__ == "__main__":
    unittest.main()
