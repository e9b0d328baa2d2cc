"""grant_type password (RFC 6749 section 4.3): there for those who must, at the one door for passwords."""

import pytest

from authcenter.audit.models import AuditEvent
from tests.oauth.flow import PASSWORD, as_app, assert_refused, claims, refresh, secret, userinfo


@pytest.fixture
def old(web, settings):
    settings.LEGACY_FLOWS = ["password"]
    web.row.grant_types = [*web.row.grant_types, "password"]
    web.row.skip_authorization = True
    web.row.save()
    return web


def ask(app, person, typed=PASSWORD, **changes):
    form = {"grant_type": "password", "username": person.email, "password": secret(typed), "scope": "openid email"}
    return as_app(app, "/oauth/token", form | changes)


def test_rfc6749_4_3_a_first_party_application(old, alice):
    response = ask(old, alice)
    assert response.status_code == 200, response.content
    got = response.json()
    assert userinfo(got["access_token"]).json()["email"] == alice.email
    assert claims(got["id_token"])["amr"] == ["pwd"] and claims(got["access_token"])["sid"]
    assert refresh(old, got["refresh_token"]).status_code == 200
    assert AuditEvent.objects.filter(kind="signed_in", actor=str(alice.pk)).count() == 1


def test_others_need_what_the_person_granted_elsewhere(old, alice, browser):
    old.row.skip_authorization = False
    old.row.save()
    assert_refused(ask(old, alice), 400, "invalid_grant")
    browser.ask(old, scope="openid email").sign_in(alice).allow()
    assert ask(old, alice).status_code == 200


def test_wrong_and_unknown_and_disabled_are_alike(old, alice, bob):
    bob.is_active = False
    bob.save()
    answers = [ask(old, alice, "wrong wrong"), ask(old, bob), ask(old, alice, username="nobody@example.test")]
    for response in answers:
        assert_refused(response, 400, "invalid_grant")
    assert len({response.content for response in answers}) == 1
    assert AuditEvent.objects.filter(kind="sign_in_refused").count() == 3


def test_ac_06_guesses_are_limited_with_those_of_the_page(old, alice):
    statuses = [ask(old, alice, f"wrong wrong {n}").status_code for n in range(11)]
    assert statuses == [400] * 10 + [429]
    assert ask(old, alice).status_code == 429


@pytest.mark.parametrize("missing", ["username", "password", "scope"])
def test_what_is_missing_is_named(old, alice, missing):
    error = "invalid_scope" if missing == "scope" else "invalid_request"
    assert_refused(ask(old, alice, **{missing: None}), 400, error)


def test_tk_41_off_for_the_installation(old, alice, settings):
    settings.LEGACY_FLOWS = []
    assert_refused(ask(old, alice), 400, "unsupported_grant_type")


def test_tk_41_off_for_the_application(web, alice, settings):
    settings.LEGACY_FLOWS = ["password"]
    assert_refused(ask(web, alice), 400, "unauthorized_client")


def test_nobody_with_a_second_factor_gets_in_by_a_password(old, alice):
    from tests.accounts.factors import set_up
    from tests.oauth.flow import Browser

    set_up(Browser().enter(alice).http)
    assert_refused(ask(old, alice), 400, "invalid_grant")


def test_nor_who_must_have_one_nor_where_the_application_asks_for_one(old, alice):
    from accounts.models import Group

    group = Group.objects.create(name="payroll", second_factor=True)
    group.members.add(alice)
    assert_refused(ask(old, alice), 400, "invalid_grant")
    group.members.clear()
    assert ask(old, alice).status_code == 200
    old.row.second_factor = True
    old.row.save()
    assert_refused(ask(old, alice), 400, "invalid_grant")
