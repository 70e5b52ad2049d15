#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A strict CloudWatch Logs for tests: as a command, and as the class FakeCloudWatch.

    cloudwatch.py --dir DIR [--port N] [--tls] [--access-key K --secret-key S] ...

writes DIR/ready when it listens: {"url", "control_url", "ca_file", "environment"}. It ends on SIGTERM
or SIGINT. In Python:

    with FakeCloudWatch(tls=True) as cloudwatch:
        cloudwatch.fault(action="throttle", operation="PutLogEvents", count=3)
        subprocess.run([...], env={**os.environ, **cloudwatch.environment()})
        cloudwatch.wait_for_events(100, timeout=10)
        cloudwatch.events("group", "stream")

What it checks is in logs_service/put_events.py, what can go wrong in logs_service/faults.py, the
control port in logs_service/control.py.
"""

import argparse
import dataclasses
import json
import os
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import sigv4_verify  # noqa: E402
from logs_service import tls as certificates  # noqa: E402
from logs_service.control import Control  # noqa: E402
from logs_service.listener import Listener  # noqa: E402
from logs_service.service import Service, Settings  # noqa: E402

POLL_S = 0.02
CHANGEABLE = {"refuse_gzip", "deferred", "max_body", "max_event", "idle_timeout", "quotas"}


class FakeCloudWatch:
    """`settings`: the fields of logs_service.service.Settings. Starts once; also a context. What came
    can still be read after stop()."""

    def __init__(self, directory=None, address="127.0.0.1", port=0, tls=False, **settings):
        self._own_directory = None
        if directory is None:
            self._own_directory = tempfile.TemporaryDirectory(prefix="cloudwatch-")
            directory = self._own_directory.name
        self._service = Service(Settings(**settings), directory)
        self.ca_file, context = None, None
        if tls:
            region = self._service.settings.region
            hosts = ["localhost", f"logs.{region}.amazonaws.com"]
            addresses = sorted({address, "127.0.0.1", "::1"})
            self.ca_file, context = certificates.make_certificate(directory, addresses, hosts)
        self._listener = Listener(self._service, address, port, context)
        self._control = Control(self)
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address, address)
        scheme = "https" if tls else "http"
        self.port = self._listener.port
        self.url = f"{scheme}://{host}:{self.port}"
        self.control_url = self._control.url

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self._listener.start()
        self._control.start()
        return self

    def stop(self):
        self._listener.stop()
        self._control.stop()
        if self._own_directory is not None:
            self._own_directory.cleanup()

    def environment(self):
        """The AWS_* variables by which a client finds this service, and only this one."""
        settings = self._service.settings
        variables = {
            "AWS_ACCESS_KEY_ID": settings.access_key,
            "AWS_SECRET_ACCESS_KEY": settings.secret_key,
            "AWS_REGION": settings.region,
            "AWS_DEFAULT_REGION": settings.region,
            "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if settings.session_token is not None:
            variables["AWS_SESSION_TOKEN"] = settings.session_token
        if self.ca_file is not None:
            variables["AWS_CA_BUNDLE"] = self.ca_file
        return variables

    # What came -----------------------------------------------------------------------------------

    def events(self, group=None, stream=None):
        """In the order of acceptance: {group, stream, timestamp, message, request, index, ingested}."""
        return list(self.iterate_events(group, stream))

    def iterate_events(self, group=None, stream=None):
        return self._service.reader.events(group, stream)

    def messages(self, group=None, stream=None):
        return [event["message"] for event in self.iterate_events(group, stream)]

    def count(self, group=None, stream=None):
        return self._service.reader.count(group, stream)

    def wait_for_events(self, count, group=None, stream=None, timeout=10.0):
        """Raises TimeoutError when fewer than `count` events are there after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (have := self.count(group, stream)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{have} of {count} events after {timeout} s")
            time.sleep(POLL_S)

    def requests(self, operation=None):
        """A dict per request that ended, see logs_service/journal.py."""
        requests = self._service.journal.requests()
        return [r for r in requests if operation in (None, r["operation"])]

    def misbehaviour(self):
        """What a good client does not do: [{kind, request, detail}]. Kinds: parallel_put,
        sequence_token, expect_continue, unknown_member, late_refusal, late_rejection."""
        return self._service.journal.misbehaviour()

    def groups(self):
        """[{name, retention_days, tags, log_class, kms_key, streams: [name]}]"""
        return [
            {
                "name": group.name,
                "retention_days": group.retention_days,
                "tags": dict(group.tags),
                "log_class": group.log_class,
                "kms_key": group.kms_key,
                "streams": sorted(group.streams),
            }
            for group in self._service.store.groups()
        ]

    # What happens --------------------------------------------------------------------------------

    def fault(self, **rule):
        """Adds a rule, see logs_service/faults.py."""
        if rule.get("action") == "partial_rejection" and self._service.settings.deferred:
            raise ValueError("partial_rejection needs checks that are not deferred")
        self._service.faults.add(rule)

    def clear_faults(self):
        self._service.faults.clear()

    def faults(self):
        """The rules with how often each was `seen` and `applied`."""
        return self._service.faults.list()

    def outage(self, seconds=None):
        """Refuses connections and resets the open ones; None: until back()."""
        self._listener.outage(seconds)

    def back(self):
        self._listener.back()

    def clock(self, offset=None, advance=0.0):
        """How far the service's clock is ahead of the machine's, in seconds."""
        base = self._service.clock_offset if offset is None else offset
        self._service.clock_offset = base + advance

    def credentials(self, access_key, secret_key=None, session_token=None, expired=False):
        """Makes a key known, replaces it, or (expired) lets it expire."""
        known = self._service.credentials
        if expired and access_key in known:
            known[access_key].expired = True
        elif secret_key is None:
            raise ValueError("an unknown key needs its secret")
        else:
            known[access_key] = sigv4_verify.Credential(secret_key, session_token, expired)

    def forget_credentials(self, access_key):
        self._service.credentials.pop(access_key, None)

    def configure(self, **settings):
        """Changes settings while it runs: refuse_gzip, deferred, max_body, max_event,
        idle_timeout, quotas."""
        if not set(settings) <= CHANGEABLE:
            raise ValueError(f"cannot be changed: {sorted(set(settings) - CHANGEABLE)}")
        for name, value in settings.items():
            setattr(self._service.settings, name, value)
        if "quotas" in settings:
            self._service.quotas.set(settings["quotas"])

    def create(self, group, stream=None):
        """A group, and a stream, that are there before anybody asks."""
        self._service.create(group, stream)

    def reset(self):
        """As new: no groups, events, requests or faults; settings and credentials stay."""
        self._service.reset()


def parse_arguments():
    parser = argparse.ArgumentParser(description="A strict CloudWatch Logs for tests.")
    parser.add_argument("--dir", required=True, help="for the file `ready`, keys and events")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", action="store_true")
    for field in dataclasses.fields(Settings):
        flag = "--" + field.name.replace("_", "-")
        if field.name == "quotas":
            parser.add_argument(flag, type=json.loads, default={}, help='{"*": 100, ...} per second')
        elif isinstance(field.default, bool):
            parser.add_argument(flag, action="store_true")
        else:
            kind = str if field.default is None else type(field.default)
            parser.add_argument(flag, type=kind, default=field.default)
    return vars(parser.parse_args())


def write_ready(directory, fake):
    ready = {
        "url": fake.url,
        "control_url": fake.control_url,
        "ca_file": fake.ca_file,
        "environment": fake.environment(),
    }
    path = os.path.join(directory, "ready")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(ready, file)
    os.rename(path + ".new", path)


def main():
    arguments = parse_arguments()
    directory = arguments.pop("dir")
    os.makedirs(directory, exist_ok=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with FakeCloudWatch(directory, **arguments) as fake:
        write_ready(directory, fake)
        ended.wait()
    os.unlink(os.path.join(directory, "ready"))


if __name__ == "__main__":
    main()
