"""grant_type=client_credentials, and grant types that do not exist here."""

import pytest
from django.conf import settings

from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import API, Application, Family
from authcenter.sessions.revocation import end_all_of_application
from tests.oauth.flow import as_app, assert_refused, claims, machine_token, post, refresh, stored, userinfo


def test_rfc6749_4_4_3_a_machine_gets_an_access_token_and_nothing_else(machine):
    before = stored()
    response = machine_token(machine, "orders:read")
    assert response.status_code == 200 and response["Cache-Control"] == "no-store"
    got = response.json()
    assert got.keys() == {"access_token", "token_type", "expires_in", "scope"} and got["scope"] == "orders:read"
    said = claims(got["access_token"])
    assert said["sub"] == said["client_id"] == machine.id
    assert said["aud"] == [settings.OWN_API, "https://orders.test/"]
    assert not {"gid", "fid", "sid", "auth_time", "uep"} & said.keys()
    assert stored() == before


@pytest.mark.parametrize(
    "scope",
    [
        None, "", "openid", "offline_access", "openid offline_access", "profile", "stock:read", "nonsense",
        "orders:read nonsense", "orders:read openid", "ORDERS:READ", "orders:read\torders:write", "introspection", "*",
    ],
)  # fmt: skip
def test_tk_42_h2_no_scope_but_those_given(machine, stock, scope):
    before = stored()
    assert_refused(machine_token(machine, scope), 400, "invalid_scope")
    assert stored() == before
    assert AuditEvent.objects.get(kind="grant_refused").client_id == machine.id


def test_tk_42_offline_access_beside_a_right_scope_is_dropped(machine):
    got = machine_token(machine, "orders:read offline_access").json()
    assert got["scope"] == "orders:read" and "refresh_token" not in got


def test_repeated_scopes_are_one(machine):
    assert machine_token(machine, "orders:read orders:read").json()["scope"] == "orders:read"


def test_rfc8707_2_the_audience_is_what_was_asked_for(machine):
    got = machine_token(machine, "orders:read", resource="https://orders.test/").json()
    assert claims(got["access_token"])["aud"] == "https://orders.test/"


@pytest.mark.parametrize("resource", ["https://stock.test/", "https://nowhere.test", "x", "https://orders.test"])
def test_rfc8707_2_no_other_audience(machine, stock, resource):
    assert_refused(machine_token(machine, "orders:read", resource=resource), 400, "invalid_target")


def test_rfc8707_2_no_token_without_a_scope_for_its_audience(machine):
    assert_refused(machine_token(machine, "orders:read", resource=settings.OWN_API), 400, "invalid_scope")


def test_an_api_that_is_disabled_gives_no_scope(machine):
    API.objects.filter(identifier="https://orders.test/").update(is_active=False)
    assert_refused(machine_token(machine, "orders:read"), 400, "invalid_scope")


def test_m14_nothing_is_planted(machine):
    got = machine_token(machine, "orders:read", refresh_token="chosen", user="x", sub="x", extra_credentials="x").json()
    assert "refresh_token" not in got and claims(got["access_token"])["sub"] == machine.id


def test_a_machine_s_token_is_not_a_person_s(machine):
    response = userinfo(machine_token(machine).json()["access_token"])
    assert response.status_code == 403 and 'error="insufficient_scope"' in response["WWW-Authenticate"]


def test_a_machine_s_access_token_is_no_refresh_token(machine):
    Application.objects.filter(pk=machine.row.pk).update(grant_types=["client_credentials", "refresh_token"])
    assert_refused(refresh(machine, machine_token(machine).json()["access_token"]), 400, "invalid_grant")
    assert not Family.objects.exists()


def test_after_everything_of_the_application_was_revoked_new_tokens_live(machine):
    from authcenter.oauth import access_token, living

    old = access_token.read(machine_token(machine).json()["access_token"])
    assert living.is_alive(old)
    end_all_of_application(machine.id, reason="test")
    assert not living.is_alive(old)
    assert living.is_alive(access_token.read(machine_token(machine).json()["access_token"]))


@pytest.mark.parametrize("what", ["disabled", "deleted"])
def test_a_disabled_machine_s_token_is_dead(machine, what):
    from authcenter.oauth import access_token, living

    said = access_token.read(machine_token(machine).json()["access_token"])
    if what == "disabled":
        Application.objects.filter(pk=machine.row.pk).update(is_active=False)
    else:
        Application.objects.filter(pk=machine.row.pk).delete()
    assert not living.is_alive(said)


# --- Grant types (TK-12, TK-41, TK-44) ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("Authorization_Code", "unsupported_grant_type"),
        (" authorization_code", "unsupported_grant_type"),
        ("authorization_code ", "unsupported_grant_type"),
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("openid", "unsupported_grant_type"),
        ("__class__", "unsupported_grant_type"),
    ],
)
@pytest.mark.parametrize("who", ["web", "spa", "machine", "nobody"])
def test_tk_12_tk_41_tk_44_grant_types_that_do_not_exist(web, spa, machine, who, grant_type, error):
    form = {
        "grant_type": grant_type,
        "username": "a",
        "password": "b",
        "assertion": "x",
        "scope": "openid",
        "code": "x",
    }
    before = stored()
    if who == "nobody":
        response = post("/oauth/token", {name: value for name, value in form.items() if value is not None})
    else:
        response = as_app({"web": web, "spa": spa, "machine": machine}[who], "/oauth/token", form)
    assert_refused(response, 400, error)
    assert stored() == before


@pytest.mark.parametrize("who", ["web", "spa"])
def test_tk_41_only_machines_may_act_for_themselves(web, spa, who):
    assert_refused(machine_token({"web": web, "spa": spa}[who], "orders:read"), 400, "unauthorized_client")
    assert AuditEvent.objects.get(kind="grant_refused").detail["grant_type"] == "client_credentials"


@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token"])
def test_tk_41_a_machine_has_no_person_s_grants(machine, grant_type):
    form = {"grant_type": grant_type, "code": "x", "refresh_token": "x", "redirect_uri": "https://x.test"}
    assert_refused(as_app(machine, "/oauth/token", form), 400, "unauthorized_client")


def test_a_public_client_cannot_act_for_itself_whatever_its_row_says(spa):
    Application.objects.filter(pk=spa.row.pk).update(grant_types=["client_credentials"])
    assert_refused(machine_token(spa, "orders:read"), 400, "unauthorized_client")
