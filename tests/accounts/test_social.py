"""Signing in and up with other providers, linking them to an account, and doing so again, against a fake one."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone
from joserfc.jwk import ECKey

from accounts.models import IdentityProvider, LinkedIdentity, User
from authcenter.audit.models import AuditEvent
from authcenter.sessions.models import Session
from tests.accounts import people
from tests.fake_provider import ALICE, CLIENT_ID, SECRET, FakeProvider, fake_provider

CODE = re.compile(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$", re.MULTILINE)


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
    shared.person, shared.lie, shared.hides, shared.sends_iss = dict(ALICE), None, (), True
    shared.asked.clear()
    return shared


@pytest.fixture
def provider(fake: FakeProvider, db: None) -> Callable[..., IdentityProvider]:
    def make(kind: str = "openid", **fields: Any) -> IdentityProvider:
        fields = {"name": kind.capitalize(), "issuer": fake.url, "client_id": CLIENT_ID, **fields}
        row = IdentityProvider(kind=kind, **fields)
        row.set_secret(SECRET)
        row.save()
        return row

    return make


def begun(client: Client, row: IdentityProvider, **form: str) -> str:
    """Where the button leads."""
    answer = client.post(f"/accounts/social/{row.pk}/", form)
    assert answer.status_code == 303, answer.content.decode()[:2000]
    return str(answer["Location"])


def come_back(client: Client, fake: FakeProvider, row: IdentityProvider, /, form: Any = None, **claims: Any) -> Any:
    """To the provider and back; the page where that ends."""
    location = begun(client, row, **(form or {}))
    return client.get(row.redirect_uri, fake.authorized(location, **claims), follow=True)


def who(client: Client) -> str:
    """Whose account it is that this browser shows; nothing where nobody is signed in."""
    answer = client.get("/account/")
    return answer.context["user"].email if answer.status_code == 200 else ""


def typed_code(to: str) -> str:
    code = CODE.findall(str([m for m in mail.outbox if to in m.to][-1].body))[0]
    people.SECRETS.add(code)
    return code


# --- Signing up ---


def test_a_trusted_address_becomes_an_account_at_once(client: Client, fake: FakeProvider, provider: Any) -> None:
    row = provider(trusts_email=True)
    page = come_back(client, fake, row, locale="pt_BR", picture="https://elsewhere.test/a.png", given_name="Al\x1bice")
    assert page.redirect_chain[-1][0] == "/account/", page.content.decode()[:2000]
    made = User.objects.get()
    assert (made.email, made.name, made.locale, made.given_name) == (
        "alice@example.com",
        ALICE["name"],
        "pt-BR",
        "Alice",
    )
    assert not made.has_usable_password() and not made.picture, "nothing is loaded from elsewhere"
    assert EmailAddress.objects.get().verified
    assert who(client) == made.email
    assert Session.objects.get().amr == ["fed"]


def test_an_address_that_nobody_vouches_for_is_proved_by_a_code(
    client: Client, fake: FakeProvider, provider: Any
) -> None:
    page = come_back(client, fake, provider())
    assert "One more step" in page.content.decode()
    assert not User.objects.exists(), "there is no account before the address is proved"
    assert client.post("/accounts/social/finish/", {"email": ALICE["email"]})["Location"] == "/accounts/social/code/"
    assert client.post("/accounts/social/code/", {"code": "AAAA-AAAA"}).status_code == 200
    assert not User.objects.exists()
    client.post("/accounts/social/code/", {"code": typed_code(ALICE["email"])}, follow=True)
    assert who(client) == ALICE["email"]


def test_a_provider_that_tells_no_address_is_asked_for_one(client: Client, fake: FakeProvider, provider: Any) -> None:
    row = provider()
    come_back(client, fake, row, email=None)
    client.post("/accounts/social/finish/", {"email": "Chosen@Example.com"})
    client.post("/accounts/social/code/", {"code": typed_code("chosen@example.com")}, follow=True)
    assert who(client) == "chosen@example.com"
    assert LinkedIdentity.objects.get().subject == ALICE["sub"]


def test_the_proof_of_an_address_counts_for_the_identity_that_waits_in_this_browser(
    client: Client, browser: Any, fake: FakeProvider, provider: Any
) -> None:
    """CVE-2026-9087: proving an address must not be of use to another identity."""
    row, other = provider(), browser()
    come_back(client, fake, row)
    client.post("/accounts/social/finish/", {"email": ALICE["email"]})
    code = typed_code(ALICE["email"])
    come_back(other, fake, row, sub="mallory-there", email=ALICE["email"])
    other.post("/accounts/social/code/", {"code": code}, follow=True)
    assert not who(other)
    assert not LinkedIdentity.objects.exists()


def test_codes_to_an_address_are_few(client: Client, fake: FakeProvider, provider: Any) -> None:
    come_back(client, fake, provider())
    for _number in range(7):
        client.post("/accounts/social/finish/", {"email": ALICE["email"]})
    assert len(mail.outbox) == 5


@pytest.mark.parametrize("sign_up", ["closed", "invitation"])
def test_where_sign_up_is_closed_nobody_new_comes_in(
    client: Client, fake: FakeProvider, provider: Any, settings: Any, sign_up: str
) -> None:
    settings.SIGN_UP = sign_up
    page = come_back(client, fake, provider(trusts_email=True))
    assert page.status_code == 403
    assert not User.objects.exists()


def test_who_is_invited_may_come_by_a_provider(
    client: Client, fake: FakeProvider, provider: Any, settings: Any
) -> None:
    from accounts.models import Invitation

    settings.SIGN_UP = "invitation"
    row = provider(trusts_email=True)
    Invitation.objects.create(email="alice@example.com", token_hash="x")
    Invitation.objects.create(email="mallory@example.com", token_hash="y", accepted=timezone.now())
    come_back(client, fake, row, email="mallory@example.com")
    assert not User.objects.exists()
    come_back(client, fake, row, email="alice@example.com")
    assert User.objects.get().email == "alice@example.com"
    assert Invitation.objects.get(email="alice@example.com").accepted


def test_only_addresses_in_a_domain_that_is_admitted_come_in(client: Client, fake: FakeProvider, provider: Any) -> None:
    row = provider(trusts_email=True, email_domains="example.org")
    assert come_back(client, fake, row).status_code == 403
    assert come_back(client, fake, row, email="alice@example.org", email_verified=False).status_code == 403
    assert come_back(client, fake, row, email="alice@example.org").redirect_chain[-1][0] == "/account/"


# --- Signing in ---


def test_what_was_asked_for_goes_on_after_the_provider(client: Client, fake: FakeProvider, provider: Any) -> None:
    row = provider(trusts_email=True)
    page = come_back(client, fake, row, {"next": "/account/sessions/"})
    assert page.redirect_chain[-1][0] == "/account/sessions/"


def test_what_an_application_asked_for_goes_on_after_the_provider(
    client: Client, fake: FakeProvider, provider: Any, application: Any
) -> None:
    row, (app, _secret) = provider(trusts_email=True), application()
    asked = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": "https://rp.example/cb",
        "scope": "openid",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    at_sign_in = client.get("/oauth/authorize", asked)["Location"]
    onward = parse_qs(urlsplit(at_sign_in).query)["next"][0]
    assert "to continue to" in client.get(at_sign_in).content.decode()
    page = come_back(client, fake, row, {"next": onward})
    assert "Example wants to access" in page.content.decode()


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example/", "http://[", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(client: Client, fake: FakeProvider, provider: Any, onward: str) -> None:
    page = come_back(client, fake, provider(trusts_email=True), {"next": onward})
    assert page.redirect_chain[-1][0] == "/account/"


def test_each_request_has_a_state_a_nonce_and_a_challenge_of_its_own(client: Client, provider: Any) -> None:
    row = provider()
    one, two = (dict(parse_qsl(urlsplit(begun(client, row)).query)) for _number in range(2))
    for name in ("state", "nonce", "code_challenge"):
        assert len(one[name]) >= 32
        assert one[name] != two[name]
    assert one["redirect_uri"] == row.redirect_uri
    assert one["scope"] == "openid email profile"


def test_the_button_is_a_form_of_ours_and_no_link(client: Client, provider: Any) -> None:
    row = provider()
    assert client.get(f"/accounts/social/{row.pk}/").status_code == 405
    strict = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    assert strict.post(f"/accounts/social/{row.pk}/").status_code == 403
    for page in ("/accounts/login/?next=/account/apps/", "/accounts/signup/?next=/account/apps/"):
        text = client.get(page).content.decode()
        assert f'action="/accounts/social/{row.pk}/"' in text
        assert "Continue with Openid" in text
        assert text.count('name="next" value="/account/apps/"') >= 2


def test_a_provider_that_is_not_shown_has_no_button(client: Client, provider: Any) -> None:
    row = provider(is_shown=False)
    assert str(row.pk) not in client.get("/accounts/login/").content.decode()


def test_a_second_factor_is_still_asked_for(client: Client, fake: FakeProvider, provider: Any, person: Any) -> None:
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    row, alice = provider(trusts_email=True), person()
    TOTP.activate(alice, generate_totp_secret())
    assert Authenticator.objects.exists()
    LinkedIdentity.objects.create(provider=row, subject=ALICE["sub"], user=alice)
    come_back(client, fake, row)
    assert not who(client)


def test_who_says_no_there_is_back_at_the_sign_in(client: Client, fake: FakeProvider, provider: Any) -> None:
    row = provider()
    state = parse_qs(urlsplit(begun(client, row, next="/account/apps/")).query)["state"][0]
    query = {"error": "access_denied", "state": state, "iss": fake.url}
    page = client.get(row.redirect_uri, query, follow=True)
    assert page.redirect_chain[-1][0] == "/accounts/login/?next=%2Faccount%2Fapps%2F"
    assert "You did not continue with Openid." in page.content.decode()


def test_a_provider_that_does_not_answer_is_a_page(client: Client, provider: Any) -> None:
    row = provider(issuer="http://127.0.0.1:1")
    answer = client.post(f"/accounts/social/{row.pk}/")
    assert answer.status_code == 403
    assert "did not work" in answer.content.decode()
    assert "connection was refused" in AuditEvent.objects.get(kind="identity_refused").detail["reason"]


def test_the_discovery_document_is_asked_for_once(client: Client, fake: FakeProvider, provider: Any) -> None:
    row = provider()
    for _number in range(3):
        come_back(client, fake, row)
    assert fake.asked.count("/.well-known/openid-configuration") == 1
    assert fake.asked.count("/keys") == 1


# --- The kinds ---


def test_github_knows_people_by_their_number(client: Client, fake: FakeProvider, provider: Any) -> None:
    row = provider("github", trusts_email=True)
    come_back(client, fake, row, id=583231, login="octocat", name=None)
    assert LinkedIdentity.objects.get().subject == "583231"
    made = User.objects.get()
    assert (made.email, made.name) == (ALICE["email"], "octocat")
    client.post("/accounts/logout/")
    come_back(client, fake, row, id=1, login="octocat", email="mallory@example.com")
    assert LinkedIdentity.objects.count() == 2, "whoever took the user name is somebody else"


def test_facebook_vouches_for_no_address(client: Client, fake: FakeProvider, provider: Any) -> None:
    page = come_back(client, fake, provider("facebook", trusts_email=True), id="10158")
    assert "One more step" in page.content.decode()


def test_microsoft_knows_people_by_tenant_and_subject(client: Client, fake: FakeProvider, provider: Any) -> None:
    fake.discovery = {"issuer": f"{fake.url}/{{tenantid}}/v2.0"}
    row, tenant = provider("microsoft", trusts_email=True), "9188040d-6c67-4c5b-b112-36a304b66dad"
    fake.sends_iss = False
    fake.lie = lambda claims: {**claims, "iss": f"{fake.url}/{tenant}/v2.0", "tid": tenant}
    page = come_back(client, fake, row)
    fake.discovery = {}
    assert "One more step" in page.content.decode(), (
        "an address in a token of a tenant is what its operator wrote there"
    )
    client.post("/accounts/social/finish/", {"email": ALICE["email"]})
    client.post("/accounts/social/code/", {"code": typed_code(ALICE["email"])}, follow=True)
    assert LinkedIdentity.objects.get().subject == f"{tenant} {ALICE['sub']}"


def test_apple_posts_its_answer_and_takes_a_signed_secret(client: Client, fake: FakeProvider, provider: Any) -> None:
    row = provider("apple", trusts_email=True, team_id="TEAM", key_id="KEY")
    row.set_secret(ECKey.generate_key("P-256").as_pem(private=True).decode())
    row.save()
    location = begun(client, row)
    assert parse_qs(urlsplit(location).query)["response_mode"] == ["form_post"]
    name = '{"name": {"firstName": "Alice", "lastName": "Liddell"}}'
    answer = fake.authorized(location, name=None, email_verified="true")
    elsewhere = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)  # a post from another site brings no cookie
    posted = elsewhere.post(row.redirect_uri, {**answer, "user": name})
    assert posted.status_code == 303
    client.get(posted["Location"], follow=True)
    assert who(client) == ALICE["email"]
    assert User.objects.get().family_name == "Liddell"


def test_an_address_that_only_userinfo_tells_is_taken_from_there(
    client: Client, fake: FakeProvider, provider: Any
) -> None:
    fake.hides = ("email", "email_verified", "name")
    come_back(client, fake, provider(trusts_email=True))
    assert who(client) == ALICE["email"]


def test_a_token_by_another_good_key_is_good(client: Client, fake: FakeProvider, provider: Any) -> None:
    fake.lie = fake.signed_by_ec
    come_back(client, fake, provider(trusts_email=True))
    assert who(client) == ALICE["email"]


# --- Linking ---


def test_who_has_an_account_links_it_after_signing_in_to_it(
    client: Client, fake: FakeProvider, provider: Any, person: Any, sign_in: Any
) -> None:
    row, alice = provider(trusts_email=True), person()
    page = come_back(client, fake, row)
    assert "You already have an account" in page.content.decode()
    assert not who(client)
    assert not LinkedIdentity.objects.exists()
    assert mail.outbox[-1].to == [alice.email]
    where = re.search(r'href="(/accounts/login/\?next=[^"]+)"', page.content.decode())[1].replace("&amp;", "&")
    assert 'value="alice@example.com"' in client.get(where).content.decode()
    sign_in(client, alice)
    assert "Link Openid to your account?" in client.get("/accounts/social/link/").content.decode()
    assert not LinkedIdentity.objects.exists(), "a page links nothing, a press does"
    client.post("/accounts/social/link/")
    assert LinkedIdentity.objects.get().user == alice
    client.post("/accounts/logout/")
    come_back(client, fake, row)
    assert who(client) == alice.email


def test_what_waits_to_be_linked_is_nobody_elses(
    client: Client, fake: FakeProvider, provider: Any, person: Any, sign_in: Any
) -> None:
    row, _alice, bob = provider(trusts_email=True), person(), person("bob@example.com")
    come_back(client, fake, row)
    sign_in(client, bob)
    assert "nothing is linked" in client.get("/accounts/social/link/").content.decode()
    client.post("/accounts/social/link/")
    assert not LinkedIdentity.objects.exists()


def test_a_link_is_made_and_undone_at_home(
    client: Client, fake: FakeProvider, provider: Any, person: Any, sign_in: Any
) -> None:
    row, alice = provider(), person()
    sign_in(client, alice)
    page = come_back(client, fake, row, {"purpose": "link"}, email="other@elsewhere.test")
    assert page.redirect_chain[-1][0] == "/account/security/linked/"
    assert "other@elsewhere.test" in page.content.decode()
    assert AuditEvent.objects.filter(kind="identity_linked", subject=alice.pk).exists()
    assert "other@elsewhere.test" in client.get("/account/security/").content.decode()
    there = f"/account/security/linked/{LinkedIdentity.objects.get().pk}/unlink/"
    assert client.get(there).status_code == 200
    client.post(there)
    assert not LinkedIdentity.objects.exists()
    assert AuditEvent.objects.filter(kind="identity_unlinked", subject=alice.pk).exists()
    assert who(client) == alice.email


def test_the_last_way_in_stays(client: Client, fake: FakeProvider, provider: Any) -> None:
    come_back(client, fake, provider(trusts_email=True))
    there = f"/account/security/linked/{LinkedIdentity.objects.get().pk}/unlink/"
    assert "your only way to sign in" in client.get(there).content.decode()
    client.post(there)
    assert LinkedIdentity.objects.exists()


def test_nobody_unlinks_what_is_somebody_elses(client: Client, provider: Any, person: Any, sign_in: Any) -> None:
    link = LinkedIdentity.objects.create(provider=provider(), subject="x", user=person())
    sign_in(client, person("bob@example.com"))
    assert client.post(f"/account/security/linked/{link.pk}/unlink/").status_code == 404


def test_linking_and_unlinking_want_a_recent_sign_in(client: Client, provider: Any, person: Any, sign_in: Any) -> None:
    row, alice = provider(), person()
    link = LinkedIdentity.objects.create(provider=row, subject="x", user=alice)
    sign_in(client, alice)
    Session.objects.update(auth_time="2020-01-01T00:00Z")
    asked = client.post(f"/accounts/social/{row.pk}/", {"purpose": "link"})
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    assert client.post(f"/account/security/linked/{link.pk}/unlink/")["Location"].startswith(
        "/accounts/reauthenticate/"
    )
    assert LinkedIdentity.objects.exists()


def test_an_identity_of_another_account_is_not_taken_over(
    client: Client, fake: FakeProvider, provider: Any, person: Any, sign_in: Any
) -> None:
    row, alice, bob = provider(), person(), person("bob@example.com")
    LinkedIdentity.objects.create(provider=row, subject=ALICE["sub"], user=alice)
    sign_in(client, bob)
    page = come_back(client, fake, row, {"purpose": "link"})
    assert "belongs to another account" in page.content.decode()
    assert LinkedIdentity.objects.get().user == alice


def test_a_link_goes_to_the_sign_in_that_began_it(
    client: Client, fake: FakeProvider, provider: Any, person: Any, sign_in: Any
) -> None:
    row, alice, bob = provider(), person(), person("bob@example.com")
    sign_in(client, alice)
    answer = fake.authorized(begun(client, row, purpose="link"))
    client.post("/accounts/logout/")
    sign_in(client, bob)
    assert client.get(row.redirect_uri, answer).status_code == 403
    assert not LinkedIdentity.objects.exists()


# --- Signing in again ---


@pytest.fixture
def old_sign_in(client: Client, fake: FakeProvider, provider: Any) -> IdentityProvider:
    """Somebody without a password, whose sign-in is old."""
    row: IdentityProvider = provider(trusts_email=True, name="Elsewhere")
    come_back(client, fake, row, sub="old", email="old@example.com")
    Session.objects.update(auth_time="2020-01-01T00:00Z")
    return row


def test_who_has_no_password_signs_in_again_at_the_provider(
    client: Client, fake: FakeProvider, old_sign_in: IdentityProvider
) -> None:
    there = f"/account/security/linked/{LinkedIdentity.objects.get().pk}/unlink/"
    asked = client.get(there)
    assert asked["Location"] == f"/accounts/again/?next={there.replace('/', '%2F')}"
    assert "Continue with Elsewhere" in client.get(asked["Location"]).content.decode()
    location = begun(client, old_sign_in, purpose="again", next=there)
    assert "prompt=login" in location and "max_age=0" in location
    page = client.get(old_sign_in.redirect_uri, fake.authorized(location, sub="old", auth_time=int(time.time())))
    assert page["Location"] == there
    assert client.get(there).status_code == 200


@pytest.mark.parametrize("auth_time", [None, 1_600_000_000, "now"])
def test_a_provider_that_did_not_ask_again_is_not_believed(
    client: Client, fake: FakeProvider, old_sign_in: IdentityProvider, auth_time: Any
) -> None:
    location = begun(client, old_sign_in, purpose="again", next="/account/")
    answer = fake.authorized(location, sub="old", auth_time=auth_time)
    page = client.get(old_sign_in.redirect_uri, answer, follow=True)
    assert "did not ask who you are" in page.content.decode()
    assert Session.objects.get().auth_time.year == 2020


def test_somebody_else_who_comes_back_has_proved_nothing(
    client: Client, fake: FakeProvider, old_sign_in: IdentityProvider
) -> None:
    location = begun(client, old_sign_in, purpose="again")
    answer = fake.authorized(location, sub="mallory", auth_time=int(time.time()))
    assert client.get(old_sign_in.redirect_uri, answer).status_code == 403
    assert Session.objects.get().auth_time.year == 2020


@pytest.mark.usefixtures("old_sign_in")
def test_who_has_no_password_may_have_a_code_mailed(client: Client) -> None:
    there = f"/account/security/linked/{LinkedIdentity.objects.get().pk}/unlink/"
    page = client.get(there, follow=True).redirect_chain[-1][0]
    client.post(page, {"action": "send"})
    assert client.post(page, {"code": "AAAA-AAAA", "next": there}).status_code == 200
    assert Session.objects.get().auth_time.year == 2020
    done = client.post(page, {"code": typed_code("old@example.com"), "next": there})
    assert done["Location"] == there
    assert client.get(there).status_code == 200
