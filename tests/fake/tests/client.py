# SPDX-License-Identifier: Apache-2.0
"""A small signing client, to say to the service what no decent client would say."""

import gzip
import hashlib
import hmac
import http.client
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import sigv4_verify  # noqa: E402
from cloudwatch import FakeCloudWatch  # noqa: E402, F401

DAY_MS = 24 * 3600 * 1000


def now_ms():
    return int(time.time() * 1000)


def event(message, timestamp=None):
    return {"timestamp": now_ms() if timestamp is None else timestamp, "message": message}


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def document(self):
        return json.loads(self.body) if self.body else None

    @property
    def error(self):
        return self.document["__type"]

    @property
    def message(self):
        return self.document["message"]


class Client:
    """One connection. `clock` is added to the time in the signature."""

    def __init__(self, fake, timeout=10, clock=0, **identity):
        settings = fake._service.settings
        self.access_key = identity.get("access_key", settings.access_key)
        self.secret_key = identity.get("secret_key", settings.secret_key)
        self.token = identity.get("token", settings.session_token)
        self.region = identity.get("region", settings.region)
        self.clock = clock
        self.host = f"127.0.0.1:{fake.port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=timeout)

    def call(self, operation, **document):
        return self.send(operation, json.dumps(document).encode())

    def put(self, group, stream, events, **more):
        return self.call(
            "PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events, **more
        )

    def put_gzip(self, group, stream, events, tail=b"", keep=None):
        document = {"logGroupName": group, "logStreamName": stream, "logEvents": events}
        body = gzip.compress(json.dumps(document).encode())[:keep] + tail
        return self.send("PutLogEvents", body, {"content-encoding": "gzip"})

    def send(self, operation, body, extra=None, unsigned=None):
        return self.send_headers(body, self.headers(operation, body, extra), unsigned)

    def send_headers(self, body, headers, unsigned=None, method="POST", path="/"):
        self.connection.request(method, path, body, {**headers, **(unsigned or {})})
        return Reply(self.connection.getresponse())

    def headers(self, operation, body, extra=None):
        amz_date = sigv4_verify.format_date(time.time() + self.clock)
        headers = {
            "host": self.host,
            "content-type": "application/x-amz-json-1.1",
            "x-amz-date": amz_date,
            "x-amz-target": "Logs_20140328." + operation,
            **(extra or {}),
        }
        if self.token is not None:
            headers["x-amz-security-token"] = self.token
        headers["authorization"] = self.authorization(headers, body)
        return headers

    def authorization(self, headers, body, names=None, service="logs", date=None, method="POST"):
        names = sorted(headers) if names is None else names
        amz_date = headers["x-amz-date"]
        date = date or amz_date[:8]
        listed = {name: [value] for name, value in headers.items()}
        request = sigv4_verify.SignedRequest(method, "/", "", listed, body)
        text = "\n".join(
            [
                sigv4_verify.ALGORITHM,
                amz_date,
                f"{date}/{self.region}/{service}/aws4_request",
                hashlib.sha256(
                    sigv4_verify.canonical_request(request, names).encode("latin-1")
                ).hexdigest(),
            ]
        )
        key = sigv4_verify.signing_key(self.secret_key, date, self.region, service)
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return (
            f"{sigv4_verify.ALGORITHM} "
            f"Credential={self.access_key}/{date}/{self.region}/{service}/aws4_request, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )

    def close(self):
        self.connection.close()
