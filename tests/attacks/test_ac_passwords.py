"""AC: passwords that are no good, and those that must be good enough."""

import pytest

from tests.attacks.people_rig import Crowd

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

LONG = "wonderfully long sentence " * 3


@pytest.mark.parametrize(
    "password",
    ["", " " * 12, "seven77", "ninechars", "1234567890", "qwertyuiop", "password123", "1029384756", "a" * 1025],
    ids=["empty", "blank", "seven", "nine", "digits", "keyboard", "common", "pattern", "over 1024"],
)
def test_ac_38_a_bad_password_is_refused(crowd: Crowd, password):
    email = f"bad.{crowd.address()}@example.com"
    browser = crowd.sign_up(email, password)
    assert browser.page.url.path == "/accounts/signup/" and browser.form("password1")
    assert not crowd.mails(email)


def test_ac_38_a_password_like_the_address_is_refused(crowd: Crowd):
    browser = crowd.sign_up("maximiliane.ac38@example.com", "maximiliane.ac38")
    assert browser.page.url.path == "/accounts/signup/"


@pytest.mark.parametrize(
    "password",
    [
        "only small letters here",
        "päßwörter sind schön",
        "日本語のパスワードです。長い",
        LONG,
        (LONG * 14)[:1024],  # not one letter a thousand times: that is easy to guess
    ],
    ids=["one class", "umlauts", "japanese", "78", "1024"],
)
def test_ac_38_a_good_password_needs_no_signs_and_may_be_long(crowd: Crowd, password):
    email = f"good.{crowd.address()}@example.com"
    crowd.sign_up(email, password).submit("code", code=crowd.codes(email)[-1])
    assert crowd.guess(email, password).status_code == 200


def test_ac_38_every_letter_counts(crowd: Crowd):
    """Also beyond the 72 bytes that some hashes read, and with its case and spaces."""
    alice = crowd.person("alice", password=LONG)
    for near in (LONG[:72] + "X" + LONG[73:], LONG[:72], LONG[:-1], LONG.upper(), f" {LONG}", f"{LONG} "):
        assert crowd.guess(alice.email, near).status_code == 401, near
    assert crowd.guess(alice.email, LONG).status_code == 200


@pytest.mark.parametrize("door", ["/api/token/", "/accounts/login/", "/accounts/signup/"])
def test_ac_38_a_megabyte_is_refused_before_anything_is_hashed(crowd: Crowd, door):
    """It is not even counted as a guess: nothing looked at it."""
    alice, endless = crowd.person("alice"), "a" * 1_000_000
    if door == "/api/token/":
        assert crowd.guess(alice.email, endless).status_code == 413
    else:
        browser = crowd.browser().open(door)
        having = "login" if "login" in door else "password1"
        sent = {**browser.form(having).fields, "login": alice.email, "email": alice.email, "password": endless}
        answer = browser.http.post(door, data={**sent, "password1": endless}, headers={"Origin": crowd.url})
        assert answer.status_code in {400, 403, 413}
    assert not crowd.events("sign_in_refused", alice.email)
    assert crowd.guess(alice.email, "a" * 1025).status_code == 400
