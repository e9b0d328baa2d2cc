"""Faults that a review of the sign-in pages found, each proved by a test before it was mended."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import RequestFactory
from django.utils import timezone

from accounts import kept_page, totp
from accounts.models import Deletion, Terms, TermsAcceptance
from accounts.organisation import domain_of
from authcenter.audit import events
from authcenter.audit.logs import RefusedRequests
from authcenter.audit.models import AuditEvent
from authcenter.server.departing import deleted_people
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_all_of_user
from tests.accounts.people import NEW, is_signed_in, secret, sign_in

pytestmark = pytest.mark.django_db
STATE = "account_reauthentication_state"
SET_UP = "/accounts/2fa/set-up/"


def test_the_button_that_ends_setting_up_is_no_way_past_signing_in_again(client: Any, person: Any) -> None:
    user = person()
    sign_in(client, user.email)
    Session.objects.update(auth_time=timezone.now() - timedelta(hours=1))
    asked = client.post(SET_UP, {"done": "1"})
    assert asked.status_code == 302 and "seed" not in asked.content.decode()
    assert "/accounts/reauthenticate/" in asked["Location"]


@pytest.mark.parametrize("act", ["password", "everywhere", "disabled"])
def test_a_sign_in_that_waits_at_the_terms_is_void_once_the_account_has_changed(
    client: Any, person: Any, act: str
) -> None:
    user = person()
    terms = Terms.objects.create(version="1", text="Be kind.", published=timezone.now())
    assert sign_in(client, user.email)["Location"] == "/accounts/terms/"
    if act == "password":
        user.set_password(secret(NEW))
        user.save(update_fields=["password"])
    elif act == "disabled":
        type(user).objects.filter(pk=user.pk).update(is_active=False)
    else:
        end_all_of_user(user.pk, reason="signed out everywhere")
    client.post("/accounts/terms/", {"terms": "on", "terms_version": str(terms.pk)})
    assert not is_signed_in(client) and not Session.objects.exists() and not TermsAcceptance.objects.exists()


def test_no_password_waits_in_the_session_while_she_proves_who_she_is(client: Any, person: Any) -> None:
    user = person()
    sign_in(client, user.email)
    Session.objects.update(auth_time=timezone.now() - timedelta(hours=1))
    client.cookies["trusted-0123456789ab"] = "secret-of-this-browser"
    new = secret(NEW)
    asked = client.post("/accounts/password/set/", {"password1": new, "password2": new})
    assert asked.status_code == 302 and asked["Location"].endswith("?next=%2Faccounts%2Fpassword%2Fset%2F")
    assert STATE not in client.session
    assert client.post("/account/data/delete/")["Location"].startswith("/accounts/reauthenticate/")
    kept = str(client.session[STATE])
    assert "/account/data/delete/" in kept
    assert "secret-of-this-browser" not in kept and client.session.session_key not in kept


def test_a_kept_page_that_another_thread_drops_is_still_shown(client: Any, monkeypatch: Any) -> None:
    class Dropping(kept_page.OrderedDict):
        def get(self, key: Any, default: Any = None) -> Any:
            return self.pop(key, default)

    monkeypatch.setattr(kept_page, "_pages", Dropping())
    for _visit in range(2):
        assert client.get("/accounts/login/").status_code == 200


@pytest.mark.parametrize("address", ["/accounts/choose/remove/", "/account/data/delete/"])
def test_an_account_that_is_taken_from_a_browser_leaves_no_address_there(
    client: Any, person: Any, address: str
) -> None:
    user = person()
    sign_in(client, user.email, remember="on")
    assert client.cookies["remembered"].value
    client.post(address, {"sid": client.session["sid"]})
    assert not is_signed_in(client)
    assert user.email not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("address", ["/accounts/preferences/", "/accounts/choose/", "/accounts/2fa/set-up/"])
@pytest.mark.parametrize("onward", ["{}", "no-view", "?", "account-closed"])
def test_an_address_to_go_on_to_that_is_none_is_no_fault_of_the_server(
    client: Any, person: Any, address: str, onward: str
) -> None:
    sign_in(client, person().email)
    answer = client.post(address, {"next": onward, "sid": client.session["sid"], "done": "1"})
    assert answer.status_code in {200, 302} and onward not in answer.get("Location", "")


def test_no_line_of_the_log_has_the_secret_of_a_mailed_link() -> None:
    for path in ("/accounts/not-me/s3cret/", "/accounts/invitation/s3cret/", "/account/x/invitations/s3cret/"):
        args = ("Method Not Allowed", path)
        record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s: %s", args, None)
        assert RefusedRequests().filter(record)
        assert "s3cret" not in record.getMessage() and path.split("s3cret")[0] in record.getMessage()


def test_nobody_is_told_where_an_operator_was(client: Any, person: Any) -> None:
    user, operator = person(), person("operator@example.com")
    factory = RequestFactory(REMOTE_ADDR="203.0.113.77", HTTP_USER_AGENT="operators-own-agent")
    events.record(factory.get("/"), events.Kind.FACTOR_REMOVED, actor=operator.pk, subject=user.pk, factor="totp")
    sign_in(client, user.email)
    activity = client.get("/account/activity/").content.decode()
    data = client.post("/account/data/download/").getvalue().decode()
    assert "factor_removed" in data and "method removed" in activity
    for page in (activity, data):
        assert "203.0.113.77" not in page and "operators-own-agent" not in page


def test_an_operator_who_is_deleted_leaves_what_was_done_to_others_in_the_log(person: Any) -> None:
    user = person()
    for subject in ("another", user.pk):
        events.record(None, events.Kind.OPERATOR_CHANGE, actor=user.pk, subject=subject, fields=["is_superuser"])
    type(user).objects.update(is_active=False)
    Deletion.objects.create(user=user, due=timezone.now() - timedelta(minutes=1))
    assert sum(deleted_people(timezone.now())) == 1
    kept = dict(AuditEvent.objects.filter(kind="operator_change").values_list("subject", "detail"))
    assert kept == {"another": {"fields": ["is_superuser"]}, str(user.pk): {}}


def test_a_domain_with_a_sign_that_a_database_refuses_is_none(client: Any) -> None:
    assert domain_of("somebody@bad\x00.example") == "" and domain_of("somebody@Good.example.") == "good.example"
    assert client.get("/accounts/login/", {"login_hint": "somebody@bad\x00.example"}).status_code == 200


def test_a_factor_that_is_removed_while_its_code_is_judged_is_no_fault_of_the_server(
    client: Any, person: Any, monkeypatch: Any
) -> None:
    user = person()
    made = Authenticator.objects.create(user=user, type="totp", data={})

    def proved(_user: Any, _code: str) -> Any:
        Authenticator.objects.filter(pk=made.pk).delete()
        return made

    monkeypatch.setattr(totp, "proved", proved)
    sign_in(client, user.email)
    assert client.post("/accounts/2fa/", {"code": "123456"}).status_code == 302
