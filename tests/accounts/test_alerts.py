"""Alerts: what is told by mail, and the link "was not me", which ends everything and opens nothing."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import RequestFactory
from django.utils import timezone

from accounts import alerts
from accounts.alerts import Alert, tell
from accounts.home_rows import Notice
from accounts.models import IdentityProvider, LinkedIdentity, User
from tests.accounts.people import change_password, is_signed_in, kinds, mails, sign_in


@pytest.fixture
def alice(person):
    return person("alice@example.com")


def told(user, alert=Alert.NEW_DEVICE, agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", **detail):
    """The path of the link in the mail."""
    tell(RequestFactory().get("/", HTTP_USER_AGENT=agent), user, alert, **detail)
    return link(mail.outbox[-1])


def link(message):
    return re.search(r"http://localhost:8000(/accounts/not-me/\S+)", message.body)[1]


def test_an_alert_says_what_with_what_from_where_and_when(alice):
    told(alice, Alert.FACTOR_ADDED, factor="Blue key")
    message = mail.outbox[-1]
    assert message.to == [alice.email] and message.subject == "A sign-in method was added to your account"
    for form in (message.body, message.alternatives[0][0]):
        assert "Blue key" in form and "Firefox 140 on Linux" in form and "127.0.0.1" in form and "UTC" in form


@pytest.mark.parametrize("alert", Alert)
def test_every_alert_has_its_mail(alice, alert):
    told(alice, alert, application="Paint Shop", factor="Key", due=timezone.now(), from_email="a@b.c", to_email="d@e.f")
    message = mail.outbox[-1]
    assert message.subject and "{" not in message.body + message.alternatives[0][0].partition("</head>")[2]


def test_names_in_alerts_are_no_links_and_no_mark_up(alice):
    told(alice, Alert.NEW_APP, application="<b>Win</b> at https://evil.example/x\r\nBcc: evil@example.net")
    message = mail.outbox[-1]
    for form in (message.subject, message.body, message.alternatives[0][0]):
        assert "evil.example" not in form and "<b>" not in form and "evil@" not in form and "Win" in form


def test_one_act_is_told_once(alice):
    request = RequestFactory().get("/")
    tell(request, alice, Alert.FACTOR_ADDED, factor="One")
    tell(request, alice, Alert.FACTOR_ADDED, factor="One")
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_down_stops_nobody(alice, settings, monkeypatch):
    monkeypatch.setattr(alerts.compose("account/email/new_device", "a@b.c", {}).__class__, "send", _refused)
    tell(RequestFactory().get("/"), alice, Alert.NEW_DEVICE)
    assert Notice.objects.count() == 1


def _refused(message):
    raise ConnectionRefusedError


def test_the_token_is_not_stored(alice):
    token = told(alice).split("/")[-2]
    assert len(token) >= 43 and token not in str(Notice.objects.values_list()[0])


# --- The link -------------------------------------------------------------------------------------------------


def test_the_link_tells_and_changes_nothing_until_it_is_pressed(client, browser, alice):
    sign_in(client, alice.email)
    path = told(alice)
    page = browser().get(path)
    assert page.status_code == 200 and "Firefox 140 on Linux" in page.content.decode()
    assert alice.email not in page.content.decode()
    assert is_signed_in(client) and Notice.objects.filter(used=None).count() == 1


def test_pressed_it_ends_everything_and_the_password(client, browser, alice):
    sign_in(client, alice.email)
    answer = browser().post(told(alice))
    assert answer.status_code == 200 and "Choose a new password" in answer.content.decode()
    assert not is_signed_in(client)
    assert sign_in(browser(), alice.email).status_code == 200
    assert kinds(kind="not_me") == ["not_me"]
    assert User.objects.get().is_active


def test_it_signs_nobody_in(browser, alice):
    stranger = browser()
    path = told(alice)
    stranger.get(path)
    stranger.post(path)
    assert not is_signed_in(stranger)


def test_it_works_once_and_for_seven_days(browser, alice, later):
    path = told(alice)
    assert browser().post(path).status_code == 200
    assert browser().post(path).status_code == 404 and browser().get(path).status_code == 404
    path = told(alice)
    later(timedelta(days=7, seconds=1))
    assert browser().get(path).status_code == 404 and browser().post(path).status_code == 404


def test_a_password_that_was_not_the_way_stays(browser, alice):
    browser().post(told(alice, amr=["hwk"]))
    alice.refresh_from_db()
    assert alice.has_usable_password()


def test_guesses_are_all_answered_alike_and_soon_not_at_all(client, alice):
    pages = {client.get(f"/accounts/not-me/{'x' * number}/").status_code for number in range(1, 30)}
    assert pages == {404}
    client.get("/accounts/not-me/x/")
    assert client.get("/accounts/not-me/x/").status_code == 429
    assert client.get(told(alice)).status_code == 429


@pytest.mark.parametrize("token", ["%00", "..%2f", "é", "%ff", "x" * 5000])
def test_any_token_is_answered(client, alice, token):
    assert client.get(f"/accounts/not-me/{token}/").status_code in {400, 404}


def test_it_takes_a_form_of_this_server(alice):
    from django.test import Client

    assert Client(HTTP_HOST="localhost", enforce_csrf_checks=True).post(told(alice)).status_code == 403


# --- What was added since -------------------------------------------------------------------------------------


def factor(user, kind=Authenticator.Type.WEBAUTHN, since=timedelta(0)):
    made = Authenticator.objects.create(user=user, type=kind, data={})
    Authenticator.objects.filter(pk=made.pk).update(created_at=timezone.now() + since)
    return made.pk


def test_a_link_that_came_since_is_removed_and_an_older_one_stays(browser, alice):
    github = IdentityProvider.objects.create(kind="github", name="GitHub", issuer="https://github.com", client_id="x")
    LinkedIdentity.objects.create(user=alice, provider=github, subject="old", linked=timezone.now() - timedelta(days=9))
    path = told(alice, Alert.IDENTITY_LINKED, provider="GitHub")
    LinkedIdentity.objects.create(user=alice, provider=github, subject="new")
    browser().post(path)
    assert [row.subject for row in LinkedIdentity.objects.all()] == ["old"]


def test_a_newer_factor_goes_where_an_older_one_is_left(browser, alice):
    kept = factor(alice, since=-timedelta(days=3))
    factor(alice)
    browser().post(told(alice, Alert.FACTOR_ADDED, factor="Key"))
    assert [row.pk for row in Authenticator.objects.all()] == [kept]
    assert User.objects.get().is_active


def test_the_only_factor_stays_and_the_account_is_closed(browser, alice):
    """Whoever reads somebody's mail could otherwise take the barrier away, and reset the password by mail."""
    factor(alice)
    answer = browser().post(told(alice, Alert.FACTOR_ADDED, factor="Key"))
    assert "Your account is closed" in answer.content.decode()
    assert Authenticator.objects.count() == 1 and not User.objects.get().is_active
    assert kinds(kind="user_disabled") == ["user_disabled"]


def test_a_changed_address_closes_the_account(client, browser, alice):
    from tests.accounts.people import codes

    sign_in(client, alice.email)
    client.post("/accounts/email/", {"email": "thief@example.com", "action_add": "1"})
    client.post("/accounts/confirm-email/", {"code": codes("thief@example.com")[-1]})
    answer = browser().post(link(mails(alice.email)[-1]))
    assert "Your account is closed" in answer.content.decode()
    assert not is_signed_in(client) and not User.objects.get().is_active


def test_a_changed_password_is_told_with_the_link(client, browser, alice):
    sign_in(client, alice.email)
    change_password(client)
    browser().post(link(mails(alice.email)[-1]))
    assert not User.objects.get().has_usable_password() and not is_signed_in(client)


# --- New devices and apps -------------------------------------------------------------------------------------


def subjects(user):
    return [message.subject for message in mails(user.email)]


NEWS = "New sign-in to your account"


def test_a_new_browser_is_told_of_but_not_the_very_first_and_not_twice(browser, alice):
    first, second = browser(), browser()
    sign_in(first, alice.email)
    assert subjects(alice) == []
    sign_in(second, alice.email)
    assert subjects(alice) == [NEWS]
    for one in (first, second):
        one.post("/accounts/logout/")
        sign_in(one, alice.email)
    assert subjects(alice) == [NEWS]


def test_a_browser_is_new_for_each_person(browser, alice, person):
    bob, shared = person("bob@example.com"), browser()
    sign_in(browser(), bob.email)
    sign_in(shared, alice.email)
    shared.post("/accounts/logout/")
    sign_in(shared, bob.email)
    assert subjects(bob) == [NEWS]


def test_the_cookie_is_long_lived_and_for_no_script(client, alice):
    sign_in(client, alice.email)
    cookie = client.cookies["browser"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and int(cookie["max-age"]) > 300 * 86400
    assert cookie.value not in str(list(alice.known_browsers.values_list()))


@pytest.mark.parametrize("value", ["", "x", "'; DROP", "a" * 33])
def test_a_cookie_of_another_form_is_made_anew(client, alice, value):
    client.cookies["browser"] = value
    sign_in(client, alice.email)
    assert len(client.cookies["browser"].value) == 32


def test_a_wrong_password_makes_no_browser_known(browser, alice):
    sign_in(browser(), alice.email)
    thief = browser()
    sign_in(thief, alice.email, "wrong wrong wrong")
    assert "browser" not in thief.cookies and alice.known_browsers.count() == 1


def api_sign_in(agent, email):
    from django.test import Client

    from tests.conftest import PASSWORD

    body = {"email": email, "password": PASSWORD}
    return Client(HTTP_HOST="localhost", HTTP_USER_AGENT=agent).post("/api/token/", body, "application/json")


def test_a_new_app_of_the_jwt_sessions_is_told_of_once(alice):
    for agent in ("shop/1", "shop/1", "other/2", "shop/1"):
        assert api_sign_in(agent, alice.email).status_code == 200
    assert subjects(alice) == [NEWS]


def test_new_devices_and_apps_may_be_silent_and_nothing_else(browser, alice):
    User.objects.update(told_of_sign_ins=False, told_of_apps=False)
    alice.refresh_from_db()
    sign_in(browser(), alice.email)
    sign_in(browser(), alice.email)
    request = RequestFactory().get("/")
    for alert in Alert:
        tell(request, alice, alert, application="x", due=timezone.now())
    assert len(mails(alice.email)) == len(Alert) - 2
