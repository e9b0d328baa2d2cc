"""An organisation's own sign-in: for its proved domains and nobody else, and the only one where it says so."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import IdentityProvider, LinkedIdentity, Membership, Organisation, OrganisationDomain, User
from authcenter.audit.models import AuditEvent
from tests.conftest import PASSWORD
from tests.fake_provider import CLIENT_ID, SECRET, FakeProvider, fake_provider

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


@pytest.fixture
def acme(db: None) -> Organisation:
    made = Organisation.objects.create(name="Acme")
    OrganisationDomain.objects.create(organisation=made, name="acme.example", verified=True)
    OrganisationDomain.objects.create(organisation=made, name="claimed.example", verified=False)
    return made


@pytest.fixture
def own(acme: Organisation, fake: FakeProvider) -> IdentityProvider:
    row = IdentityProvider(
        kind="openid", name="Acme login", issuer=fake.url, client_id=CLIENT_ID, organisation=acme, required=True
    )
    row.set_secret(SECRET)
    row.save()
    return row


def come_back(client: Client, fake: FakeProvider, row: IdentityProvider, form: Any = None, **claims: Any) -> Any:
    answer = client.post(f"/accounts/social/{row.pk}/", form or {})
    assert answer.status_code == 303, answer.content.decode()[:2000]
    return client.get(row.redirect_uri, fake.authorized(answer["Location"], **claims), follow=True)


def who(client: Client) -> str:
    answer = client.get("/account/")
    return answer.context["user"].email if answer.status_code == 200 else ""


def optional(row: IdentityProvider) -> None:
    row.required = False
    row.save()


# --- Joining ---


def test_who_comes_by_it_gets_an_account_and_belongs_to_the_organisation(client, fake, own, acme, settings):
    come_back(client, fake, own)
    assert who(client) == "bob@acme.example"
    joined = Membership.objects.get()
    assert (joined.user.email, joined.organisation, joined.role) == ("bob@acme.example", acme, "member")
    assert AuditEvent.objects.get(kind="organisation_joined").detail["way"] == "provider"
    again = Client(HTTP_HOST="localhost")
    come_back(again, fake, own)
    assert who(again) == "bob@acme.example" and Membership.objects.count() == 1


def test_an_account_that_has_proved_the_address_is_linked_and_joins(client, fake, own, person):
    bob = person("bob@acme.example")
    come_back(client, fake, own)
    assert who(client) == "bob@acme.example" and User.objects.count() == 1
    assert LinkedIdentity.objects.get().user == bob and Membership.objects.get().user == bob


# --- For whom it may not speak ---


@pytest.mark.parametrize("email", ["victim@other.example", "victim@claimed.example", "victim@sub.acme.example", ""])
def test_an_address_of_another_domain_is_never_believed(client, fake, own, person, email):
    if email:
        person(email)
    answer = come_back(client, fake, own, email=email)
    assert answer.status_code == 403 and who(client) == ""
    assert not LinkedIdentity.objects.exists() and not Membership.objects.exists()
    assert AuditEvent.objects.filter(kind="identity_refused").exists()


def test_an_address_that_it_does_not_call_verified_is_not_believed(client, fake, own):
    assert come_back(client, fake, own, email_verified=False).status_code == 403
    assert not User.objects.exists()


def test_an_operators_account_is_linked_to_nothing_by_its_address(client, fake, own, person):
    person("bob@acme.example", is_staff=True)
    come_back(client, fake, own)
    assert who(client) == "" and not LinkedIdentity.objects.exists()


def test_a_link_to_an_account_of_another_address_opens_nothing(client, fake, own, person, sign_in):
    """Somebody linked her work account to her own; her employer must not become her."""
    alice = person("alice@home.example")
    LinkedIdentity.objects.create(provider=own, subject="bob-there", user=alice)
    assert come_back(client, fake, own).status_code == 403
    assert who(client) == ""


def test_a_domain_that_is_proved_no_more_ends_it(client, fake, own):
    come_back(client, fake, own)
    OrganisationDomain.objects.update(verified=False)
    again = Client(HTTP_HOST="localhost")
    assert come_back(again, fake, own).status_code == 403 and who(again) == ""


# --- The only way ---


def test_a_password_of_its_domain_is_not_taken_and_the_button_stands_there(client, own, person):
    person("bob@acme.example")
    page = client.post("/accounts/login/", {"login": "bob@acme.example", "password": PASSWORD}).content.decode()
    assert "People of Acme sign in with the organisation" in page and "Sign in with Acme" in page
    unknown = client.post("/accounts/login/", {"login": "nobody@acme.example", "password": PASSWORD}).content.decode()
    assert "People of Acme sign in with the organisation" in unknown
    assert who(client) == ""


def test_no_other_door_leads_past_it(client, fake, own, person):
    """The password API, and another provider that knows the same person."""
    bob = person("bob@acme.example")
    answer = client.post("/api/token/", {"email": bob.email, "password": PASSWORD}, content_type="application/json")
    assert answer.status_code == 401 and "access" not in answer.json()
    other = IdentityProvider(kind="openid", name="Other", issuer=fake.url, client_id=CLIENT_ID)
    other.set_secret(SECRET)
    other.save()
    LinkedIdentity.objects.create(provider=other, subject="bob-there", user=bob)
    page = come_back(client, fake, other)
    assert who(client) == "" and "Sign in with Acme" in page.content.decode()
    come_back(client, fake, own)
    assert who(client) == bob.email


def test_operators_keep_their_own_way_and_so_do_other_domains(person, own, sign_in):
    for email, fields in (("root@acme.example", {"is_staff": True}), ("carol@other.example", {})):
        client = Client(HTTP_HOST="localhost")
        user = person(email, **fields)
        client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        half_in = "account_login" in client.session  # a second factor may be asked for now; who is refused is nowhere
        assert half_in or client.session.get("_auth_user_id") == str(user.pk)


def test_where_it_is_not_the_only_way_a_password_is_good(client, own, person, sign_in):
    optional(own)
    sign_in(client, person("bob@acme.example"))
    assert who(client) == "bob@acme.example"


def test_a_domain_that_is_only_claimed_forces_nobody(client, own, person, sign_in):
    sign_in(client, person("dora@claimed.example"))
    assert who(client) == "dora@claimed.example"


# --- The sign-in page ---


def test_the_page_shows_the_named_organisation_first_and_not_to_everybody(client, own, acme):
    optional(own)
    named = client.get("/accounts/login/", {"organization": acme.pk}).content.decode()
    assert named.index("Sign in with Acme") < named.index('name="password"')
    plain = client.get("/accounts/login/").content.decode()
    assert "Acme" not in plain and "Sign in with your organisation" in plain
    for odd in ("org_none", "\x00", "ä", "x" * 400):
        assert client.get("/accounts/login/", {"organization": odd}).status_code == 200


def test_from_the_address_straight_to_its_sign_in(client, fake, own):
    answer = client.post("/accounts/organisation/", {"login": "Bob@acme.example", "next": "/account/apps/"})
    assert answer.status_code == 303 and answer["Location"].startswith(fake.url)
    assert "login_hint=Bob%40acme.example" in answer["Location"]
    other = client.post("/accounts/organisation/", {"login": "x@other.example", "purpose": "link"}, follow=True)
    assert "No organisation has its own sign-in" in other.content.decode()
    assert client.get("/accounts/organisation/").status_code == 302


def test_an_applications_request_names_the_organisation_on_the_way_to_sign_in(client, own, acme, application):
    from tests.oauth.flow import challenge

    app, _secret = application()
    app.identity_scopes = [*app.identity_scopes, "organization"]
    app.save()
    asked = {
        "client_id": app.client_id,
        "redirect_uri": "https://rp.example/cb",
        "response_type": "code",
        "scope": "openid",
        "organization": acme.pk,
        "code_challenge": challenge("v" * 43),
        "code_challenge_method": "S256",
    }
    page = client.get("/oauth/authorize", asked, follow=True)
    assert "Sign in with Acme" in page.content.decode()


def test_an_operator_links_it_by_hand_where_the_address_is_of_its_domain(client, own, person, sign_in):
    optional(own)
    sign_in(client, person("carol@acme.example"))
    assert "Acme login" in client.get("/account/security/linked/").content.decode()
    other = Client(HTTP_HOST="localhost")
    sign_in(other, person("carol@other.example"))
    assert "Acme login" not in other.get("/account/security/linked/").content.decode()
