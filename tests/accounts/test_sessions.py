"""/account/sessions/: where one is signed in, and ending it."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from authcenter.sessions.models import Revocation, Session
from tests.accounts.people import is_signed_in, kinds, sign_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME_PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture
def alice(person):
    return person("alice@example.com")


@pytest.fixture
def here(browser, alice):
    one = browser(HTTP_USER_AGENT=FIREFOX)
    sign_in(one, alice.email)
    return one


@pytest.fixture
def phone(browser, alice, here):
    one = browser(HTTP_USER_AGENT=CHROME_PHONE, REMOTE_ADDR="203.0.113.9")
    sign_in(one, alice.email)
    return one


def of(client):
    return Session.objects.get(pk=client.session["sid"])


def test_this_one_comes_first(here, phone):
    text = here.get("/account/sessions/").content.decode()
    assert text.index("Firefox 140 on Linux") < text.index("This device") < text.index("Chrome 140 on Android")
    assert "203.0.113.9" in text


def test_dead_ones_are_not_shown(here, phone):
    for change in (
        {"ended": timezone.now()},
        {"expires": timezone.now() - timedelta(seconds=1)},
        {"last_seen": timezone.now() - timedelta(hours=25)},
        {"user_epoch": 7},
    ):
        whole = Session.objects.filter(pk=of(phone).pk)
        before = whole.values().get()
        whole.update(**change)
        assert "Chrome 140" not in here.get("/account/sessions/").content.decode()
        whole.update(**before)
    assert "Chrome 140" in here.get("/account/sessions/").content.decode()


def test_ending_one(here, phone):
    answer = here.post(f"/account/sessions/{of(phone).pk}/end/", follow=True)
    assert "Chrome 140 on Android is signed out." in answer.content.decode()
    assert is_signed_in(here) and not is_signed_in(phone)
    assert Revocation.objects.get().kind == "session"
    assert kinds(kind="session_revoked") == ["session_revoked"]


def test_ending_it_twice_says_so_once_in_the_log(here, phone):
    target = of(phone).pk
    for _ in range(2):
        assert here.post(f"/account/sessions/{target}/end/").status_code == 302
    assert kinds(kind="session_revoked") == ["session_revoked"]


def test_ending_this_one_signs_out(here):
    here.post(f"/account/sessions/{of(here).pk}/end/")
    assert not is_signed_in(here)


def test_ending_all_others(browser, here, phone, alice):
    third = browser()
    sign_in(third, alice.email)
    page = here.get("/account/sessions/others/")
    assert page.status_code == 200 and is_signed_in(phone), "the page only asks"
    answer = here.post("/account/sessions/others/", follow=True)
    assert "2 other sign-ins are over." in answer.content.decode()
    assert is_signed_in(here) and not is_signed_in(phone) and not is_signed_in(third)
    assert Revocation.objects.get().kind == "user"
    assert "There was no other sign-in." in here.post("/account/sessions/others/", follow=True).content.decode()


def test_nobody_sees_or_ends_anothers(browser, here, person):
    bob = browser()
    sign_in(bob, person("bob@example.com").email)
    assert "Firefox 140" not in bob.get("/account/sessions/").content.decode()
    assert bob.post(f"/account/sessions/{of(here).pk}/end/").status_code == 404
    bob.post("/account/sessions/others/")
    assert is_signed_in(here)
    assert bob.post(f"/account/sessions/{uuid.uuid4()}/end/").status_code == 404
    assert bob.post("/account/sessions/1/end/").status_code == 404


def test_a_stranger_ends_nothing(client, here):
    target = of(here).pk
    assert client.post(f"/account/sessions/{target}/end/")["Location"].startswith("/accounts/login/")
    assert client.post("/account/sessions/others/")["Location"].startswith("/accounts/login/")
    assert is_signed_in(here)


def test_it_takes_a_post_with_a_token(here, phone):
    target = of(phone).pk
    assert here.get(f"/account/sessions/{target}/end/").status_code == 405
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    strict.cookies["session"] = here.cookies["session"].value
    assert strict.post(f"/account/sessions/{target}/end/").status_code == 403
    assert strict.post("/account/sessions/others/").status_code == 403
    assert is_signed_in(phone)


def test_many_are_paged(here, alice):
    now = timezone.now()
    Session.objects.bulk_create(
        Session(user=alice, kind="api", expires=now + timedelta(days=1), idle_seconds=9999, user_agent=f"app{number}/1")
        for number in range(45)
    )
    first = here.get("/account/sessions/").content.decode()
    assert "Page 1 of 5" in first and first.count('class="item"') == 11
    assert here.get("/account/sessions/?page=5").content.decode().count('class="item"') == 6


def test_what_a_browser_calls_itself_is_escaped(browser, here, alice):
    sign_in(browser(HTTP_USER_AGENT="<script>alert(1)</script>" + "x" * 2000), alice.email)
    text = here.get("/account/sessions/").content.decode()
    assert "<script>alert" not in text and "Unknown device" in text


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox 140 on Linux"),
        (CHROME_PHONE, "Chrome 140 on Android"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge 140 on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari 18 on iPhone",
        ),
        ("python-httpx/0.28", "python-httpx"),
        ("Call 0800 555 now", "Unknown device"),
        ("evil.example", "Unknown device"),
        ("", "Unknown device"),
        ("\x00\n", "Unknown device"),
    ],
)
def test_devices_have_plain_names(user_agent, name):
    from accounts.device import device_name

    assert device_name(user_agent) == name


def test_it_says_how_and_for_which_applications(browser, alice, application):
    from authcenter.sessions.models import Participant, Session

    here = browser()
    sign_in(here, alice.email)
    session = Session.objects.get(user=alice)
    app, _secret = application("web", name="Paint Shop")
    Participant.objects.create(session=session.pk, client_id=app.client_id, subject=alice.pk, expires=session.expires)
    page = here.get("/account/sessions/").content.decode()
    assert "password" in page and "Paint Shop" in page and "Used for" in page


def test_a_device_is_found_among_many(browser, alice):
    here = browser()
    sign_in(here, alice.email)
    for agent in ("Firefox/140", "curl/8"):
        sign_in(browser(HTTP_USER_AGENT=agent), alice.email)
    page = here.get("/account/sessions/?q=curl").content.decode()
    assert page.count('class="item"') == 1 and "curl" in page
    assert "No device like that." in here.get("/account/sessions/?q=%25").content.decode()
    assert here.get("/account/sessions/?q=%00").status_code == 200


def test_the_statements_do_not_grow_with_the_sign_ins(browser, person, sql):
    alice = person("alice@example.com")
    here = browser()
    sign_in(here, alice.email)
    counts = []
    for _ in range(2):
        sign_in(browser(), alice.email)
        with sql() as statements:
            here.get("/account/sessions/")
        counts.append(len(statements))
    assert counts[0] == counts[1]
