"""Faults that a review of the sign-in pages found, each proved by a test before it was mended."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import kept_page
from accounts.models import Terms, TermsAcceptance
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
