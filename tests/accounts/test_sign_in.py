"""/accounts/login/ and /accounts/logout/: who gets in, what the cookie is, where it leads, and how it ends."""

from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.test import Client

from accounts.models import User
from authcenter.sessions.models import Revocation, Session
from authcenter.sessions.revocation import end_all_of_user, end_session
from tests.accounts.people import PASSWORD, WRONG, is_signed_in, kinds, mails, sign_in


def test_the_right_password_signs_in(client, person):
    user = person()
    assert sign_in(client, user.email)["Location"] == "/account/"
    assert is_signed_in(client)
    assert kinds() == ["signed_in"]


def test_a_wrong_password_does_not(client, person):
    user = person()
    answer = sign_in(client, user.email, WRONG)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "E-mail address or password is wrong." in text and 'role="alert"' in text
    assert f'value="{user.email}"' in text, "the address is kept"
    assert WRONG not in text, "the password is not"
    assert not is_signed_in(client) and Session.objects.count() == 0
    assert kinds(subject=str(user.pk)) == ["sign_in_refused"]


def test_the_address_is_found_without_case_and_spaces(client, person):
    person("alice@example.com")
    assert sign_in(client, " ALICE@Example.Com ").status_code == 302


def test_a_disabled_person_is_refused(client, person):
    user = person(is_active=False)
    assert "password is wrong" in sign_in(client, user.email).content.decode()
    assert not is_signed_in(client)


def test_a_form_from_another_site_signs_nobody_in(person):
    user = person()
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    assert sign_in(strict, user.email).status_code == 403
    page = strict.get("/accounts/login/")
    token = page.context["csrf_token"]
    away = {"HTTP_ORIGIN": "https://evil.example"}
    data = {"login": user.email, "password": PASSWORD, "csrfmiddlewaretoken": str(token)}
    assert strict.post("/accounts/login/", data, **away).status_code == 403
    assert not is_signed_in(strict)
    assert strict.post("/accounts/login/", data).status_code == 302
    assert is_signed_in(strict)


def test_a_planted_cookie_is_worthless_afterwards(client, browser, person):
    """Session fixation."""
    attacker = browser()
    attacker.get("/accounts/password/reset/")
    attacker.post("/accounts/password/reset/", {"email": "nobody@example.com"})
    planted = attacker.cookies["session"].value
    client.cookies["session"] = planted
    sign_in(client, person().email)
    assert client.cookies["session"].value != planted
    assert is_signed_in(client)
    assert not is_signed_in(attacker)


def test_signing_in_again_changes_the_cookie(client, browser, person):
    sign_in(client, person().email)
    before = client.cookies["session"].value
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    assert client.cookies["session"].value != before
    thief = browser()
    thief.cookies["session"] = before
    assert is_signed_in(client) and not is_signed_in(thief)


def test_a_made_up_cookie_is_no_session(client):
    for value in ("", "x", "x" * 5000, "'; --", "\x7f", "Zm9v" * 8):
        # The header itself: some Pythons' own cookie jar refuses to hold such values.
        assert client.get("/account/", headers={"cookie": f"session={value}"}).status_code == 302


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client, person):
    client.get("/accounts/login/")
    sign_in(client, person().email)
    for name in ("session", "csrf"):
        morsel = client.cookies[name]
        assert morsel["httponly"] and morsel["samesite"] == "Lax" and morsel["path"] == "/" and not morsel["domain"]
    assert len(client.cookies["session"].value) >= 32


def test_cookies_of_a_real_server_are_secure_and_bound_to_its_host():
    import subprocess
    import sys

    from tests import room

    environment = {
        "PATH": "/usr/bin",
        "SECRET_KEY": "s" * 50,
        "ENCRYPTION_KEYS": "e" * 50,
        "ISSUER": "https://id.example.com",
        "DATA_DIR": str(room.FOLDER),
    }
    code = (
        "from authcenter import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE)"
    )
    told = subprocess.run([sys.executable, "-c", code], env=environment, cwd=room.ROOT, capture_output=True, text=True)
    assert told.stdout.split() == ["__Host-session", "__Host-csrf", "True", "True"], told.stderr


def test_the_cookie_ends_with_the_browser_unless_one_asks_to_be_remembered(client, browser, person):
    user = person()
    sign_in(client, user.email)
    assert client.cookies["session"]["max-age"] == ""
    kept = browser()
    sign_in(kept, user.email, remember="on")
    assert kept.cookies["session"]["max-age"] == 30 * 86400
    assert list(Session.objects.order_by("created").values_list("remembered", "idle_seconds")) == [
        (False, 86400),
        (True, 30 * 86400),
    ]


def test_being_remembered_outlasts_a_cookie_that_ended_before(client, person):
    user = person()
    sign_in(client, user.email)
    end_session(Session.objects.get().pk, reason="test")
    sign_in(client, user.email, remember="on")
    assert Session.objects.get(ended=None).remembered
    assert client.cookies["session"]["max-age"] == 30 * 86400


NEXT = {
    "//evil.test": "/account/",
    "/\\evil.test": "/account/",
    "\\\\evil.test": "/account/",
    "/%09/evil.test": "/%09/evil.test",
    "/\t/evil.test": "/account/",
    "https:evil.test": "/account/",
    "https:///evil.test": "/account/",
    "https://evil.test/": "/account/",
    "https://localhost@evil.test/": "/account/",
    "https://localhost.evil.test/": "/account/",
    "http://127.0.0.1:8000/": "/account/",
    "http://localhost:9999/": "/account/",
    "javascript:alert(1)": "/account/",
    "JavaScript:alert(1)": "/account/",
    "data:text/html,x": "/account/",
    "http://[": "/account/",
    "\x00": "/account/",
    " //evil.test": "/account/",
    "/account/apps/?q=1": "/account/apps/?q=1",
}


@pytest.mark.parametrize("target", NEXT)
def test_next_stays_on_this_server(client, person, target):
    user = person()
    expected = NEXT[target]
    data = {"login": user.email, "password": PASSWORD}
    assert client.post("/accounts/login/", {**data, "next": target})["Location"] == expected
    assert client.get("/accounts/login/", {"next": target})["Location"] == expected, "when signed in already"
    out = client.post("/accounts/logout/", {"next": target})["Location"]
    assert out == (expected if expected != "/account/" else "/accounts/login/")
    assert client.get("/accounts/login/", {"next": target}).status_code == 200


def test_a_repeated_next_stays_on_this_server(client, person):
    user = person()
    data = {"login": user.email, "password": PASSWORD}
    for twice in ("next=/account/apps/&next=//evil.test", "next=//evil.test&next=/account/apps/"):
        there = client.post(f"/accounts/login/?{twice}", data)["Location"]
        assert there in {"/account/", "/account/apps/"}
        client.post("/accounts/logout/")
        there = client.post("/accounts/login/?next=//evil.test", {**data, "next": ["//evil.test", "/account/apps/"]})
        assert there["Location"] in {"/account/", "/account/apps/"}
        client.post("/accounts/logout/")


def test_signing_out_takes_a_post(client, person):
    sign_in(client, person().email)
    page = client.get("/accounts/logout/")
    assert page.status_code == 200 and "<form" in page.content.decode()
    assert is_signed_in(client)
    answer = client.post("/accounts/logout/")
    assert answer["Location"] == "/accounts/login/"
    assert "You are signed out." in client.get("/accounts/login/").content.decode()
    assert not is_signed_in(client)
    assert kinds() == ["signed_in", "signed_out"]


def test_a_form_from_another_site_signs_nobody_out(person):
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    token = str(strict.get("/accounts/login/").context["csrf_token"])
    sign_in(strict, person().email, csrfmiddlewaretoken=token)
    assert strict.post("/accounts/logout/").status_code == 403
    assert is_signed_in(strict)


def test_a_copied_cookie_dies_with_the_sign_out(client, browser, person):
    sign_in(client, person().email)
    thief = browser()
    thief.cookies["session"] = client.cookies["session"].value
    assert is_signed_in(thief)
    client.post("/accounts/logout/")
    assert not is_signed_in(thief)
    assert Revocation.objects.get().kind == "session"


def ended(session: Session, later: object) -> None:
    end_session(session.pk, reason="test")


def expired(session: Session, later) -> None:
    Session.objects.update(idle_seconds=10**9)
    later(timedelta(days=8))


def idle(session: Session, later) -> None:
    later(timedelta(hours=25))


def everything_revoked(session: Session, later: object) -> None:
    end_all_of_user(session.user_id, reason="test")


def epoch_raised(session: Session, later: object) -> None:
    User.objects.update(epoch=1)


def disabled(session: Session, later: object) -> None:
    User.objects.update(is_active=False)


def password_changed_elsewhere(session: Session, later: object) -> None:
    user = session.user
    user.set_password("another long sentence 3")
    user.save()


def deleted(session: Session, later: object) -> None:
    session.user.delete()


@pytest.mark.parametrize(
    "act",
    [ended, expired, idle, everything_revoked, epoch_raised, disabled, password_changed_elsewhere, deleted],
    ids=lambda act: act.__name__,
)
def test_the_cookie_is_worthless_at_the_next_request(client, person, later, act):
    sign_in(client, person().email)
    assert is_signed_in(client)
    act(Session.objects.select_related("user").get(), later)
    assert client.get("/account/")["Location"] == "/accounts/login/?next=/account/"
    assert client.get("/accounts/login/").status_code == 200


def test_an_ended_sign_in_leaves_nothing_to_the_next_person(client, person):
    sign_in(client, person("alice@example.com").email)
    end_session(Session.objects.get().pk, reason="test")
    assert not is_signed_in(client)
    assert client.session.keys() == set()


def test_what_an_application_asked_survives_the_end_of_a_sign_in(client, person):
    user = person()
    sign_in(client, user.email)
    session = client.session
    session["authorize"] = {"k": {"key": "k", "shown_to": str(user.pk), "consented": True}}
    session.save()
    end_session(Session.objects.get().pk, reason="test")
    sign_in(client, user.email)
    assert client.session["authorize"] == {"k": {"key": "k", "shown_to": "", "consented": False}}


def test_last_seen_is_written_once_a_minute(client, person, later):
    sign_in(client, person().email)
    first = Session.objects.get().last_seen
    is_signed_in(client)
    assert Session.objects.get().last_seen == first
    later(timedelta(seconds=61))
    is_signed_in(client)
    assert Session.objects.get().last_seen > first


def test_a_new_secret_key_signs_nobody_out_while_the_old_one_is_a_fallback(client, person, settings):
    sign_in(client, person().email)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "n" * 50
    assert is_signed_in(client)
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_signed_in(client)


def test_only_pages_are_served(client, person):
    """No JSON from the same addresses: a second door nobody looks after."""
    user = person()
    for more in ({"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}, {"HTTP_ACCEPT": "application/json"}):
        answer = client.post("/accounts/login/", {"login": user.email, "password": WRONG}, **more)
        assert answer["Content-Type"].startswith("text/html")
    answer = client.post("/accounts/login/", '{"login": "x"}', content_type="application/json")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/html")


def test_the_asking_application_is_named(client, person, application):
    from urllib.parse import urlencode

    app, _secret = application("web", name="Paint & <b>Brush</b>")
    query = {
        "client_id": app.client_id,
        "redirect_uri": "https://rp.example/cb",
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
        "login_hint": "alice@example.com",
    }
    answer = client.get(f"/oauth/authorize?{urlencode(query)}", follow=True)
    text = answer.content.decode()
    assert "Paint &amp; &lt;b&gt;Brush&lt;/b&gt;" in text
    assert 'value="alice@example.com"' in text, "login_hint"


def test_it_writes_no_mail(client, person):
    user = person()
    sign_in(client, user.email)
    assert not mails(user.email)


def test_no_statement_more_than_needed(client, person, sql):
    sign_in(client, person().email)
    with sql() as statements:
        assert is_signed_in(client)
    statements.assert_at_most(3)  # the cookie's session, the sign-in with its person, the profile


def test_the_settings_say_so():
    assert configured.SESSION_COOKIE_HTTPONLY and configured.CSRF_COOKIE_HTTPONLY
    assert configured.SESSION_COOKIE_SAMESITE == configured.CSRF_COOKIE_SAMESITE == "Lax"
