"""POST /oauth/revoke (RFC 7009): either token ends the family; a foreign or unknown one is answered alike."""

import pytest

from authcenter.audit.models import AuditEvent
from authcenter.oauth import access_token, living
from authcenter.oauth.models import Application, Family
from authcenter.sessions.models import Revocation
from tests.oauth.flow import (
    as_app,
    assert_bearer_401,
    assert_refused,
    machine_token,
    post,
    redeem,
    refresh,
    stored,
    tokens,
    userinfo,
)


def _revoke(app, token, **more):
    return as_app(app, "/oauth/revoke", {"token": token, **more})


def _assert_ok(response):
    """Section 2.2, and what browser clients accept: no body, no content type."""
    assert response.status_code == 200 and response.content == b""
    assert "Content-Type" not in response and "no-store" in response["Cache-Control"] and not response.cookies


@pytest.fixture
def got(web, alice, browser):
    return tokens(web, alice, browser, scope="openid orders:read")


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "nonsense", "x" * 5000])
def test_ir_13_rfc7009_2_1_either_token_ends_the_family_whatever_the_hint(web, got, kind, hint):
    _assert_ok(_revoke(web, got[kind], token_type_hint=hint))
    assert_bearer_401(userinfo(got["access_token"]))
    assert_refused(refresh(web, got["refresh_token"]), 400, "invalid_grant")
    assert not living.is_alive(access_token.read(got["access_token"]))
    assert Family.objects.get().ended and Revocation.objects.get().kind == "family"
    event = AuditEvent.objects.get(kind="token_revoked")
    assert event.actor == f"client:{web.id}" and event.client_id == web.id


def test_ir_13_an_older_refresh_token_of_the_family_ends_it_too(web, got):
    new = refresh(web, got["refresh_token"]).json()
    _assert_ok(_revoke(web, got["refresh_token"]))
    assert_bearer_401(userinfo(new["access_token"]))


def test_ir_13_other_families_live_on(web, alice, browser, got):
    other = tokens(web, alice, browser)
    _assert_ok(_revoke(web, got["refresh_token"]))
    assert userinfo(other["access_token"]).status_code == 200
    assert refresh(web, other["refresh_token"]).status_code == 200


def test_ir_13_the_consent_stays(web, alice, browser, got):
    _assert_ok(_revoke(web, got["refresh_token"]))
    browser.ask(web)
    assert "code=" in browser.left_to


def test_twice_is_harmless(web, got):
    for _n in range(2):
        _assert_ok(_revoke(web, got["refresh_token"]))
    assert Revocation.objects.count() == 1


def test_an_access_token_without_a_family_row(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(grant_types=["authorization_code"])
    alone = redeem(web, browser.code(web, alice)).json()
    _assert_ok(_revoke(web, alone["access_token"]))
    assert_bearer_401(userinfo(alone["access_token"]))


def test_a_machine_s_token_is_revoked_alone(machine):
    one, two = (access_token.read(machine_token(machine).json()["access_token"]) for _n in range(2))
    token = machine_token(machine).json()["access_token"]
    _assert_ok(_revoke(machine, token))
    assert not living.is_alive(access_token.read(token)) and living.is_alive(one) and living.is_alive(two)


@pytest.mark.parametrize("kind", ["refresh_token", "access_token", "id_token"])
@pytest.mark.parametrize("thief", ["web2", "spa", "machine"])
def test_ir_12_a_foreign_token_is_answered_alike_and_lives(web, web2, spa, machine, got, kind, thief):
    before = stored()
    _assert_ok(_revoke({"web2": web2, "spa": spa, "machine": machine}[thief], got[kind]))
    assert stored() == before
    assert userinfo(got["access_token"]).status_code == 200
    assert refresh(web, got["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    "token", ["x", "rt_x", "rt_" + "A" * 70, "eyJ.a.b", "é", "\t", "x" * 8000, "a.b.c.d.e", "..", "null"]
)
def test_rfc7009_2_2_an_unknown_token_is_a_200(web, got, token):
    before = stored()
    _assert_ok(_revoke(web, token))
    assert stored() == before


def test_an_id_token_is_no_token_to_revoke(web, got):
    before = stored()
    _assert_ok(_revoke(web, got["id_token"]))
    assert stored() == before


def test_a_public_application_revokes_its_own(spa, alice, browser):
    mine = tokens(spa, alice, browser)
    _assert_ok(_revoke(spa, mine["refresh_token"]))
    assert_refused(refresh(spa, mine["refresh_token"]), 400, "invalid_grant")


def test_ir_11_the_token_of_a_confidential_application_needs_its_secret(web, got):
    before = stored()
    assert_refused(post("/oauth/revoke", {"token": got["refresh_token"], "client_id": web.id}), 401, "invalid_client")
    assert stored() == before


@pytest.mark.parametrize("token", [None, ""])
def test_ir_15_rfc7009_2_1_the_token_is_required(web, token):
    assert_refused(_revoke(web, token), 400, "invalid_request")
