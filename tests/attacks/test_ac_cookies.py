"""AC: the cookie of a sign-in cannot be planted, forced, bent or moved. How it is on https: `test_tr_production.py`."""

import re

import pytest

from tests.attacks.people_rig import PASSWORD, Crowd, is_signed_in

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live


def test_ac_13_a_planted_cookie_is_changed_by_signing_in(crowd: Crowd):
    alice = crowd.person("alice")
    attacker = crowd.browser().open("/accounts/password/reset/").submit("email", email=alice.email)
    planted = attacker.http.cookies["session"]  # a living one, that the attacker knows
    victim = crowd.browser()
    victim.http.cookies.set("session", planted, domain="localhost.local")
    victim.open("/accounts/login/").sign_in(alice.email, PASSWORD)
    assert is_signed_in(victim)
    assert victim.http.cookies["session"] != planted
    assert not is_signed_in(attacker)


def test_ac_13_a_made_up_cookie_is_not_taken_over(crowd: Crowd):
    victim = crowd.browser()
    victim.http.cookies.set("session", "a" * 32, domain="localhost.local")
    victim.open("/accounts/login/").sign_in(crowd.person("alice").email, PASSWORD)
    assert victim.http.cookies["session"] != "a" * 32


def test_ac_13_signing_in_again_gives_a_new_cookie_and_ends_the_old(crowd: Crowd):
    alice = crowd.person("alice")
    browser, thief = crowd.signed_in(alice), crowd.browser()
    before = browser.http.cookies["session"]
    thief.http.cookies.set("session", before, domain="localhost.local")
    assert is_signed_in(thief)
    browser.open("/accounts/reauthenticate/").submit("password", password=PASSWORD)
    assert is_signed_in(browser) and browser.http.cookies["session"] != before
    assert not is_signed_in(thief)


def test_ac_13_signing_out_ends_the_cookie_on_the_server(crowd: Crowd):
    browser, thief = crowd.signed_in(crowd.person("alice")), crowd.browser()
    thief.http.cookies.set("session", browser.http.cookies["session"], domain="localhost.local")
    browser.open("/accounts/logout/")
    browser.http.post(
        "/accounts/logout/", data=browser.form("csrfmiddlewaretoken").fields, headers={"Origin": crowd.url}
    )
    assert not is_signed_in(thief)


@pytest.mark.parametrize(
    ("headers", "with_token"),
    [
        ({"Origin": "https://evil.test"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}, False),
        ({}, False),
    ],
    ids=["another origin", "no origin", "cross-site", "no token"],
)
def test_ac_14_another_site_signs_nobody_in(crowd: Crowd, headers, with_token):
    alice, browser = crowd.person("mallory"), crowd.browser().open("/accounts/login/")
    data = {"login": alice.email, "password": PASSWORD}
    data |= browser.form("login").fields if with_token else {}
    answer = browser.http.post("/accounts/login/", data={**data, "login": alice.email}, headers=headers)
    assert answer.status_code == 403
    assert not is_signed_in(browser)


def test_ac_14_a_token_of_another_browser_is_no_proof(crowd: Crowd):
    mine, theirs = crowd.browser().open("/accounts/login/"), crowd.browser().open("/accounts/login/")
    fields = {**mine.form("login").fields, "login": crowd.person("mallory").email, "password": PASSWORD}
    assert theirs.http.post("/accounts/login/", data=fields, headers={"Origin": crowd.url}).status_code == 403


def flags(line: str) -> dict[str, str]:
    return {name.lower(): value for name, _, value in (part.strip().partition("=") for part in line.split(";")[1:])}


def test_ac_45_cookies_have_their_flags_and_ids_are_long(crowd: Crowd):
    alice, browser = crowd.person("alice"), crowd.browser().open("/accounts/login/")
    fields = {**browser.form("login").fields, "login": alice.email, "password": PASSWORD}
    answer = browser.http.post("/accounts/login/", data=fields, headers={"Origin": crowd.url})
    set_now = {line.partition("=")[0]: flags(line) for line in answer.headers.get_list("set-cookie")}
    assert set(set_now) >= {"session", "csrf"}
    for given in set_now.values():
        assert "httponly" in given and given["samesite"] in {"Lax", "Strict"} and given["path"] == "/"
        assert "domain" not in given
    assert re.fullmatch("[a-z0-9]{32}", browser.http.cookies["session"])  # 32 of 36 signs: 165 bits
    assert browser.http.cookies["session"] != crowd.signed_in(alice).http.cookies["session"]


def test_ac_45_cookies_of_an_apps_session_have_their_flags(crowd: Crowd):
    sent = {"email": crowd.person("alice").email, "password": PASSWORD, "transport": "cookie"}
    with crowd.client() as client:
        answer = client.post("/api/token/", json=sent)
        crowd.noted(dict(client.cookies))
    for line in answer.headers.get_list("set-cookie"):
        if line.startswith(("access=", "refresh=")):
            assert "httponly" in flags(line) and flags(line)["samesite"] == "Strict"
            assert flags(line)["path"] == ("/" if line.startswith("access=") else "/api/token/")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "a" * 32,
        "../../etc/passwd",
        "' OR 1=1 --",
        "%00",
        "a" * 4096,
        "\u00e9".encode().decode("latin-1"),
        "{}",
    ],
    ids=["empty", "short", "unknown", "path", "sql", "nul", "long", "latin", "json"],
)
def test_ac_45_a_bent_cookie_is_no_sign_in(crowd: Crowd, value):
    with crowd.client() as client:
        answer = client.get("/account/", headers={"Cookie": f"session={value}".encode("latin-1")})
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/accounts/login/")


def test_ac_45_a_cookie_under_another_name_is_no_sign_in(crowd: Crowd):
    """Each is worth something only under its own name."""
    alice = crowd.person("alice")
    browser = crowd.signed_in(alice)
    tokens, cookies = crowd.pair(alice), browser.http.cookies
    moved = [
        ("session", cookies["csrf"], "/account/"),
        ("session", tokens["access"], "/account/"),
        ("session", tokens["refresh"], "/account/"),
        ("access", cookies["session"], "/api/me/"),
        ("access", cookies["csrf"], "/api/me/"),
        ("access", tokens["refresh"], "/api/me/"),
        ("refresh", tokens["access"], "/api/me/"),
    ]
    with crowd.client() as client:
        for name, value, path in moved:
            answer = client.get(path, headers={"Cookie": f"{name}={value}"})
            assert answer.status_code == (302 if path == "/account/" else 401), (name, path)


def test_ac_45_the_cookie_of_the_pages_opens_no_api(crowd: Crowd):
    """Else each of its routes would need the proof against other sites that pages have."""
    browser = crowd.signed_in(crowd.person("alice"))
    assert browser.http.get("/api/me/").status_code == 401
    assert browser.http.get("/api/sessions/").status_code == 401
    assert browser.http.post("/api/token/refresh/", json={}).status_code in {400, 401}
