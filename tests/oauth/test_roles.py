"""Roles and groups in tokens and at userinfo: what an operator chose for an application, and nothing else."""

import json

import pytest

from accounts.models import Group, Role
from authcenter.oauth.models import ToldName
from tests.oauth.flow import (
    Browser,
    answer,
    as_app,
    basic,
    claims,
    post,
    redeem,
    refresh,
    tokens,
    userinfo,
)

pytestmark = pytest.mark.django_db

SCOPE = "openid roles groups"


@pytest.fixture
def app(web, alice):
    """Alice is an editor herself, and auditor and staff by her group; the application may ask for both scopes."""
    web.row.identity_scopes = [*web.row.identity_scopes, "roles", "groups"]
    web.row.save()
    editor, auditor, staff = (Role.objects.create(name=name) for name in ("editor", "auditor", "staff"))
    alice.roles.add(editor)
    house = Group.objects.create(name="house")
    house.members.add(alice)
    house.roles.add(auditor, staff)
    Role.objects.create(name="owner")
    Group.objects.create(name="others")
    return web


def tell(app, *, roles=(), groups=()):
    for name, told_as in roles:
        ToldName.objects.create(application=app.row, role=Role.objects.get(name=name), told_as=told_as)
    for name, told_as in groups:
        ToldName.objects.create(application=app.row, group=Group.objects.get(name=name), told_as=told_as)


def test_by_default_an_application_sees_none(app, alice):
    got = tokens(app, alice, scope=SCOPE)
    said = claims(got["access_token"])
    assert (said["roles"], said["groups"]) == ([], [])
    told = userinfo(got["access_token"]).json()
    assert (told["roles"], told["groups"]) == ([], [])


def test_without_the_scope_nothing_is_said_though_all_may_be_told(app, alice):
    app.row.all_roles = app.row.all_groups = True
    app.row.save()
    got = tokens(app, alice, scope="openid profile")
    for told in (claims(got["access_token"]), claims(got["id_token"]), userinfo(got["access_token"]).json()):
        assert not {"roles", "groups"} & told.keys()


def test_a_mapping_tells_those_roles_and_groups_under_the_names_that_the_application_knows(app, alice):
    """RFC 9068 section 2.2.3.1. `owner` is mapped, but Alice has it not; `auditor` she has, but it is not mapped."""
    tell(app, roles=[("editor", "ROLE_EDIT"), ("staff", ""), ("owner", "")], groups=[("house", "The house")])
    got = tokens(app, alice, scope=SCOPE)
    for told in (claims(got["access_token"]), userinfo(got["access_token"]).json()):
        assert (told["roles"], told["groups"]) == (["ROLE_EDIT", "staff"], ["The house"])
    assert not {"roles", "groups"} & claims(got["id_token"]).keys()


def test_all_roles_are_those_given_directly_and_by_a_group_and_mapped_names_still_count(app, alice):
    app.row.all_roles = True
    app.row.save()
    tell(app, roles=[("editor", "ROLE_EDIT")])
    said = claims(tokens(app, alice, scope=SCOPE)["access_token"])
    assert (said["roles"], said["groups"]) == (["ROLE_EDIT", "auditor", "staff"], [])


def test_the_id_token_tells_them_where_they_are_asked_for_by_name(app, alice):
    tell(app, roles=[("editor", "")], groups=[("house", "")])
    browser = Browser().enter(alice)
    browser.ask(app, claims=json.dumps({"id_token": {"roles": None, "groups": None}})).allow()
    told = claims(redeem(app, answer(browser.left_to)["code"]).json()["id_token"])
    assert (told["roles"], told["groups"]) == (["editor"], ["house"])


def test_another_applications_mapping_tells_this_one_nothing(app, web2, alice):
    web2.row.identity_scopes = [*web2.row.identity_scopes, "roles"]
    web2.row.save()
    tell(app, roles=[("editor", "")])
    assert claims(tokens(web2, alice, scope="openid roles")["access_token"])["roles"] == []


def test_an_application_that_may_not_ask_is_refused_and_gets_no_single_claim_either(web, alice):
    browser = Browser().enter(alice)
    assert answer(browser.authorize(web, scope=SCOPE)["Location"])["error"] == "invalid_scope"
    browser.ask(web, claims=json.dumps({"userinfo": {"roles": None}})).allow()
    got = redeem(web, answer(browser.left_to)["code"]).json()
    assert "roles" not in userinfo(got["access_token"]).json()


def test_a_changed_role_counts_at_the_next_refresh_and_at_userinfo_at_once(app, alice):
    app.row.all_roles = True
    app.row.save()
    got = tokens(app, alice, scope=SCOPE)
    alice.roles.clear()
    Group.objects.get(name="house").members.clear()
    assert userinfo(got["access_token"]).json()["roles"] == []
    assert claims(refresh(app, got["refresh_token"]).json()["access_token"])["roles"] == []


def test_the_consent_page_shows_exactly_what_would_be_told(app, alice):
    tell(app, roles=[("editor", "ROLE_EDIT")])
    page = Browser().enter(alice).ask(app, scope=SCOPE).page.content.decode()
    assert "See your roles" in page and "ROLE_EDIT" in page and "auditor" not in page
    assert "See the groups that you belong to" in page and "none at present" in page


def test_introspection_tells_them_too(app, orders, alice):
    tell(app, roles=[("editor", "")])
    got = tokens(app, alice, scope=SCOPE + " orders:read")
    asked = post("/oauth/introspect", {"token": got["access_token"]}, **basic(orders.client_id, orders.plain_secret))
    assert asked.json()["roles"] == ["editor"]
    assert as_app(app, "/oauth/introspect", {"token": got["access_token"]}).json()["groups"] == []


@pytest.mark.django_db(transaction=True)
def test_they_cost_one_statement_more(app, alice, sql):
    tell(app, roles=[("editor", "")], groups=[("house", "")])
    got = tokens(app, alice, scope=SCOPE + " email")
    with sql() as statements:
        assert userinfo(got["access_token"]).json()["roles"] == ["editor"]
    statements.assert_at_most(3)
    with sql() as statements:
        got = refresh(app, got["refresh_token"]).json()
    assert claims(got["access_token"])["groups"] == ["house"]
    statements.assert_at_most(8)


def test_ended_access_tokens_are_refused_and_refreshed_ones_tell_the_change(app, alice):
    from authcenter.sessions.revocation import end_access_tokens

    app.row.all_roles = True
    app.row.save()
    got = tokens(app, alice, scope=SCOPE)
    alice.roles.clear()
    end_access_tokens(alice.pk, reason="test")
    assert userinfo(got["access_token"]).status_code == 401
    new = refresh(app, got["refresh_token"])
    assert new.status_code == 200 and claims(new.json()["access_token"])["roles"] == ["auditor", "staff"]
    assert userinfo(new.json()["access_token"]).status_code == 200


def test_what_was_ended_before_is_not_carried_over(app, alice):
    from authcenter.sessions.revocation import end_access_tokens, end_all_of_user

    got = tokens(app, alice, scope=SCOPE)
    end_all_of_user(alice.pk, reason="test")
    end_access_tokens(alice.pk, reason="test")
    assert refresh(app, got["refresh_token"]).json()["error"] == "invalid_grant"
