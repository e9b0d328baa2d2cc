"""Attacks on the authorization endpoint: who answers, how recently she signed in, what she is asked and shown."""

import time
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.attacks import forge, refusals
from tests.attacks.rig import Rig, Visitor
from tests.attacks.scene import PASSWORD
from tests.oauth.flow import answer, claims

pytestmark = pytest.mark.live
EVIL = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("target", ["//evil.test", "/\\evil.test", "/%09/evil.test", "https:evil.test", "javascript:1"])
def test_az_22_next_after_sign_in(rig, target):
    browser = rig.browser().open(f"/accounts/login/?next={target}").sign_in(rig.scene.bob.email, PASSWORD)
    assert browser.left_to == "" and "evil.test" not in browser.page.url.host


def test_az_22_next_twice(rig):
    browser = rig.browser().open("/accounts/login/?next=/account/&next=https://evil.test")
    assert browser.sign_in(rig.scene.bob.email, PASSWORD).left_to == ""


def test_az_23_no_307_after_a_password(rig):
    person, browser = rig.scene.person("careful"), rig.browser()
    seen: list[tuple[str, int]] = []
    browser.http.event_hooks["response"].append(lambda r: seen.append((r.request.method, r.status_code)))
    browser.ask(rig.web).sign_in(person.email, PASSWORD).submit("allow", press="allow")
    posts = [status for method, status in seen if method == "POST"]
    assert browser.left_to and len(posts) == 2 and set(posts) <= {302, 303}
    assert not {307, 308} & {status for _method, status in seen}


@pytest.mark.parametrize("app", ["web", "spa", "native"])
def test_az_38_prompt_none_without_a_session(rig, app):
    with rig.untouched():
        response = rig.browser().authorize(getattr(rig, app), prompt="none", state="s")
    refusals.redirect(rig, response, getattr(rig, app), "login_required", "s")


def test_az_39_prompt_none_without_consent(rig):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(rig.web, prompt="none", scope="openid films:write", state="s")
    refusals.redirect(rig, response, rig.web, {"consent_required", "interaction_required"}, "s")


@pytest.mark.parametrize("prompt", ["none login", "login none", "none consent", "none none login"])
def test_az_40_prompt_none_stands_alone(rig, prompt):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(rig.web, prompt=prompt, state="s")
    refusals.redirect(rig, response, rig.web, "invalid_request", "s")


def signed_in_again(rig: Rig, browser: Visitor, asked_at: float) -> None:
    """The page wants the password; with it there is a code, whose ID token tells of this sign-in."""
    assert not browser.left_to and "password" in browser.form("password").fields
    browser.submit("password", password=PASSWORD)
    got = rig.redeem(rig.web, answer(browser.left_to)["code"]).json()
    assert claims(got["id_token"])["auth_time"] >= int(asked_at)


def veteran(rig: Rig, seconds: int = 3600) -> Visitor:
    """Somebody who signed in and agreed long ago, in a browser of her own."""
    person, browser = rig.scene.person("veteran"), rig.browser()
    browser.sign_in_anew(person).code(rig.web)
    rig.inside.age_sign_in(person.id, seconds)
    return browser


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_az_41_prompt_login_is_enforced(rig, prompt):
    browser, asked_at = veteran(rig), time.time()
    browser.ask(rig.web, prompt=prompt)
    # A question who she is needs no password of whom is there, but an answer.
    back = browser.form("sid" if prompt == "select_account" else "password").fields["next"]
    assert back.startswith("/oauth/authorize?txn=") and "prompt" not in back  # nothing to strip
    for tried in (back, back + "&prompt=", back + "&prompt=none", back + "&max_age=99999"):
        browser.open(tried)
        assert not browser.left_to, "a code without the password"
    if prompt == "login":
        signed_in_again(rig, browser, asked_at)


@pytest.mark.parametrize("seconds", ["1", "0", "3599"])
def test_az_42_max_age(rig, seconds):
    browser, asked_at = veteran(rig), time.time()
    refusals.redirect(rig, browser.authorize(rig.web, max_age=seconds, prompt="none"), rig.web, "login_required")
    signed_in_again(rig, browser.ask(rig.web, max_age=seconds), asked_at)


def test_az_42_max_age_that_is_kept(rig):
    browser = veteran(rig)
    got = rig.redeem(rig.web, browser.code(rig.web, max_age="7200")).json()
    assert claims(got["id_token"])["auth_time"] <= time.time() - 3600


@pytest.mark.parametrize("seconds", ["abc", "-1", "1e999", "1.5", "9" * 100, "0x10", "٣", "NaN"])
def test_az_42_malformed_max_age(rig, seconds):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(rig.web, max_age=seconds, state="s")
    refusals.redirect(rig, response, rig.web, "invalid_request", "s")


HINTS = ["garbage", "alg-none", "another-issuer", "another-key", "tampered", "access-token", "another-client"]


def hint(rig: Rig, kind: str) -> str:
    got = rig.tokens(rig.web, rig.scene.alice)
    header, payload, signature = forge.split(got["id_token"])
    stranger = forge.ECKey.generate_key("P-256")
    return {
        "garbage": "garbage",
        "alg-none": forge.compact({**header, "alg": "none"}, payload),
        "another-issuer": forge.compact(header, {**payload, "iss": "https://evil.test"}, forge.es256(stranger)),
        "another-key": forge.compact({**header, "alg": "ES256"}, payload, forge.es256(stranger)),
        "tampered": got["id_token"].rsplit(".", 1)[0] + "." + signature[:-8] + "AAAAAAAA",
        "access-token": got["access_token"],
        "another-client": rig.tokens(rig.web2, rig.scene.alice)["id_token"],
    }[kind]


@pytest.mark.parametrize("kind", HINTS)
def test_az_45_id_token_hint_abuse(rig, kind):
    told = hint(rig, kind)
    for browser in (rig.browser(), rig.browser(rig.scene.alice), rig.browser(rig.scene.bob)):
        with rig.untouched():
            response = browser.authorize(rig.web, id_token_hint=told, prompt="none", state="s")
        refusals.redirect(rig, response, rig.web, {"login_required", "invalid_request"}, "s")


def test_az_45_a_right_hint_signs_nobody_in(rig):
    told = rig.tokens(rig.web, rig.scene.alice)["id_token"]
    for browser in (rig.browser(), rig.browser(rig.scene.bob)):
        with rig.untouched():
            response = browser.authorize(rig.web, id_token_hint=told, prompt="none", state="s")
        refusals.redirect(rig, response, rig.web, "login_required", "s")
    same = rig.browser(rig.scene.alice).authorize(rig.web, id_token_hint=told, prompt="none")
    assert "code" in answer(same.headers["Location"])


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "consent"},
        {"scope": "openid films:write", "approval_prompt": "auto"},
        {"scope": "openid films:write", "skip_authorization": "true", "allow": "1", "consent": "1"},
        {"prompt": "consent", "approval_prompt": "auto"},
    ],
    ids=["prompt-consent", "approval-prompt", "others", "both"],
)
def test_az_47_consent_is_not_skipped_by_a_parameter(rig, changes):
    browser = rig.browser(rig.scene.alice)
    with rig.untouched():
        browser.ask(rig.web, **changes)
    assert not browser.left_to and browser.form("allow").buttons


def pages(rig: Rig) -> dict[str, Any]:
    """Every page of the flows, as a person sees it."""
    alice, stranger = rig.browser(rig.scene.alice), rig.browser()
    told = rig.post("/oauth/device", {"scope": "openid"}, rig.kiosk).json()
    rig.scene.secret(told["device_code"])
    found = {
        "sign-in": stranger.open("/accounts/login/"),
        "sign-up": rig.browser().open("/accounts/signup/"),
        "password reset": rig.browser().open("/accounts/password/reset/"),
        "sign in again": rig.browser(rig.scene.alice).ask(rig.web, prompt="login"),
        "consent": rig.browser(rig.scene.alice).ask(rig.web, prompt="consent"),
        "error": rig.browser().ask(rig.web, redirect_uri="https://evil.test"),
        "device": rig.browser(rig.scene.alice).open("/device"),
        "device confirm": alice.open("/device").submit("user_code", user_code=told["user_code"]),
        "sign out": rig.browser(rig.scene.alice).open("/accounts/logout/"),
        "application's sign out": rig.browser(rig.scene.alice).open("/oauth/logout"),
        "account": rig.browser(rig.scene.alice).open("/account/"),
        "signed out": rig.browser().open("/oauth/logout"),
    }
    return {name: browser.page for name, browser in found.items()}


def test_az_48_clickjacking_headers(rig):
    for name, page in pages(rig).items():
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"], name
        assert page.headers["X-Frame-Options"] == "DENY", name


def test_az_76_referrer_and_cache(rig):
    """Nothing is told to other sites; "no-referrer" would make browsers post forms with `Origin: null`."""
    for name, page in pages(rig).items():
        assert page.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}, name
        assert "no-store" in page.headers["Cache-Control"], name
        assert page.headers["X-Content-Type-Options"] == "nosniff", name
    callback = rig.browser(rig.scene.alice).authorize(rig.web, prompt="none")
    assert "code" in answer(callback.headers["Location"])
    assert callback.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert "no-store" in callback.headers["Cache-Control"]


@pytest.mark.parametrize("kind", ["no-token", "another-sessions", "origin", "null-origin", "cross-site", "by-get"])
def test_az_49_csrf_on_consent(rig, kind):
    browser = rig.browser(rig.scene.alice)
    form = browser.ask(rig.web, prompt="consent").form("allow")
    data, headers = {**form.fields, "allow": "1"}, {"Origin": rig.url, "Referer": f"{rig.url}/"}
    if kind in {"no-token", "cross-site"}:
        del data["csrfmiddlewaretoken"]
    if kind == "another-sessions":
        other = rig.browser().open("/accounts/login/")
        data["csrfmiddlewaretoken"] = other.form("login").fields["csrfmiddlewaretoken"]
    if kind in {"origin", "cross-site"}:
        headers |= {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    if kind == "null-origin":
        headers["Origin"] = "null"
    with rig.untouched():
        if kind == "by-get":
            response = browser.http.get(form.action, params=data)
            assert response.status_code == 200 and "Location" not in response.headers
        else:
            assert browser.http.post(form.action, data=data, headers=headers).status_code == 403
    assert answer(browser.allow().left_to)["code"], "the form itself still works"


@pytest.mark.parametrize("address", ["http://127.0.0.1:5123/cb", "com.example.app:/cb"], ids=["loopback", "own-scheme"])
def test_az_51_a_native_application_is_never_silent(rig, address):
    """Any program on the device can pose as it: each request is a question."""
    browser = rig.browser(rig.scene.alice)
    browser.code(rig.native, redirect_uri=address)
    with rig.untouched():
        browser.ask(rig.native, redirect_uri=address)
        assert not browser.left_to and browser.form("allow").buttons
        silent = browser.authorize(rig.native, redirect_uri=address, prompt="none")
    assert answer(silent.headers["Location"])["error"] == "consent_required"


def test_az_52_deny_is_final(rig):
    browser = rig.browser(rig.scene.alice)
    form = browser.ask(rig.web, prompt="consent", state="s").form("allow")
    sent = {"headers": {"Origin": rig.url}}
    with rig.untouched():
        denied = browser.http.post(form.action, data={**form.fields, "deny": "1"}, **sent)
        refusals.redirect(rig, denied, rig.web, "access_denied", "s")
        again = browser.http.post(form.action, data={**form.fields, "allow": "1"}, **sent)
        refusals.page(rig, again)


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripted: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if any(name.startswith("on") for name in given) or (tag == "script" and "src" not in given):
            self.scripted.append(str(self.get_starttag_text()))
        if any("javascript:" in (given.get(name) or "") for name in ("href", "src", "action")):
            self.scripted.append(str(self.get_starttag_text()))


def test_az_54_html_in_shown_text(rig):
    rig.scene.api("https://evil-api.test/", EVIL, {"evil:read": {"title": EVIL, "description": EVIL}})
    hostile = rig.scene.application(
        "web", EVIL, ["evil:read"], check=False, redirect_uris="https://rp9.test/cb", publisher=EVIL,
        logo_uri=f'{rig.issuer}/"{EVIL}', client_uri=f'https://x"{EVIL}', policy_uri=f"https://x'{EVIL}",
    )  # fmt: skip
    person = rig.scene.person("hostile", name=EVIL, given_name=EVIL)
    browser = rig.browser(person)
    seen = [
        browser.ask(hostile, scope="openid profile evil:read", state=EVIL).page,
        rig.browser().ask(hostile, state=EVIL, login_hint=EVIL).page,
        rig.browser().ask(hostile, redirect_uri=EVIL, state=EVIL, scope=EVIL).page,
        rig.browser(person).open("/account/").page,
        rig.browser(person).open("/oauth/logout").page,
    ]
    browser.allow()
    seen.append(rig.browser(person).open("/account/apps/").page)
    for page in seen:
        assert EVIL not in page.text and not _Tags(page.text).scripted
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy and "default-src 'none'" in policy
    assert answer(browser.left_to)["state"] == EVIL
