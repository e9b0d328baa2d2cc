"""Organisations in the console: who may what, and what a removal ends."""

import pytest
from django.contrib.admin.utils import quote
from django.core import mail

from accounts.models import Membership, Organisation, OrganisationDomain
from authcenter.sessions.models import Revocation
from tests.console_pages import allow, confirm, saved, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(person, client, sign_in):
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    return user


@pytest.fixture
def acme(db):
    return Organisation.objects.create(name="Acme")


def address(thing, act="change"):
    return f"/admin/accounts/{thing._meta.model_name}/{quote(thing.pk)}/{act}/"


def domain(name, verified=True, **more):
    row = {"domains-TOTAL_FORMS": "1", "domains-0-name": name, **({"domains-0-verified": "on"} if verified else {})}
    return {**row, **more}


def test_an_operator_makes_one_and_invites_its_first_owner(client, root, django_capture_on_commit_callbacks):
    saved(client, "/admin/accounts/organisation/add/", name="Acme", custom_roles='["auditor"]')
    acme = Organisation.objects.get()
    assert acme.pk.startswith("org_") and len(acme.pk) == 20
    with django_capture_on_commit_callbacks(execute=True):
        saved(client, address(acme, "invite"), email="Olga@acme.example", role="owner")
    assert mail.outbox[0].to == ["olga@acme.example"]
    assert acme.invitations.get().role == "owner"


@pytest.mark.parametrize("roles", ['"x"', '["Capital"]', '[""]', "[1]", '{"a": 1}', "nonsense"])
def test_further_roles_are_a_list_of_names(client, root, acme, roles):
    assert submit(client, address(acme), custom_roles=roles).status_code == 200


def test_only_a_superuser_says_that_a_domain_is_theirs(client, person, sign_in, acme):
    names = ("accounts.view_organisation", "accounts.change_organisation")
    sign_in(client, allow(person("oscar@example.com", is_staff=True), *names))
    saved(client, address(acme), **domain("Acme.Example."))
    assert OrganisationDomain.objects.values_list("name", "verified").get() == ("acme.example", False)


def test_a_domain_is_verified_for_one_organisation_alone(client, root, acme):
    saved(client, address(acme), **domain("acme.example"))
    other = Organisation.objects.create(name="Other")
    assert submit(client, address(other), **domain("acme.example")).status_code == 200
    assert submit(client, address(other), **domain("no domain")).status_code == 200
    saved(client, address(other), **domain("acme.example", verified=False))


def test_a_removed_member_and_a_deleted_organisation_are_revoked(client, root, acme, person):
    rows = [Membership.objects.create(organisation=acme, user=person(f"p{n}@acme.example")) for n in range(3)]
    confirm(client, address(rows[0], "delete"), post="yes")
    assert set(Revocation.objects.values_list("kind", "subject")) == {("membership", str(rows[0].pk))}
    confirm(client, address(acme, "delete"), post="yes")
    assert {str(row.pk) for row in rows} == set(Revocation.objects.values_list("subject", flat=True))
    assert not Organisation.objects.exists()


def test_a_role_is_one_of_the_organisations(client, root, acme, person):
    row = Membership.objects.create(organisation=acme, user=person("bob@acme.example"))
    assert submit(client, address(row), role="root").status_code == 200
    saved(client, address(row), role="admin")
    row.refresh_from_db()
    assert row.role == "admin"
    listed = client.get("/admin/accounts/membership/", {"organisation__id__exact": acme.pk})
    assert "bob@acme.example" in listed.content.decode()


def test_a_logo_is_drawn_anew_and_shown_to_members_alone(client, root, acme, person, sign_in):
    import io

    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client
    from PIL import Image

    drawn = io.BytesIO()
    Image.new("RGB", (40, 40), "teal").save(drawn, "JPEG")
    sent = SimpleUploadedFile("logo.jpg", drawn.getvalue() + b"<script>", content_type="image/jpeg")
    assert submit(client, address(acme), logo_upload=SimpleUploadedFile("x.svg", b"<svg/>")).status_code == 200
    saved(client, address(acme), logo_upload=sent)
    member, stranger = Client(HTTP_HOST="localhost"), Client(HTTP_HOST="localhost")
    bob = person("bob@acme.example")
    Membership.objects.create(organisation=acme, user=bob)
    sign_in(member, bob)
    sign_in(stranger, person("eve@evil.example"))
    path = f"/account/organisations/{acme.pk}/logo/"
    answer = member.get(path)
    assert answer["Content-Type"] == "image/png" and b"<script>" not in answer.content
    assert path in member.get("/account/organisations/").content.decode()
    assert stranger.get(path).status_code == 404
    saved(client, address(acme), no_logo="on")
    assert member.get(path).status_code == 404
