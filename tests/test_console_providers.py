"""Other providers in the console: tried before they are saved, their secrets shown to nobody, off at once."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import IdentityProvider, LinkedIdentity
from authcenter.audit.models import AuditEvent
from tests.console_pages import allow, saved, submit
from tests.fake_provider import ALICE, CLIENT_ID, SECRET, FakeProvider, fake_provider

pytestmark = pytest.mark.django_db

ADD = "/admin/accounts/identityprovider/add/"


@pytest.fixture
def root(person: Any, client: Client, sign_in: Any, settings: Any) -> Any:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.OUTBOUND_ALLOWED = ["127.0.0.1"]
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    return user


@pytest.fixture(scope="module")
def fake() -> Any:
    with fake_provider() as running:
        yield running


def filled(fake: FakeProvider, **more: str) -> dict[str, str]:
    return {"name": "Elsewhere", "issuer": fake.url, "client_id": CLIENT_ID, "new_secret": SECRET, **more}


@pytest.mark.usefixtures("root")
def test_a_provider_is_added_and_has_a_button_at_once(client: Client, fake: FakeProvider) -> None:
    page = saved(client, ADD, **filled(fake))
    row = IdentityProvider.objects.get()
    assert page["Location"] == f"/admin/accounts/identityprovider/{row.pk}/change/", "where the redirect URI stands"
    assert row.redirect_uri in client.get(page["Location"]).content.decode()
    assert "Continue with Elsewhere" in Client(HTTP_HOST="localhost").get("/accounts/login/").content.decode()
    assert row.plain_secret == SECRET and SECRET not in row.secret


@pytest.mark.usefixtures("root")
def test_a_secret_is_written_and_never_read(client: Client, fake: FakeProvider) -> None:
    saved(client, ADD, **filled(fake))
    row = IdentityProvider.objects.get()
    there = f"/admin/accounts/identityprovider/{row.pk}/change/"
    assert SECRET not in client.get(there).content.decode()
    saved(client, there, name="Other")
    row.refresh_from_db()
    assert (row.name, row.plain_secret) == ("Other", SECRET)
    saved(client, there, new_secret="another one")
    row.refresh_from_db()
    assert row.plain_secret == "another one"
    assert "another one" not in str(list(AuditEvent.objects.values_list("detail")))


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"issuer": "http://127.0.0.1:1"}, "The connection was refused."),
        ({"issuer": "https://10.0.0.1"}, "private network"),
        ({"issuer": "ftp://x"}, "must begin with https://"),
        ({"issuer": ""}, "This kind needs an address."),
        ({"kind": "apple", "new_secret": "no key"}, "Apple needs it."),
        ({"kind": "github", "new_secret": ""}, "This kind needs a secret."),
        ({"email_domains": "not a domain!"}, "A domain is such as example.com."),
    ],
)
def test_what_cannot_work_is_not_saved(client: Client, fake: FakeProvider, changes: Any, told: str) -> None:
    answer = submit(client, ADD, **{**filled(fake), **changes})
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert not IdentityProvider.objects.exists()


@pytest.mark.usefixtures("root")
def test_the_document_of_another_issuer_is_none(client: Client, fake: FakeProvider) -> None:
    fake.discovery = {"issuer": "https://evil.example"}
    try:
        answer = submit(client, ADD, **filled(fake))
    finally:
        fake.discovery = {}
    assert "The discovery document is of the issuer" in answer.content.decode()
    assert not IdentityProvider.objects.exists()


@pytest.mark.usefixtures("root")
def test_where_a_provider_is_does_not_change(client: Client, fake: FakeProvider) -> None:
    saved(client, ADD, **filled(fake))
    row = IdentityProvider.objects.get()
    saved(client, f"/admin/accounts/identityprovider/{row.pk}/change/", issuer="https://evil.example", kind="google")
    row.refresh_from_db()
    assert (row.issuer, row.kind) == (fake.url, "openid")


def test_only_a_superuser_has_a_say_in_whom_we_believe(client: Client, person: Any, sign_in: Any) -> None:
    oscar = allow(person("oscar@example.com", is_staff=True), "accounts.view_identityprovider")
    allow(oscar, "accounts.add_identityprovider", "accounts.change_identityprovider", "accounts.view_linkedidentity")
    sign_in(client, oscar)
    assert client.get(ADD).status_code == 403
    assert client.get("/admin/accounts/linkedidentity/").status_code == 200


def test_links_are_listed_and_an_operator_takes_one_away(client: Client, root: Any, person: Any) -> None:
    row = IdentityProvider.objects.create(name="Elsewhere", issuer="https://x.example", client_id="x")
    link = LinkedIdentity.objects.create(provider=row, subject=ALICE["sub"], user=person(), shown_as="alice@there")
    assert "alice@there" in client.get("/admin/accounts/linkedidentity/").content.decode()
    assert client.get(f"/admin/accounts/linkedidentity/{link.pk}/change/").status_code == 200
    client.post(f"/admin/accounts/linkedidentity/{link.pk}/delete/", {"post": "yes"})
    assert not LinkedIdentity.objects.exists()
    client.post(f"/admin/accounts/identityprovider/{row.pk}/delete/", {"post": "yes"})
    assert not IdentityProvider.objects.exists()
