"""Google, Microsoft, Apple, GitHub and Facebook in one: a provider on loopback, over real HTTP, that also lies.

It answers at the paths of all kinds. `authorized(location)` is what the browser brings back from an authorization
request; `lie` changes the claims, the header or the whole ID token before it goes out.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, SECRET = "authcenter-at-fake", "secret of this client"
ALICE = {"sub": "alice-there", "email": "alice@example.com", "email_verified": True, "name": "Alice Liddell"}
_RSA, _EC = RSAKey.generate_key(2048, {"kid": "rsa"}), ECKey.generate_key("P-256", {"kid": "ec"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa"})
"""A key that nobody publishes, under the name of one that is."""


@dataclass
class FakeProvider:
    url: str = ""
    person: dict[str, Any] = field(default_factory=lambda: dict(ALICE))
    """Who is signed in there; the claims of the next answers."""
    lie: Callable[[dict[str, Any]], Any] | None = None
    """Gets the claims of an ID token; gives others, or a whole token."""
    hides: tuple[str, ...] = ()
    """Claims that are told at the userinfo endpoint only."""
    sends_iss: bool = True
    asked: list[str] = field(default_factory=list)
    """Paths, in order."""
    discovery: dict[str, Any] = field(default_factory=dict)
    """What the discovery document says instead."""
    _codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    def authorized(self, location: str, **claims: Any) -> dict[str, str]:
        """The answer's query to the authorization request at this address."""
        asked = dict(parse_qsl(urlsplit(location).query))
        assert asked["code_challenge_method"] == "S256", asked
        assert asked["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(12)
        self._codes[code] = {"asked": asked, "person": {**self.person, **claims}}
        return {"code": code, "state": asked["state"]} | ({"iss": self.url} if self.sends_iss else {})

    def answer(self, request: Any, body: str) -> tuple[int, Any, dict[str, str]]:
        path, query = urlsplit(request.path).path, urlsplit(request.path).query
        self.asked.append(path)
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if path.endswith("/.well-known/openid-configuration"):
            return 200, self._document(), {}
        if path.endswith("/keys"):
            return 200, {"keys": [dict(key.as_dict(private=False), kid=key.kid) for key in (_RSA, _EC)]}, {}
        if path.endswith(("/authorize", "/dialog/oauth")):
            asked = dict(parse_qsl(query))
            back = f"{asked['redirect_uri']}?{urlencode(self.authorized(request.path))}"
            return 303, {}, {"Location": back}
        if path.endswith(("/token", "/access_token")):
            return self._exchanged(request, dict(parse_qsl(body)))
        if bearer not in self._tokens:
            return 401, {"error": "invalid_token"}, {}
        return self._told(path, parse_qs(query), self._tokens[bearer], bearer)

    def signed(self, claims: dict[str, Any], *, key: Any = _RSA, algorithm: str = "RS256", kid: str = "rsa") -> str:
        return jwt.encode({"alg": algorithm, "kid": kid}, claims, key, algorithms=[algorithm])

    def signed_by_ec(self, claims: dict[str, Any]) -> str:
        return self.signed(claims, key=_EC, algorithm="ES256", kid="ec")

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "authorization_response_iss_parameter_supported": self.sends_iss,
            **self.discovery,
        }

    def _exchanged(self, request: Any, form: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        kept = self._codes.pop(form.get("code", ""), None)
        if "Authorization" in request.headers:
            user, _, secret = base64.b64decode(request.headers["Authorization"].split()[1]).decode().partition(":")
            client = (unquote_plus(user), unquote_plus(secret))
        else:
            client = (form.get("client_id"), form.get("client_secret"))  # type: ignore[assignment]
        if client[0] != CLIENT_ID or not (client[1] == SECRET or str(client[1]).startswith("eyJ")):
            return 401, {"error": "invalid_client"}, {}
        if kept is None or kept["asked"]["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}, {}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != kept["asked"]["code_challenge"]:
            return 400, {"error": "invalid_grant"}, {}
        access_token = secrets.token_urlsafe(12)
        self._tokens[access_token] = kept["person"]
        answer = {"access_token": access_token, "token_type": "Bearer"}
        if "openid" in kept["asked"]["scope"].split():
            answer["id_token"] = self._id_token(kept)
        return 200, answer, {}

    def _id_token(self, kept: dict[str, Any]) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": kept["asked"].get("nonce")}
        claims |= {name: value for name, value in kept["person"].items() if name not in self.hides}
        told = self.lie(claims) if self.lie else claims
        return told if isinstance(told, str) else self.signed(told)

    def _told(
        self, path: str, query: dict[str, Any], who: dict[str, Any], bearer: str
    ) -> tuple[int, Any, dict[str, str]]:
        if path.endswith("/userinfo"):
            return 200, who, {}
        if path.endswith("/user"):
            return 200, {"id": who["id"], "login": who.get("login"), "name": who.get("name")}, {}
        if path.endswith("/user/emails"):
            other = {"email": "other@example.com", "primary": False, "verified": True}
            mine = {"email": who.get("email"), "primary": True, "verified": who.get("email_verified")}
            return 200, [other, mine], {}
        if path.endswith("/me"):
            proof = hmac.new(SECRET.encode(), bearer.encode(), hashlib.sha256).hexdigest()
            assert query["appsecret_proof"] == [proof]
            return 200, {name: who[name] for name in ("id", "name", "email") if name in who}, {}
        return 404, {}, {}


@contextmanager
def fake_provider(host: str = "127.0.0.1") -> Iterator[FakeProvider]:
    fake = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            status, said, headers = fake.answer(self, body)
            content = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer((host, 0), Handler) as listening:
        fake.url = f"http://{host}:{listening.server_port}"
        threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield fake
        listening.shutdown()
