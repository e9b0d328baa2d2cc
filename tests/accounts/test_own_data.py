"""/account/data/: what is held of a person as a file, and deleting the account: closed at once, gone after a while."""

import json
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.utils import timezone

from accounts.models import Deletion, User
from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import Authorization
from authcenter.portal import own_data
from authcenter.server.sweeping import sweep
from authcenter.sessions.models import Session
from tests.accounts.people import is_signed_in, kinds, mails, sign_in
from tests.conftest import PASSWORD


@pytest.fixture
def alice(person, client):
    user = person("alice@example.com", name="Alice Liddell", zoneinfo="Europe/Berlin")
    sign_in(client, user.email)
    return user


def downloaded(client):
    answer = client.post("/account/data/download/")
    assert answer.status_code == 200, answer
    return json.loads(b"".join(answer.streaming_content)), answer


# --- The file -------------------------------------------------------------------------------------------------


def test_the_file_holds_what_is_known_of_her_and_of_nobody_else(client, browser, alice, application, person):
    sign_in(browser(), person("bob@example.com").email)
    app, _secret = application("web", name="Paint Shop")
    Authorization.objects.create(user=alice, application=app, scopes=["openid"])
    Authenticator.objects.create(user=alice, type="recovery_codes", data={"name": "Blue key", "seed": "SECRET-SEED"})
    Session.objects.filter(user=alice).update(acr="phr")
    held, answer = downloaded(client)
    assert answer["Content-Type"] == "application/json" and "attachment" in answer["Content-Disposition"]
    assert answer["Cache-Control"] == "no-store"
    assert held["format"] == own_data.FORMAT and held["profile"]["name"] == "Alice Liddell"
    assert held["email_addresses"] == [{"email": alice.email, "verified": True, "primary": True}]
    assert [row["app"] for row in held["connected_apps"]] == ["Paint Shop"]
    assert [row["name"] for row in held["sign_in_methods"]] == ["Blue key"]
    assert len(held["sign_ins"]) == 1 and "signed_in" in [row["kind"] for row in held["events"]]
    text = json.dumps(held)
    user = User.objects.get(pk=alice.pk)
    assert "bob@example.com" not in text and "SECRET-SEED" not in text
    assert user.password not in text and app.client_secret not in text
    assert kinds(kind="data_downloaded", subject=str(alice.pk)) == ["data_downloaded"]


NOT_TOLD = {
    "admin.LogEntry": "the console's own log of operators, of which audit events say the same",
    "signins.PairwiseSubject": "what she is called to others; each of them knows",
    "accounts.Picture": "at the address that the profile names",
    "accounts.Deletion": "while it waits nobody can download",
    "accounts.Group": "by name, in the profile",
    "oauth.Grant": "codes, minutes long",
    "oauth.AccessToken": "tokens, minutes long",
    "oauth.IDToken": "never stored",
    "oauth.DeviceGrant": "codes, minutes long",
}


def test_nothing_that_hangs_on_a_person_is_forgotten():
    """A new table of people's is in the file, or here with the reason why not."""
    known = {
        "account.EmailAddress",
        "mfa.Authenticator",
        "accounts.LinkedIdentity",
        "accounts.TermsAcceptance",
        "signins.Session",
        "accounts.RecoveryCode",
        "accounts.TrustedBrowser",
        "accounts.KnownBrowser",
        "accounts.Notice",
        "accounts.Membership",
        "oauth.Application",
        "oauth.Authorization",
        "oauth.Family",
        *NOT_TOLD,
    }
    assert {relation.related_model._meta.label for relation in User._meta.related_objects} == known
    held = {field.name for field in User._meta.concrete_fields} - {"password", "epoch", "is_superuser"}
    assert held == set(own_data._PROFILE)


def test_the_file_takes_a_post_a_token_and_a_recent_sign_in(client, alice, later):
    from django.test import Client

    assert client.get("/account/data/download/").status_code == 405
    strict = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    strict.cookies["session"] = client.cookies["session"].value
    assert strict.post("/account/data/download/").status_code == 403
    later(timedelta(minutes=6))
    answer = client.post("/account/data/download/")
    assert answer.status_code == 302 and "reauthenticate" in answer["Location"]
    assert kinds(kind="data_downloaded") == []


# --- Deletion -------------------------------------------------------------------------------------------------


def delete(client):
    return client.post("/account/data/delete/", follow=True)


def test_asking_says_what_will_happen_and_changes_nothing(client, alice):
    page = client.get("/account/data/delete/").content.decode()
    assert "After 14 days" in page and not Deletion.objects.exists() and is_signed_in(client)


def test_asked_for_it_closes_the_account_at_once(client, browser, alice):
    other = browser()
    sign_in(other, alice.email)
    page = delete(client).content.decode()
    assert "Your account is closed" in page
    assert not is_signed_in(client) and not is_signed_in(other)
    user = User.objects.get()
    assert not user.is_active and user.deletion.due > timezone.now() + timedelta(days=13, hours=23)
    assert mails(alice.email)[-1].subject == "Your account will be deleted"
    assert kinds(kind="deletion_asked") == ["deletion_asked"]


def test_no_other_door_is_open_while_it_waits(client, browser, alice):
    delete(client)
    answer = browser().post("/api/token/", {"email": alice.email, "password": PASSWORD}, "application/json")
    assert answer.status_code == 401
    wrong = browser()
    assert sign_in(wrong, alice.email, "not it at all 99").status_code == 200
    stranger = browser()
    assert sign_in(stranger, alice.email)["Location"] == "/accounts/deletion/"
    assert not is_signed_in(stranger)
    assert stranger.post("/accounts/deletion/", {"leave": "1"})["Location"] == "/accounts/closed/"
    assert not is_signed_in(stranger) and not User.objects.get().is_active
    assert stranger.get("/accounts/deletion/")["Location"].startswith("/accounts/login/")


def test_signing_in_offers_to_keep_it(client, browser, alice):
    delete(client)
    back = browser()
    page = back.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, follow=True).content.decode()
    assert "Keep my account" in page
    assert back.post("/accounts/deletion/", {"keep": "1"})["Location"] == "/account/"
    assert is_signed_in(back) and User.objects.get().is_active and not Deletion.objects.exists()
    assert mails(alice.email)[-1].subject in {"Your account stays", "New sign-in to your account"}
    assert "Your account stays" in [message.subject for message in mails(alice.email)]
    assert kinds(kind="deletion_cancelled") == ["deletion_cancelled"]


def test_an_account_that_an_operator_disabled_is_not_opened_by_its_person(browser, alice):
    User.objects.update(is_active=False)
    stranger = browser()
    assert sign_in(stranger, alice.email).status_code == 200 and not is_signed_in(stranger)


def test_after_the_grace_period_it_is_gone_and_the_log_keeps_the_id(client, browser, alice, later, application):
    app, _secret = application("web", name="Hers", user=alice)
    sign_in(browser(), alice.email, "not it at all 99")
    delete(client)
    assert dict(sweep(gently=False))["people"] == 0
    later(timedelta(days=14, minutes=1))
    mail.outbox.clear()
    assert dict(sweep(timezone.now(), gently=False))["people"] == 1
    assert not User.objects.exists()
    app.refresh_from_db()
    assert app.user is None
    left = list(AuditEvent.objects.filter(subject=str(alice.pk)) | AuditEvent.objects.filter(actor=str(alice.pk)))
    assert left and all(not event.address and not event.user_agent and not event.detail for event in left)
    assert alice.email not in str([event.__dict__ for event in left])
    assert kinds(kind="account_deleted") == ["account_deleted"]
    assert [message.subject for message in mails(alice.email)] == ["Your account is deleted"]


def test_nobody_else_is_ever_given_her_id(client, alice, later, person):
    delete(client)
    later(timedelta(days=15))
    list(sweep(timezone.now(), gently=False))
    assert person(alice.email).pk != alice.pk


def test_one_that_was_opened_again_is_not_swept(client, alice, later):
    delete(client)
    User.objects.update(is_active=True)
    later(timedelta(days=15))
    list(sweep(timezone.now(), gently=False))
    assert User.objects.exists() and not Deletion.objects.exists()


def test_the_last_superuser_stays(browser, person):
    root = person("root@example.com", is_staff=True, is_superuser=True)
    one = browser()
    sign_in(one, root.email)
    assert "You are the last superuser" in one.get("/account/data/").content.decode()
    assert one.post("/account/data/delete/")["Location"] == "/account/data/" and not Deletion.objects.exists()
    person("other@example.com", is_staff=True, is_superuser=True)
    assert one.post("/account/data/delete/")["Location"] != "/account/data/" and Deletion.objects.exists()


def test_the_mail_of_a_deletion_that_was_not_hers_undoes_it(client, browser, alice):
    import re

    delete(client)
    path = re.search(r"http://localhost:8000(/accounts/not-me/\S+)", mails(alice.email)[-1].body)[1]
    browser().post(path)
    user = User.objects.get()
    assert user.is_active and not user.has_usable_password() and not Deletion.objects.exists()


def test_an_operator_sees_and_keeps_it(client, browser, alice, person):
    from tests.console_pages import confirm

    delete(client)
    operator = browser()
    sign_in(operator, person("root@example.com", is_staff=True, is_superuser=True).email)
    assert alice.email in operator.get("/admin/accounts/deletion/").content.decode()
    row = Deletion.objects.get()
    assert confirm(operator, f"/admin/accounts/deletion/{row.pk}/keep/").status_code == 302
    assert User.objects.get(pk=alice.pk).is_active and not Deletion.objects.exists()
