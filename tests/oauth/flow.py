"""A stranger at a browser and the applications that send her here, over HTTP through Django's test client.

Everything secret that passes through is remembered, and each test ends with a look whether a log or audit row has it.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urljoin, urlsplit

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.http import urlencode

from accounts.sign_in import ACR_ONE, SID
from authcenter.oauth import granting, scopes
from authcenter.oauth.models import API, Application, Authorization, Family, Grant
from authcenter.oauth.registry import registry
from authcenter.sessions.models import Revocation, Session
from authcenter.sessions.start import start_browser_session

HOST = "localhost"
PASSWORD = "correct horse battery staple"
SECRETS: set[str] = set()
"""What must never be logged: filled by everything below, emptied before each test."""


def secret(value: str) -> str:
    SECRETS.add(value)
    return value


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def claims(token: str, part: int = 1) -> dict[str, Any]:
    """The payload of a JWT, or its header (part 0), unverified."""
    text = token.split(".")[part]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def stored() -> dict[str, int]:
    """How many rows there are of all that a refusal must not touch, and how often something was ended or consumed."""
    return {
        "codes": Grant.objects.count(),
        "consumed": Grant.objects.exclude(consumed=None).count(),
        "families": Family.objects.count(),
        "ended": Family.objects.exclude(ended=None).count(),
        "generations": sum(Family.objects.values_list("generation", flat=True)),
        "authorizations": Authorization.objects.count(),
        "withdrawn": Authorization.objects.exclude(withdrawn=None).count(),
        "sessions": Session.objects.count(),
        "sessions ended": Session.objects.exclude(ended=None).count(),
        "revocations": Revocation.objects.count(),
        "applications": Application.objects.count(),
        "apis": API.objects.count(),
    }


@dataclass
class App:
    """An application as its developer knows it."""

    row: Application
    secret: str = ""
    redirect_uri: str = ""

    @property
    def id(self) -> str:
        return self.row.client_id

    def request(self, **changes: Any) -> dict[str, Any]:
        """A right authorization request; a change to None leaves the parameter out."""
        sent = {
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid",
            "state": secrets.token_urlsafe(12),
            "nonce": "n-" + secrets.token_urlsafe(8),
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**sent, **changes}.items() if value is not None}

    def proof(self) -> dict[str, Any]:
        """Its client authentication: `data` for the form, `headers`."""
        method = self.row.token_endpoint_auth_method
        if method == "client_secret_basic":
            return {"data": {}, "headers": basic(self.id, self.secret)}
        if method == "client_secret_post":
            return {"data": {"client_id": self.id, "client_secret": self.secret}, "headers": {}}
        return {"data": {"client_id": self.id}, "headers": {}}


VERIFIER = "v" * 20 + "-._~" + "9" * 30


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms and given.get("name"):
            if tag == "button" or given.get("type") == "submit":
                self.forms[-1].buttons.append(given["name"])
            elif tag == "input" and given.get("type") not in {"checkbox", "radio"}:
                self.forms[-1].fields[given["name"]] = given.get("value", "")


class Browser:
    """Keeps cookies, follows redirects within the server, reads forms. `left_to` is where a redirect leaves it."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.http = Client(enforce_csrf_checks=True, HTTP_HOST=HOST, REMOTE_ADDR=address)
        self.page: Any = None
        self.at = "/"
        self.left_to = ""
        self.seen: list[tuple[str, int]] = []
        """Every path that was answered, with the status."""

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.http.get(path, headers=headers)

    def authorize(self, app: App, **changes: Any) -> HttpResponse:
        """One answer of the authorization endpoint, redirects not followed."""
        return self.get("/oauth/authorize?" + urlencode(app.request(**changes), doseq=True))

    def open(self, path: str) -> "Browser":
        self.at = path
        return self.follow(self.http.get(path))

    def follow(self, response: HttpResponse) -> "Browser":
        self.page, self.left_to = response, ""
        self.seen.append((self.at, response.status_code))
        for _hop in range(12):
            if response.status_code not in {301, 302, 303, 307, 308}:
                return self
            target = urljoin(f"{settings.ISSUER}{self.at}", response["Location"])
            if not target.startswith(settings.ISSUER + "/"):
                self.left_to = target
                return self
            self.at = target.removeprefix(settings.ISSUER)
            response = self.page = self.http.get(self.at)
            self.seen.append((self.at, response.status_code))
        raise AssertionError(f"redirects without end: {self.seen}")

    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.page.content.decode())
        return parser.forms

    def form(self, having: str) -> Form:
        found = [form for form in self.forms() if having in form.fields or having in form.buttons]
        assert found, f"no form with {having!r} at {self.at} ({self.page.status_code}): {self.page.content[:1500]!r}"
        return found[0]

    def submit(self, having: str, press: str = "", **values: str) -> "Browser":
        return self.follow(self.post_form(self.form(having), press, **values))

    def post_form(self, form: Form, press: str = "", **values: str) -> HttpResponse:
        data = {**form.fields, **values, **({press: "1"} if press else {})}
        self.at = urljoin(self.at, form.action or self.at)
        return self.http.post(self.at, data)

    def ask(self, app: App, **changes: Any) -> "Browser":
        """The authorization endpoint, redirects followed."""
        return self.open("/oauth/authorize?" + urlencode(app.request(**changes), doseq=True))

    def sign_in(self, person: Any, password: str = PASSWORD) -> "Browser":
        if self.page is None or "login" not in self.page.content.decode():
            self.open("/accounts/login/")
        return self.submit("login", login=person.email, password=secret(password))

    def allow(self) -> "Browser":
        return self.submit("allow", press="allow")

    def deny(self) -> "Browser":
        return self.submit("deny", press="deny")

    def enter(self, person: Any) -> "Browser":
        """Be signed in, as after the form, without its pages: for tests that are about something later."""
        person.refresh_from_db()
        session = start_browser_session(RequestFactory().get("/"), person, amr=["pwd"], acr=ACR_ONE, remember=False)
        self.http.force_login(person)
        request = RequestFactory().get("/")
        request.session = store = self.http.session
        store[SID] = str(session.pk)
        record_authentication(request, person, method="password")
        store.save()
        return self

    def code(self, app: App, person: Any, **changes: Any) -> str:
        """A code, by the shortest way: she is signed in and has agreed already, where that is enough."""
        if SID not in self.http.session:
            self.enter(person)
        application = registry.application(app.id)
        assert application
        asked = app.request(**changes)
        may, resources = scopes.allowed(application), asked.get("resource", [])
        wanted = granting.Wanted(
            [scope for scope in asked["scope"].split() if scope in may],
            [resources] if isinstance(resources, str) else resources,
        )
        granting.grant(person, application, wanted)
        self.ask(app, **changes)
        if not self.left_to:
            self.allow()
        return secret(answer(self.left_to)["code"])

    @property
    def sid(self) -> str:
        return str(self.http.session["sid"])


def answer(location: str) -> dict[str, str]:
    """The parameters of a redirect to an application; none may come twice."""
    pairs = parse_qsl(urlsplit(location).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), f"a parameter came twice: {location}"
    return dict(pairs)


# --- Applications at the back channel -------------------------------------------------------------------------


def post(path: str, data: Any, *, address: str = "127.0.0.1", **headers: str) -> HttpResponse:
    """A form to a protocol endpoint. `data` is a dict, a list of pairs, or raw text."""
    body = data if isinstance(data, str | bytes) else urlencode(data, doseq=True)
    return Client(HTTP_HOST=HOST, REMOTE_ADDR=address).post(
        path, body, content_type="application/x-www-form-urlencoded", headers=headers
    )


def as_app(app: App, path: str, data: dict[str, Any], *, address: str = "127.0.0.1", **headers: str) -> HttpResponse:
    """The same, authenticated as this application. A value of None leaves the parameter out."""
    proof = app.proof()
    form = {name: value for name, value in {**proof["data"], **data}.items() if value is not None}
    response = post(path, form, address=address, **{**proof["headers"], **headers})
    if response.status_code == 200 and path == "/oauth/token":
        for name in ("access_token", "refresh_token", "id_token"):
            if name in response.json():
                secret(response.json()[name])
    return response


def redeem(app: App, code: str, **changes: Any) -> HttpResponse:
    """A right code exchange, with the named changes."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": secret(VERIFIER),
    }
    return as_app(app, "/oauth/token", {**form, **changes})


def refresh(app: App, token: str, **changes: Any) -> HttpResponse:
    return as_app(app, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": token, **changes})


def machine_token(app: App, scope: str | None = "orders:read", **changes: Any) -> HttpResponse:
    return as_app(app, "/oauth/token", {"grant_type": "client_credentials", "scope": scope, **changes})


def userinfo(token: str, **headers: str) -> HttpResponse:
    return Client(HTTP_HOST=HOST).get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}", **headers})


def tokens(app: App, person: Any, browser: Browser | None = None, **changes: Any) -> dict[str, Any]:
    """What a whole authorization buys."""
    browser = browser or Browser()
    response = redeem(app, browser.code(app, person, **changes))
    assert response.status_code == 200, response.content
    return response.json()


# --- What a refusal looks like --------------------------------------------------------------------------------


def assert_page(response: HttpResponse) -> None:
    """E-page: 400 at the server, and the browser is sent nowhere."""
    assert response.status_code == 400, (response.status_code, response.get("Location"), response.content[:300])
    assert "Location" not in response
    assert response["Content-Type"].startswith("text/html")
    assert "no-store" in response["Cache-Control"]


def assert_redirect(response: HttpResponse, app: App, error: str, state: str | None = None) -> dict[str, str]:
    """E-redir: to the registered address, with `error`, `state` and `iss` once each, without code or token."""
    assert response.status_code in {302, 303}, (response.status_code, response.content[:500])
    assert response["Location"].startswith(app.redirect_uri), response["Location"]
    told = answer(response["Location"])
    assert told["error"] == error, told
    assert told["iss"] == settings.ISSUER
    if state is not None:
        assert told["state"] == state
    assert not {"code", "access_token", "id_token", "token_type"} & told.keys()
    assert "no-store" in response["Cache-Control"]
    assert "#" not in response["Location"]
    return told


def assert_refused(response: HttpResponse, status: int, error: str) -> None:
    """T-400 and its like: JSON with `error`, not cached, no token."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response["Content-Type"].startswith("application/json")
    said = response.json()
    assert said["error"] == error, said
    assert not {"access_token", "refresh_token", "id_token"} & said.keys()
    assert "no-store" in response["Cache-Control"]
    assert "Set-Cookie" not in response.headers and not response.cookies


def assert_bearer_401(response: HttpResponse) -> None:
    assert response.status_code == 401, (response.status_code, response.content[:300])
    assert response["WWW-Authenticate"].startswith("Bearer ")
    assert 'error="invalid_token"' in response["WWW-Authenticate"]
    assert "no-store" in response["Cache-Control"]
