"""AC: changing and resetting the password, changing the address: who may, how often, and what it ends."""

import pytest

from tests.attacks.people_rig import NEW, PASSWORD, WRONG, Crowd, Person, eventually, is_signed_in, raw

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

_STORED = """
from authcenter.sessions.cookie_store import SessionStore
store = SessionStore(session_key=cookie)
"""
_OLDER = """
from datetime import timedelta
from django.utils import timezone
from authcenter.sessions.models import Session
Session.objects.filter(user=whom).update(auth_time=timezone.now() - timedelta(seconds=301))
"""


def asked(crowd: Crowd, person: Person):
    """A browser that waits for the code for a new password, and the code."""
    browser = crowd.browser().open("/accounts/password/reset/").submit("email", email=person.email)
    return browser, crowd.codes(person.email)[-1]


def reset(browser, code: str, password: str = NEW):
    return browser.submit("code", code=code).submit("password1", password1=password, password2=password)


# --- AC-15 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.test"},
        {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "4433"},
        {"Forwarded": "host=evil.test;proto=https"},
        {"X-Original-URL": "http://evil.test/", "X-Rewrite-URL": "/evil", "X-HTTP-Host-Override": "evil.test"},
        {"Host": "127.0.0.1"},
    ],
    ids=["x-forwarded-host", "x-forwarded-proto", "forwarded", "overrides", "another of our names"],
)
def test_ac_15_links_in_mails_lead_to_the_issuer(crowd: Crowd, headers):
    for email in (crowd.person("alice").email, f"nobody.{crowd.address()}@example.com"):
        with crowd.client(**headers) as client:
            page = client.get("/accounts/password/reset/")
            token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in page.cookies.items())}
            form = {"email": email, "csrfmiddlewaretoken": token}
            sent = client.post("/accounts/password/reset/", data=form, headers={"Origin": crowd.url, **cookie})
        assert sent.status_code == 302 and not sent.headers["Location"].startswith(("http", "//"))
        mail = crowd.mails(email)[-1]
        assert "evil" not in mail and "4433" not in mail and "https://" not in mail
        assert all(word.startswith(crowd.url) for word in mail.split() if word.startswith("http"))


@pytest.mark.parametrize("host", ["evil.test", "localhost@evil.test", "localhost:x", "localhost evil.test"])
def test_ac_15_a_strange_host_gets_no_page_and_no_mail(crowd: Crowd, host):
    request = f"GET /accounts/password/reset/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = raw(crowd.url, request.encode())
    assert answer.split(b"\r\n", 1)[0].startswith(b"HTTP/1.1 400")
    assert b"evil" not in answer


# --- AC-16 ----------------------------------------------------------------------------------------------------


def test_ac_16_a_code_is_good_once(crowd: Crowd):
    alice = crowd.person("alice")
    browser, code = asked(crowd, alice)
    assert code not in str(browser.page.url)
    assert browser.page.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    reset(browser, code)
    assert crowd.guess(alice.email, NEW).status_code == 200
    assert crowd.events("password_reset", alice.id)
    for path in ("/accounts/password/reset/confirm/", "/accounts/password/reset/complete/"):
        assert 'name="password1"' not in browser.open(path).page.text
    again, _newer = asked(crowd, alice)
    assert 'name="password1"' not in again.submit("code", code=code).page.text


def test_ac_16_of_two_that_were_asked_for_one_is_good(crowd: Crowd):
    """The second was asked for an account as it is no more."""
    alice = crowd.person("alice")
    first, first_code = asked(crowd, alice)
    second, second_code = asked(crowd, alice)
    second.submit("code", code=second_code)  # is already at the page for the new password
    reset(first, first_code)
    page = second.submit("password1", password1="a third long sentence 10", password2="a third long sentence 10").page
    assert "account has changed" in page.text
    assert crowd.guess(alice.email, NEW).status_code == 200


@pytest.mark.parametrize("change", ["password", "email", "epoch", "is_active"])
def test_ac_16_a_code_is_void_when_the_account_changes(crowd: Crowd, change):
    alice = crowd.person("alice")
    browser, code = asked(crowd, alice)
    browser.submit("code", code=code)
    crowd.inside(
        "from accounts.models import User\n"
        "user = User.objects.get(pk=whom)\n"
        "before = user.password\n"
        "user.set_password('a fourth long sentence 11') if change == 'password' else None\n"
        "user.email = 'moved.' + user.email if change == 'email' else user.email\n"
        "user.epoch += change == 'epoch'\n"
        "user.is_active = change != 'is_active'\n"
        "user.save()\n",
        whom=alice.id,
        change=change,
    )
    browser.submit("password1", password1=NEW, password2=NEW)
    assert not crowd.inside(
        "from accounts.models import User\nanswer = User.objects.get(pk=whom).check_password(new)",
        whom=alice.id,
        new=NEW,
    )


def test_ac_16_a_code_is_void_after_ten_minutes(crowd: Crowd):
    alice = crowd.person("alice")
    browser, code = asked(crowd, alice)
    crowd.inside(
        _STORED + "state = store['account_password_reset_verification']\n"
        "store['account_password_reset_verification'] = {**state, 'at': state['at'] - 601}\nstore.save()",
        cookie=browser.http.cookies["session"],
    )
    assert 'name="password1"' not in browser.submit("code", code=code).page.text
    assert crowd.guess(alice.email, PASSWORD).status_code == 200


def test_ac_16_a_code_is_for_one_account(crowd: Crowd):
    alice, mallory = crowd.person("alice"), crowd.person("mallory")
    _hers, alices_code = asked(crowd, alice)
    browser, code = asked(crowd, mallory)
    assert 'name="password1"' not in browser.submit("code", code=alices_code).page.text
    browser.submit("code", code=code)
    browser.submit("password1", password1=NEW, password2=NEW, user=alice.id, email=alice.email, uid=alice.id)
    assert crowd.guess(alice.email, PASSWORD).status_code == 200
    assert crowd.guess(alice.email, NEW).status_code == 401


# --- AC-19 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["change", "reset"])
def test_ac_19_a_new_password_ends_what_the_old_one_began(crowd: Crowd, how):
    """Browsers, sessions of apps, and what applications got through either."""
    alice = crowd.person("alice")
    here, there = crowd.signed_in(alice), crowd.signed_in(alice)
    offline, pair = crowd.allowed(there), crowd.pair(alice)
    assert crowd.opens(offline["access_token"]) and crowd.opens(pair["access"])
    if how == "change":
        here.open("/accounts/password/change/")
        here.submit("oldpassword", oldpassword=PASSWORD, password1=NEW, password2=NEW)
        assert is_signed_in(here)
    else:
        reset(*asked(crowd, alice))
        assert not is_signed_in(here)
    assert not is_signed_in(there)
    assert not crowd.refreshes(pair) and not crowd.refreshes(offline)
    eventually(lambda: not crowd.opens(offline["access_token"]) and not crowd.opens(pair["access"]))
    assert crowd.events("password_changed" if how == "change" else "password_reset", alice.id)
    assert "password" in crowd.mails(alice.email)[-1]


def test_ac_19_a_change_needs_the_present_password(crowd: Crowd):
    alice = crowd.person("alice")
    browser = crowd.signed_in(alice).open("/accounts/password/change/")
    browser.submit("oldpassword", oldpassword=WRONG, password1=NEW, password2=NEW)
    assert crowd.guess(alice.email, NEW).status_code == 401
    assert crowd.events("sign_in_refused", alice.id)


# --- AC-20 ----------------------------------------------------------------------------------------------------


def test_ac_20_a_new_address_needs_the_password_again(crowd: Crowd):
    alice = crowd.person("alice")
    browser, new = crowd.signed_in(alice), f"new.{alice.email}"
    crowd.inside(_OLDER, whom=alice.id)
    browser.open("/accounts/email/").submit("action_add", press="action_add", email=new)
    assert browser.page.url.path == "/accounts/reauthenticate/"
    assert not crowd.mails(new)


def test_ac_20_an_address_counts_when_it_is_proved_and_the_old_one_is_told(crowd: Crowd):
    alice = crowd.person("alice")
    browser, elsewhere, new = crowd.signed_in(alice), crowd.signed_in(alice), f"new.{alice.email}"
    browser.open("/accounts/email/").submit("action_add", press="action_add", email=new)
    assert crowd.guess(new, PASSWORD).status_code == 401
    assert crowd.guess(alice.email, PASSWORD).status_code == 200
    crowd.browser().open("/accounts/password/reset/").submit("email", email=new)
    assert "there is no account for this address" in crowd.mails(new)[-1]
    browser.open("/accounts/confirm-email/").submit("code", code=crowd.codes(new)[0])
    assert crowd.guess(new, PASSWORD).status_code == 200
    assert crowd.guess(alice.email, PASSWORD).status_code == 401
    assert f"was changed from {alice.email} to {new}" in crowd.mails(alice.email)[-1]
    assert is_signed_in(browser) and not is_signed_in(elsewhere)


def test_ac_20_anothers_address_cannot_be_taken(crowd: Crowd):
    alice, mallory = crowd.person("alice"), crowd.person("mallory")
    browser = crowd.signed_in(mallory)
    browser.open("/accounts/email/").submit("action_add", press="action_add", email=alice.email.upper())
    codes = crowd.codes(alice.email)
    if 'name="code"' in browser.page.text:
        browser.submit("code", code=codes[-1] if codes else "BBBB-BBBB")
    assert (
        crowd.inside("from accounts.models import User\nanswer = User.objects.get(pk=whom).email", whom=mallory.id)
        == mallory.email
    )
    assert crowd.guess(alice.email, PASSWORD).status_code == 200
