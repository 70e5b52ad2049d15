# SPDX-License-Identifier: Apache-2.0
"""The tests' side over HTTP, on a port of its own, plain and unsigned. JSON in, JSON lines out.

    GET  /events?group=&stream=  /requests  /misbehaviour  /groups  /faults  /count?group=&stream=
    POST /faults RULE            DELETE /faults
    POST /clock {"offset": S} or {"advance": S}
    POST /outage {"seconds": S}  S null: until POST /back
    POST /credentials {"access_key", "secret_key", "session_token", "expired"}
    POST /settings {"refuse_gzip", "deferred", "max_body", "max_event", "idle_timeout", "quotas"}
    POST /create {"group", "stream"}
    POST /reset
"""

import http.server
import json
import threading
import urllib.parse

POLL_S = 0.05  # how soon stop() is noticed

class Control:
    def __init__(self, fake, address="127.0.0.1", port=0):
        handler = type("Handler", (_Handler,), {"fake": fake})
        self._server = http.server.ThreadingHTTPServer((address, port), handler)
        self._server.daemon_threads = True
        self.url = f"http://{address}:{self._server.server_address[1]}"

    def start(self):
        threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


GET = {
    "/events": lambda fake, query: fake.iterate_events(query.get("group"), query.get("stream")),
    "/count": lambda fake, query: [{"events": fake.count(query.get("group"), query.get("stream"))}],
    "/requests": lambda fake, query: fake.requests(),
    "/misbehaviour": lambda fake, query: fake.misbehaviour(),
    "/groups": lambda fake, query: fake.groups(),
    "/faults": lambda fake, query: fake.faults(),
}
POST = {
    "/faults": lambda fake, body: fake.fault(**body),
    "/clock": lambda fake, body: fake.clock(**body),
    "/outage": lambda fake, body: fake.outage(**body),
    "/back": lambda fake, body: fake.back(),
    "/credentials": lambda fake, body: fake.credentials(**body),
    "/settings": lambda fake, body: fake.configure(**body),
    "/create": lambda fake, body: fake.create(**body),
    "/reset": lambda fake, body: fake.reset(),
}


class _Handler(http.server.BaseHTTPRequestHandler):
    fake = None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path not in GET:
            return self._say(404, b"")
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        for entry in GET[url.path](self.fake, query):
            self.wfile.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")

    def do_POST(self):
        if self.path not in POST:
            return self._say(404, b"")
        length = int(self.headers.get("Content-Length") or 0)
        try:
            POST[self.path](self.fake, json.loads(self.rfile.read(length) or b"{}"))
        except (ValueError, TypeError) as error:
            return self._say(400, str(error).encode())
        self._say(200, b"")

    def do_DELETE(self):
        if self.path != "/faults":
            return self._say(404, b"")
        self.fake.clear_faults()
        self._say(200, b"")

    def _say(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass
