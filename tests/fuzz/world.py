"""The server that is fuzzed, who is there, and what each mark of a request stands for at the moment."""

import base64
import hashlib
import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from joserfc.jwk import ECKey

from tests.attacks import forge
from tests.attacks.people_inside import Inside
from tests.fuzz import jwts, request, wire
from tests.fuzz.site import Site, site
from tests.live import Server

SETTINGS = {"REGISTRATION": "open", "CLIENT_ID_METADATA_DOCUMENTS": "1", "LEGACY_FLOWS": "implicit,hybrid,password"}
PASSWORD, VOUCHER = "correct horse battery staple", "https://hr.test"
CSRF = "c" * 32
VERIFIER = "v" * 20 + "-._~" + "9" * 30
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
_USES, _SECONDS = 500, 50
"""What one bundle of credentials is good for: a code lives a minute."""

_WORD = re.compile(r"[\w.~-]{16,}")
_OPEN = re.compile(
    r"\.(id|email|sid|session_sid|device_code_user|device_allowed_user|device_denied_user|(device_)?txn)$"
)
"""Of a bundle, what is no secret or is shown on pages by right."""


@dataclass
class World:
    server: Server
    inside: Inside
    site: Site
    port: int
    apps: dict[str, Any]
    apis: dict[str, Any]
    keys: jwts.Keys
    own_key: ECKey
    private: set[str]
    """Members of the server's private keys and its own secrets."""
    issuer: str
    secrets: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def bundle(self) -> dict[str, str]:
        with self.lock:
            number, host = next(self.numbers), self.site.url.removeprefix("https://")
            code = "from tests.fuzz import stock; answer = stock.bundle(number, site)"
            made: dict[str, str] = self.inside(code, number=number, site=host)
            self.secrets |= {value for name, value in made.items() if not _OPEN.search(name)}
        return {**made, "number": str(number)}

    def told(self, text: str) -> set[str]:
        """Secrets of anybody in a text."""
        return (set(_WORD.findall(text)) & (self.secrets | self.private)) | ({PASSWORD} if PASSWORD in text else set())

    @property
    def redirects(self) -> set[str]:
        return {uri for app in self.apps.values() for uri in app["redirects"]} | {"https://registered.test/cb"}

    @property
    def byes(self) -> set[str]:
        return {app["bye"] for app in self.apps.values() if app["bye"]}


class Caller:
    """One thread's view: a bundle at a time, and connections from addresses of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._bundle: dict[str, str] = {}
        self._lines: dict[str, wire.Line] = {}
        self._left, self._made = 0, 0.0

    def send(self, asked: request.Request) -> tuple[request.Sent, wire.Answer]:
        if not self._left or time.monotonic() - self._made > _SECONDS:
            self.renew()
        self._left -= 1
        document = beside = ""
        if asked.document is not None:
            laid = request.filled_json(asked.document, lambda mark: self._fill(mark, "«self»"))
            document, beside = self.world.site.put(laid), json.dumps(laid)
        sent = request.sent(asked, lambda mark: self._fill(mark, document), self._cookies(asked.who))
        return replace(sent, beside=beside), self._line(asked.address).ask(sent)

    def renew(self) -> None:
        """Other people, with all they hold unused, at other addresses."""
        self.close()
        self._bundle, self._left, self._made = self.world.bundle(), _USES, time.monotonic()

    def _line(self, place: int) -> wire.Line:
        number = 4 * int(self._bundle["number"]) + place % 4
        address = f"127.9.{number // 250 % 250}.{number % 250 + 1}"
        if address not in self._lines:
            self._lines[address] = wire.Line(self.world.port, address)
        return self._lines[address]

    def _cookies(self, who: str) -> str:
        return f"session={self._bundle[f'{who}.cookie']}; csrf={CSRF}" if who else ""

    def _fill(self, mark: str, document: str) -> str:
        """`name|change` of a credential, or one of a few words."""
        name, _, change = mark.partition("|")
        kind, _, rest = name.partition(":")
        if kind == "raw":
            return ""
        if kind == "long":
            return "a" * int(rest)
        if kind == "deep":
            return rest * 20_000
        if kind == "basic":
            return self._basic(rest, change)
        if kind == "assert":
            return self._assertion(rest, change)
        known = {"issuer": self.world.issuer, "site": self.world.site.url, "csrf": CSRF}
        known |= {"verifier": VERIFIER, "challenge": CHALLENGE, "self": document}
        known["document"] = document or "https://localhost/none.json"
        value = known.get(name) or self._bundle.get(name) or self._of_app(name)
        return jwts.changed(value, change, self.world.keys) if change else value

    def _of_app(self, name: str) -> str:
        """Nothing, where a mark has come about by chance."""
        app, _, member = name.partition(".")
        return str({**self.world.apps, **self.world.apis}.get(app, {}).get(member, ""))

    def _basic(self, app: str, change: str) -> str:
        pair = f"{quote_plus(self._fill(f'{app}.id', ''))}:{quote_plus(self._fill(f'{app}.secret', ''))}"
        if change == "plain":
            return pair
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _assertion(self, whose: str, change: str) -> str:
        issuer = self.world.issuer
        if whose == "voucher":
            claims = {"iss": VOUCHER, "sub": self._bundle["alice.id"], "aud": issuer}
            return jwts.assertion(claims, change, forge.es256(self.world.own_key), "ES256")
        app = self.world.apps[whose]
        claims = {"iss": app["id"], "sub": app["id"], "aud": issuer}
        if whose == "keyjwt":
            return jwts.assertion(claims, change, forge.es256(self.world.own_key), "ES256")
        return jwts.assertion(claims, change, forge.hs256(app["secret"].encode()), "HS256")

    def close(self) -> None:
        for line in self._lines.values():
            line.close()
        self._lines.clear()


@contextmanager
def running(folder: Path) -> Iterator[World]:
    """A server of its own, with everything switched on that is off by default."""
    with site(folder) as beside:
        server = Server(folder, use="fuzz", settings={**SETTINGS, "OUTBOUND_CA_FILE": str(beside.trusted)})
        try:
            server.wait()
            inside = Inside(server)
            yield _furnished(server, inside, beside)
            inside.stop()
        finally:
            server.stop()


def _furnished(server: Server, inside: Inside, beside: Site) -> World:
    own_key = ECKey.generate_key("P-256", {"kid": "fuzz"})
    code = "from tests.fuzz import stock; answer = [stock.applications(jwk, site), stock.server_keys()]"
    made, private = inside(code, jwk=own_key.as_dict(private=False), site=beside.url)
    kept = {jwk[member] for jwk in private.values() for member in ("d", "p", "q", "dp", "dq", "qi") if member in jwk}
    kept |= {file.read_text().strip() for file in server.data_dir.glob("*.secret")}
    port = int(server.url.rpartition(":")[2])
    world = World(server, inside, beside, port, made["applications"], made["apis"], {}, own_key, kept, server.url)
    world.keys = jwts.imported(private)
    owners = [*world.apps.values(), *world.apis.values(), *server.demo["applications"].values()]
    world.secrets |= {one.get("secret") or one.get("client_secret") or "" for one in owners} - {"", "none"}
    return world
