"""SQL statements for each request, BEGIN and COMMIT counted: tests, not hopes."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from authcenter import limits
from authcenter.audit.models import Refusals
from authcenter.keys.ring import ring
from authcenter.sessions.view import follower
from tests.oauth.flow import HOST, Browser, as_app, basic, machine_token, post, redeem, refresh, tokens, userinfo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def warm(client):
    """The keys are in memory and every lazy part of the library is built, as in a worker that has served a request."""
    ring.jwks()
    client.get("/.well-known/openid-configuration")


@pytest.mark.parametrize("kind", ["confidential", "public"])
def test_a_code_exchange_with_openid(web, spa, alice, sql, kind):
    app = web if kind == "confidential" else spa
    code = Browser().code(app, alice, scope="openid orders:read")
    with sql() as statements:
        assert redeem(app, code).status_code == 200
    statements.assert_at_most(5)


@pytest.mark.parametrize("kind", ["confidential", "public"])
def test_a_refresh_with_openid(web, spa, alice, sql, kind):
    app = web if kind == "confidential" else spa
    got = tokens(app, alice, scope="openid orders:read")
    with sql() as statements:
        assert refresh(app, got["refresh_token"]).status_code == 200
    statements.assert_at_most(4)


def test_client_credentials_of_an_application_at_hand(machine, sql, fresh_view):
    assert machine_token(machine).status_code == 200
    with sql() as statements:
        assert machine_token(machine).status_code == 200
    statements.assert_at_most(0)


def test_an_application_at_first_sight(machine, sql, fresh_view):
    with sql() as statements:
        assert machine_token(machine).status_code == 200
    statements.assert_at_most(2)


def test_a_limit_that_is_not_of_applications_costs_them_nothing(machine, sql, fresh_view):
    machine_token(machine)
    for _ in range(2):
        limits.taken(limits.once("a code"))
    follower.look()
    with sql() as statements:
        assert machine_token(machine).status_code == 200
    statements.assert_at_most(0)


def test_while_a_limit_is_full_somewhere(machine, sql, fresh_view):
    Refusals.objects.create(key="x", count=9, is_full=True, ends=timezone.now() + timedelta(hours=1))
    follower.look()
    machine_token(machine)
    with sql() as statements:
        assert machine_token(machine).status_code == 200
    statements.assert_at_most(1)


@pytest.mark.parametrize(
    "path", ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
)
def test_public_documents(client, sql, path):
    with sql() as statements:
        assert client.get(path).status_code == 200
    statements.assert_at_most(0)


def test_userinfo(web, alice, sql):
    got = tokens(web, alice, scope="openid email")
    with sql() as statements:
        assert userinfo(got["access_token"]).status_code == 200
    statements.assert_at_most(2)


def test_introspection_by_an_api(web, orders, alice, sql):
    got = tokens(web, alice, scope="openid orders:read")
    with sql() as statements:
        response = post(
            "/oauth/introspect", {"token": got["access_token"]}, **basic(orders.client_id, orders.plain_secret)
        )
        assert response.json()["active"] is True
    statements.assert_at_most(4)  # the feed too: a key that was revoked a moment ago counts


def test_introspection_by_an_application(web, alice, sql):
    got = tokens(web, alice)
    with sql() as statements:
        assert as_app(web, "/oauth/introspect", {"token": got["access_token"]}).json()["active"] is True
    statements.assert_at_most(4)


@pytest.mark.parametrize(("kind", "most"), [("refresh_token", 8), ("access_token", 7)])
def test_a_revocation(web, alice, sql, kind, most):
    got, before = (tokens(web, alice, scope="openid orders:read") for _ in range(2))
    assert as_app(web, "/oauth/revoke", {"token": before[kind]}).status_code == 200  # the first begins the feed
    follower.look()
    with sql() as statements:
        assert as_app(web, "/oauth/revoke", {"token": got[kind]}).status_code == 200
    statements.assert_at_most(most)
    assert refresh(web, got["refresh_token"]).status_code == 400


@pytest.mark.parametrize("token", ["x", "a.b.c", "rt_x", "Bearer"])
def test_garbage_is_refused_without_a_statement(sql, token):
    with sql() as statements:
        assert userinfo(token).status_code == 401
    statements.assert_at_most(0)


def test_a_malformed_token_request_costs_nothing(sql):
    with sql() as statements:
        assert post("/oauth/token", "grant_type=authorization_code&grant_type=x").status_code == 400
        assert post("/oauth/token", "%zz").status_code == 400
        assert Client(HTTP_HOST=HOST).get("/oauth/token").status_code == 405
    statements.assert_at_most(0)


def test_a_silent_authorization(web, alice, sql):
    browser = Browser()
    browser.code(web, alice)
    with sql() as statements:
        assert "code=" in browser.authorize(web, prompt="none")["Location"]
    statements.assert_at_most(8)


def test_more_scopes_and_apis_cost_no_more(web, stock, alice, sql):
    from authcenter.oauth.models import Scope

    web.row.scopes.add(*Scope.objects.all())
    code = Browser().code(web, alice, scope="openid profile email address phone orders:read orders:write stock:read")
    with sql() as statements:
        assert redeem(web, code).status_code == 200
    statements.assert_at_most(5)


@pytest.mark.parametrize("kind", ["an API", "an application"])
def test_a_repeated_introspection(web, orders, alice, sql, fresh_view, kind):
    got = tokens(web, alice, scope="openid orders:read")
    credentials = basic(orders.client_id, orders.plain_secret) if kind == "an API" else basic(web.id, web.secret)
    for _ in range(2):
        assert post("/oauth/introspect", {"token": got["access_token"]}, **credentials).json()["active"]
    with sql() as statements:
        assert post("/oauth/introspect", {"token": got["access_token"]}, **credentials).json()["active"]
    statements.assert_at_most(1)
