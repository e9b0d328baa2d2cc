"""grant_type token-exchange (RFC 8693): an API asks for a token to call another with, as an operator allows it."""

import pytest

from authcenter.audit.models import AuditEvent
from authcenter.oauth.grants.token_exchange import ACCESS_TOKEN
from authcenter.oauth.withdrawal import withdraw
from authcenter.sessions.revocation import end_all_of_application, end_all_of_user, end_session
from tests.oauth.conftest import made
from tests.oauth.flow import as_app, assert_refused, claims, secret, tokens

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.fixture
def middle(orders, stock):
    """The orders API as an application that calls the stock API."""
    app = made("machine", "Orders' server", ["stock:read"], grant_types=[GRANT], represents=orders)
    return app


@pytest.fixture
def got(web, middle, alice, browser):
    return tokens(web, alice, browser, scope="openid orders:read offline_access", resource="https://orders.test/")


def exchange(app, token, **changes):
    form = {"grant_type": GRANT, "subject_token": token, "subject_token_type": ACCESS_TOKEN, "scope": "stock:read"}
    return as_app(app, "/oauth/token", {**form, **changes})


def exchanged(app, token, **changes):
    response = exchange(app, token, **changes)
    assert response.status_code == 200, response.content
    return response.json()


def active(app, api_token, stock):
    from tests.oauth.flow import basic, post

    return post("/oauth/introspect", {"token": api_token}, **basic(stock.client_id, stock.plain_secret)).json()


def test_rfc8693_2_2_1_delegation_says_who_acts_for_whom(middle, got, alice):
    said = exchanged(middle, got["access_token"], resource="https://stock.test/")
    assert said["issued_token_type"] == ACCESS_TOKEN and said["token_type"] == "Bearer"
    assert said["scope"] == "stock:read" and "refresh_token" not in said and "id_token" not in said
    old, new = claims(got["access_token"]), claims(said["access_token"])
    assert new["sub"] == str(alice.pk) and new["aud"] == "https://stock.test/" and new["client_id"] == middle.id
    assert new["act"] == {"sub": middle.id}
    assert new["exp"] <= old["exp"] and said["expires_in"] <= got["expires_in"]
    assert {name: new[name] for name in ("gid", "fid", "uep", "auth_time", "amr", "acr")} == {
        name: old[name] for name in ("gid", "fid", "uep", "auth_time", "amr", "acr")
    }
    event = AuditEvent.objects.get(kind="token_exchanged")
    assert event.subject == str(alice.pk) and event.detail["of"] == old["client_id"]
    assert event.detail["impersonation"] is False


def test_rfc8693_4_1_impersonation_says_nothing(middle, got):
    middle.row.exchange = "impersonation"
    middle.row.save()
    assert "act" not in claims(exchanged(middle, got["access_token"])["access_token"])
    assert AuditEvent.objects.get(kind="token_exchanged").detail["impersonation"] is True


def test_rfc8693_4_1_actors_one_behind_another(middle, stock, got):
    behind = made("machine", "Stock's server", ["stock:read"], grant_types=[GRANT], represents=stock)
    first = exchanged(middle, got["access_token"])["access_token"]
    second = claims(exchanged(behind, first)["access_token"])
    assert second["act"] == {"sub": behind.id, "act": {"sub": middle.id}}


def test_audience_is_a_resource_by_another_name(middle, got):
    new = claims(exchanged(middle, got["access_token"], audience="https://stock.test/")["access_token"])
    assert new["aud"] == "https://stock.test/"


ACTS = {
    "authorization_withdrawn": lambda old, browser: withdraw(old["gid"], reason="test"),
    "person_revoked": lambda old, browser: end_all_of_user(old["sub"], reason="test"),
    "first_application_revoked": lambda old, browser: end_all_of_application(old["client_id"], reason="test"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_it_dies_with_what_it_was_made_from(middle, stock, got, browser, act):
    new = exchanged(middle, got["access_token"])["access_token"]
    assert active(middle, new, stock)["active"]
    act(claims(got["access_token"]), browser)
    assert not active(middle, new, stock)["active"]
    assert_refused(exchange(middle, got["access_token"]), 400, "invalid_request")


def test_a_token_of_the_session_ends_with_that(web, middle, stock, alice, browser):
    token = tokens(web, alice, browser, scope="openid orders:read")["access_token"]
    new = exchanged(middle, token)["access_token"]
    assert claims(new)["sid"] == browser.sid
    end_session(browser.sid, reason="test")
    assert not active(middle, new, stock)["active"]


WRONG = {
    "no_subject_token": ({"subject_token": None}, "invalid_request"),
    "garbage": ({"subject_token": "x.y.z"}, "invalid_request"),
    "no_type": ({"subject_token_type": None}, "invalid_request"),
    "another_type": ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
    "wants_an_id_token": ({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
    "actor_token": ({"actor_token": "x"}, "invalid_request"),
    "scope_of_the_subject": ({"scope": "orders:read"}, "invalid_scope"),
    "identity": ({"scope": "openid"}, "invalid_scope"),
    "unknown_resource": ({"resource": "https://nowhere.test/"}, "invalid_target"),
    "unknown_audience": ({"audience": "https://nowhere.test/"}, "invalid_target"),
    "resource_without_scope": ({"resource": "https://orders.test/"}, "invalid_target"),
}


@pytest.mark.parametrize(("changes", "error"), WRONG.values(), ids=WRONG.keys())
def test_rfc8693_2_2_2_errors(middle, got, changes, error):
    assert_refused(exchange(middle, got["access_token"], **changes), 400, error)


def test_tk_44_a_token_for_another_api_is_not_for_it(middle, web, alice, browser):
    token = tokens(web, alice, browser, scope="openid")["access_token"]
    assert_refused(exchange(middle, token), 400, "invalid_request")
    assert AuditEvent.objects.get(kind="grant_refused").client_id == middle.id


@pytest.mark.parametrize("which", ["id_token", "refresh_token"])
def test_tk_44_other_tokens_are_no_access_tokens(middle, got, which):
    assert_refused(exchange(middle, got[which]), 400, "invalid_request")


def test_tk_44_a_disabled_person(middle, got, alice):
    alice.is_active = False
    alice.save()
    assert_refused(exchange(middle, got["access_token"]), 400, "invalid_request")


def test_a_machine_is_nobody_to_act_for(middle, machine):
    from tests.oauth.flow import machine_token

    token = secret(machine_token(machine, resource="https://orders.test/").json()["access_token"])
    assert_refused(exchange(middle, token), 400, "invalid_request")


def test_tk_41_who_is_not_registered_for_it(web, got):
    assert_refused(exchange(web, got["access_token"]), 400, "unauthorized_client")


def test_without_an_api_of_its_own_it_exchanges_its_own_tokens_alone(web, middle, got):
    middle.row.represents = None
    middle.row.save()
    assert_refused(exchange(middle, got["access_token"]), 400, "invalid_request")
    web.row.grant_types = [*web.row.grant_types, GRANT]
    web.row.save()
    said = exchanged(web, got["access_token"], scope="orders:read")
    assert said["scope"] == "orders:read"
