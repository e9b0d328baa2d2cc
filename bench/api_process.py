"""An API in a process of its own, for bench.revocation_delay: it says when it first refuses a token that it accepted.

python -m bench.api_process ISSUER AUDIENCE proxy            follow the feed through the proxy and its cache
python -m bench.api_process ISSUER AUDIENCE http://node      ask a node for the feed
python -m bench.api_process ISSUER AUDIENCE push PORT        be told, and ask the feed once a minute only

Lines come in as `number token` and go out as `number accepted`, then `number seconds`, by the system's monotonic clock.
"""

import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from authcenter.resource_server import Issuer, PushReceiver, RevokedToken, Verifier
from authcenter.resource_server.http import Connection

LOOK_SECONDS = 0.002
"""How often each token is checked: what it adds to a figure at most."""


class PastTheProxy(Issuer):
    """Asks a node for the feed, and not the cache before it."""

    def __init__(self, url: str, node: str) -> None:
        super().__init__(url)
        self._node, self._feed_line = node, Connection(node, 2.0)

    def _at(self, name: str, default: str) -> str:
        if name != "revocations_endpoint":
            return super()._at(name, default)
        return f"{self._node}/.well-known/revocations?after={self.view.sequence}"


def issuer(url: str, audience: str, how: list[str]) -> Issuer:
    if how[0] == "proxy":
        return Issuer(url)
    if how[0] != "push":
        return PastTheProxy(url, how[0])
    told = Issuer(url, poll=60)
    receiver = PushReceiver(told, audience, secret=os.environ["PUSH_SECRET"])

    class Events(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, _refusal = receiver.receive(body, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", int(how[1])), Events)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return told


def main(url: str, audience: str, *how: str) -> None:
    verifier = Verifier(issuer(url, audience, list(how)), audience, when_stale="refuse", stale_after=120)
    watched: dict[str, str] = {}

    def read() -> None:
        for line in sys.stdin:
            number, token = line.split()
            verifier.verify(token)
            print(number, "accepted", flush=True)
            watched[number] = token
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        for number, token in list(watched.items()):
            try:
                verifier.verify(token)
            except RevokedToken:
                print(number, time.monotonic(), flush=True)
                del watched[number]
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
