"""What the attacks on people need: people in the running server, callers whose every answer is judged, a look inside.

A test takes the fixture `crowd`, makes its own people, and calls from loopback addresses of its own: limits count by
address and account, so no test uses up another's.
"""

import base64
import contextlib
import email
import email.policy
import hashlib
import itertools
import re
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.attacks.people_inside import Inside
from tests.leaks import told
from tests.live import Server
from tests.stranger import Stranger

PASSWORD = "correct horse battery 7"
NEW = "some other long sentence 8"
WRONG = "not the password at all 9"

_LEAK = re.compile(
    r"Traceback|site-packages|\.py\b|\bSELECT \S+ FROM|INSERT INTO|sqlite3|psycopg|OperationalError|IntegrityError"
    r"|django\.|eyJ[\w-]{8,}\.eyJ"
)
"""Stacks, files, SQL, names and tokens: what no refusal may show."""

_NO_TLS = ssl.create_default_context()
"""Made once: reading the authorities of the system takes longer than most requests."""

_CODE = re.compile(r"^[B-Z]{4}-[B-Z]{4}$", re.MULTILINE)
_RANDOM = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')

_PERSON = """
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from accounts.models import User
user = User.objects.create_user(email, password, **fields)
EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
for name in may:
    app, codename = name.split(".")
    user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
answer = user.pk
"""

_EVENTS = """
from django.db.models import Q
from authcenter.audit.models import AuditEvent
about = Q(actor=whom) | Q(subject=whom) | Q(detail__email=whom)
found = AuditEvent.objects.filter(about, kind=kind).order_by("at")
answer = list(found.values("actor", "subject", "client_id", "address", "detail"))
"""


@dataclass(frozen=True)
class Person:
    id: str
    email: str
    password: str = PASSWORD


@dataclass
class Crowd:
    """The people of one server, and those who would be them."""

    server: Server
    inside: Inside
    secrets: set[str] = field(default_factory=lambda: {PASSWORD, NEW, WRONG})
    """Passwords, codes and tokens that were used: in no refusal, and in no line of the log."""

    _number: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        return self.server.url

    # --- Who calls ---

    def address(self) -> str:
        """A loopback address that nobody has called from."""
        number = next(self._number)
        return f"127.9.{number // 250}.{number % 250 + 1}"

    def client(self, address: str = "", **headers: str) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=address or self.address(), verify=_NO_TLS)
        return httpx.Client(
            base_url=self.url,
            headers=headers,
            transport=transport,
            timeout=60,
            trust_env=False,
            event_hooks={"response": [self.judge]},
        )

    def browser(self, address: str = "") -> Stranger:
        return Stranger(self.url, self.client(address))

    def judge(self, response: httpx.Response) -> None:
        """What holds for every answer: no server error, no password; in a refusal no token, code, stack or SQL."""
        text = response.read().decode("utf-8", "replace") + str(dict(response.headers))
        where = f"{response.request.method} {response.request.url}: {response.status_code}"
        assert response.status_code < 500, f"{where}\n{text[:3000]}"
        assert not any(password in text for password in (PASSWORD, NEW, WRONG)), where
        if response.status_code >= 400:
            leaked = _LEAK.search(text)
            assert not leaked, f"{where} shows {leaked}"
            assert not told(self.secrets, text), where

    # --- Who is there ---

    def person(self, label: str, /, *, password: str | None = PASSWORD, verified: bool = True, **fields: Any) -> Person:
        """`may` are console permissions, such as `accounts.change_user`."""
        address = f"{label}.{next(self._number)}@example.com"
        may = fields.pop("may", ())
        values = {"email": address, "password": password, "verified": verified, "fields": fields, "may": list(may)}
        return Person(self.inside(_PERSON, **values), address, password or "")

    def signed_in(self, person: Person, address: str = "") -> Stranger:
        browser = self.browser(address).open("/accounts/login/").sign_in(person.email, person.password)
        assert is_signed_in(browser), browser.page and browser.page.text[:2000]
        return browser

    def sign_up(self, email: str, password: str, **more: str) -> Stranger:
        return self.browser().open("/accounts/signup/").submit("password1", email=email, password1=password, **more)

    def operator(self, *may: str, **fields: Any) -> tuple[Person, httpx.Client]:
        """Somebody at the console; `console_pages` fills in its forms with this client, as with Django's own."""
        person = self.person("oscar", is_staff=True, may=may, **fields)
        client = self.signed_in(person).http
        client.headers.update({"X-CSRFToken": client.cookies["csrf"], "Origin": self.url})
        return person, client

    def guess(self, email: str, password: str = WRONG, address: str = "", **headers: str) -> httpx.Response:
        """One try at the door for first-party apps, which needs no form."""
        with self.client(address, **headers) as client:
            return client.post("/api/token/", json={"email": email, "password": password})

    def pair(self, person: Person, password: str = "") -> dict[str, str]:
        """Session tokens."""
        answer = self.guess(person.email, password or person.password)
        assert answer.status_code == 200, answer.text
        return self.noted(answer.json())

    def allowed(self, browser: Stranger, scope: str = "openid offline_access") -> dict[str, str]:
        """Tokens of the sample web application, which the person of this browser allows."""
        app, verifier = self.server.demo["applications"]["web"], secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": app["redirect_uris"][0],
            "scope": scope,
            "state": "state",
            "prompt": "consent",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        browser.open(f"/oauth/authorize?{urlencode(asked)}").submit("allow", press="allow")
        code = parse_qs(urlsplit(browser.left_to).query)["code"][0]
        self.secrets |= {code, app["client_secret"]}
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return self.exchanged(**form, redirect_uri=app["redirect_uris"][0])

    def exchanged(self, **form: str) -> dict[str, str]:
        """What the token endpoint gives the sample web application; `error` where it refuses."""
        app = self.server.demo["applications"]["web"]
        with self.client() as client:
            answer = client.post("/oauth/token", data=form, auth=(app["client_id"], app["client_secret"]))
        return self.noted(answer.json())

    def opens(self, token: str, path: str = "/api/me/") -> bool:
        """Whether a token, of an app's session or of an application, is good."""
        with self.client() as client:
            return client.get(path, headers=bearer(token)).status_code == 200

    def refreshes(self, tokens: dict[str, str]) -> bool:
        """Whether a refresh token is good. It is used up."""
        if "refresh_token" in tokens:
            return "access_token" in self.exchanged(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        with self.client() as client:
            return client.post("/api/token/refresh/", json={"refresh": tokens["refresh"]}).status_code == 200

    def noted(self, tokens: dict[str, Any]) -> dict[str, Any]:
        self.secrets |= {
            tokens[name] for name in ("access", "refresh", "access_token", "refresh_token") if name in tokens
        }
        return tokens

    # --- What came of it ---

    def events(self, kind: str, whom: str) -> list[dict[str, Any]]:
        """Audit events of a kind about somebody: an id or an e-mail address."""
        return self.inside(_EVENTS, kind=kind, whom=whom)

    def mails(self, to: str) -> list[str]:
        """All that each mail says, in text and in HTML, subject included, oldest first."""
        texts = [text for text in self.server.mails() if f"\nTo: {to}\n" in text]
        parsed = (email.message_from_string(text, policy=email.policy.default) for text in texts)
        return ["\n\n".join([mail["Subject"], *(part.get_content() for part in mail.iter_parts())]) for mail in parsed]

    def codes(self, to: str) -> list[str]:
        found = [code for text in self.mails(to) for code in _CODE.findall(text)]
        self.secrets |= set(found)
        return found

    def assert_log_is_clean(self) -> None:
        """The sample backend writes mails to the log, codes and all; it is refused to nobody but production's W001."""
        lines = [line for line in self.server.log().splitlines() if '"logger": "accounts.mail"' not in line]
        log = "\n".join(lines)
        assert not told(self.secrets, log)


def is_signed_in(browser: Stranger) -> bool:
    return browser.http.get("/account/").status_code == 200


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def as_seen(response: httpx.Response, *words: str) -> tuple[Any, ...]:
    """What a stranger can compare: status, headers, cookies and body, without what is random or what she typed."""
    dropped = {"x-request-id", "date", "expires", "content-length", "set-cookie"}
    headers = sorted((name, value) for name, value in response.headers.items() if name not in dropped)
    cookies = [re.sub(r"^([^=]+)=[^;]*|expires=[^;]*", r"\1", line) for line in response.headers.get_list("set-cookie")]
    text = f"{headers} {_RANDOM.sub('', response.text)}"
    for word in words:
        text = text.replace(word, "…")
    return response.status_code, text, sorted(cookies)


def eventually(holds: Callable[[], bool], seconds: float = 5) -> None:
    """By the documented bound of a revocation, and a slow machine's share."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.05)


def raw(url: str, request: bytes) -> bytes:
    """What the server answers to bytes that no HTTP library would send; they ask it to close the connection. Where it
    hangs up before it has heard all, what it said may be lost with the line: nothing, then."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        answer = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
    return answer
