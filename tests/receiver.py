"""Somebody else's server on loopback that counts what it gets and answers as a test wants."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Listener:
    url: str
    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pause: float = 0.0
    drip: bool = False
    """Answers one byte every tenth of a second."""
    fails: Callable[[bytes], bool] = lambda body: False
    failing_status: int = 0
    """Which bodies it answers with this status, or, with 0, by breaking off."""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers (lower case) and body of each request."""
    at: list[float] = field(default_factory=list)
    together: int = 0
    """The most requests that were in its hands at once."""


_had: set[tuple[str, int]] = set()


def _at_an_address_of_its_own(at: str, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """One that no listener of this process had: servers remember for minutes what they were told at an address."""
    while True:
        made = ThreadingHTTPServer((at, 0), handler)
        if (at, made.server_port) not in _had:
            _had.add((at, made.server_port))
            return made
        made.server_close()


@contextmanager
def listener(secure: ssl.SSLContext | None = None, at: str = "127.0.0.1") -> Iterator[Listener]:
    lock, here = threading.Lock(), [0]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with lock:
                here[0] += 1
                heard.together = max(heard.together, here[0])
                headers = {name.lower(): value for name, value in self.headers.items()}
                heard.got.append((headers, self.rfile.read(int(headers.get("content-length", 0)))))
                heard.at.append(time.monotonic())
            time.sleep(heard.pause)
            with lock:
                here[0] -= 1  # before the answer: who has it may ask again before this thread goes on
            failing = heard.fails(heard.got[-1][1])
            if failing and not heard.failing_status:
                self.close_connection = True
                return
            self.send_response(heard.failing_status if failing else heard.status)
            for name, value in heard.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for byte in heard.body if heard.drip else []:
                    time.sleep(0.1)
                    self.wfile.write(bytes([byte]))
                if not heard.drip:
                    self.wfile.write(heard.body)
            except OSError:
                pass

        do_GET = do_POST

        def log_message(self, *_arguments: Any) -> None:
            pass

    with _at_an_address_of_its_own(at, Handler) as server:
        server.daemon_threads = True
        if secure:
            server.socket = secure.wrap_socket(server.socket, server_side=True)
        heard = Listener(f"http{'s' if secure else ''}://{at}:{server.server_port}/events?x=1")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield heard
        server.shutdown()
