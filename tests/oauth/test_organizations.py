"""The parameter and scope `organization`: whom a person acts for, in tokens; and what ends with a membership.

An extension of this server's own (docs/standards.md); errors are those of OpenID Connect Core section 3.1.2.6.
"""

import json

import pytest

from accounts import organisations
from accounts.models import Membership, Organisation
from authcenter.oauth.models import Authorization, Family
from authcenter.oauth.registration import TOKEN_EXCHANGE
from tests.oauth.flow import (
    Browser,
    answer,
    as_app,
    assert_redirect,
    assert_refused,
    claims,
    redeem,
    refresh,
    userinfo,
)

pytestmark = pytest.mark.django_db

SCOPE = "openid organization"


@pytest.fixture
def app(web):
    web.row.identity_scopes = [*web.row.identity_scopes, "organization"]
    web.row.save()
    return web


@pytest.fixture
def ours(app):
    """The same, first-party: nobody is asked for consent."""
    app.row.skip_authorization = True
    app.row.save()
    return app


@pytest.fixture
def acme(alice):
    return member(alice, Organisation.objects.create(name="Acme"), "admin").organisation


@pytest.fixture
def zeta(alice):
    return member(alice, Organisation.objects.create(name="Zeta"), "auditor").organisation


def member(person, organisation, role="member"):
    return Membership.objects.create(organisation=organisation, user=person, role=role)


def got(app, browser):
    response = redeem(app, answer(browser.left_to)["code"])
    assert response.status_code == 200, response.content
    return response.json()


def removed(person, organisation, rf):
    from django.contrib.auth.models import AnonymousUser

    request = rf.get("/")
    request.user = AnonymousUser()
    organisations.end(request, Membership.objects.get(user=person, organisation=organisation), reason="test")


def org(told):
    return told.get("org_id"), told.get("org_name"), told.get("org_role")


def test_a_named_organisation_is_in_every_token_and_at_userinfo(ours, alice, acme, zeta):
    browser = Browser().enter(alice).ask(ours, scope=SCOPE, organization=zeta.pk)
    tokens = got(ours, browser)
    for told in (claims(tokens["access_token"]), claims(tokens["id_token"]), userinfo(tokens["access_token"]).json()):
        assert org(told) == (zeta.pk, "Zeta", "auditor")
    assert claims(tokens["access_token"])["mid"] == str(Membership.objects.get(organisation=zeta).pk)
    again = refresh(ours, tokens["refresh_token"]).json()
    assert org(claims(again["access_token"])) == org(claims(again["id_token"])) == (zeta.pk, "Zeta", "auditor")


def test_to_name_one_is_to_ask_for_the_scope(ours, alice, acme):
    tokens = got(ours, Browser().enter(alice).ask(ours, scope="openid", organization=acme.pk))
    assert "organization" in tokens["scope"].split() and claims(tokens["id_token"])["org_id"] == acme.pk


def test_without_parameter_or_scope_nobody_acts_for_an_organisation(ours, alice, acme):
    tokens = got(ours, Browser().enter(alice).ask(ours, scope="openid profile"))
    for told in (claims(tokens["access_token"]), claims(tokens["id_token"]), userinfo(tokens["access_token"]).json()):
        assert not {"org_id", "org_name", "org_role", "mid"} & told.keys()


def test_of_several_she_chooses_one_first_party_or_not(ours, alice, acme, zeta):
    browser = Browser().enter(alice).ask(ours, scope=SCOPE)
    page = browser.page.content.decode()
    assert "For which organisation do you use Web?" in page and "Acme" in page and "Zeta" in page
    browser.submit("organisation", organisation=zeta.pk)
    assert org(claims(got(ours, browser)["id_token"]))[0] == zeta.pk


def test_one_alone_is_not_asked_about_and_the_consent_page_names_it(app, alice, acme):
    browser = Browser().enter(alice).ask(app, scope=SCOPE)
    page = browser.page.content.decode()
    assert "See which organisation you act for" in page and "Acme · Administrator" in page
    assert org(claims(got(app, browser.allow())["id_token"])) == (acme.pk, "Acme", "admin")


def test_consent_is_for_an_organisation_and_another_is_asked_about(app, alice, acme, zeta):
    browser = Browser().enter(alice)
    browser.ask(app, scope=SCOPE, organization=acme.pk).allow()
    assert browser.ask(app, scope=SCOPE, organization=acme.pk).left_to
    asked = browser.ask(app, scope=SCOPE, organization=zeta.pk)
    assert not asked.left_to and "Zeta · auditor" in asked.page.content.decode()
    asked.allow()
    assert sorted(Authorization.objects.get().organisations) == sorted([acme.pk, zeta.pk])


def test_an_organisation_of_others_is_denied_and_does_not_tell_whether_it_exists(ours, alice, bob, acme):
    foreign = member(bob, Organisation.objects.create(name="Foreign")).organisation
    browser = Browser().enter(alice)
    said = [
        assert_redirect(browser.authorize(ours, scope=SCOPE, organization=one), ours, "access_denied")
        for one in (foreign.pk, "org_none", "x" * 500, "ä", "'; --")
    ]
    assert len({one["error_description"] for one in said}) == 1


def test_who_belongs_to_none_is_denied(ours, alice):
    assert_redirect(Browser().enter(alice).authorize(ours, scope=SCOPE), ours, "access_denied")


def test_an_application_that_may_not_ask_is_refused(web, alice, acme):
    browser = Browser().enter(alice)
    for asked in ({"scope": SCOPE}, {"organization": acme.pk}):
        assert_redirect(browser.authorize(web, **asked), web, "invalid_scope")


def test_without_a_page_nobody_chooses(app, alice, acme, zeta):
    """OpenID Connect Core section 3.1.2.1, prompt=none."""
    browser = Browser().enter(alice)
    assert_redirect(browser.authorize(app, scope=SCOPE, prompt="none"), app, "interaction_required")
    named = browser.authorize(app, scope=SCOPE, prompt="none", organization=acme.pk)
    assert_redirect(named, app, "consent_required")
    browser.ask(app, scope=SCOPE, organization=acme.pk).allow()
    assert "code=" in browser.authorize(app, scope=SCOPE, prompt="none", organization=acme.pk)["Location"]


def test_a_choice_that_is_none_of_hers_is_not_taken(ours, alice, bob, acme, zeta):
    foreign = member(bob, Organisation.objects.create(name="Foreign")).organisation
    browser = Browser().enter(alice).ask(ours, scope=SCOPE)
    browser.submit("organisation", organisation=foreign.pk)
    assert not browser.left_to and browser.page.status_code == 200


def test_the_choice_of_one_person_is_not_that_of_the_next_in_the_same_browser(ours, alice, bob, acme, zeta):
    """Alice has chosen; "not you?"; Bob, who belongs to the same two, is asked himself."""
    member(bob, acme)
    member(bob, zeta)
    browser = Browser().enter(alice).ask(ours, scope=SCOPE, max_age="0")
    browser.ask(ours, scope=SCOPE)
    from authcenter.oauth import acting_for
    from authcenter.oauth.pending import Pending

    waiting = Pending(key="k", pairs=[], asked_at=0.0)
    acting_for.choose(alice, Membership.objects.get(user=alice, organisation=acme), waiting)
    assert acting_for.choice_of(alice, waiting) == acme.pk and acting_for.choice_of(bob, waiting) == ""


def test_a_removed_members_tokens_are_refused_and_refreshed_no_more(ours, alice, acme, zeta, rf):
    browser = Browser().enter(alice)
    of_acme = got(ours, browser.ask(ours, scope=SCOPE, organization=acme.pk))
    of_zeta = got(ours, browser.ask(ours, scope=SCOPE, organization=zeta.pk))
    plain = got(ours, browser.ask(ours, scope="openid"))
    removed(alice, acme, rf)
    assert userinfo(of_acme["access_token"]).status_code == 401
    assert_refused(refresh(ours, of_acme["refresh_token"]), 400, "invalid_grant")
    assert as_app(ours, "/oauth/introspect", {"token": of_acme["access_token"]}).json() == {"active": False}
    assert as_app(ours, "/oauth/introspect", {"token": of_acme["refresh_token"]}).json() == {"active": False}
    for other in (of_zeta, plain):
        assert userinfo(other["access_token"]).status_code == 200
        assert refresh(ours, other["refresh_token"]).status_code == 200
    assert Family.objects.exclude(ended=None).count() == 1


def test_a_code_of_a_removed_member_buys_nothing(ours, alice, acme, rf):
    browser = Browser().enter(alice).ask(ours, scope=SCOPE)
    removed(alice, acme, rf)
    assert_refused(redeem(ours, answer(browser.left_to)["code"]), 400, "invalid_grant")


def test_who_comes_back_has_another_membership_and_old_tokens_stay_dead(ours, alice, acme, rf):
    tokens = got(ours, Browser().enter(alice).ask(ours, scope=SCOPE))
    removed(alice, acme, rf)
    member(alice, acme, "owner")
    assert userinfo(tokens["access_token"]).status_code == 401
    assert_refused(refresh(ours, tokens["refresh_token"]), 400, "invalid_grant")


def test_a_changed_role_is_told_at_userinfo_and_at_the_next_refresh(ours, alice, acme):
    tokens = got(ours, Browser().enter(alice).ask(ours, scope=SCOPE))
    Membership.objects.update(role="member")
    assert userinfo(tokens["access_token"]).json()["org_role"] == "member"
    assert claims(refresh(ours, tokens["refresh_token"]).json()["access_token"])["org_role"] == "member"


def test_a_narrowed_refresh_says_less_and_dies_all_the_same(ours, alice, acme, rf):
    tokens = got(ours, Browser().enter(alice).ask(ours, scope=SCOPE))
    less = refresh(ours, tokens["refresh_token"], scope="openid").json()
    assert not {"org_id", "org_role"} & claims(less["access_token"]).keys()
    removed(alice, acme, rf)
    assert userinfo(less["access_token"]).status_code == 401


def test_an_exchanged_token_dies_with_the_membership_too(ours, orders, alice, acme, rf):
    ours.row.grant_types = [*ours.row.grant_types, TOKEN_EXCHANGE]
    ours.row.save()
    tokens = got(ours, Browser().enter(alice).ask(ours, scope=SCOPE + " orders:read"))
    exchange = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": tokens["access_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "orders:read",
    }
    new = as_app(ours, "/oauth/token", exchange).json()["access_token"]
    assert claims(new)["org_id"] == acme.pk
    assert as_app(ours, "/oauth/introspect", {"token": new}).json()["org_id"] == acme.pk
    removed(alice, acme, rf)
    assert as_app(ours, "/oauth/introspect", {"token": new}).json() == {"active": False}


def test_a_single_claim_is_no_way_around_the_choice(ours, alice, acme):
    asked = json.dumps({"id_token": {"org_id": None}, "userinfo": {"org_role": None}})
    tokens = got(ours, Browser().enter(alice).ask(ours, scope="openid", claims=asked))
    assert not {"org_id", "org_role"} & claims(tokens["id_token"]).keys()
    assert "org_role" not in userinfo(tokens["access_token"]).json()


def test_grants_without_a_page_do_not_know_the_scope(kiosk):
    kiosk.row.identity_scopes = [*kiosk.row.identity_scopes, "organization"]
    kiosk.row.save()
    assert_refused(as_app(kiosk, "/oauth/device", {"scope": SCOPE}), 400, "invalid_scope")


@pytest.mark.django_db(transaction=True)
def test_it_costs_one_statement_more(ours, alice, acme, sql):
    tokens = got(ours, Browser().enter(alice).ask(ours, scope=SCOPE))
    with sql() as statements:
        tokens = refresh(ours, tokens["refresh_token"]).json()
    assert claims(tokens["access_token"])["org_id"] == acme.pk
    statements.assert_at_most(8)
    with sql() as statements:
        assert userinfo(tokens["access_token"]).json()["org_id"] == acme.pk
    statements.assert_at_most(3)
