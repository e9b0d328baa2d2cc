"""Somebody else's https server on loopback: documents, keys, logos, and whoever is told of logouts."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.certificates import self_signed

_PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


class Site:
    def __init__(self, port: int, trusted: Path) -> None:
        self.url, self.trusted = f"https://localhost:{port}", trusted
        self._bodies: dict[str, bytes] = {}
        self._numbers = itertools.count(1)

    def put(self, body: Any) -> str:
        """Lay a document down; its address. A text goes as it stands, «self» is the address."""
        url = f"{self.url}/c/{next(self._numbers)}.json"
        text = body if isinstance(body, str) else json.dumps(body)
        self._bodies[url.removeprefix(self.url)] = text.replace("\\u00abself\\u00bb", url).encode("utf-8", "replace")
        return url

    def at(self, path: str) -> bytes:
        return self._bodies.get(path.partition("?")[0]) or _PICTURE


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = here.at(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_arguments: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: Any) -> None:
            """Who asks may hang up, and does where it has read enough."""

    context, trusted = self_signed("localhost", folder)
    with Quiet(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        here = Site(server.server_port, trusted)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield here
        server.shutdown()
