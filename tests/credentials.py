"""One person's credentials of every kind, got over HTTP before something is taken back, and tried for real after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from authcenter.oauth.grants.token_exchange import ACCESS_TOKEN
from authcenter.oauth.models import Application
from authcenter.oauth.registration import TOKEN_EXCHANGE
from tests.oauth import flow
from tests.oauth.devices import Device, allowed
from tests.oauth.flow import HOST, App, Browser, as_app, machine_token, redeem, refresh, secret, userinfo

IN_BROWSER = (
    "cookie",
    "access",
    "exchanged access",
    "opaque access",
    "refresh",
    "offline access",
    "offline refresh",
    "code",
    "device code",
)
"""A browser's sign-in and what an application got through it: a family without and one with `offline_access`, a code
that nobody has redeemed yet, and a device code that she has allowed and whose device has not come back yet. Another
application has exchanged the access token for one of its own."""

IN_APP = ("session access", "session refresh")
"""A JWT session: the sign-in of a first-party app."""

BY_OTHER_APP = IN_BROWSER[1:]

CALENDAR = "calendar:read"
"""What an application may read with its own credentials."""

OF_MACHINE = ("machine access", "machine opaque access")
"""What an application got with its own credentials, without a person."""


def exchange_of(token: str) -> dict[str, str]:
    return {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "scope": CALENDAR,
    }


@dataclass
class Held:
    """What one application got through one browser."""

    app: App
    broker: App
    """Who exchanged the access token of `online`."""
    online: dict[str, Any]
    exchanged: str
    offline: dict[str, Any]
    code: str
    spent_code: str
    """The code that bought `online`."""
    stale_refresh: str
    """Two refreshes old: no retry window covers it."""
    opaque: str
    """An opaque access token of the family of `online`."""
    device: Device
    spent_device: Device
    """The device code that bought `offline`."""

    @classmethod
    def get(cls, app: App, broker: App, person: Any, browser: Browser) -> "Held":
        spent = browser.code(app, person)
        online = _ok(redeem(app, spent))
        stale = online["refresh_token"]
        for _ in range(2):
            online = _ok(refresh(app, online["refresh_token"]))
        exchanged = _ok(as_app(broker, "/oauth/token", exchange_of(online["access_token"])))["access_token"]
        with opaque_tokens(app):
            opaque = _ok(refresh(app, online["refresh_token"]))
        online["refresh_token"] = opaque["refresh_token"]
        bought = allowed(app, person, "openid offline_access", browser)
        offline = _ok(bought.poll())
        code, device = browser.code(app, person), allowed(app, person, "openid", browser)
        return cls(app, broker, online, exchanged, offline, code, spent, stale, opaque["access_token"], device, bought)

    def tries(self) -> Iterator[tuple[str, bool]]:
        for name, got in (("access", self.online), ("offline access", self.offline)):
            yield name, self._access_lives(got["access_token"])
        asked = as_app(self.broker, "/oauth/introspect", {"token": self.exchanged})
        yield "exchanged access", _lives(asked, 200, set()) and asked.json()["active"]
        yield "opaque access", self._access_lives(self.opaque)
        for name, got in (("refresh", self.online), ("offline refresh", self.offline)):
            yield name, _lives(refresh(self.app, got["refresh_token"]), 200, {400, 401})
        yield "code", _lives(redeem(self.app, self.code), 200, {400, 401})
        yield "device code", _lives(self.device.poll(), 200, {400, 401})

    def _access_lives(self, token: str) -> bool:
        lives = _lives(userinfo(token), 200, {401})
        asked = as_app(self.app, "/oauth/introspect", {"token": token})
        assert asked.status_code == 401 or asked.json()["active"] == lives, "userinfo and introspection disagree"
        return lives


@dataclass
class OfMachine:
    app: App
    access: str
    opaque: str

    @classmethod
    def get(cls, app: App) -> "OfMachine":
        access = _ok(machine_token(app, CALENDAR))["access_token"]
        with opaque_tokens(app):
            opaque = _ok(machine_token(app, CALENDAR))["access_token"]
        return cls(app, access, opaque)

    def tries(self) -> Iterator[tuple[str, bool]]:
        for name, token in zip(OF_MACHINE, (self.access, self.opaque), strict=True):
            asked = as_app(self.app, "/oauth/introspect", {"token": token})
            yield name, _lives(asked, 200, {401}) and asked.json()["active"]


@contextmanager
def opaque_tokens(app: App) -> Iterator[None]:
    """What the application gets meanwhile is opaque."""
    row = Application.objects.filter(pk=app.row.pk)
    row.update(access_token_format="opaque")
    yield
    row.update(access_token_format="jwt")


@dataclass
class InBrowser:
    browser: Browser
    held: Held
    copied: dict[str, str] = field(default_factory=dict)
    """The cookies as a thief would have copied them before the act."""

    @classmethod
    def sign_in(cls, app: App, broker: App, person: Any) -> "InBrowser":
        browser = Browser().sign_in(person)
        held = Held.get(app, broker, person, browser)
        return cls(browser, held, {name: morsel.value for name, morsel in browser.http.cookies.items()})

    @property
    def sid(self) -> str:
        return self.browser.sid

    def copy_lives(self) -> bool:
        thief = Client(HTTP_HOST=HOST)
        for name, value in self.copied.items():
            thief.cookies[name] = value
        return _lives(thief.get("/account/"), 200, {302})

    def tries(self) -> Iterator[tuple[str, bool]]:
        yield "cookie", _lives(self.browser.get("/account/"), 200, {302}) or self.copy_lives()
        yield from self.held.tries()


@dataclass
class InApp:
    access: str
    refresh: str
    stale_refresh: str

    @classmethod
    def sign_in(cls, person: Any) -> "InApp":
        first = _ok(_json("/api/token/", email=person.email, password=flow.PASSWORD))
        now = _ok(_json("/api/token/refresh/", refresh=first["refresh"]))
        return cls(secret(now["access"]), secret(now["refresh"]), secret(first["refresh"]))

    def tries(self) -> Iterator[tuple[str, bool]]:
        me = Client(HTTP_HOST=HOST).get("/api/me/", headers={"Authorization": f"Bearer {self.access}"})
        yield "session access", _lives(me, 200, {401})
        yield "session refresh", _lives(_json("/api/token/refresh/", refresh=self.refresh), 200, {401})


def marks(names: tuple[str, ...], *tried: Callable[[], Iterator[tuple[str, bool]]]) -> str:
    """What each credential did, in the order of `names`: `x` it is dead, `.` it lives."""
    found = {name: lives for one in tried for name, lives in one()}
    assert found.keys() == set(names)
    return "".join("." if found[name] else "x" for name in names)


def _json(path: str, **body: str) -> Any:
    return Client(HTTP_HOST=HOST).post(path, body, content_type="application/json")


def _ok(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def _lives(response: Any, good: int, refusals: set[int]) -> bool:
    """Any other answer is a fault, not a refusal."""
    assert response.status_code in {good, *refusals}, (response.status_code, response.content[:500])
    return bool(response.status_code == good)
