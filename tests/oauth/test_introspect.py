"""POST /oauth/introspect (RFC 7662): who may ask about which token, and one negative answer for everything else."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from authcenter.oauth.models import API, Application, Authorization, Family
from authcenter.oauth.withdrawal import withdraw
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_all_of_application, end_all_of_user, end_session
from tests.oauth.flow import HOST, App, as_app, assert_refused, basic, machine_token, post, refresh, stored, tokens


def ask(api: API, token, **more):
    return post("/oauth/introspect", {"token": token, **more}, **basic(api.client_id, api.plain_secret))


def assert_inactive(response):
    assert response.status_code == 200 and response.content == b'{"active": false}', response.content
    assert response["Content-Type"] == "application/json" and "no-store" in response["Cache-Control"]
    assert not response.cookies


@pytest.fixture
def got(web, alice, browser):
    return tokens(web, alice, browser, scope="openid orders:read")


def test_rfc7662_2_2_what_an_api_is_told_about_its_own_token(web, orders, alice, browser, got):
    response = ask(orders, got["access_token"])
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    said = response.json()
    assert said["active"] is True and said["iss"] == settings.ISSUER and said["sub"] == str(alice.pk)
    assert said["client_id"] == web.id and said["scope"] == "openid orders:read"
    assert said["aud"] == [settings.OWN_API, "https://orders.test/"] and said["token_type"] == "Bearer"
    assert {"exp", "iat", "jti"} <= said.keys()
    assert not {"gid", "fid", "uep", "aep", "username", "email"} & said.keys()


def test_an_application_may_ask_about_its_own_tokens(web, got):
    assert as_app(web, "/oauth/introspect", {"token": got["access_token"]}).json()["active"] is True
    said = as_app(web, "/oauth/introspect", {"token": got["refresh_token"]}).json()
    assert said["active"] is True and said["client_id"] == web.id and said["exp"] > timezone.now().timestamp()


def test_a_machine_s_token(machine, orders):
    said = ask(orders, machine_token(machine).json()["access_token"]).json()
    assert said["active"] is True and said["sub"] == machine.id


def test_ir_01_rfc7662_2_1_introspection_needs_a_caller(web, spa, orders, got):
    form = {"token": got["access_token"]}
    assert_refused(post("/oauth/introspect", form), 401, "invalid_client")
    assert_refused(post("/oauth/introspect", {**form, "client_id": spa.id}), 401, "invalid_client")
    assert_refused(post("/oauth/introspect", {**form, "client_id": web.id}), 401, "invalid_client")
    assert_refused(post("/oauth/introspect", form, **basic(orders.client_id, "wrong")), 401, "invalid_client")
    assert_refused(
        post("/oauth/introspect", form, Authorization=f"Bearer {got['access_token']}"), 401, "invalid_client"
    )


def test_ir_01_an_api_without_secret_or_disabled_cannot_ask(orders, got):
    API.objects.filter(pk=orders.pk).update(is_active=False)
    assert_refused(ask(orders, got["access_token"]), 401, "invalid_client")


def test_ir_02_a_token_for_another_api(stock, got):
    assert_inactive(ask(stock, got["access_token"]))


def test_ir_02_an_identifier_is_compared_whole(stock, got):
    API.objects.filter(identifier="https://orders.test/").update(identifier="https://elsewhere.test/")
    for identifier in ("https://orders.test", "https://orders.test/x", "orders.test/", "h", "https://ORDERS.test/"):
        API.objects.filter(pk=stock.pk).update(identifier=identifier)
        assert_inactive(ask(stock, got["access_token"]))


def test_ir_03_an_ordinary_application_about_another_s_tokens(web2, machine, got):
    for kind in ("access_token", "refresh_token", "id_token"):
        assert_inactive(as_app(web2, "/oauth/introspect", {"token": got[kind]}))
        assert_inactive(as_app(machine, "/oauth/introspect", {"token": got[kind]}))


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "patch", "options"])
def test_ir_04_rfc7662_2_1_only_post(web, got, method):
    response = getattr(Client(HTTP_HOST=HOST), method)(
        f"/oauth/introspect?token={got['access_token']}", headers=basic(web.id, web.secret)
    )
    assert response.status_code == 405 and response["Allow"] == "POST"
    assert b"active" not in response.content


def test_ir_04_a_token_in_the_url_is_refused(web, got):
    response = Client(HTTP_HOST=HOST).post(
        f"/oauth/introspect?token={got['access_token']}",
        "x=1",
        content_type="application/x-www-form-urlencoded",
        headers=basic(web.id, web.secret),
    )
    assert_refused(response, 400, "invalid_request")


@pytest.mark.parametrize(
    "token",
    ["x", "a.b.c", "eyJ.a.b", "rt_", "rt_" + "A" * 70, "é", "\t", "x" * 8000, "." * 5000, "null", "{}", "a.b.c.d.e"],
)
def test_ir_05_one_negative_answer(web, orders, token):
    assert_inactive(ask(orders, token))
    assert_inactive(as_app(web, "/oauth/introspect", {"token": token}))


def test_ir_05_jw_09_an_id_token_is_no_access_token(web, orders, got):
    assert_inactive(ask(orders, got["id_token"]))
    assert_inactive(as_app(web, "/oauth/introspect", {"token": got["id_token"]}))


def test_ir_05_an_expired_token(web, orders, got, monkeypatch):
    later = timezone.now().timestamp() + 301
    monkeypatch.setattr("authcenter.oauth.access_token.time.time", lambda: later)
    assert_inactive(ask(orders, got["access_token"]))


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", "x" * 8000, "é"])
def test_ir_07_a_wrong_hint_breaks_nothing(web, orders, got, hint):
    assert ask(orders, got["access_token"], token_type_hint=hint).json()["active"] is True
    assert as_app(web, "/oauth/introspect", {"token": got["refresh_token"], "token_type_hint": hint}).json()["active"]


def test_ir_07_a_refresh_token_is_nothing_to_an_api(orders, got):
    assert_inactive(ask(orders, got["refresh_token"]))


def test_ir_07_a_rotated_refresh_token_is_dead_and_asking_ends_nothing(web, got):
    new = refresh(web, got["refresh_token"]).json()
    before = stored()
    assert_inactive(as_app(web, "/oauth/introspect", {"token": got["refresh_token"]}))
    assert stored() == before
    assert as_app(web, "/oauth/introspect", {"token": new["refresh_token"]}).json()["active"] is True


def _disable_user(web, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)


def _delete_user(web, alice):
    alice.delete()


def _disable_application(web, alice):
    Application.objects.filter(pk=web.row.pk).update(is_active=False)


def _delete_application(web, alice):
    Application.objects.filter(pk=web.row.pk).delete()


def _end_session(web, alice):
    end_session(Session.objects.get(ended=None).pk, reason="test")


def _withdraw(web, alice):
    withdraw(Authorization.objects.get().pk, reason="test")


def _end_user(web, alice):
    end_all_of_user(alice.pk, reason="test")


def _end_application(web, alice):
    end_all_of_application(web.id, reason="test")


def _revoke(web, alice):
    as_app(web, "/oauth/revoke", {"token": web.got["refresh_token"]})


@pytest.mark.parametrize(
    "act",
    [
        _disable_user, _delete_user, _disable_application, _delete_application, _end_session, _withdraw, _end_user,
        _end_application, _revoke,
    ],
)  # fmt: skip
def test_ir_08_every_change_shows_at_once(web, orders, alice, got, act):
    web.got = got  # type: ignore[attr-defined]
    assert ask(orders, got["access_token"]).json()["active"] is True
    act(web, alice)
    assert_inactive(ask(orders, got["access_token"]))
    if act not in {_disable_application, _delete_application}:
        assert_inactive(as_app(web, "/oauth/introspect", {"token": got["refresh_token"]}))


def test_ir_08_an_expired_family(web, got):
    Family.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert_inactive(as_app(web, "/oauth/introspect", {"token": got["refresh_token"]}))


@pytest.mark.parametrize("token", [None, ""])
def test_ir_15_the_token_is_required(web, token):
    assert_refused(as_app(web, "/oauth/introspect", {"token": token}), 400, "invalid_request")


def test_ir_10_guesses_write_nothing(web, orders):
    before = stored()
    for n in range(50):
        assert_inactive(ask(orders, f"guess{n}"))
    assert stored() == before


def test_a_client_id_that_an_api_and_an_application_share_is_the_api_s(orders, web):
    """Whoever registers second must not be taken for the first; the secret decides anyway."""
    Application.objects.filter(pk=web.row.pk).update(client_id=orders.client_id)
    twin = App(Application.objects.get(pk=web.row.pk), web.secret, web.redirect_uri)
    assert_refused(as_app(twin, "/oauth/introspect", {"token": "x"}), 401, "invalid_client")


@pytest.mark.parametrize(
    ("accept", "is_signed"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("application/*", False),
        ("text/html", False),
        ("application/token-introspection+jwt", True),
        ("Application/Token-Introspection+JWT", True),
        ("application/json;q=0.1, */*", True),
        ("application/json, application/token-introspection+jwt;q=0.5", False),
    ],
)
def test_rfc9701_4_the_accept_header_decides_the_form(orders, got, accept, is_signed):
    headers = {} if accept is None else {"Accept": accept}
    credentials = basic(orders.client_id, orders.plain_secret)
    response = post("/oauth/introspect", {"token": got["access_token"]}, **credentials, **headers)
    wanted = "application/token-introspection+jwt" if is_signed else "application/json"
    assert response.status_code == 200 and response["Content-Type"] == wanted and response["Vary"] == "Accept"
