"""A small issuer on loopback that says what a test wants: keys, a feed, introspection; or nothing at all."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey

API = "https://orders.test/"


class FakeIssuer:
    """`entries` is the feed, its numbers beginning at 1; `silent` makes every answer a 503."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key, self.kid = ECKey.generate_key("P-256"), "one"
        self.feed, self.first = "feed-one", 0
        self.entries: list[dict[str, Any]] = []
        self.active: dict[str, dict[str, Any]] = {}
        self.silent = False
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        """Method, path with query, and headers of each request."""
        self.changes: dict[str, Any] = {}
        """Claims of the feed's answer to change, to None to leave out."""

    def sign(self, typ: str, claims: dict[str, Any]) -> str:
        header = {"alg": "ES256", "typ": typ, "kid": self.kid}
        return jws.serialize_compact(header, json.dumps(claims), self.key, algorithms=["ES256"])

    def token(self, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": API, "sub": "alice", "client_id": "web", "jti": secrets.token_hex(8)}
        return self.sign("at+jwt", {**claims, "iat": now, "exp": now + 60, "scope": "orders:read", **changes})

    def event_token(self, **changes: Any) -> bytes:
        """A Security Event Token; `event` are the members of the one revocation in it."""
        event = changes.pop("event", {"kind": "token", "id": "pushed"})
        claims = {"iss": self.url, "aud": API, "iat": int(time.time()), "jti": secrets.token_hex(8)}
        claims |= {"events": {"urn:authcenter:event:revocation": event}, **changes}
        typ = claims.pop("typ", "secevent+jwt")
        return self.sign(typ, {name: value for name, value in claims.items() if value is not None}).encode()

    def revoke(self, kind: str, id: str, epoch: int | None = None) -> None:
        self.entries.append({"kind": kind, "id": id, **({} if epoch is None else {"epoch": epoch})})

    @property
    def sequence(self) -> int:
        return self.first + len(self.entries)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.asked.append((method, path, headers))
        parts = urlsplit(path)
        if self.silent:
            return 503, {}, b""
        if parts.path == "/.well-known/oauth-authorization-server":
            return 200, {}, json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}).encode()
        if parts.path == "/jwks":
            return (
                200,
                {},
                json.dumps({"keys": [{**self.key.as_dict(private=False), "kid": self.kid, "alg": "ES256"}]}).encode(),
            )
        if parts.path == "/oauth/introspect":
            token = parse_qs(body.decode())["token"][0]
            return 200, {}, json.dumps(self.active.get(token, {"active": False})).encode()
        after = int(parse_qs(parts.query).get("after", ["0"])[0])
        etag = f'"{self.feed}-{after}-{self.sequence}"'
        if headers.get("if-none-match") == etag:
            return 304, {"ETag": etag}, b""
        if after < self.first or after > self.sequence:
            after = 0
        claims = {"iss": self.url, "iat": int(time.time()), "as_of": time.time(), "feed": self.feed}
        claims |= {
            "from": after,
            "to": self.sequence,
            "entries": self.entries[max(0, after - self.first) :],
            **self.changes,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        return 200, {"ETag": etag}, self.sign("revocations+jwt", said).encode()


@contextmanager
def fake_issuer() -> Iterator[FakeIssuer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            status, answered, content = issuer.answer(self.command, self.path, headers, body)
            self.send_response(status)
            for name, value in answered.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        issuer = FakeIssuer(server.server_port)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield issuer
        server.shutdown()
