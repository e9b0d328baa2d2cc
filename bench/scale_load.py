"""What bench.scale asks a server for, one request after the other over kept connections, and how long each took.

Sequential on purpose: with nobody waiting in line, a time is what the request costs.
"""

import base64
import hashlib
import http.client
import json
import random
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import psycopg

from bench import scale_data
from bench.scale_rows import SCOPES

PASSWORD = "correct horse battery staple"
IDLE_SECONDS = 1.0
"""After which a connection is opened anew, outside of what is timed: the server closes those that are idle."""

VERIFIER = "v" * 43
_CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")

CONSOLE = {
    "console: dashboard": "/admin/",
    "console: people": "/admin/accounts/user/",
    "console: people, searched by address": "/admin/accounts/user/?q={email}",
    "console: people, searched by name": "/admin/accounts/user/?q={name}",
    "console: authorizations": "/admin/oauth/authorization/",
    "console: authorizations of an application": "/admin/oauth/authorization/?application__id__exact={popular}",
    "console: families": "/admin/oauth/family/",
    "console: sessions": "/admin/signins/session/",
    "console: living sessions": "/admin/signins/session/?alive=yes",
    "console: events": "/admin/audit/auditevent/",
    "console: events of a person": "/admin/audit/auditevent/?q={email}",
    "console: applications": "/admin/oauth/application/",
}


class Person:
    """One of the many, who may sign in: her address, and an application that she has granted something."""

    def __init__(self, email: str, name: str, application: dict[str, str]) -> None:
        self.email, self.name, self.application = email, name, application


def people(database: str, rows: int, count: int) -> list[Person]:
    """So many of the rows, from all over the tables, with a password that is known from now on."""
    folder = Path(scale_data.environment(database)["DATA_DIR"])
    applications = json.loads((folder / "applications.json").read_text())
    hashed = scale_data.python(
        database, f"from django.contrib.auth.hashers import make_password; print(make_password({PASSWORD!r}))"
    ).strip()
    found = []
    with psycopg.connect(database) as connection:
        while len(found) < count:
            number = random.randint(1, rows * 6 // 10)
            row = connection.execute(
                "SELECT u.email, u.name, a.application_id FROM accounts_user u JOIN oauth_authorization a"
                " ON a.user_id = u.id AND a.id = md5('authorization' || %s)::uuid"
                " WHERE u.id = md5('user' || %s)::uuid AND u.is_active AND a.withdrawn IS NULL",
                [number, number],
            ).fetchone()
            if row:
                email, name, key = row
                connection.execute("UPDATE accounts_user SET password = %s WHERE lower(email) = %s", [hashed, email])
                found.append(Person(email, name, applications[str(key)]))
    return found


class Client:
    """A kept connection with a jar of cookies; `taken` has the seconds of each request that was named."""

    def __init__(self, port: int, taken: dict[str, list[float]]) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._host, self.cookies, self.taken = urlsplit(scale_data.ISSUER).netloc, dict[str, str](), taken
        self._used = 0.0

    def ask(
        self, path: str, form: dict[str, str] | None = None, *, called: str = "", wanted: int = 200, **headers: str
    ) -> tuple[str, str]:
        """Body and `Location` of the answer."""
        sent = {"Host": self._host, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) bench", "Accept": "*/*", **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if form is not None:
            body = urlencode(form)
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": scale_data.ISSUER}
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._line.close()
            self._line.connect()
        began = time.perf_counter()
        self._line.request("GET" if body is None else "POST", path, body=body, headers=sent)
        answer = self._line.getresponse()
        text = answer.read().decode()
        took, self._used = time.perf_counter() - began, time.monotonic()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status != wanted:
            raise SystemExit(f"{path}: {answer.status} and not {wanted}: {text[:2000]}")
        if called:
            self.taken[called].append(took)
        return text, answer.headers.get("Location", "")

    def sign_in(self, email: str, password: str, called: str = "") -> None:
        page, _ = self.ask("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        form = {"login": email, "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
        self.ask("/accounts/login/", form, called=called, wanted=302)


def basic(application: dict[str, str]) -> str:
    pair = f"{quote(application['client_id'])}:{quote(application['client_secret'])}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def visit(port: int, person: Person, taken: dict[str, list[float]]) -> None:
    """She signs in, her application gets its tokens and uses them, and she looks at her own pages."""
    browser, app = Client(port, taken), person.application
    browser.sign_in(person.email, PASSWORD, "sign-in")
    asked = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": app["redirect_uri"],
        "scope": " ".join(SCOPES),
        "code_challenge": _CHALLENGE,
        "code_challenge_method": "S256",
        "nonce": "n" * 22,
    }
    _, onward = browser.ask(f"/oauth/authorize?{urlencode(asked)}", called="authorization request", wanted=303)
    code = parse_qs(urlsplit(onward).query).get("code")
    if code is None:
        raise SystemExit(f"No code, but {onward}")
    back = Client(port, taken)
    bought = {"grant_type": "authorization_code", "code": code[0], "redirect_uri": app["redirect_uri"]}
    tokens = _tokens(back, bought | {"code_verifier": VERIFIER}, app, "code exchange")
    for _ in range(3):
        tokens = _tokens(
            back, {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}, app, "refresh"
        )
        back.ask("/oauth/userinfo", called="userinfo", Authorization=f"Bearer {tokens['access_token']}")
        said, _ = back.ask(
            "/oauth/introspect", {"token": tokens["access_token"]}, called="introspection", Authorization=basic(app)
        )
        if not json.loads(said)["active"]:
            raise SystemExit(f"A good token is not active: {said}")
    for called, path in (("own apps", "/account/apps/"), ("own sessions", "/account/sessions/")):
        browser.ask(path, called=f"account: {called}")


def _tokens(client: Client, form: dict[str, str], app: dict[str, str], called: str) -> dict[str, Any]:
    said, _ = client.ask("/oauth/token", form, called=called, Authorization=basic(app))
    return dict(json.loads(said))


def operator(port: int, admin: dict[str, str]) -> Client:
    client = Client(port, defaultdict(list))
    client.sign_in(admin["email"], admin["password"])
    return client


def look(client: Client, person: Person, popular: int, taken: dict[str, list[float]]) -> None:
    """The console's pages, each once. `popular` is an application with more people than a page shows."""
    client.taken = taken
    for called, path in CONSOLE.items():
        address = path.format(email=quote(person.email), name=quote(person.name), popular=popular)
        client.ask(address, called=called)


def machine(port: int, application: dict[str, str], taken: dict[str, list[float]], times: int) -> None:
    client = Client(port, taken)
    for _ in range(times):
        _tokens(client, {"grant_type": "client_credentials", "scope": "orders:read"}, application, "client credentials")
