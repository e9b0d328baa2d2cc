"""Lists, searches and sign-in where there are millions: `MOST` is made small, and no table may be read to its end."""

import uuid
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import models as auth
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import (
    Group,
    IdentityProvider,
    LinkedIdentity,
    Membership,
    Organisation,
    Role,
    Terms,
    TermsAcceptance,
    User,
)
from authcenter.audit.models import AuditEvent
from authcenter.console import long_lists
from authcenter.oauth.models import Authorization, Family
from tests import room
from tests.plans import plans, read_whole
from tests.test_console_records import new_family, new_session, unsaved_family

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"
NAMES = ("Ada Berg", "Bela Costa", "Carla Diaz", "Dora Bergman")


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_lists, "MOST", 3)


@pytest.fixture
def people(person: Any, client: Any, sign_in: Any) -> dict[str, Any]:
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True))
    return {name: person(f"{name.replace(' ', '.').lower()}@example.com", name=name) for name in NAMES}


def shown(client: Any, address: str) -> list[str]:
    page = client.get(address)
    assert page.status_code == 200
    return [str(row) for row in page.context["cl"].result_list]


def emails(*names: str) -> list[str]:
    return [f"{name.replace(' ', '.').lower()}@example.com" for name in names]


def test_a_count_stops_and_says_so(client: Any, people: Any) -> None:
    page = client.get(USERS)
    assert page.context["cl"].result_count == 3
    assert "3+" in page.content.decode()
    client.get(USERS + "?q=ada.berg@")
    assert "3+" not in client.get(USERS + "?q=ada.berg@").content.decode()


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("ada.b", ["Ada Berg"]),
        ("ADA.BERG@exa", ["Ada Berg"]),
        ("berg", ["Ada Berg", "Dora Bergman"]),
        ("Dora BERG", ["Dora Bergman"]),
        ("", NAMES),
        ("' | :* & !", []),
    ],
)
def test_people_are_found_by_how_words_begin(asked: str, names: list[str], client: Any, people: Any) -> None:
    found = [email for email in shown(client, f"{USERS}?q={quote(asked)}&all=") if email != "root@example.com"]
    assert found == emails(*names)


@pytest.mark.skipif(not room.POSTGRES, reason="the index of words is PostgreSQL's")
def test_the_middle_of_a_word_is_not_looked_for(client: Any, people: Any) -> None:
    assert shown(client, USERS + "?q=erg") == []


def test_an_id_is_found_by_its_beginning_and_whole(client: Any, people: Any) -> None:
    known_id = uuid.UUID("7e11a5e0-1111-4222-8333-444455556666")
    User.objects.create(id=known_id, email="id@example.com")
    for asked in ("7e11a5e0", "7e11a5e0-1111", str(known_id), known_id.hex):
        assert shown(client, f"{USERS}?q={asked}") == ["id@example.com"]
    assert shown(client, f"{USERS}?q=7e11a5e1") == []


def test_the_dashboard_counts_up_to_there_and_then_expects(client: Any, people: Any) -> None:
    cards = {str(card["title"]): card["count"] for card in client.get("/admin/").context["cards"]}
    assert cards["Active people"] == "3+" or cards["Active people"].startswith("≈")
    assert cards["Living sessions"] == "1"


def test_only_orders_with_an_index_are_taken(client: Any, people: Any) -> None:
    columns = [name for name in client.get(USERS).context["cl"].list_display if name != "action_checkbox"]
    by_name = columns.index("name") + 1
    assert client.get(f"{USERS}?o=-{by_name}").context["cl"].queryset.query.order_by[0] == "email"
    by_date = columns.index("date_joined") + 1
    assert client.get(f"{USERS}?o=-{by_date}").context["cl"].queryset.query.order_by[0] == "-date_joined"


def test_no_act_reaches_more_than_can_be_counted(client: Any, people: Any) -> None:
    chosen = {"action": "revoke_selected", "_selected_action": [str(people["Ada Berg"].pk)], "select_across": "1"}
    answer = client.post(USERS, {**chosen, "confirmed": "yes"}, follow=True)
    assert "too many for one act" in answer.content.decode()
    assert not User.objects.exclude(epoch=0).exists()
    client.post(USERS + "?q=ada.berg@", {**chosen, "confirmed": "yes"})
    assert [user.name for user in User.objects.exclude(epoch=0)] == ["Ada Berg"]


def test_a_filter_offers_what_has_rows(client: Any, people: Any, application: Any) -> None:
    for name in ("Used", "Also used"):
        Authorization.objects.create(user=people["Ada Berg"], application=application(name=name)[0])
    application(name="Not used")
    page = client.get("/admin/oauth/authorization/")
    (offered,) = [one for one in page.context["cl"].filter_specs if one.title == "application"]
    assert sorted(name for _pk, name in offered.lookup_choices) == ["Also used", "Used"]


@pytest.fixture
def much(people: Any, application: Any, crowds: Any) -> Any:
    """One person with something of everything, among more than are counted."""
    app = application(name="Shop")[0]
    for user in people.values():
        new_family(Authorization.objects.create(user=user, application=app))
        new_session(user, address="192.0.2.7")
        AuditEvent.objects.create(kind="signed_in", actor=str(user.pk), address="192.0.2.7", client_id=app.client_id)
    return people["Ada Berg"], app


@pytest.fixture
def others(people: Any, application: Any) -> None:
    """Five hundred rows of others, and statistics of them: else the planner takes an index of so few for any other."""
    app = application(name="Another")[0]
    users = User.objects.bulk_create(User(email=f"other{number}@example.com") for number in range(500))
    given = Authorization.objects.bulk_create(Authorization(user=user, application=app) for user in users)
    families = [unsaved_family(authorization) for authorization in given]
    Family.objects.bulk_create(families)
    AuditEvent.objects.bulk_create(AuditEvent(kind="signed_in", client_id=app.client_id) for _ in users)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE oauth_authorization, oauth_family, audit_auditevent")


SEARCHED = (
    *("oauth/authorization", "oauth/family", "signins/session", "audit/auditevent"),
    *("accounts/membership", "accounts/linkedidentity", "accounts/termsacceptance"),
)


@pytest.mark.parametrize("record", SEARCHED)
def test_what_is_somebodys_is_found_by_her_address(record: str, client: Any, much: Any) -> None:
    page = client.get(f"/admin/{record}/?q=ada.berg@example.com")
    found = page.context["cl"].result_list
    assert {getattr(row, "user_id", None) or uuid.UUID(row.actor) for row in found} == {much[0].pk}


@pytest.mark.parametrize(
    ("record", "asked"),
    [
        ("oauth/authorization", "Shop"),
        ("signins/session", "192.0.2.7"),
        ("audit/auditevent", "192.0.2.7"),
        ("accounts/membership", "acm"),
    ],
)
def test_what_else_a_long_list_is_searched_for(record: str, asked: str, client: Any, much: Any) -> None:
    assert len(client.get(f"/admin/{record}/?q={asked}").context["cl"].result_list) == len(NAMES)


@pytest.fixture
def crowds(people: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """One of each record that counts its people, with more than it counts."""
    monkeypatch.setattr(long_lists, "EACH", 3)
    everybody = [people[name] for name in NAMES]
    role = Role.objects.create(name="staff")
    role.users.set(everybody)
    group = Group.objects.create(name="house")
    group.members.set(everybody)
    group.roles.add(role)
    operators = auth.Group.objects.create(name="operators")
    operators.user_set.set(everybody)
    terms = Terms.objects.create(version="1", text="Be kind.")
    provider = IdentityProvider.objects.create(name="Elsewhere", issuer="https://idp.example", client_id="c")
    organisation = Organisation.objects.create(name="Acme")
    for user in everybody:
        TermsAcceptance.objects.create(user=user, terms=terms)
        LinkedIdentity.objects.create(user=user, provider=provider, subject=str(user.pk))
        Membership.objects.create(user=user, organisation=organisation)
    return {"role": role, "group": group, "organisation": organisation}


COUNTED = {
    "accounts/role": ("people_count", "by_groups_count"),
    "accounts/group": ("members_count",),
    "auth/group": ("members_count",),
    "accounts/terms": ("accepted_count",),
    "accounts/identityprovider": ("people_count",),
    "accounts/organisation": ("members_count",),
}


@pytest.mark.parametrize("record", COUNTED)
def test_a_list_counts_the_people_of_each_up_to_there(record: str, client: Any, crowds: Any) -> None:
    columns = COUNTED[record]
    page = client.get(f"/admin/{record}/")
    (row,) = [row for row in page.context["cl"].result_list if getattr(row, columns[0])]
    assert [getattr(row, column) for column in columns] == [3] * len(columns)
    assert page.content.decode().count("3+") == len(columns)


def test_who_is_in_two_groups_of_a_role_is_one_person(client: Any, people: Any) -> None:
    role = Role.objects.create(name="staff")
    for name in ("house", "hall"):
        group = Group.objects.create(name=name)
        group.members.add(people["Ada Berg"])
        group.roles.add(role)
    (row,) = client.get("/admin/accounts/role/").context["cl"].result_list
    assert (row.by_groups_count, row.by_groups_seen) == (1, 2)


def test_pages_of_records_say_that_a_count_was_stopped(client: Any, crowds: Any) -> None:
    role, group, organisation = (
        client.get(f"/admin/accounts/{name}/{crowds[name].pk}/change/").content.decode()
        for name in ("role", "group", "organisation")
    )
    assert "3+ people directly" in role and "3+ people by the group house" in role
    assert "3+ members" in group and "3+ members" in organisation


def test_members_of_a_large_group_are_listed_up_to_there(client: Any, crowds: Any) -> None:
    address = f"/admin/accounts/group/{crowds['group'].pk}/members/"
    assert len(client.get(address).context["page"]) == 3
    assert {user.name for user in client.get(f"{address}?q=berg").context["page"]} == {"Ada Berg", "Dora Bergman"}
    assert len(client.get(f"{address}?q=x@").context["page"]) == 0


def test_a_link_is_found_by_its_subject(client: Any, crowds: Any, people: Any) -> None:
    person = people["Ada Berg"]
    assert len(client.get(f"/admin/accounts/linkedidentity/?q={person.pk}").context["cl"].result_list) == 1
    LinkedIdentity.objects.filter(user=person).update(subject="theirs|4711")
    (link,) = client.get("/admin/accounts/linkedidentity/?q=theirs%7C4711").context["cl"].result_list
    assert link.user == person


PAGES = (
    USERS,
    USERS + "?q=ada.berg@example.com",
    USERS + "?q=berg",
    USERS + "?q=7e11a5e0",
    USERS + "?is_staff__exact=1",
    USERS + "?is_superuser__exact=1",
    USERS + "?is_active__exact=0",
    "/admin/oauth/application/",
    "/admin/oauth/authorization/?application__id__exact={app}",
    "/admin/oauth/authorization/?living=no",
    "/admin/oauth/family/?living=no",
    "/admin/signins/session/?alive=yes",
    *(f"/admin/{record}/{asked}" for record in SEARCHED for asked in ("", "?q=ada.berg@example.com", "?q=berg")),
    *(f"/admin/{record}/" for record in COUNTED),
    "/account/apps/",
    "/account/sessions/",
    "/account/security/",
    "/account/activity/",
)


@pytest.mark.skipif(not room.POSTGRES, reason="plans are PostgreSQL's")
@pytest.mark.parametrize("address", PAGES)
def test_no_page_reads_a_table_to_its_end(address: str, client: Any, much: Any) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address.format(app=much[1].pk)).status_code == 200
    assert len(asked) > 2
    assert read_whole(statement["sql"] for statement in asked) == []


@pytest.mark.skipif(not room.POSTGRES, reason="plans are PostgreSQL's")
@pytest.mark.parametrize(
    ("record", "index"),
    [("oauth/authorization", "authorization_by_application"), ("oauth/family", "family_by_application")],
)
def test_what_is_an_applications_is_counted_and_ordered_by_one_index(
    record: str, index: str, client: Any, others: Any, much: Any
) -> None:
    with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
        assert client.get(f"/admin/{record}/?application__id__exact={much[1].pk}").status_code == 200
        for other in ("bitmapscan", "hashjoin", "sort"):  # of so few rows it would read all
            cursor.execute(f"SET LOCAL enable_{other} = off")
        by_application = f'{record.replace("/", "_")}"."application_id" = {much[1].pk}'
        told = [plan for sql, plan in plans(one["sql"] for one in asked) if by_application in sql]
    assert any("Aggregate" in plan and f"Index Only Scan using {index}" in plan for plan in told), told
    assert any(f"Index Scan Backward using {index}" in plan for plan in told), told


@pytest.mark.skipif(not room.POSTGRES, reason="plans are PostgreSQL's")
@pytest.mark.parametrize(("asked", "index"), [("Ada B", "user_by_name"), ("berg", "user_by_family_name")])
def test_a_name_of_many_ends_the_search_in_the_order_of_an_index(
    asked: str, index: str, client: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.filter(name="Ada Berg").update(family_name="Berg")
    monkeypatch.setattr(long_lists, "_PEOPLE", 1)
    with CaptureQueriesContext(connection) as statements:
        assert shown(client, f"{USERS}?q={quote(asked)}") == emails("Ada Berg")
    assert any(index in plan for _sql, plan in plans(one["sql"] for one in statements))
    assert not any("to_tsvector" in one["sql"] for one in statements)


@pytest.mark.skipif(not room.POSTGRES, reason="statistics are PostgreSQL's")
def test_statistics_are_believed_where_they_expect_very_many(
    client: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_lists, "SURELY", -1)
    monkeypatch.setattr(long_lists, "EACH", 1)
    with CaptureQueriesContext(connection) as asked:
        cards = {str(card["title"]): card["count"] for card in client.get("/admin/").context["cards"]}
        assert client.get(USERS).status_code == 200
    assert cards["Active people"].startswith("≈")
    assert cards["Living sessions"] == "1+"
    assert not any("OFFSET 3" in one["sql"] for one in asked)


def test_whether_a_list_is_long_is_asked_once_a_page(client: Any, people: Any) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(USERS + "?q=ada.berg@").status_code == 200
    assert len([one for one in asked if "OFFSET 3" in one["sql"]]) == 1


def test_refusals_are_counted_up_to_there(client: Any, people: Any) -> None:
    for kind in ("grant_refused", *["sign_in_refused"] * 4):
        AuditEvent.objects.create(kind=kind)
    told = {row["kind"]: row["count"] for row in client.get("/admin/").context["refusals"]}
    assert told == {"sign_in_refused": "3+", "grant_refused": "1"}


@pytest.mark.skipif(not room.POSTGRES, reason="plans are PostgreSQL's")
def test_events_of_an_application_are_counted_and_ordered_by_one_index(client: Any, others: Any, much: Any) -> None:
    with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
        page = client.get(f"/admin/audit/auditevent/?q={much[1].client_id}")
        cursor.execute("SET LOCAL enable_bitmapscan = off")  # of so few rows it would read all
        cursor.execute("SET LOCAL enable_sort = off")
        told = [plan for sql, plan in plans(one["sql"] for one in asked) if f"= '{much[1].client_id}'" in sql]
    assert len(page.context["cl"].result_list) == len(NAMES)
    assert any("Aggregate" in plan and "Index Only Scan using audit_by_client" in plan for plan in told), told
    assert any("Index Scan using audit_by_client" in plan for plan in told), told


def test_a_person_is_no_application_to_the_log(client: Any, much: Any) -> None:
    """The planner expects many events of any application, and takes another plan for them."""
    with CaptureQueriesContext(connection) as asked:
        client.get("/admin/audit/auditevent/?q=ada.berg@example.com")
    searched = [one["sql"] for one in asked if f'"actor" = \'{much[0].pk}' in one["sql"]]
    assert len(searched) == 2
    assert not any('"client_id" = ' in sql for sql in searched)


@pytest.mark.skipif(not room.POSTGRES, reason="plans are PostgreSQL's")
@pytest.mark.parametrize("email", ["ada.berg@example.com", "Nobody@Example.com"])
def test_signing_in_reads_no_table_to_its_end(email: str, client: Any, much: Any) -> None:
    client.logout()
    with CaptureQueriesContext(connection) as asked:
        client.post("/accounts/login/", {"login": email, "password": "wrong"})
    assert any("accounts_user" in statement["sql"] for statement in asked)
    assert read_whole(statement["sql"] for statement in asked) == []
