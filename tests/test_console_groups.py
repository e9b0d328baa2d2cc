"""Roles and groups of people in the console, and what an application is told of them."""

import pytest
from django.test import Client

from accounts.models import Group, Role
from tests.console_pages import allow, confirm, saved

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(person, client, sign_in):
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    return user


@pytest.fixture
def house(db):
    group = Group.objects.create(name="house", second_factor=True)
    group.roles.add(Role.objects.create(name="staff"))
    return group


def address(group, act="change"):
    return f"/admin/accounts/group/{group.pk}/{act}/"


def told(page):
    return [str(message) for message in page.context["messages"]]


def test_many_people_are_added_at_once_and_unknown_addresses_are_named(client, root, house, person):
    alice, bob = person("alice@example.com"), person("bob@example.com")
    add = "Alice@example.com, <bob@example.com>;\nnobody@example.com"
    page = client.post(address(house, "members"), {"add": add}, follow=True)
    assert set(house.members.all()) == {alice, bob}
    assert told(page) == ["2 people changed.", "Nobody has these addresses: nobody@example.com"]


def test_members_are_searched_paged_and_removed(client, root, house, person):
    from authcenter.console import groups

    alice, bob = person("alice@example.com", name="Alice Liddell"), person("bob@example.com")
    house.members.add(alice, bob)
    shown = client.get(address(house, "members"), {"q": "liddell"}).content.decode()
    assert "alice@example.com" in shown and "bob@example.com" not in shown
    assert groups.PER_PAGE == 50
    client.post(address(house, "members"), {"remove": "yes", "member": [str(alice.pk), "nonsense"]})
    assert list(house.members.all()) == [bob]


def test_an_operator_moves_no_operator_and_lifts_no_second_factor(client, person, sign_in, house):
    operator = allow(person("oscar@example.com", is_staff=True), "accounts.view_group", "accounts.change_group")
    sign_in(client, operator)
    alice = person("alice@example.com")
    client.post(address(house, "members"), {"add": "oscar@example.com alice@example.com"})
    assert list(house.members.all()) == [alice]
    saved(client, address(house), second_factor=None, description="Ours")
    house.refresh_from_db()
    assert (house.second_factor, house.description) == (True, "Ours")


def test_who_may_only_see_changes_nothing(client, person, sign_in, house):
    sign_in(client, allow(person("oscar@example.com", is_staff=True), "accounts.view_group"))
    alice = person("alice@example.com")
    assert client.get(address(house, "members")).status_code == 200
    assert client.post(address(house, "members"), {"add": alice.email}).status_code == 403
    assert not house.members.exists()


def test_ending_tokens_at_once_leaves_sign_ins_and_refresh_tokens_alone(client, root, house, person, sign_in):
    """What is out there dies; whoever holds a refresh token or a cookie goes on."""
    from authcenter.sessions.models import Revocation, Session

    alice, browser = person("alice@example.com"), Client(HTTP_HOST="localhost")
    sign_in(browser, alice)
    client.post(address(house, "members"), {"add": alice.email, "end_tokens": "yes"})
    alice.refresh_from_db()
    assert alice.epoch == 1
    assert Revocation.objects.get(kind="user").subject == str(alice.pk)
    assert Session.objects.get(user=alice).user_epoch == 1
    assert browser.get("/account/").status_code == 200


def test_a_role_tells_who_has_it_directly_and_by_which_group(client, root, house, person):
    alice, bob = person("alice@example.com"), person("bob@example.com")
    staff = Role.objects.get(name="staff")
    alice.roles.add(staff)
    house.members.add(alice, bob)
    page = client.get(f"/admin/accounts/role/{staff.pk}/change/").content.decode()
    assert "1 person directly" in page and "2 people by the group house" in page


def test_a_change_of_members_is_audited_without_addresses(client, root, house, person):
    from authcenter.audit.models import AuditEvent

    alice = person("alice@example.com")
    client.post(address(house, "members"), {"add": alice.email})
    event = AuditEvent.objects.get(kind="operator_change")
    assert event.detail["act"] == "members added" and event.detail["people"] == [str(alice.pk)]


def test_an_operator_of_the_application_chooses_what_it_is_told(client, person, sign_in, house, application):
    from authcenter.oauth.models import ToldName

    sign_in(client, allow(person("o@example.com", is_staff=True), "oauth.view_application", "oauth.change_application"))
    web, _secret = application()
    page = f"/admin/oauth/application/{web.pk}/change/"
    row = {
        "told_names-TOTAL_FORMS": "1",
        "told_names-0-role": str(Role.objects.get(name="staff").pk),
        "told_names-0-group": "",
        "told_names-0-told_as": "STAFF",
    }
    saved(client, page, all_groups="on", **row)
    web.refresh_from_db()
    assert (web.all_roles, web.all_groups) == (False, True)
    assert str(ToldName.objects.get(application=web)) == "STAFF"


def test_a_deleted_group_gives_nothing_any_more(client, root, house, person):
    alice = person("alice@example.com")
    house.members.add(alice)
    confirm(client, address(house, "delete"), post="yes")
    assert not Group.objects.exists() and not alice.member_of.exists()


def test_a_persons_page_leads_to_her_groups_and_organisations(client, root, house, person):
    from accounts.models import Membership, Organisation

    alice = person("alice@example.com")
    house.members.add(alice)
    Group.objects.create(name="others")
    Membership.objects.create(organisation=Organisation.objects.create(name="Acme"), user=alice)
    page = client.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert "1 group" in page and "1 organisation" in page
    listed = client.get("/admin/accounts/group/", {"members__id__exact": alice.pk}).content.decode()
    assert "house" in listed and "others" not in listed
    listed = client.get("/admin/accounts/membership/", {"user__id__exact": alice.pk}).content.decode()
    assert "Acme" in listed
