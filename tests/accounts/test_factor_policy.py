"""Who must have a second factor sets one up before the sign-in is whole; what an operator does for who lost it."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import Group, RecoveryCode, TrustedBrowser
from authcenter.audit.models import AuditEvent
from authcenter.checks import faults
from authcenter.sessions.models import Session
from tests.accounts.factors import APP, AuthenticatorApp, new_codes, recovery_codes, second_step, set_up
from tests.accounts.people import change_password, codes, is_signed_in, mails, sign_in
from tests.console_pages import confirm

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_step")]
SET_UP, STEP, AGAIN = "/accounts/2fa/set-up/", "/accounts/2fa/", "/accounts/2fa/again/"


@pytest.fixture
def staff_rule(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = True


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com")


@pytest.fixture
def payroll(alice: Any) -> Group:
    group = Group.objects.create(name="payroll", second_factor=True)
    group.members.add(alice)
    return group


@pytest.fixture
def root(person: Any) -> Any:
    return person("root@example.com", is_staff=True, is_superuser=True)


def forced(client: Any) -> AuthenticatorApp:
    """Through the whole set-up, as at a sign-in that asks for it."""
    app = AuthenticatorApp(client.get(SET_UP))
    assert client.post(SET_UP, {"code": app.code()})["Location"] == SET_UP
    assert not is_signed_in(client)
    assert len(recovery_codes(client.post(SET_UP, {"make": "1"}))) == 10
    client.post(SET_UP, {"done": "1"})
    return app


# --- Forced set-up --------------------------------------------------------------------------------------------


def test_a_member_sets_one_up_at_the_next_sign_in_which_is_then_whole(browser, alice, payroll):
    client = browser()
    assert sign_in(client, alice.email, next="/account/apps/")["Location"] == SET_UP
    page = client.get(SET_UP).content.decode()
    assert alice.email in page and not is_signed_in(client)
    app = AuthenticatorApp(client.get(SET_UP))
    client.post(SET_UP, {"code": app.code()})
    page = client.get(SET_UP).content.decode()
    assert "Show my recovery codes" in page
    client.post(SET_UP, {"make": "1"})
    assert client.post(SET_UP, {"done": "1"})["Location"] == "/account/apps/"
    session = Session.objects.get()
    assert session.amr == ["pwd", "otp", "mfa"] and session.acr == "urn:authcenter:acr:2"
    client.post("/accounts/logout/")
    assert sign_in(client, alice.email)["Location"] == STEP


def test_half_way_through_the_set_up_she_is_a_stranger(browser, alice, payroll):
    client = browser()
    sign_in(client, alice.email)
    for path in ("/account/", APP, AGAIN, "/oauth/authorize", "/admin/"):
        assert client.get(path).status_code in (302, 400), path
    assert client.get("/api/me/").status_code == 401 and not Session.objects.exists()
    assert client.post(SET_UP, {"done": "1"}).status_code == 200 and not is_signed_in(client)
    client.post(SET_UP, {"cancel": "1"})
    assert client.get(SET_UP)["Location"] == "/accounts/login/"


def test_leaving_after_the_first_code_means_the_second_step_next_time(browser, alice, payroll):
    client = browser()
    sign_in(client, alice.email)
    app = AuthenticatorApp(client.get(SET_UP))
    client.post(SET_UP, {"code": app.code()})
    other = browser()
    assert sign_in(other, alice.email)["Location"] == STEP
    second_step(other, app.code(1))
    assert is_signed_in(other)


def test_who_waits_there_gets_nothing_when_she_sets_one_up_elsewhere(browser, alice, payroll):
    """A thief who knows the password stays on the page until she has a factor: no codes, no sign-in."""
    thief, hers = browser(), browser()
    for client in (thief, hers):
        assert sign_in(client, alice.email)["Location"] == SET_UP
    thief.get(SET_UP)
    forced(hers)
    for sent in ({"make": "1"}, {"done": "1"}, {"code": "123456"}):
        answer = thief.post(SET_UP, sent)
        assert answer.status_code == 302 and not recovery_codes(answer)
        assert not is_signed_in(thief)
        sign_in(thief, alice.email)


def test_a_new_password_in_the_meantime_makes_the_set_up_void(browser, alice, payroll):
    here = browser()
    payroll.members.clear()
    sign_in(here, alice.email)
    payroll.members.add(alice)
    thief = browser()
    sign_in(thief, alice.email)
    change_password(here)
    assert thief.get(SET_UP)["Location"].startswith("/accounts/login/")
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("door", ["password", "mailed code"])
def test_no_door_leads_around_it(browser, alice, payroll, door):
    client = browser()
    if door == "password":
        answer = sign_in(client, alice.email)
    else:
        client.post("/accounts/login/code/", {"email": alice.email})
        answer = client.post("/accounts/login/code/confirm/", {"code": codes(alice.email)[-1]})
    assert answer["Location"] == SET_UP and not is_signed_in(client)


def test_who_need_not_is_not_asked(browser, alice):
    Group.objects.create(name="club").members.add(alice)
    assert sign_in(browser(), alice.email)["Location"] == "/account/"


def test_nobody_removes_the_last_factor_that_she_must_have(browser, alice, payroll):
    client = browser()
    sign_in(client, alice.email)
    forced(client)
    assert "Add another one first" in client.get(f"{APP}remove/").content.decode()
    client.post(f"{APP}remove/")
    assert Authenticator.objects.count() == 1
    payroll.members.clear()
    client.post(f"{APP}remove/")
    assert not Authenticator.objects.exists()


# --- Operators ------------------------------------------------------------------------------------------------


def test_an_operator_needs_two_factors_for_the_console(browser, root, staff_rule):
    client = browser()
    assert sign_in(client, root.email, next="/admin/")["Location"] == SET_UP
    forced(client)
    assert client.get("/admin/").status_code == 200


def test_who_was_signed_in_when_the_rule_came_sets_one_up_at_the_console(browser, root, settings):
    client = browser()
    sign_in(client, root.email)
    assert client.get("/admin/").status_code == 200
    settings.STAFF_SECOND_FACTOR = True
    assert client.get("/admin/accounts/user/")["Location"] == f"{SET_UP}?next=/admin/accounts/user/"
    app = AuthenticatorApp(client.get(f"{SET_UP}?next=/admin/"))
    assert client.post(SET_UP, {"code": app.code(), "next": "/admin/"})["Location"] == f"{SET_UP}?next=%2Fadmin%2F"
    client.post(SET_UP, {"make": "1", "next": "/admin/"})
    assert client.post(SET_UP, {"done": "1", "next": "/admin/"})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_trusted_browser_is_not_enough_for_the_console(browser, root):
    client = browser()
    sign_in(client, root.email)
    app = set_up(client)
    client.post("/accounts/logout/")
    sign_in(client, root.email)
    second_step(client, app.code(), trust="on")
    client.post("/accounts/logout/")
    sign_in(client, root.email)
    assert is_signed_in(client)
    assert client.get("/admin/")["Location"].startswith(f"{AGAIN}?next=")
    client.post(AGAIN, {"code": app.code(1), "next": "/admin/"})
    assert client.get("/admin/").status_code == 200


def test_the_rule_is_on_outside_a_demo_and_its_absence_is_warned_of(settings):
    settings.DEMO = False
    settings.STAFF_SECOND_FACTOR = False
    assert "authcenter.W004" in {fault.id for fault in faults()}
    settings.STAFF_SECOND_FACTOR = True
    assert "authcenter.W004" not in {fault.id for fault in faults()}


# --- Lost -----------------------------------------------------------------------------------------------------


def reset_page(user: Any) -> str:
    return f"/admin/accounts/user/{user.pk}/reset-factors/"


def test_an_operator_takes_lost_factors_away_and_she_is_told(browser, alice, root):
    here, operator = browser(), browser()
    sign_in(here, alice.email)
    app = set_up(here)
    new_codes(here)
    other = browser()
    sign_in(other, alice.email)
    second_step(other, app.code(), trust="on")
    sign_in(operator, root.email)
    shown = operator.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert "Authenticator app" in shown and "10 recovery codes" in shown and "1 trusted browser" in shown
    assert "by a mail alone" in operator.get(reset_page(alice)).content.decode() and Authenticator.objects.exists()
    confirm(operator, reset_page(alice))
    assert not (Authenticator.objects.exists() or RecoveryCode.objects.exists() or TrustedBrowser.objects.exists())
    assert not is_signed_in(here) and not is_signed_in(other)
    assert AuditEvent.objects.filter(kind="factor_removed", actor=root.pk, subject=alice.pk).exists()
    assert [mail for mail in mails(alice.email) if "removed" in mail.subject]
    assert sign_in(browser(), alice.email)["Location"] == "/account/"


def test_an_operator_resets_no_other_operators_factors(browser, person, root):
    from django.contrib.auth.models import Permission

    clerk = person("clerk@example.com", is_staff=True)
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=["view_user", "change_user"]))
    boss = browser()
    sign_in(boss, root.email)
    set_up(boss)
    client = browser()
    sign_in(client, clerk.email)
    assert client.post(reset_page(root), {"confirmed": "yes"}).status_code in (302, 403, 404)
    assert Authenticator.objects.count() == 1
    client.post(reset_page(clerk), {"confirmed": "yes"})
    assert not AuditEvent.objects.filter(kind="factor_removed").exists()
