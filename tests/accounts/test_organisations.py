"""Organisations of one's own account, over HTTP: joining, leaving, inviting; and what strangers try."""

import re
import uuid

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Organisation, OrganisationInvitation
from authcenter.audit.models import AuditEvent
from authcenter.sessions.models import Revocation

pytestmark = pytest.mark.django_db
PAGES = "/account/organisations/"


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def browser(sign_in):
    """A browser in which a person is signed in."""

    def of(user):
        client = Client(HTTP_HOST="localhost")
        sign_in(client, user)
        return client

    return of


@pytest.fixture
def acme(db):
    return Organisation.objects.create(name="Acme", custom_roles=["auditor"])


@pytest.fixture
def belongs(acme):
    def make(user, role="member", organisation=acme):
        return Membership.objects.create(organisation=organisation, user=user, role=role)

    return make


@pytest.fixture
def olga(person, belongs):
    user = person("olga@acme.example", name="Olga")
    belongs(user, "owner")
    return user


def invite(client, organisation, *emails, role="member"):
    return client.post(f"{PAGES}{organisation.pk}/", {"emails": "\n".join(emails), "role": role})


def link(message):
    return re.search(r"http://localhost:8000(/account/organisations/invitations/\S+)", message.body)[1]


def kinds(*wanted):
    return list(AuditEvent.objects.filter(kind__in=wanted).order_by("at").values_list("kind", flat=True))


# --- Joining ---


def test_an_invitation_is_mailed_accepted_by_its_address_and_good_once(
    olga, acme, person, browser, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        invite(browser(olga), acme, "Bob@acme.example", role="auditor")
    [message] = mail.outbox
    assert message.to == ["bob@acme.example"] and message.subject == "You are invited to Acme"
    assert message.alternatives[0].mimetype == "text/html" and "Olga" in message.body
    token = link(message).rstrip("/").rpartition("/")[2]
    row = OrganisationInvitation.objects.get()
    assert token not in str(row.__dict__)
    bob = person("bob@acme.example")
    client = browser(bob)
    page = client.get(link(message)).content.decode()
    assert "You are invited to Acme" in page and 'name="accept"' in page
    assert client.post(f"{PAGES}invitations/{row.pk}/answer/", {"accept": "1"}).status_code == 302
    assert Membership.objects.get(user=bob).role == "auditor"
    assert client.get(link(message)).status_code == 404
    assert client.post(f"{PAGES}invitations/{row.pk}/answer/", {"accept": "1"}).status_code == 404
    assert kinds("invited", "invitation_accepted", "organisation_joined") == [
        "invited",
        "organisation_joined",
        "invitation_accepted",
    ]


def test_who_has_the_link_but_not_the_address_gets_nothing(
    olga, acme, person, browser, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        invite(browser(olga), acme, "bob@acme.example")
    mallory = browser(person("mallory@evil.example"))
    page = mallory.get(link(mail.outbox[0])).content.decode()
    assert 'name="accept"' not in page and "bob@acme.example" in page
    row = OrganisationInvitation.objects.get()
    assert mallory.post(f"{PAGES}invitations/{row.pk}/answer/", {"accept": "1"}).status_code == 404
    assert mallory.post(f"{PAGES}invitations/{row.pk}/answer/", {"decline": "1"}).status_code == 404
    assert Membership.objects.count() == 1 and OrganisationInvitation.objects.get().accepted is None


def test_an_address_that_is_not_verified_does_not_count(olga, acme, person, browser):
    from allauth.account.models import EmailAddress

    invite(browser(olga), acme, "bob@acme.example")
    mallory = person("mallory@evil.example")
    EmailAddress.objects.create(user=mallory, email="bob@acme.example", verified=False)
    client, row = browser(mallory), OrganisationInvitation.objects.get()
    assert "Acme" not in client.get(PAGES).content.decode()
    assert client.post(f"{PAGES}invitations/{row.pk}/answer/", {"accept": "1"}).status_code == 404


def test_an_old_or_cancelled_invitation_is_over(olga, acme, person, browser):
    owner, bob = browser(olga), browser(person("bob@acme.example"))
    invite(owner, acme, "bob@acme.example")
    row = OrganisationInvitation.objects.get()
    OrganisationInvitation.objects.update(expires=timezone.now())
    assert bob.post(f"{PAGES}invitations/{row.pk}/answer/", {"accept": "1"}).status_code == 404
    owner.post(f"{PAGES}{acme.pk}/invitations/{row.pk}/", {"cancel": "1"})
    assert not OrganisationInvitation.objects.exists() and not Membership.objects.filter(role="member").exists()


def test_sent_again_the_old_link_is_over(olga, acme, browser, django_capture_on_commit_callbacks):
    owner = browser(olga)
    with django_capture_on_commit_callbacks(execute=True):
        invite(owner, acme, "bob@acme.example")
        row = OrganisationInvitation.objects.get()
        owner.post(f"{PAGES}{acme.pk}/invitations/{row.pk}/", {"resend": "1"})
    stranger = Client(HTTP_HOST="localhost")
    assert [stranger.get(link(one)).status_code for one in mail.outbox] == [404, 200]
    assert OrganisationInvitation.objects.count() == 1


def test_a_stranger_with_the_link_is_led_to_sign_in_or_up_and_back(
    olga, acme, browser, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        invite(browser(olga), acme, "bob@acme.example")
    answer = Client(HTTP_HOST="localhost").get(link(mail.outbox[0]))
    page = answer.content.decode()
    assert "/accounts/signup/?next=" in page and "/accounts/login/?next=" in page
    assert answer["Referrer-Policy"] == "no-referrer"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_joins(olga, acme, person, browser, parallel):
    invite(browser(olga), acme, "bob@acme.example")
    row, bob = OrganisationInvitation.objects.get(), person("bob@acme.example")
    clients = [browser(bob), browser(bob)]
    path = f"{PAGES}invitations/{row.pk}/answer/"
    statuses = parallel(2, lambda number: clients[number].post(path, {"accept": "1"}).status_code)
    assert sorted(statuses) == [302, 404]
    assert Membership.objects.filter(user=bob).count() == 1


# --- Inviting ---


def test_each_address_that_is_wrong_is_named_and_nothing_is_sent(olga, acme, browser):
    page = invite(browser(olga), acme, "good@acme.example", "bad@", "olga@acme.example").content.decode()
    assert "bad@ is no e-mail address." in page and "olga@acme.example belongs to it already." in page
    assert not OrganisationInvitation.objects.exists()


def test_invitations_are_limited(olga, acme, browser):
    client = browser(olga)
    for _attempt in range(6):
        page = client.post(f"{PAGES}{acme.pk}/", {"emails": "bob@acme.example", "role": "member"}, follow=True)
    assert "Too many invitations" in page.content.decode()
    assert kinds("invited") == ["invited"] * 5 and kinds("limit_reached") == ["limit_reached"]


def test_nobody_is_invited_as_more_than_the_inviter_may_give(acme, person, belongs, browser):
    admin = person("adam@acme.example")
    belongs(admin, "admin")
    client = browser(admin)
    for role in ("owner", "root", ""):
        assert invite(client, acme, "bob@acme.example", role=role).status_code == 200
    assert not OrganisationInvitation.objects.exists()
    assert invite(client, acme, "bob@acme.example", role="auditor").status_code == 302


# --- Members ---


def test_leaving_writes_one_revocation_and_is_audited(olga, acme, person, belongs, browser):
    bob = person("bob@acme.example")
    membership = belongs(bob)
    client = browser(bob)
    assert "at once" in client.get(f"{PAGES}{acme.pk}/leave/").content.decode()
    client.post(f"{PAGES}{acme.pk}/leave/")
    assert not Membership.objects.filter(user=bob).exists()
    row = Revocation.objects.get()
    assert (row.kind, row.subject) == ("membership", str(membership.pk))
    assert kinds("organisation_left") == ["organisation_left"]


def test_the_last_owner_neither_leaves_nor_steps_down_nor_is_removed(olga, acme, browser):
    client, own = browser(olga), Membership.objects.get()
    client.post(f"{PAGES}{acme.pk}/leave/")
    client.post(f"{PAGES}{acme.pk}/members/{own.pk}/", {"role": "member"})
    client.post(f"{PAGES}{acme.pk}/members/{own.pk}/remove/")
    assert Membership.objects.get().role == "owner"


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_do_not_leave_it_without_one(olga, acme, person, belongs, browser, parallel):
    other = person("otto@acme.example")
    belongs(other, "owner")
    clients = [browser(olga), browser(other)]
    parallel(2, lambda number: clients[number].post(f"{PAGES}{acme.pk}/leave/").status_code)
    assert Membership.objects.filter(role="owner").count() == 1


def test_members_are_searched_changed_and_removed(olga, acme, person, belongs, browser):
    bob, eve = person("bob@acme.example", name="Bob"), person("eve@acme.example")
    of_bob, of_eve = belongs(bob), belongs(eve)
    client = browser(olga)
    shown = client.get(f"{PAGES}{acme.pk}/", {"q": "bob"}).content.decode()
    assert "bob@acme.example" in shown and "eve@acme.example" not in shown
    client.post(f"{PAGES}{acme.pk}/members/{of_bob.pk}/", {"role": "auditor"})
    client.post(f"{PAGES}{acme.pk}/members/{of_eve.pk}/remove/")
    assert list(Membership.objects.exclude(role="owner").values_list("user__email", "role")) == [
        ("bob@acme.example", "auditor")
    ]


# --- AC-43: the ids of other people's things open nothing. AC-40: a form sets nothing that it does not show ---


@pytest.mark.parametrize("who", ["stranger", "member", "admin of another"])
def test_organisations_of_others_open_nothing(olga, acme, person, belongs, browser, who):
    mallory = person("mallory@evil.example")
    if who == "member":
        belongs(mallory)
    if who == "admin of another":
        belongs(mallory, "admin", Organisation.objects.create(name="Evil"))
    own = Membership.objects.get(user=olga)
    invite(browser(olga), acme, "bob@acme.example")
    row = OrganisationInvitation.objects.get()
    client, base = browser(mallory), f"{PAGES}{acme.pk}/"
    for path in ("", f"members/{own.pk}/"):
        assert client.get(base + path).status_code == 404
    for path, data in (
        ("", {"emails": "x@evil.example", "role": "owner"}),
        (f"members/{own.pk}/", {"role": "member"}),
        (f"members/{own.pk}/remove/", {}),
        (f"invitations/{row.pk}/", {"cancel": "1"}),
        (f"invitations/{row.pk}/", {"resend": "1"}),
    ):
        assert client.post(base + path, data).status_code == 404, path
    if who != "member":
        assert client.post(base + "leave/").status_code == 404
    assert Membership.objects.get(pk=own.pk).role == "owner"
    assert OrganisationInvitation.objects.get().token_hash == row.token_hash


def test_an_owners_own_organisation_is_no_way_to_members_of_another(olga, acme, person, belongs, browser):
    other = Organisation.objects.create(name="Other")
    bob = person("bob@other.example")
    of_bob = belongs(bob, "member", other)
    client = browser(olga)
    for path in (f"members/{of_bob.pk}/", f"members/{of_bob.pk}/remove/", f"invitations/{uuid.uuid4()}/"):
        assert client.post(f"{PAGES}{acme.pk}/{path}", {"role": "owner", "cancel": "1"}).status_code == 404
    assert Membership.objects.get(pk=of_bob.pk).role == "member"


def test_an_administrator_neither_makes_nor_touches_owners(olga, acme, person, belongs, browser):
    admin = person("adam@acme.example")
    own, of_olga = belongs(admin, "admin"), Membership.objects.get(user=olga)
    client = browser(admin)
    assert client.post(f"{PAGES}{acme.pk}/members/{own.pk}/", {"role": "owner"}).status_code == 200
    assert client.post(f"{PAGES}{acme.pk}/members/{of_olga.pk}/remove/").status_code == 404
    assert dict(Membership.objects.values_list("user__email", "role")) == {
        "olga@acme.example": "owner",
        "adam@acme.example": "admin",
    }


def test_a_form_sets_nothing_that_it_does_not_show(olga, acme, person, belongs, browser):
    bob = person("bob@acme.example")
    of_bob, other = belongs(bob), Organisation.objects.create(name="Other")
    crafted = {"role": "auditor", "user": str(olga.pk), "organisation": other.pk, "id": str(uuid.uuid4())}
    browser(olga).post(f"{PAGES}{acme.pk}/members/{of_bob.pk}/", crafted)
    assert Membership.objects.values_list("user", "organisation", "role").get(pk=of_bob.pk) == (
        bob.pk,
        acme.pk,
        "auditor",
    )


def test_rubbish_in_addresses_and_forms_is_no_server_error(olga, acme, browser):
    client = browser(olga)
    for path in (f"{acme.pk}/?page=x&q=%00&invited=-1", "org_none/", "invitations/%00/", f"{acme.pk}/members/x/"):
        assert client.get(PAGES + path).status_code in {200, 404}
    assert invite(client, acme, "\x00", "a" * 300 + "@x.example").status_code == 200


def test_where_only_who_is_invited_signs_up_an_organisations_invitation_is_one(
    olga, acme, browser, settings, django_capture_on_commit_callbacks
):
    from tests.accounts.people import sign_up
    from tests.conftest import PASSWORD

    settings.SIGN_UP = "invitation"
    with django_capture_on_commit_callbacks(execute=True):
        invite(browser(olga), acme, "bob@acme.example")
    stranger = Client(HTTP_HOST="localhost")
    assert stranger.get("/accounts/signup/").status_code == 403
    page = link(mail.outbox[0])
    stranger.get(page)
    assert stranger.get("/accounts/signup/").status_code == 200
    sign_up(stranger, "bob@acme.example", PASSWORD, next=page)
    row = OrganisationInvitation.objects.get()
    assert stranger.post(f"{PAGES}invitations/{row.pk}/answer/", {"accept": "1"}).status_code == 302
    assert Membership.objects.filter(user__email="bob@acme.example").exists()
