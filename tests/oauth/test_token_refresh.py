"""grant_type=refresh_token: one row a family, one living token, and a replay ends it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from authcenter.audit.models import AuditEvent
from authcenter.keys import vault
from authcenter.oauth.grants import refresh_token
from authcenter.oauth.models import Application, Authorization, Family
from authcenter.oauth.withdrawal import withdraw
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_all_of_application, end_all_of_user, end_session
from tests.oauth.conftest import made
from tests.oauth.flow import assert_bearer_401, assert_refused, claims, refresh, secret, stored, tokens, userinfo


@pytest.fixture
def public(spa, alice, browser):
    return tokens(spa, alice, browser, scope="openid email orders:read")


@pytest.fixture
def confidential(web, alice, browser):
    return tokens(web, alice, browser, scope="openid email orders:read")


def test_rfc6749_6_a_refresh_rotates(spa, public):
    response = refresh(spa, public["refresh_token"])
    assert response.status_code == 200 and response["Cache-Control"] == "no-store"
    got = response.json()
    assert got["refresh_token"] != public["refresh_token"] and got["access_token"] != public["access_token"]
    assert got["scope"] == public["scope"] and got["expires_in"] == 300
    assert userinfo(got["access_token"]).status_code == 200
    assert Family.objects.get().generation == 2
    assert refresh(spa, got["refresh_token"]).status_code == 200


def test_core_12_2_the_refreshed_id_token_describes_the_same_sign_in(spa, public):
    first, again = claims(public["id_token"]), claims(refresh(spa, public["refresh_token"]).json()["id_token"])
    for name in ("iss", "sub", "aud", "azp", "auth_time", "amr", "acr", "sid"):
        assert again[name] == first[name]
    assert "nonce" not in again and again["at_hash"] != first["at_hash"]


def test_no_token_is_stored_in_clear(web, spa, public, confidential):
    for app, got in ((spa, public), (web, confidential)):
        new = refresh(app, got["refresh_token"]).json()
        rows = str([vars(family) for family in Family.objects.all()])
        for token in (got["refresh_token"], new["refresh_token"]):
            assert token not in rows and token.removeprefix("rt_") not in rows


def test_only_the_predecessor_opens_the_kept_successor(web, confidential):
    new = refresh(web, confidential["refresh_token"]).json()["refresh_token"]
    family = Family.objects.get()
    assert vault.decrypt_under(confidential["refresh_token"], family.successor) == new
    with pytest.raises(vault.Undecryptable):
        vault.decrypt_under(new, family.successor)
    with pytest.raises(vault.Undecryptable):
        vault.decrypt_under("", family.successor)


# --- Reuse (TK-31) --------------------------------------------------------------------------------------------


def test_tk_31_rfc9700_4_14_2_a_public_client_s_replay_ends_the_family(spa, public):
    new = refresh(spa, public["refresh_token"]).json()
    assert_refused(refresh(spa, public["refresh_token"]), 400, "invalid_grant")
    assert_refused(refresh(spa, new["refresh_token"]), 400, "invalid_grant")
    assert_bearer_401(userinfo(new["access_token"]))
    assert_bearer_401(userinfo(public["access_token"]))
    assert AuditEvent.objects.filter(kind="refresh_replayed", client_id=spa.id).count() == 1
    assert Family.objects.get().ended_by == "refresh replay"


def test_tk_31_a_confidential_client_s_replay_after_the_window_ends_the_family(web, confidential):
    new = refresh(web, confidential["refresh_token"]).json()
    Family.objects.update(rotated=timezone.now() - timedelta(seconds=settings.RETRY_WINDOW_SECONDS + 1))
    assert_refused(refresh(web, confidential["refresh_token"]), 400, "invalid_grant")
    assert_refused(refresh(web, new["refresh_token"]), 400, "invalid_grant")
    assert_bearer_401(userinfo(new["access_token"]))


def test_tk_32_within_the_window_the_very_same_successor_comes_again(web, confidential):
    first = refresh(web, confidential["refresh_token"]).json()
    again = refresh(web, confidential["refresh_token"]).json()
    assert again["refresh_token"] == first["refresh_token"]
    assert Family.objects.get().generation == 2 and Family.objects.get().ended is None
    assert refresh(web, first["refresh_token"]).status_code == 200


def test_tk_32_the_window_closes_when_the_successor_was_used(web, confidential):
    first = refresh(web, confidential["refresh_token"]).json()
    second = refresh(web, first["refresh_token"]).json()
    assert_refused(refresh(web, confidential["refresh_token"]), 400, "invalid_grant")
    assert_refused(refresh(web, second["refresh_token"]), 400, "invalid_grant")


def test_tk_32_nobody_else_gets_the_successor(web, web2, confidential):
    first = refresh(web, confidential["refresh_token"]).json()
    assert_refused(refresh(web2, confidential["refresh_token"]), 400, "invalid_grant")
    assert refresh(web, first["refresh_token"]).status_code == 200


def test_tk_32_an_application_that_became_public_has_no_window(web, confidential):
    refresh(web, confidential["refresh_token"])
    Application.objects.filter(pk=web.row.pk).update(client_type="public", token_endpoint_auth_method="none")
    web.row.refresh_from_db()
    assert_refused(refresh(web, confidential["refresh_token"]), 400, "invalid_grant")


def test_tk_31_a_very_old_generation_is_recognised(spa, public):
    token = public["refresh_token"]
    for _n in range(5):
        token = refresh(spa, token).json()["refresh_token"]
    assert_refused(refresh(spa, public["refresh_token"]), 400, "invalid_grant")
    assert_refused(refresh(spa, token), 400, "invalid_grant")


# --- Bound to its client (TK-34), and to its own shape ---------------------------------------------------------


def test_tk_34_h10_a_foreign_client_gets_nothing_and_harms_nothing(web, web2, confidential):
    before = stored()
    assert_refused(refresh(web2, confidential["refresh_token"]), 400, "invalid_grant")
    assert stored() == before
    new = refresh(web, confidential["refresh_token"]).json()
    assert_refused(refresh(web2, confidential["refresh_token"]), 400, "invalid_grant")  # a stale one
    assert refresh(web, new["refresh_token"]).status_code == 200


def test_tk_34_a_public_client_s_token_with_another_public_client_id(spa, native, public):
    before = stored()
    assert_refused(refresh(spa, public["refresh_token"], client_id=native.id), 400, "invalid_grant")
    assert stored() == before
    assert refresh(spa, public["refresh_token"]).status_code == 200


@pytest.mark.parametrize("where", [3, 20, 30, 40, -2, "generation", "append", "prefix", "cut", "case"])
def test_a_changed_token_is_garbage_and_ends_nothing(spa, public, where):
    token = public["refresh_token"]
    if where == "append":
        changed = token + "A"
    elif where == "prefix":
        changed = "rt-" + token[3:]
    elif where == "cut":
        changed = token[:-1]
    elif where == "case":
        changed = token.swapcase()
    elif where == "generation":
        changed = refresh_token.new_token(Family.objects.get().pk, 1)  # ours by its MAC, never given out
    else:
        changed = token[:where] + ("A" if token[where] != "A" else "B") + token[where:][1:]
    secret(changed)
    before = stored()
    assert_refused(refresh(spa, changed), 400, "invalid_grant")
    assert stored() == before
    assert refresh(spa, token).status_code == 200


@pytest.mark.parametrize(
    "token", ["", "x", "rt_", "rt_" + "A" * 70, "rt_é", "rt_" + "A" * 8000, "rt_\t", "eyJ.a.b", "rt_===="]
)
def test_garbage(spa, token):
    before = stored()
    assert_refused(refresh(spa, token), 400, "invalid_request" if token == "" else "invalid_grant")
    assert stored() == before


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_another_token_is_no_refresh_token(spa, public, kind):
    before = stored()
    assert_refused(refresh(spa, public[kind]), 400, "invalid_grant")
    assert stored() == before


def test_tk_41_a_client_without_the_grant(spa, public):
    Application.objects.filter(pk=spa.row.pk).update(grant_types=["authorization_code"])
    before = stored()
    assert_refused(refresh(spa, public["refresh_token"]), 400, "unauthorized_client")
    assert stored() == before


# --- Scope and resource (TK-35) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope",
    ["openid email orders:read orders:write", "orders:write", "nonsense", "openid  email", "OPENID", "offline_access"],
)
def test_tk_35_rfc6749_6_no_scope_beyond_the_grant_and_nothing_consumed(spa, public, scope):
    before = stored()
    assert_refused(refresh(spa, public["refresh_token"], scope=scope), 400, "invalid_scope")
    assert stored() == before
    assert refresh(spa, public["refresh_token"]).status_code == 200


def test_tk_35_m13_a_subset_narrows_this_access_token_only(spa, public):
    narrow = refresh(spa, public["refresh_token"], scope="orders:read").json()
    assert narrow["scope"] == "orders:read" and "id_token" not in narrow
    assert claims(narrow["access_token"])["scope"] == "orders:read"
    full = refresh(spa, narrow["refresh_token"]).json()
    assert full["scope"] == "openid email orders:read" and "id_token" in full


def test_tk_35_another_order_of_scopes(spa, public):
    assert refresh(spa, public["refresh_token"], scope="orders:read email openid").status_code == 200


@pytest.mark.parametrize("resource", ["https://nowhere.test/", "https://stock.test/", "x"])
def test_rfc8707_2_2_no_resource_beyond_the_grant_and_nothing_consumed(spa, stock, public, resource):
    before = stored()
    assert_refused(refresh(spa, public["refresh_token"], resource=resource), 400, "invalid_target")
    assert stored() == before
    assert refresh(spa, public["refresh_token"]).status_code == 200


def test_rfc8707_2_2_no_scope_for_the_resource_consumes_nothing(spa, public):
    before = stored()
    sent = {"scope": "orders:read", "resource": settings.OWN_API}
    assert_refused(refresh(spa, public["refresh_token"], **sent), 400, "invalid_scope")
    assert stored() == before
    assert refresh(spa, public["refresh_token"]).status_code == 200


def test_rfc8707_2_2_a_refresh_may_narrow_the_audience(spa, public):
    got = refresh(spa, public["refresh_token"], resource="https://orders.test/").json()
    assert claims(got["access_token"])["aud"] == "https://orders.test/"
    again = refresh(spa, got["refresh_token"]).json()
    assert claims(again["access_token"])["aud"] == [settings.OWN_API, "https://orders.test/"]


def test_a_scope_that_an_operator_took_away_is_not_refreshed(spa, public):
    spa.row.scopes.clear()
    got = refresh(spa, public["refresh_token"]).json()
    assert got["scope"] == "openid email" and claims(got["access_token"])["aud"] == settings.OWN_API


def test_an_audience_that_an_operator_took_away_is_not_widened_to_another(web, alice, browser):
    got = tokens(web, alice, browser, scope="openid orders:read", resource="https://orders.test/")
    web.row.scopes.clear()
    assert_refused(refresh(web, got["refresh_token"]), 400, "invalid_target")


# --- What a family stands on (TK-37) --------------------------------------------------------------------------


def _disable_user(alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)


def _delete_user(alice):
    alice.delete()


def _end_session(alice):
    end_session(Session.objects.get(ended=None).pk, reason="test")


def _sign_out_everywhere(alice):
    end_all_of_user(alice.pk, reason="test")


def _withdraw(alice):
    withdraw(Authorization.objects.get().pk, reason="test")


def _delete_authorization(alice):
    Authorization.objects.all().delete()


def _delete_session(alice):
    Session.objects.all().delete()


def _end_application(alice):
    end_all_of_application(Application.objects.get(name="Web").client_id, reason="test")


def _idle_out(alice):
    Family.objects.update(expires=timezone.now() - timedelta(seconds=1))


def _reach_the_cap(alice):
    Family.objects.update(absolute_expires=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    "act",
    [
        _disable_user, _delete_user, _end_session, _sign_out_everywhere, _withdraw, _delete_authorization,
        _delete_session, _end_application, _idle_out, _reach_the_cap,
    ],
)  # fmt: skip
def test_tk_37_tk_38_a_family_falls_with_what_it_stands_on(web, alice, confidential, act):
    act(alice)
    before = stored()
    assert_refused(refresh(web, confidential["refresh_token"]), 400, "invalid_grant")
    assert stored() == before


@pytest.mark.parametrize("act", [_end_session, _delete_session])
def test_offline_access_outlives_an_ordinary_sign_out(web, alice, browser, act):
    got = tokens(web, alice, browser, scope="openid offline_access")
    act(alice)
    got = refresh(web, got["refresh_token"])
    assert got.status_code == 200 and userinfo(got.json()["access_token"]).status_code == 200


@pytest.mark.parametrize("act", [_disable_user, _delete_user, _sign_out_everywhere, _withdraw, _end_application])
def test_offline_access_does_not_outlive_the_rest(web, alice, browser, act):
    got = tokens(web, alice, browser, scope="openid offline_access")
    act(alice)
    assert_refused(refresh(web, got["refresh_token"]), 400, "invalid_grant")
    assert_bearer_401(userinfo(got["access_token"]))


def test_tk_38_daily_refreshes_end_at_the_cap(spa, public, monkeypatch):
    token, now = public["refresh_token"], timezone.now()
    for day in range(13, 90, 13):
        monkeypatch.setattr(
            "authcenter.oauth.grants.refresh_token.timezone.now", lambda day=day: now + timedelta(days=day)
        )
        response = refresh(spa, token)
        assert response.status_code == 200, day
        token = response.json()["refresh_token"]
    family = Family.objects.get()
    assert family.expires == family.absolute_expires
    monkeypatch.setattr("authcenter.oauth.grants.refresh_token.timezone.now", lambda: now + timedelta(days=91))
    assert_refused(refresh(spa, token), 400, "invalid_grant")


def test_idle_for_two_weeks_is_the_end(spa, public, monkeypatch):
    later = timezone.now() + timedelta(days=14, seconds=1)
    monkeypatch.setattr("authcenter.oauth.grants.refresh_token.timezone.now", lambda: later)
    assert_refused(refresh(spa, public["refresh_token"]), 400, "invalid_grant")


def test_a_rolled_encryption_key_still_reads_what_the_old_one_made(web, confidential, settings):
    settings.ENCRYPTION_KEYS = ["n" * 48, *settings.ENCRYPTION_KEYS]
    new = refresh(web, confidential["refresh_token"]).json()
    assert refresh(web, confidential["refresh_token"]).json()["refresh_token"] == new["refresh_token"]
    settings.ENCRYPTION_KEYS = ["n" * 48]
    assert refresh(web, new["refresh_token"]).status_code == 200
    assert_refused(refresh(web, confidential["refresh_token"]), 400, "invalid_grant")


def test_two_families_do_not_touch_each_other(web, alice, browser):
    one, two = tokens(web, alice, browser), tokens(web, alice, browser)
    refresh(web, one["refresh_token"])
    Family.objects.update(rotated=timezone.now() - timedelta(minutes=1))
    assert_refused(refresh(web, one["refresh_token"]), 400, "invalid_grant")
    assert refresh(web, two["refresh_token"]).status_code == 200


def test_a_family_is_one_row_however_often_it_is_refreshed(spa, public):
    token = public["refresh_token"]
    for _n in range(4):
        token = refresh(spa, token).json()["refresh_token"]
    assert Family.objects.count() == 1


def test_the_family_of_one_application_is_not_opened_by_its_twin(spa, public):
    twin = made("spa", "Twin", ["orders:read"], redirect_uris="https://spa.test/cb")
    assert_refused(refresh(twin, public["refresh_token"]), 400, "invalid_grant")
