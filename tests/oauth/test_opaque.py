"""Opaque access tokens: a row each, hashed, judged and taken back as a JWT is; signed introspection (RFC 9701)."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from authcenter.keys.ring import ring
from authcenter.oauth.models import AccessToken
from authcenter.oauth.registration import hashed
from authcenter.sessions.models import Revocation
from authcenter.sessions.revocation import end_all_of_application, end_all_of_user, end_session
from tests.oauth.flow import HOST, as_app, basic, claims, machine_token, post, redeem, refresh, secret, tokens, userinfo

pytestmark = pytest.mark.django_db
SIGNED = "application/token-introspection+jwt"


def make_opaque(app):
    app.row.access_token_format = "opaque"
    app.row.save()
    return app


@pytest.fixture
def shop(web):
    return make_opaque(web)


def me(token):
    return Client(HTTP_HOST=HOST).get("/api/me/", headers={"Authorization": f"Bearer {token}"})


def asked(app, token, **headers):
    return as_app(app, "/oauth/introspect", {"token": token}, **headers)


def test_one_row_with_a_hash_and_nothing_to_read_in_the_token(shop, alice, browser):
    got = tokens(shop, alice, browser, scope="openid profile offline_access")
    token = secret(got["access_token"])
    assert token.startswith("oat_") and len(token) >= 47 and "." not in token
    row = AccessToken.objects.get()
    assert row.token_hash == hashed(token) and token not in str(row.claims)
    assert row.claims["sub"] == str(alice.pk) and row.user_id == alice.pk
    assert got["expires_in"] == settings.ACCESS_TOKEN_SECONDS
    assert claims(got["id_token"])["sub"] == str(alice.pk)
    assert userinfo(token).json()["name"] == "Alice Liddell"
    assert me(token).json()["sub"] == str(alice.pk)
    said = asked(shop, token).json()
    assert said["active"] and said["scope"] == "openid profile offline_access" and said["client_id"] == shop.id


@pytest.mark.parametrize("change", ["x", "oat_", "oat_x", "OAT_", ""])
def test_nothing_else_is_one(shop, alice, browser, change):
    token = tokens(shop, alice, browser)["access_token"]
    wrong = {"x": token + "x", "OAT_": token.upper()}.get(change, change)
    if wrong:
        assert userinfo(wrong).status_code == me(wrong).status_code == 401
        assert asked(shop, wrong).json() == {"active": False}


def test_the_hash_is_no_token(shop, alice, browser):
    tokens(shop, alice, browser)
    for wrong in (AccessToken.objects.get().token_hash, f"oat_{AccessToken.objects.get().token_hash}"):
        assert userinfo(wrong).status_code == 401


@pytest.mark.parametrize("act", ["session", "user", "application", "family", "expiry"])
def test_whatever_ends_a_jwt_ends_it(shop, alice, browser, act):
    got = tokens(shop, alice, browser)
    token = got["access_token"]
    assert userinfo(token).status_code == me(token).status_code == 200
    if act == "session":
        end_session(browser.sid, reason="test")
    elif act == "user":
        end_all_of_user(alice.pk, reason="test")
    elif act == "application":
        end_all_of_application(shop.id, reason="test")
    elif act == "family":
        assert as_app(shop, "/oauth/revoke", {"token": got["refresh_token"]}).status_code == 200
    else:
        row = AccessToken.objects.get()
        row.claims["exp"] = row.claims["iat"]
        row.save()
    assert userinfo(token).status_code == me(token).status_code == 401
    answer = asked(shop, token)
    assert answer.json() == {"active": False}


def test_a_refresh_makes_another_and_the_old_row_is_swept(shop, alice, browser):
    got = tokens(shop, alice, browser)
    assert refresh(shop, got["refresh_token"]).json()["access_token"].startswith("oat_")
    assert AccessToken.objects.count() == 2
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    call_command("sweep", verbosity=0)
    assert not AccessToken.objects.exists()
    assert userinfo(got["access_token"]).status_code == 401


def test_rfc7009_2_1_a_machine_s_dies_alone(machine, orders):
    make_opaque(machine)
    one, two = (machine_token(machine).json()["access_token"] for _ in range(2))
    assert one.startswith("oat_") and asked(machine, one).json()["active"]
    assert as_app(machine, "/oauth/revoke", {"token": one}).status_code == 200
    assert asked(machine, one).json() == {"active": False} and asked(machine, two).json()["active"]
    assert Revocation.objects.get().kind == "token"


def test_rfc7009_2_1_not_by_another_application(shop, machine, alice, browser):
    token = tokens(shop, alice, browser)["access_token"]
    assert as_app(machine, "/oauth/revoke", {"token": token}).status_code == 200
    assert userinfo(token).status_code == 200


def test_rfc7662_2_1_only_its_audience_and_its_client_may_ask(shop, machine, alice, browser, orders):
    token = tokens(shop, alice, browser, scope="openid orders:read")["access_token"]
    assert asked(machine, token).json() == {"active": False}
    as_api = post("/oauth/introspect", {"token": token}, **basic(orders.client_id, orders.plain_secret))
    assert as_api.json()["active"] is True and as_api.json()["aud"]


def test_a_code_that_is_refused_writes_no_token(shop, alice, browser):
    code = browser.code(shop, alice)
    assert redeem(shop, code, code_verifier="w" * 43).status_code == 400
    assert not AccessToken.objects.exists()


def test_sql(shop, alice, browser, sql, transactional_db):
    token = tokens(shop, alice, browser)["access_token"]
    with sql() as statements:
        assert asked(shop, token).json()["active"]
    assert sum("oauth_accesstoken" in statement for statement in statements.sql) == 1
    statements.assert_at_most(5)


# --- RFC 9701 ---------------------------------------------------------------------------------------------------------


def signed(app, token, accept=SIGNED):
    answer = asked(app, token, Accept=accept)
    assert answer.status_code == 200 and answer["Content-Type"] == SIGNED and answer["Cache-Control"] == "no-store"
    return answer.content.decode()


def test_rfc9701_5_the_signed_answer(web, alice, browser):
    token = tokens(web, alice, browser)["access_token"]
    jwt = signed(web, token)
    assert claims(jwt, 0)["typ"] == "token-introspection+jwt" and claims(jwt, 0)["alg"] == "RS256"
    said = ring.verify(jwt, typ=["token-introspection+jwt"])
    assert set(said) == {"iss", "aud", "iat", "token_introspection"}, "no sub and no exp at the top: section 5"
    assert said["iss"] == settings.ISSUER and said["aud"] == web.id
    assert said["token_introspection"] == asked(web, token).json()


def test_rfc9701_5_an_inactive_token_tells_nothing_else(web, alice, browser):
    assert ring.verify(signed(web, "nonsense"), typ=["token-introspection+jwt"])["token_introspection"] == {
        "active": False
    }


def test_rfc9701_6_an_api_chooses_the_algorithm_and_is_the_audience(web, alice, browser, orders):
    token = tokens(web, alice, browser, scope="openid orders:read")["access_token"]
    orders.introspection_signed_response_alg = "ES256"
    orders.save()
    credentials = basic(orders.client_id, orders.plain_secret)
    jwt = post("/oauth/introspect", {"token": token}, **credentials, Accept=SIGNED).content.decode()
    assert claims(jwt, 0)["alg"] == "ES256" and claims(jwt)["aud"] == orders.identifier


def test_rfc9701_8_1_it_is_no_access_token(web, alice, browser):
    jwt = signed(web, tokens(web, alice, browser)["access_token"])
    assert userinfo(jwt).status_code == me(jwt).status_code == 401
    assert asked(web, jwt).json() == {"active": False}


def test_rfc9701_4_who_is_not_authenticated_gets_no_answer(web):
    answer = post("/oauth/introspect", {"token": "x"}, Accept=SIGNED)
    assert answer.status_code == 401 and answer["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("accept", "is_signed"),
    [
        (SIGNED, True),
        (f"{SIGNED}, application/json;q=0.5", True),
        (f"application/json, {SIGNED};q=0.9", False),
        (f"{SIGNED};q=0", False),
        ("*/*", False),
        ("application/*", False),
        ("text/html", False),
        ("", False),
        ("nonsense", False),
        ("a/b; x*1=a; x*=b", False),
        ("a/b; x*=nope''a", False),
        (f"{SIGNED}, a/b; x*1=a; x*=b", True),
    ],
)
def test_rfc9110_12_5_1_the_form_is_negotiated(web, accept, is_signed):
    answer = asked(web, "x", Accept=accept)
    assert (answer["Content-Type"] == SIGNED) is is_signed and "Accept" in answer["Vary"]


def test_rfc9701_7_the_metadata_names_the_algorithms():
    said = Client(HTTP_HOST=HOST).get("/.well-known/oauth-authorization-server").json()
    assert set(said["introspection_signing_alg_values_supported"]) == {"ES256", "RS256"}
