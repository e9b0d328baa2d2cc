"""Attacks on the authorization endpoint: PKCE, response types and modes, duplicates, garbage, request objects."""

import re
import secrets
from urllib.parse import quote, unquote, urlencode

import pytest

from tests.attacks import forge, refusals
from tests.attacks.scene import PASSWORD
from tests.oauth.flow import answer
from tests.receiver import listener

pytestmark = pytest.mark.live
GARBAGE = {
    "nul": "%00", "invalid_byte": "%ff", "lone_surrogate": "%ed%a0%80", "overlong": "%c0%af", "cut_utf8": "%e2%82",
    "bad_percent": "%zz", "escape": "%1b", "beyond_unicode": "%f5%80%80%80",
}  # fmt: skip
PARAMETERS = [
    "client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
    "prompt", "max_age", "login_hint", "id_token_hint", "resource", "response_mode", "request", "request_uri", "claims",
    "ui_locales", "display", "acr_values", "foo", "txn",
]  # fmt: skip


@pytest.mark.parametrize("app", ["web", "spa", "native"])
def test_az_24_pkce_is_required(rig, app):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(
            getattr(rig, app), code_challenge=None, code_challenge_method=None, state="s"
        )
    refusals.redirect(rig, response, getattr(rig, app), "invalid_request", "s")


@pytest.mark.parametrize("method", ["plain", None, "s256", "S512", "none", "S256 "])
@pytest.mark.parametrize("app", ["web", "spa"])
def test_az_25_pkce_plain(rig, app, method):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(getattr(rig, app), code_challenge_method=method, state="s")
    refusals.redirect(rig, response, getattr(rig, app), "invalid_request", "s")


@pytest.mark.parametrize(
    "challenge",
    [
        "abc",
        "a" * 42,
        "a" * 44,
        "a" * 42 + "=",
        "a" * 42 + "+",
        "a" * 42 + "/",
        "a" * 42 + ".",
        "a" * 42 + "é",
        "a" * 128,
    ],
    ids=["abc", "42", "44", "padding", "plus", "slash", "dot", "not-ascii", "128"],
)
def test_az_27_malformed_challenge(rig, challenge):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(rig.web, code_challenge=challenge, state="s")
    refusals.redirect(rig, response, rig.web, "invalid_request", "s")


def test_az_30_iss_in_every_response(rig):
    """Success, and refusals by the person, for want of a session, and for a scope; each `iss` once."""
    stranger, alice = rig.browser(), rig.browser(rig.scene.person("denier"))
    refusals.redirect(rig, stranger.authorize(rig.web, prompt="none"), rig.web, "login_required")
    refusals.redirect(rig, stranger.authorize(rig.web, scope="openid nope"), rig.web, "invalid_scope")
    denied = alice.ask(rig.web).submit("deny", press="deny")
    assert answer(denied.left_to)["error"] == "access_denied" and answer(denied.left_to)["iss"] == rig.issuer
    alice.code(rig.web)
    assert answer(alice.left_to)["iss"] == rig.issuer == rig.scene.metadata["issuer"]


@pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"X-Forwarded-Host": "evil.test"},
        {"Forwarded": "host=evil.test;proto=https"},
        {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "1", "X-Forwarded-Prefix": "/evil.test"},
        {"X-Original-URL": "/evil.test", "X-Rewrite-URL": "/evil.test", "X-Host": "evil.test"},
    ],
    ids=["host", "x-forwarded-host", "forwarded", "x-forwarded-proto", "others"],
)
def test_az_31_the_issuer_is_fixed(rig, name, headers):
    response = rig.http.get(f"/.well-known/{name}", headers=headers)
    assert "evil.test" not in response.text
    if response.status_code != 400:
        assert response.status_code == 200 and response.json() == rig.scene.metadata


@pytest.mark.parametrize(
    "kind",
    ["token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none", "Code", ""],
)
def test_az_33_implicit_and_hybrid_are_off(rig, kind):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(rig.web, response_type=kind, state="s")
    expected = "unsupported_response_type" if kind else {"invalid_request", "unsupported_response_type"}
    refusals.redirect(rig, response, rig.web, expected, "s")


@pytest.mark.parametrize("mode", ["bogus", "web_message", "query.jwt", "jwt", "Query", "query fragment"])
def test_az_34_response_mode_is_not_ignored(rig, mode):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(rig.web, response_mode=mode, state="s")
    refusals.redirect(rig, response, rig.web, "invalid_request", "s")


def test_az_34_a_mode_that_is_offered_is_obeyed(rig):
    """Discovery names the modes; a code that was asked for in the fragment is in no query, which servers would log."""
    assert "fragment" in rig.scene.metadata["response_modes_supported"]
    location = rig.browser(rig.scene.alice).authorize(rig.web, response_mode="fragment").headers["Location"]
    address, _hash, told = location.partition("#")
    assert address == rig.web.redirect_uri and "code=" in told and rig.issuer in unquote(told)


@pytest.mark.parametrize("same", [True, False], ids=["equal", "different"])
@pytest.mark.parametrize(
    "name", ["client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge"]
)
def test_az_56_duplicate_parameters(rig, name, same):
    pairs = list(rig.web.request(state="s").items())
    twice = dict(pairs)[name] if same else "https://evil.test/"
    for sent in ([*pairs, (name, twice)], [(name, twice), *pairs]):
        with rig.untouched():
            response = rig.browser(rig.scene.alice).raw(f"/oauth/authorize?{urlencode(sent)}")
        if name in {"client_id", "redirect_uri"}:
            refusals.page(rig, response)
        else:
            refusals.redirect(rig, response, rig.web, "invalid_request")


@pytest.mark.parametrize("bad", GARBAGE.values(), ids=GARBAGE.keys())
def test_az_59_byte_level_garbage(rig, bad):
    browser = rig.browser(rig.scene.alice)
    with rig.untouched():
        for name in PARAMETERS:
            sent = {key: value for key, value in rig.web.request().items() if key != name}
            refusals.page(rig, browser.raw(f"/oauth/authorize?{urlencode(sent)}&{name}={bad}"))
        refusals.page(rig, browser.raw(f"/oauth/authorize?{urlencode(rig.web.request())}&{bad}=x"))


OVERSIZED = {
    "state": {"state": "s" * 100_000},
    "nonce": {"nonce": "n" * 65_536},
    "scopes": {"scope": " ".join(f"s{number}" for number in range(10_000))},
    "parameters": {f"p{number}": "x" for number in range(5_000)},
    "redirect": {"redirect_uri": "https://rp1.test/" + "x" * 65_536},
}


@pytest.mark.parametrize("changes", OVERSIZED.values(), ids=OVERSIZED.keys())
def test_az_60_oversized_input(rig, changes):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).raw(f"/oauth/authorize?{urlencode(rig.web.request(**changes))}")
    assert response.status_code in {400, 414, 431} and "Location" not in response.headers


def test_az_60_long_input_that_is_right(rig):
    browser, state, nonce = rig.browser(rig.scene.alice), "s" * 512, secrets.token_hex(32)
    response = browser.authorize(rig.web, state=state, nonce=nonce)
    assert answer(response.headers["Location"])["state"] == state


def test_az_62_unknown_parameters_are_ignored(rig):
    response = rig.browser(rig.scene.alice).authorize(rig.web, foo="bar", utm_source="letter", state="s")
    told = answer(response.headers["Location"])
    assert told.keys() == {"code", "state", "iss"} and rig.redeem(rig.web, told["code"]).status_code == 200


def test_az_63_unknown_client(rig):
    browser = rig.browser(rig.scene.alice)
    pages = []
    for client_id in ("nobody", rig.disabled.id, rig.web.id.lower(), rig.web.id + " ", "", "x" * 8_000):
        sent = rig.web.request(client_id=client_id)
        for response in (
            browser.raw(f"/oauth/authorize?{urlencode(sent)}"),
            browser.http.post("/oauth/authorize", data=sent, follow_redirects=True),
        ):
            refusals.page(rig, response)
            pages.append(
                re.sub(r"<input[^>]*csrf[^>]*>", "", response.text.replace(response.headers["X-Request-ID"], ""))
            )
    assert len(set(pages)) == 1, "what is unknown and what is disabled looks different"
    with rig.untouched():
        sent = rig.web.request(client_id=None)
        refusals.page(rig, browser.raw(f"/oauth/authorize?{urlencode(sent)}&client_id=%00"))
        assert browser.raw(f"/oauth/authorize?client_id={'x' * 1_000_000}").status_code in {400, 414, 431}


@pytest.mark.parametrize(
    "scope",
    [
        "openid nope", "openid stock:read", "openid\tprofile", "openid\nprofile", "openid\u00a0profile", "OPENID",
        "openid films:read,films:write", "openid films:*", "openid Films:read", "", " ",
    ],
    ids=[
        "unknown", "of-another", "tab", "newline", "no-break-space", "capitals", "comma", "star", "mixed-case", "empty",
        "blank",
    ],
)  # fmt: skip
def test_az_64_scope_injection(rig, scope):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(rig.web, scope=scope, state="s")
    refusals.redirect(rig, response, rig.web, "invalid_scope", "s")


def test_az_64_the_consent_page_shows_exactly_what_is_granted(rig):
    browser = rig.browser(rig.scene.person("reader"))
    browser.ask(rig.web, scope="openid films:read films:read")
    assert browser.page.text.count("The scope films:read") == 1 and "films:write" not in browser.page.text
    got = rig.redeem(rig.web, answer(browser.allow().left_to)["code"]).json()
    assert set(got["scope"].split()) == {"openid", "films:read"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "HEAD"])
def test_az_65_methods(rig, method):
    with rig.untouched():
        browser = rig.browser(rig.scene.alice)
        response = browser.http.request(method, "/oauth/authorize", params=rig.web.request())
    assert response.status_code == 405 and "Location" not in response.headers


@pytest.mark.parametrize("kind", ["none", "garbage", "empty-signature", "hs256"])
def test_az_66_unsigned_request_object(rig, kind):
    claims = {**rig.web.request(redirect_uri="https://evil.test/cb"), "iss": rig.web.id, "aud": rig.issuer}
    token = {
        "none": forge.compact({"alg": "none"}, claims),
        "garbage": "garbage",
        "empty-signature": forge.compact({"alg": "RS256"}, claims),
        "hs256": forge.compact({"alg": "HS256"}, claims, forge.hs256(b"")),
    }[kind]
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(rig.web, request=token, state="s")
    refusals.redirect(rig, response, rig.web, {"request_not_supported", "invalid_request_object"}, "s")


@pytest.mark.parametrize("address", ["canary", "http://169.254.169.254/", "file:///etc/passwd", "https://rp1.test/x"])
def test_az_67_request_uri_is_not_fetched(rig, address):
    with listener() as canary, rig.untouched():
        asked = canary.url if address == "canary" else address
        response = rig.browser(rig.scene.alice).authorize(rig.web, request_uri=asked, state="s")
        assert not canary.got
    refusals.redirect(rig, response, rig.web, {"request_uri_not_supported", "invalid_request_uri"}, "s")


def test_az_78_code_quality(rig):
    """256 bits at least by what is seen of them: 43 characters of 64, all different, none begins like another."""
    browser = rig.browser(rig.scene.alice)
    codes = [answer(browser.authorize(rig.web, prompt="none").headers["Location"])["code"] for _ in range(120)]
    assert (
        min(map(len, codes)) >= 22 and len({code[:10] for code in codes}) == len({code[-10:] for code in codes}) == 120
    )
    assert all(len({code[place] for code in codes}) > 20 for place in range(22))
    rig.inside.age_code(codes[0], 61)
    refusals.grant(rig, rig.redeem(rig.web, codes[0]))
    log = rig.scene.server.log()
    assert not [code for code in codes if code in log or quote(code) in log]
    assert PASSWORD not in log
