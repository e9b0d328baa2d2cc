"""/account/activity/ and the choice of mails: what was done and refused, to be found by kind and time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from authcenter.audit import events
from authcenter.audit.models import AuditEvent
from tests.accounts.people import WRONG, kinds, sign_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def alice(person, client):
    user = person("alice@example.com")
    sign_in(client, user.email)
    return user


def text(client, query=""):
    return client.get(f"/account/activity/{query}").content.decode()


def test_refusals_are_told_with_device_and_address_and_nobody_elses(client, browser, alice, person):
    sign_in(browser(REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT=FIREFOX), alice.email, WRONG)
    sign_in(browser(REMOTE_ADDR="203.0.113.10"), person("bob@example.com").email, WRONG)
    page = text(client)
    assert "Sign-in refused" in page and "203.0.113.9" in page and "Firefox 140 on Linux" in page
    assert "203.0.113.10" not in page
    assert "Secure your account" in page


def test_it_is_found_by_kind_and_time(client, browser, alice):
    sign_in(browser(), alice.email, WRONG)
    AuditEvent.objects.filter(kind="sign_in_refused").update(at=timezone.now() - timedelta(days=3))
    assert "Sign-in refused" in text(client, "?kind=refused") and "Signed in" not in text(client, "?kind=refused")
    assert "Sign-in refused" not in text(client, "?kind=sign-ins")
    assert "Sign-in refused" in text(client, "?days=7") and "Sign-in refused" not in text(client, "?days=1")
    assert "Nothing of that kind in that time." in text(client, "?kind=refused&days=1")


@pytest.mark.parametrize("query", ["?kind=%00&days=x&page=-1", "?kind[]=1", "?days=99999999999", "?page=9e9"])
def test_any_question_is_answered(client, alice, query):
    assert client.get(f"/account/activity/{query}").status_code == 200


def test_it_is_paged_and_keeps_what_was_asked(client, alice):
    for number in range(35):
        events.record(None, events.Kind.CONSENT_GIVEN, actor=alice.pk, client_id=f"app{number}")
    page = text(client, "?kind=apps&days=7")
    assert "Page 1 of 2" in page and "?page=2&amp;kind=apps&amp;days=7" in page
    assert text(client, "?kind=apps&page=2").count('class="item"') == 5


def test_every_event_of_a_person_has_words_or_is_not_hers(alice):
    from accounts import activity

    for kind in activity._TOLD:
        assert activity.told(AuditEvent(kind=kind, actor=str(alice.pk)), alice)["words"]


def test_what_somebody_else_named_is_escaped(client, alice):
    events.record(None, events.Kind.CONSENT_GIVEN, actor=alice.pk, application="<img src=x onerror=alert(1)>")
    assert "<img src=x" not in text(client)


def test_mails_may_be_turned_off_and_on(client, alice):
    assert client.post("/account/security/alerts/", {"told_of_apps": "on"}).status_code == 302
    user = User.objects.get()
    assert user.told_of_apps and not user.told_of_sign_ins
    assert kinds(kind="profile_changed") == ["profile_changed"]
    assert "You always get a mail when a password" in client.get("/account/security/").content.decode()


def test_the_choice_takes_a_sign_in(browser, alice):
    assert browser().post("/account/security/alerts/", {})["Location"].startswith("/accounts/login/")
    assert User.objects.get().told_of_sign_ins
