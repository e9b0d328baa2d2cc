"""The terms: asked at sign-up, and of everybody again when a new version is published."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Terms, TermsAcceptance, User
from authcenter.sessions.models import Session
from tests.accounts.people import codes, enter_code, is_signed_in, kinds, secret, sign_in, sign_up
from tests.conftest import PASSWORD

WHO = "new@example.com"


@pytest.fixture
def terms(db):
    return Terms.objects.create(version="2026-11", text="Be kind.\n\n<b>Always.</b>", published=timezone.now())


def publish(version="2027-01", **fields):
    return Terms.objects.create(version=version, **{"text": "Be kinder.", "published": timezone.now(), **fields})


def accept(client, terms, **more):
    return client.post("/accounts/terms/", {"terms": "on", "terms_version": str(terms.pk), **more})


def accepted(user):
    return list(TermsAcceptance.objects.filter(user=user).values_list("terms__version", flat=True))


def test_where_there_are_none_nobody_is_asked(client, person):
    publish(published=None)
    publish("later", published=timezone.now() + timedelta(hours=1))
    assert 'name="terms"' not in client.get("/accounts/signup/").content.decode()
    sign_in(client, person().email)
    assert is_signed_in(client)


def test_signing_up_takes_the_tick_for_the_version_that_was_shown(client, terms):
    page = client.get("/accounts/signup/").content.decode()
    assert f'name="terms_version" value="{terms.pk}"' in page and f"/accounts/terms/{terms.pk}/" in page
    assert "needs your consent" in sign_up(client, WHO, terms_version=terms.pk).content.decode()
    newer = publish()
    refused = sign_up(client, WHO, terms="on", terms_version=terms.pk).content.decode()
    assert "have changed" in refused and f'name="terms_version" value="{newer.pk}"' in refused
    assert not User.objects.exists()
    sign_up(client, WHO, terms="on", terms_version=newer.pk)
    enter_code(client, codes(WHO)[0])
    assert is_signed_in(client)
    assert accepted(User.objects.get()) == ["2027-01"] and kinds(kind="terms_accepted") == ["terms_accepted"]


def test_anybody_may_read_them(client, terms):
    page = client.get(f"/accounts/terms/{terms.pk}/").content.decode()
    assert "Be kind." in page and "&lt;b&gt;Always" in page
    assert client.get(f"/accounts/terms/{publish(published=None).pk}/").status_code == 404


def test_who_has_not_accepted_is_asked_before_the_sign_in_is_whole(client, person, terms):
    user = person()
    assert sign_in(client, user.email, next="/account/apps/")["Location"] == "/accounts/terms/"
    assert not is_signed_in(client) and not Session.objects.exists()
    page = client.get("/accounts/terms/").content.decode()
    assert "Be kind." in page and user.email in page
    assert "Tick the box" in client.post("/accounts/terms/", {"terms_version": terms.pk}).content.decode()
    newer = publish()
    assert accept(client, terms).status_code == 200, "that version is not the one that counts"
    assert not is_signed_in(client)
    assert accept(client, newer)["Location"] == "/account/apps/"
    assert is_signed_in(client) and accepted(user) == ["2027-01"]


def test_it_is_asked_once_for_each_version(client, browser, person, terms):
    user = person()
    sign_in(client, user.email)
    accept(client, terms)
    again = browser()
    sign_in(again, user.email)
    assert is_signed_in(again)
    newer = publish()
    assert is_signed_in(again), "at the next sign-in, not in the middle of one"
    third = browser()
    assert sign_in(third, user.email)["Location"] == "/accounts/terms/"
    assert "have changed" in third.get("/accounts/terms/").content.decode()
    accept(third, newer)
    assert is_signed_in(third) and sorted(accepted(user)) == ["2026-11", "2027-01"]


def test_not_now_leaves_a_stranger(client, person, terms):
    sign_in(client, person().email)
    assert client.post("/accounts/terms/", {"decline": "1"})["Location"] == "/accounts/login/"
    assert not is_signed_in(client)
    assert accept(client, terms)["Location"] == "/accounts/login/"
    assert not TermsAcceptance.objects.exists()


def test_no_door_leads_past_them(client, browser, person, terms):
    user = person()
    by_code = browser()
    by_code.post("/accounts/login/code/", {"email": user.email})
    by_code.post("/accounts/login/code/confirm/", {"code": codes(user.email)[0]})
    assert not is_signed_in(by_code)
    answer = client.post(
        "/api/token/", {"email": user.email, "password": secret(PASSWORD)}, content_type="application/json"
    )
    assert answer.status_code == 401 and answer.json()["code"] == "terms_not_accepted"
    wrong = client.post("/api/token/", {"email": user.email, "password": "no"}, content_type="application/json")
    assert wrong.json()["code"] == "invalid_credentials", "told only to who knows the password"
    assert not Session.objects.exists()


def test_what_was_accepted_stays_as_it_was(client, person, terms):
    TermsAcceptance.objects.create(user=person("bob@example.com"), terms=terms)
    root = person("root@example.com", is_staff=True, is_superuser=True)
    TermsAcceptance.objects.create(user=root, terms=terms)
    sign_in(client, root.email)
    Session.objects.update(acr="urn:authcenter:acr:2", amr=["pwd", "otp", "mfa"])
    client.post(f"/admin/accounts/terms/{terms.pk}/change/", {"version": "x", "text": "Be evil.", "address": ""})
    terms.refresh_from_db()
    assert terms.text.startswith("Be kind")
    assert client.post(f"/admin/accounts/terms/{terms.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "bob@example.com" in client.get("/admin/accounts/termsacceptance/").content.decode()
    both = client.post("/admin/accounts/terms/add/", {"version": "2", "text": "a", "address": "https://a.example/"})
    assert "either the text or its address" in both.content.decode()
