"""Who and what the attacks are made with, in the running server: made once a session."""

import itertools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
from joserfc.jwk import ECKey, RSAKey

from authcenter.oauth.registration import DEVICE_CODE
from tests import live
from tests.attacks import forge
from tests.attacks.inside import Inside
from tests.oauth.flow import App

PASSWORD = "correct horse battery staple"
ORDERS, STOCK = "https://orders.test/", "https://stock.test/"
RETURN = "https://rp1.test/cb"
WITH_QUERY = "https://rp1.test/q?a=1&b=2"
ORIGIN = "https://spa.test"

APPLICATIONS: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "web": (
        "web",
        ["films:read", "films:write", "account:read", "orders:read"],
        {
            "redirect_uris": f"{RETURN} {WITH_QUERY} https://rp1.test/other",
            "post_logout_redirect_uris": "https://rp1.test/bye",
        },
    ),
    "web2": (
        "web",
        [],
        {"redirect_uris": "https://rp2.test/cb", "token_endpoint_auth_method": "client_secret_post"},
    ),
    "spa": ("spa", ["films:read"], {"redirect_uris": "https://spa.test/cb", "allowed_origins": ORIGIN}),
    "native": ("native", [], {"redirect_uris": "http://127.0.0.1/cb com.example.app:/cb"}),
    "machine": ("machine", ["films:read", "films:write"], {}),
    "kiosk": ("device", ["films:read", "films:write"], {}),
    "kiosk2": ("device", ["films:read"], {}),
    "camera": (
        "device",
        ["films:read"],
        {
            "client_type": "confidential",
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": [DEVICE_CODE],
        },
    ),
    "disabled": ("web", [], {"redirect_uris": "https://rp3.test/cb", "is_active": False}),
}
"""Kind, scopes and fields of each. All are named after what they are in `scene.apps`."""


@dataclass(frozen=True)
class Person:
    email: str
    id: str


class Scene:
    """The server, its people and applications, and every secret that has passed through."""

    def __init__(self, server: live.Server, inside: Inside) -> None:
        self.server, self.inside = server, inside
        self.secrets: set[str] = {PASSWORD}
        self.cookies: dict[str, httpx.Cookies] = {}
        """Of people who have signed in, by their id."""
        self._numbers = itertools.count(1)
        self.metadata: dict[str, Any] = httpx.get(f"{server.url}/.well-known/openid-configuration").json()
        self.issuer: str = self.metadata["issuer"]
        self.films = self.api(ORDERS, "Films", {"films:read": {}, "films:write": {"access": "write"}})
        self.stock = self.api(STOCK, "Stock", {"stock:read": {}})
        self.apps = {
            name: self.application(kind, name.capitalize(), scopes, **fields)
            for name, (kind, scopes, fields) in APPLICATIONS.items()
        }
        keys = {"ES256": ECKey, "RS256": RSAKey}
        self.keys = {name: keys[name].import_key(jwk) for name, jwk in inside.private_keys().items()}
        """The server's own, with which the worst tokens are signed."""
        self.alice, self.bob = self.person("alice"), self.person("bob")

    def number(self) -> int:
        return next(self._numbers)

    def address(self) -> str:
        """A loopback address that nobody has come from yet: limits count by address."""
        number = self.number()
        return f"127.{1 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"

    def person(self, handle: str = "mallory", **fields: Any) -> Person:
        """Somebody new."""
        return self.person_at(f"{handle}{self.number()}@example.test", **fields)

    def person_at(self, email: str, **fields: Any) -> Person:
        return Person(**self.inside.person(email, PASSWORD, **fields))

    def application(self, kind: str, name: str, scopes: list[str], **fields: Any) -> App:
        told = self.inside.application(kind, name, scopes, **fields)
        secret, redirect_uris = told.pop("secret"), told.pop("redirect_uris")
        return App(SimpleNamespace(**told), self.secret(secret), redirect_uris.partition(" ")[0])  # type: ignore[arg-type]

    def api(self, identifier: str, name: str, scopes: dict[str, dict[str, Any]]) -> App:
        """An API, as the caller of introspection that it is."""
        titled = {scope: {"title": f"The scope {scope}", **fields} for scope, fields in scopes.items()}
        told = self.inside.api(identifier, name, titled)
        row = SimpleNamespace(client_id=told["client_id"], token_endpoint_auth_method="client_secret_basic")
        return App(row, self.secret(told["secret"]), identifier)  # type: ignore[arg-type]

    def sign(self, payload: Any, typ: str, algorithm: str = "ES256", /, **header: Any) -> str:
        """A token by the server's own key."""
        key = self.keys[algorithm]
        signer = forge.es256(key) if isinstance(key, ECKey) else forge.rs(key)
        return forge.compact({"alg": algorithm, "typ": typ, "kid": key.thumbprint(), **header}, payload, signer)

    def secret(self, value: str) -> str:
        """Remember what no error may tell."""
        if value:
            self.secrets.add(value)
        return value
