"""Faults that a hostile review found in other providers, organisations, consent and branding: each stays mended."""

import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session as CookieSession
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from PIL import Image

from accounts import organisations
from accounts.models import (
    Group,
    IdentityProvider,
    LinkedIdentity,
    Membership,
    Organisation,
    OrganisationDomain,
    OrganisationInvitation,
    User,
)
from accounts.social import upstream
from authcenter.branding import colours, pictures
from authcenter.oauth.models import Authorization
from authcenter.oauth.registration import DEVICE_CODE
from authcenter.sessions.models import Session
from tests.accounts import factors
from tests.accounts.test_social import begun, come_back, typed_code
from tests.conftest import PASSWORD
from tests.console_pages import allow, confirm, saved
from tests.fake_provider import CLIENT_ID, SECRET, FakeProvider, fake_provider
from tests.oauth.flow import App, Browser, answer, as_app, claims, redeem, userinfo

pytestmark = pytest.mark.django_db
BOB = {"sub": "bob-there", "email": "bob@acme.example", "email_verified": True, "name": "Bob"}


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.OUTBOUND_ALLOWED = ["127.0.0.1"]


@pytest.fixture(scope="module")
def shared() -> Iterator[FakeProvider]:
    with fake_provider() as running:
        yield running


@pytest.fixture
def fake(shared: FakeProvider) -> FakeProvider:
    shared.person, shared.lie, shared.hides, shared.sends_iss = dict(BOB), None, (), True
    return shared


def provider(fake: FakeProvider, **fields: Any) -> IdentityProvider:
    row = IdentityProvider(
        **{"kind": "openid", "name": "Elsewhere", "issuer": fake.url, "client_id": CLIENT_ID} | fields
    )
    row.set_secret(SECRET)
    row.save()
    return row


@pytest.fixture
def acme(db: None) -> Organisation:
    made = Organisation.objects.create(name="Acme")
    OrganisationDomain.objects.create(organisation=made, name="acme.example", verified=True)
    return made


@pytest.fixture
def own(acme: Organisation, fake: FakeProvider) -> IdentityProvider:
    return provider(fake, name="Acme login", organisation=acme)


@pytest.fixture
def app(application: Any) -> App:
    row, secret = application("web", identity_scopes=["openid", "email", "organization"], optional_scopes=["email"])
    return App(row, secret, "https://rp.example/cb")


# --- Consent ---


def test_a_scope_that_was_left_out_is_not_told_as_single_claims(app, person):
    wish = '{"userinfo": {"email": null}, "id_token": {"email_verified": null}}'
    browser = Browser().enter(person()).ask(app, scope="openid email", claims=wish)
    browser.allow()
    got = redeem(app, answer(browser.left_to)["code"]).json()
    assert got["scope"] == "openid"
    assert "email" not in userinfo(got["access_token"]).json() and "email_verified" not in claims(got["id_token"])
    assert Authorization.objects.get().claims == []
    again = browser.ask(app, scope="openid email", claims=wish)
    assert redeem(app, answer(again.left_to)["code"]).json()["scope"] == "openid", "she is not asked again"
    alone = browser.ask(app, scope="openid", claims=wish)
    assert not alone.left_to, "asked for alone it is something else, which a page says"


def test_what_the_page_left_to_her_is_not_taken_while_she_reads(app, person):
    """An application that registered itself changes its own metadata (RFC 7592)."""
    browser = Browser().enter(person()).ask(app, scope="openid email")
    page = browser.form("allow")
    app.row.optional_scopes = []
    app.row.save()
    browser.follow(browser.post_form(page, "allow"))
    assert not Authorization.objects.exists() and not browser.left_to
    browser.allow()
    assert redeem(app, answer(browser.left_to)["code"]).json()["scope"] == "openid email"


def test_nor_while_she_reads_what_a_device_asks(app, person):
    app.row.grant_types = [*app.row.grant_types, DEVICE_CODE]
    app.row.save()
    asked = as_app(app, "/oauth/device", {"scope": "openid email"}).json()
    browser = Browser().enter(person()).open("/device").submit("user_code", user_code=asked["user_code"])
    page = browser.form("allow")
    app.row.optional_scopes = []
    app.row.save()
    browser.follow(browser.post_form(page, "allow"))
    assert not Authorization.objects.exists()
    browser.allow()
    assert Authorization.objects.get().scopes == ["openid", "email"]


def test_a_page_that_named_one_organisation_agrees_to_no_other(app, person):
    alice = person()
    acme, zeta = (Organisation.objects.create(name=name) for name in ("Acme", "Zeta"))
    for one in (acme, zeta):
        Membership.objects.create(organisation=one, user=alice)
    browser = Browser().enter(alice).ask(app, scope="openid organization")
    choice = browser.form("organisation")
    browser.follow(browser.post_form(choice, organisation=acme.pk))
    page = browser.form("allow")
    assert "Acme" in browser.page.content.decode()
    browser.post_form(choice, organisation=zeta.pk)
    browser.follow(browser.post_form(page, "allow"))
    assert not Authorization.objects.exists() and "Zeta" in browser.page.content.decode()


def test_a_page_of_ours_is_no_logo_of_an_application_that_introduced_itself(application, settings):
    """A picture is asked for with the cookies of whoever looks at the page."""
    own = f"{settings.ISSUER}/oauth/logout?client_id=x"
    row, _secret = application("web", logo_uri=own)
    assert row.shown_logo == own
    for origin in ("registered", "document"):
        row.origin = origin
        assert row.shown_logo == f"/oauth/logo/{row.pk}"


# --- Organisations ---


def test_a_verified_domain_that_an_operator_renames_is_verified_no_more(client, person, sign_in, acme):
    names = ("accounts.view_organisation", "accounts.change_organisation")
    sign_in(client, allow(person("oscar@example.com", is_staff=True), *names))
    saved(
        client,
        f"/admin/accounts/organisation/{acme.pk.replace('_', '_5F')}/change/",
        **{"domains-0-name": "victim.example"},
    )
    assert OrganisationDomain.objects.values_list("name", "verified").get() == ("victim.example", False)


def test_to_delete_a_group_that_needs_a_second_factor_is_to_lift_that_need(client, person, sign_in):
    names = ("accounts.view_group", "accounts.change_group", "accounts.delete_group")
    sign_in(client, allow(person("oscar@example.com", is_staff=True), *names))
    strict, plain = Group.objects.create(name="strict", second_factor=True), Group.objects.create(name="plain")
    for group in (strict, plain):
        confirm(client, f"/admin/accounts/group/{group.pk}/delete/", post="yes")
    ticked = {"action": "delete_selected", "_selected_action": [str(strict.pk)]}
    confirm(client, "/admin/accounts/group/", post="yes", **ticked)
    assert Group.objects.get() == strict


def managed(client: Client, acme: Organisation, person: Any, sign_in: Any) -> tuple[Membership, Membership]:
    owner = Membership.objects.create(organisation=acme, user=person("owner@home.example"), role="owner")
    admin = Membership.objects.create(organisation=acme, user=person("admin@home.example"), role="admin")
    sign_in(client, admin.user)
    return owner, admin


def test_an_administrator_changes_no_invitation_of_an_owner_by_sending_another(client, person, sign_in, acme):
    managed(client, acme, person, sign_in)
    made = OrganisationInvitation.objects.create(organisation=acme, email="x@y.example", role="owner", token_hash="a")
    client.post(f"/account/organisations/{acme.pk}/", {"emails": "x@y.example", "role": "member"})
    made.refresh_from_db()
    assert (made.role, made.token_hash) == ("owner", "a")


@pytest.mark.parametrize("act", ["", "remove/"])
def test_who_became_an_owner_meanwhile_is_not_an_administrators_to_touch(
    client, person, sign_in, acme, monkeypatch, act
):
    managed(client, acme, person, sign_in)
    other = Membership.objects.create(organisation=acme, user=person("c@home.example"))
    lock = organisations._lock

    def late(organisation: str) -> None:
        Membership.objects.filter(pk=other.pk).update(role="owner")
        lock(organisation)

    monkeypatch.setattr(organisations, "_lock", late)
    answered = client.post(f"/account/organisations/{acme.pk}/members/{other.pk}/{act}", {"role": "admin"})
    assert answered.status_code == 404
    assert Membership.objects.get(pk=other.pk).role == "member", "as it was before this transaction"


def test_the_only_way_is_not_passed_by_an_address_that_is_not_hers_yet(client, own, person):
    IdentityProvider.objects.update(required=True)
    bob = person("bob@acme.example")
    EmailAddress.objects.create(user=bob, email="bob@home.example", verified=False)
    sent = {"email": "bob@home.example", "password": PASSWORD}
    answered = client.post("/api/token/", sent, content_type="application/json")
    assert answered.status_code == 401 and not Session.objects.exists()


# --- Other providers ---


def test_a_code_read_for_one_identity_proves_nothing_for_the_next(client, fake, own, settings):
    """Nor does it open an account that may not be: the organisation vouches for its own addresses."""
    come_back(client, fake, provider(fake), sub="mallory", email="mallory@evil.example")
    client.post("/accounts/social/finish/", {"email": "mallory@evil.example"})
    settings.SIGN_UP = "closed"
    location = begun(client, own)
    client.get(own.redirect_uri, fake.authorized(location))
    client.post("/accounts/social/code/", {"code": typed_code("mallory@evil.example")}, follow=True)
    assert not User.objects.filter(email="mallory@evil.example").exists()
    assert not LinkedIdentity.objects.filter(user__email="mallory@evil.example").exists()


def test_a_domain_that_ceases_to_be_proved_while_somebody_finishes(client, fake, own):
    location = begun(client, own)
    client.get(own.redirect_uri, fake.authorized(location))
    OrganisationDomain.objects.update(verified=False)
    assert client.get("/accounts/social/finish/")["Location"] == "/accounts/login/"
    assert not User.objects.exists()


def test_who_has_a_second_factor_is_not_asked_for_less_by_way_of_a_provider(client, fake, person, sign_in):
    bob, row = person("bob@acme.example"), provider(fake)
    sign_in(client, bob)
    LinkedIdentity.objects.create(provider=row, subject="bob-there", user=bob)
    factors.set_up(client)
    Session.objects.update(auth_time="2020-01-01T00:00Z")
    answered = client.post(f"/accounts/social/{row.pk}/", {"purpose": "again", "next": "/account/security/"})
    assert answered.status_code == 302 and not answered["Location"].startswith(fake.url)
    assert Session.objects.get(user=bob).auth_time.year == 2020


def test_an_organisation_does_not_prove_again_who_has_an_address_of_another_domain(client, fake, own, person):
    row = provider(fake, trusts_email=True)
    come_back(client, fake, row, sub="c", email="carol@home.example")
    carol = User.objects.get()
    LinkedIdentity.objects.create(provider=own, subject="bob-there", user=carol)
    Session.objects.update(auth_time="2020-01-01T00:00Z")
    location = begun(client, own, purpose="again")
    assert client.get(own.redirect_uri, fake.authorized(location, auth_time=int(time.time()))).status_code == 403
    assert Session.objects.get().auth_time.year == 2020


@pytest.mark.parametrize("odd", [{"kid": []}, {"alg": []}, {"use": {}}, {"crv": []}, {"kty": []}])
def test_odd_keys_of_a_provider_are_a_refusal_and_no_fault_of_ours(client, fake, db, monkeypatch, odd):
    row, real = provider(fake), upstream.keys
    monkeypatch.setattr(upstream, "keys", lambda *args, **more: [{**key, **odd} for key in real(*args, **more)])
    assert come_back(client, fake, row).status_code == 403


def test_an_odd_nonce_is_a_refusal_and_no_fault_of_ours(client, fake):
    fake.lie = lambda claims: {**claims, "nonce": "\ud800"}
    assert come_back(client, fake, provider(fake)).status_code == 403


def test_answers_of_strangers_leave_no_row_of_a_cookie_behind(client, fake):
    row = provider(fake)
    assert client.get(row.redirect_uri, {"state": "x", "code": "y"}).status_code == 403
    assert not CookieSession.objects.exists()


def test_the_mail_that_there_is_an_account_does_not_come_at_every_look(client, fake, person):
    person("bob@acme.example")
    come_back(client, fake, provider(fake, trusts_email=True))
    for _look in range(20):
        client.get("/accounts/social/finish/")
    assert 1 <= len(mail.outbox) <= 5


# --- Branding ---


def test_colours_that_strangers_think_of_are_not_kept_for_ever():
    assert colours.nearest.cache_info().maxsize is not None


def test_a_broken_picture_is_a_fault_of_the_form():
    written = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(written, "PNG")
    whole, refused = written.getvalue(), 0
    for at in range(len(whole)):
        for bent in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            try:
                pictures.redrawn(io.BytesIO(bent))
            except ValidationError:
                refused += 1
    assert refused > len(whole)  # whatever else is raised fails the test
