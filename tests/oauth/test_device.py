"""The device flow at the back channel (RFC 8628): what a device asks, polls and gets."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from authcenter.audit.models import AuditEvent
from authcenter.keys.ring import ring
from authcenter.oauth import user_code
from authcenter.oauth.models import Application, Authorization, DeviceGrant, Family
from authcenter.oauth.registration import DEVICE_CODE, hashed
from authcenter.oauth.withdrawal import withdraw
from authcenter.server.sweeping import sweep
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_all_but, end_all_of_application, end_all_of_user, end_session
from tests.oauth.devices import AGENT, allowed, ask, start, time_passes, type_in
from tests.oauth.flow import Browser, as_app, assert_refused, basic, claims, post, refresh, userinfo

pytestmark = pytest.mark.django_db


def assert_pending(response) -> None:
    assert_refused(response, 400, "authorization_pending")


# --- The device asks (RFC 8628 sections 3.1 and 3.2) -----------------------------------------------------------


def test_rfc8628_3_2_the_answer(kiosk):
    response = ask(kiosk, "openid orders:read")
    assert response.status_code == 200 and response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    told = response.json()
    assert told.keys() == {
        *("device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval")
    }
    assert told["verification_uri"] == f"{settings.ISSUER}/device"
    assert told["verification_uri_complete"] == f"{settings.ISSUER}/device?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (600, 5)
    row = DeviceGrant.objects.get()
    assert (row.scope, row.address, row.user_agent) == ("openid orders:read", "127.0.0.1", AGENT)


def test_dv_17_rfc8628_6_1_both_codes_are_good_and_neither_is_kept(kiosk):
    many = [start(kiosk) for _ in range(50)]
    for device in many:
        assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", device.user_code)
        assert re.fullmatch("[A-Za-z0-9_-]{43}", device.told["device_code"])  # 256 bits
    for name in ("device_code", "user_code"):
        assert len({device.told[name] for device in many}) == 50
    everything = " ".join(str(value) for row in DeviceGrant.objects.values() for value in row.values())
    for device in many:
        assert device.told["device_code"] not in everything
        assert device.user_code not in everything and device.user_code.replace("-", "") not in everything
        # The letters are too few for a hash that anybody can compute.
        assert hashed(device.user_code) not in everything
        assert hashed(device.user_code.replace("-", "")) not in everything


def test_a_code_outlives_a_change_of_the_encryption_key(kiosk, alice, settings):
    device = start(kiosk)
    settings.ENCRYPTION_KEYS = ["a-new-key-of-more-than-thirty-two-characters", *settings.ENCRYPTION_KEYS]
    asked = type_in(Browser().enter(alice), device.user_code)
    assert "allow" in asked.form("allow").buttons


def test_two_devices_never_wait_with_the_same_letters(kiosk, monkeypatch):
    taken = start(kiosk).user_code
    drawn = iter([taken, taken, "BBBB-CCCC"])
    monkeypatch.setattr(user_code, "new", lambda: next(drawn))
    assert start(kiosk).user_code == "BBBB-CCCC"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": None}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "openid nothing:like:this"}, "invalid_scope"),
        ({"scope": "stock:read"}, "invalid_scope"),
        ({"resource": "https://stock.test/"}, "invalid_target"),
        ({"resource": "nonsense"}, "invalid_target"),
        ({"scope": "orders:read", "resource": settings.OWN_API}, "invalid_scope"),
        ({"scope": ["openid", "email"]}, "invalid_request"),
        ({"scope": "a\x00b"}, "invalid_request"),
    ],
)
def test_rfc8628_3_1_scopes_and_resources_as_at_the_authorization_endpoint(kiosk, stock, changes, error):
    assert_refused(ask(kiosk, **changes), 400, error)
    assert not DeviceGrant.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_only_post(client, method):
    response = getattr(client, method)("/oauth/device")
    assert response.status_code == 405 and response["Allow"] == "POST"


def test_dv_15_tk_21_a_confidential_device_authenticates_at_both_endpoints(camera, alice):
    device = allowed(camera, alice)
    nameless = {"scope": "openid"}
    for form, headers in (
        (nameless, {}),
        ({**nameless, "client_id": camera.id}, {}),
        ({**nameless, "client_id": camera.id, "client_secret": camera.secret}, {}),  # registered for Basic
        (nameless, basic(camera.id, "wrong")),
    ):
        response = post("/oauth/device", form, **headers)
        assert_refused(response, 401, "invalid_client")
        assert response["WWW-Authenticate"].startswith("Basic ")
        poll = {"grant_type": DEVICE_CODE, "device_code": device.told["device_code"], **form}
        assert_refused(post("/oauth/token", poll, **headers), 401, "invalid_client")
    assert DeviceGrant.objects.count() == 1
    assert device.poll().status_code == 200


def test_dv_15_tk_41_who_may_not_use_the_flow(web, spa, machine, kiosk, alice):
    device = allowed(kiosk, alice)
    for app in (web, spa, machine):
        assert_refused(ask(app, "orders:read"), 400, "unauthorized_client")
        assert_refused(device.poll(app=app), 400, "unauthorized_client")
    assert device.poll().status_code == 200


def test_dv_15_an_unknown_or_disabled_client(kiosk):
    assert_refused(post("/oauth/device", {"client_id": "nobody", "scope": "openid"}), 401, "invalid_client")
    device = start(kiosk)
    Application.objects.update(is_active=False)
    assert_refused(ask(kiosk), 401, "invalid_client")
    assert_refused(device.poll(), 401, "invalid_client")


def test_a_public_application_cannot_fill_the_table(kiosk, camera, monkeypatch):
    from authcenter import limits

    monkeypatch.setattr(limits, "device_codes", lambda http, client_id: [limits.Window(f"few {client_id}", 3, 600)])
    for _ in range(3):
        start(kiosk)
    refused = ask(kiosk)
    assert_refused(refused, 429, "temporarily_unavailable")
    assert 0 < int(refused["Retry-After"]) <= 600
    assert DeviceGrant.objects.count() == 3
    assert AuditEvent.objects.filter(kind="limit_reached", client_id=kiosk.id).exists()
    for _ in range(5):  # who proves itself is answerable for what it asks
        start(camera)


def test_a_page_on_a_television_may_ask_and_poll(kiosk):
    kiosk.row.allowed_origins = "https://tv.test"
    kiosk.row.save()
    form = {"client_id": kiosk.id, "scope": "openid"}
    assert post("/oauth/device", form, Origin="https://tv.test")["Access-Control-Allow-Origin"] == "https://tv.test"
    assert "Access-Control-Allow-Origin" not in post("/oauth/device", form, Origin="https://evil.test")
    refused = post("/oauth/device", {**form, "scope": "none"}, Origin="https://tv.test")
    assert refused.status_code == 400 and refused["Access-Control-Allow-Origin"] == "https://tv.test"


# --- The device polls (sections 3.4 and 3.5) -------------------------------------------------------------------


def test_rfc8628_3_5_authorization_pending_until_somebody_answers(kiosk, alice):
    device = start(kiosk)
    for _ in range(3):
        assert_pending(device.poll())
        time_passes()
    browser = type_in(Browser().enter(alice), device.user_code)
    assert_pending(device.poll())
    time_passes()
    browser.allow()
    response = device.poll()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store" and response["Pragma"] == "no-cache"


def test_dv_06_rfc8628_3_5_slow_down(kiosk, alice):
    device = start(kiosk)
    answers = [device.poll() for _ in range(5)]
    assert_pending(answers[0])
    for answer in answers[1:]:
        assert_refused(answer, 400, "slow_down")
    assert device.row.interval == 5 + 4 * 5  # "MUST be increased by 5 seconds for this and all subsequent requests"
    wait = device.row.poll_after - timezone.now().timestamp()
    assert 20 < wait <= 25
    DeviceGrant.objects.update(poll_after=timezone.now().timestamp())
    assert_pending(device.poll())
    assert device.row.poll_after - timezone.now().timestamp() > 20, "the longer interval stays"
    type_in(Browser().enter(alice), device.user_code).allow()
    assert device.poll().status_code == 200, "who was slowed down still gets what was granted"


def test_rfc8628_3_5_the_interval_that_was_told_is_slow_enough(kiosk):
    device = start(kiosk)
    assert_pending(device.poll())
    wait = device.row.poll_after - timezone.now().timestamp()
    assert 4 < wait <= device.told["interval"]


def test_dv_05_rfc8628_3_5_expired_token(kiosk, alice):
    waiting, answered, denied = start(kiosk), allowed(kiosk, alice), start(kiosk)
    type_in(Browser().enter(alice), denied.user_code).deny()
    DeviceGrant.objects.update(expires=timezone.now() - timedelta(seconds=1))
    for device in (waiting, answered, denied):
        assert_refused(device.poll(), 400, "expired_token")
    assert not Family.objects.exists()


def test_dv_12_rfc8628_3_5_access_denied(kiosk, alice):
    device = start(kiosk)
    type_in(Browser().enter(alice), device.user_code).deny()
    for _ in range(2):
        assert_refused(device.poll(), 400, "access_denied")
    assert not Authorization.objects.exists() and not Family.objects.exists()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("unknown", "invalid_grant"),
        ("a\x00b", "invalid_request"),
        ("é" * 500, "invalid_grant"),
        ("x" * 9000, "invalid_request"),
        (["a", "b"], "invalid_request"),
    ],
)
def test_dv_07_bad_polls(kiosk, code, error):
    device = start(kiosk)
    assert_refused(device.poll(device_code=code), 400, error)
    assert_pending(device.poll())


def test_dv_07_the_user_code_is_no_device_code(kiosk, alice):
    device = allowed(kiosk, alice)
    assert_refused(device.poll(device_code=device.user_code), 400, "invalid_grant")
    assert device.poll().status_code == 200


def test_dv_03_rfc8628_3_4_a_device_code_belongs_to_the_client_that_asked(kiosk, camera, alice):
    for owner, thief in ((kiosk, camera), (camera, kiosk)):
        waiting, device = start(owner), allowed(owner, alice)
        assert_refused(waiting.poll(app=thief), 400, "invalid_grant")
        assert_refused(device.poll(app=thief), 400, "invalid_grant")
        assert AuditEvent.objects.filter(kind="grant_refused", client_id=thief.id).count() == 2
        assert_pending(waiting.poll())
        assert device.poll().status_code == 200, "a stranger's try has used nothing up"


def test_dv_04_rfc8628_3_5_one_redemption_and_a_replay_ends_the_family(kiosk, alice):
    device = allowed(kiosk, alice)
    got = device.poll().json()
    assert userinfo(got["access_token"]).status_code == 200
    assert_refused(device.poll(), 400, "invalid_grant")
    assert userinfo(got["access_token"]).status_code == 401
    assert refresh(kiosk, got["refresh_token"]).status_code == 400
    family = Family.objects.get()
    assert family.ended and family.ended_by == "device code replay"
    event = AuditEvent.objects.get(kind="device_code_replayed")
    assert (event.subject, event.client_id) == (str(alice.pk), kiosk.id)


def test_dv_04_another_clients_replay_ends_nothing(kiosk, camera, alice):
    device = allowed(kiosk, alice)
    got = device.poll().json()
    assert_refused(device.poll(app=camera), 400, "invalid_grant")
    assert userinfo(got["access_token"]).status_code == 200


def test_dv_04_a_replay_is_known_as_long_as_what_the_code_bought_can_live(kiosk, alice, monkeypatch):
    device = allowed(kiosk, alice)
    got = device.poll().json()
    later = timezone.now() + settings.REFRESH_ABSOLUTE - timedelta(days=1)
    Family.objects.update(expires=later + timedelta(days=1))
    monkeypatch.setattr(timezone, "now", lambda: later)
    list(sweep(gently=False))
    monkeypatch.undo()
    assert_refused(device.poll(), 400, "invalid_grant")
    assert refresh(kiosk, got["refresh_token"]).status_code == 400


def test_what_is_over_is_swept(kiosk, alice, monkeypatch):
    """Neither a code that nobody redeemed, nor what it stood on, stays for ever."""
    start(kiosk)
    allowed(kiosk, alice)
    device = allowed(kiosk, alice)
    assert device.poll().status_code == 200
    soon, much_later = timezone.now() + timedelta(days=2), timezone.now() + settings.REFRESH_ABSOLUTE * 3
    monkeypatch.setattr(timezone, "now", lambda: soon)
    list(sweep(gently=False))
    assert DeviceGrant.objects.count() == 1
    monkeypatch.setattr(timezone, "now", lambda: much_later)
    list(sweep(gently=False))
    list(sweep(gently=False))
    assert not DeviceGrant.objects.exists() and not Family.objects.exists() and not Session.objects.exists()


def test_a_sign_in_is_kept_as_long_as_a_device_code_names_it(camera, alice):
    device = allowed(camera, alice)
    assert device.poll().status_code == 200
    Session.objects.update(expires=timezone.now() - settings.REFRESH_ABSOLUTE * 2)
    list(sweep(gently=False))
    assert Session.objects.exists()
    assert_refused(device.poll(), 400, "invalid_grant")


# --- What it gets ----------------------------------------------------------------------------------------------


def test_rfc8628_3_5_the_tokens_stand_on_what_her_browser_stands_on(kiosk, alice):
    browser = Browser().enter(alice)
    device = allowed(kiosk, alice, "openid email orders:read", browser)
    got = device.poll().json()
    assert got["token_type"] == "Bearer" and got["expires_in"] == 300
    assert got["scope"] == "openid email orders:read"
    said = claims(got["access_token"])
    authorization = Authorization.objects.get()
    assert said["sub"] == str(alice.pk) and said["client_id"] == kiosk.id
    assert said["aud"] == [settings.OWN_API, "https://orders.test/"]
    assert (said["sid"], said["gid"]) == (browser.sid, str(authorization.pk))
    assert said["fid"] == str(Family.objects.get().pk)
    assert said["amr"] == ["pwd"] and said["auth_time"] <= said["iat"]
    assert userinfo(got["access_token"]).json()["email"] == alice.email
    identity = ring.verify(got["id_token"], typ=["jwt"])
    assert identity["sub"] == str(alice.pk) and identity["aud"] == kiosk.id and identity["sid"] == browser.sid
    assert "at_hash" in identity and "nonce" not in identity and "email" not in identity
    assert refresh(kiosk, got["refresh_token"]).status_code == 200
    event = AuditEvent.objects.get(kind="device_connected")
    assert (event.actor, event.subject) == (f"client:{kiosk.id}", str(alice.pk))


def test_without_openid_there_is_no_id_token(kiosk, alice):
    assert "id_token" not in allowed(kiosk, alice, "orders:read").poll().json()


def test_a_client_with_this_grant_alone_gets_no_refresh_token(camera, alice):
    got = allowed(camera, alice, "openid orders:read").poll().json()
    assert "refresh_token" not in got and not Family.objects.exists()
    assert userinfo(got["access_token"]).status_code == 200


def test_the_poll_cannot_ask_for_more(kiosk, alice):
    device = allowed(kiosk, alice, "openid orders:read")
    got = device.poll(scope="openid email orders:write", user="bob", client_id=kiosk.id).json()
    assert got["scope"] == "openid orders:read"


def test_rfc8707_2_2_the_poll_may_narrow_the_resources(kiosk, alice):
    device = allowed(kiosk, alice, "openid orders:read")
    assert_refused(device.poll(resource="https://stock.test/"), 400, "invalid_target")
    got = device.poll(resource="https://orders.test/").json()
    assert claims(got["access_token"])["aud"] == "https://orders.test/"


def test_rfc8707_2_1_the_resource_that_was_asked_for_is_the_audience(kiosk, alice):
    got = allowed(kiosk, alice, "orders:read", resource="https://orders.test/").poll().json()
    assert claims(got["access_token"])["aud"] == "https://orders.test/"
    again = refresh(kiosk, got["refresh_token"]).json()
    assert claims(again["access_token"])["aud"] == "https://orders.test/"


def test_offline_access_outlives_the_sign_out(kiosk, alice):
    browser = Browser().enter(alice)
    device = allowed(kiosk, alice, "openid offline_access", browser)
    got = device.poll().json()
    assert "sid" not in claims(got["access_token"])
    end_session(browser.sid, reason="test")
    assert refresh(kiosk, got["refresh_token"]).status_code == 200


def test_without_offline_access_the_sign_out_ends_it(kiosk, alice):
    browser = Browser().enter(alice)
    got = allowed(kiosk, alice, "openid", browser).poll().json()
    end_session(browser.sid, reason="test")
    assert userinfo(got["access_token"]).status_code == 401
    assert refresh(kiosk, got["refresh_token"]).status_code == 400


# --- Between the answer and the redemption ---------------------------------------------------------------------


ENDS = {
    "she signs out": lambda person, app: end_session(Session.objects.get().pk, reason="test"),
    "she signs out all others": lambda person, app: end_all_but(Session.objects.get().pk, person.pk, reason="test"),
    "she withdraws": lambda person, app: withdraw(Authorization.objects.get().pk, reason="test"),
    "everything of hers is revoked": lambda person, app: end_all_of_user(person.pk, reason="test"),
    "everything of the application is revoked": lambda person, app: end_all_of_application(app.id, reason="test"),
    "her account is disabled": lambda person, app: type(person).objects.update(is_active=False),
}


@pytest.mark.parametrize("scope", ["openid", "openid offline_access"])
@pytest.mark.parametrize("act", ENDS)
def test_what_ends_her_access_ends_the_code_too(kiosk, alice, act, scope):
    device = allowed(kiosk, alice, scope)
    ENDS[act](alice, kiosk)
    assert_refused(device.poll(), 400, "invalid_grant")
    assert device.row.consumed is None and not Family.objects.exists()


def test_the_application_is_disabled_in_between(kiosk, alice):
    device = allowed(kiosk, alice)
    Application.objects.update(is_active=False)
    assert_refused(device.poll(), 401, "invalid_client")


def test_the_application_lost_its_scope_in_between(kiosk, alice):
    device = allowed(kiosk, alice, "orders:read")
    kiosk.row.scopes.clear()
    assert_refused(device.poll(), 400, "invalid_scope")
    assert device.row.consumed is None


def test_everything_of_the_application_is_revoked_while_a_device_waits(kiosk, alice):
    device = start(kiosk)
    end_all_of_application(kiosk.id, reason="test")
    assert_refused(device.poll(), 400, "invalid_grant")
    assert "wrong or has run out" in type_in(Browser().enter(alice), device.user_code).page.content.decode()


@pytest.mark.parametrize("act", ENDS)
def test_what_ends_her_access_ends_what_the_code_bought(kiosk, alice, act):
    got = allowed(kiosk, alice, "openid").poll().json()
    assert userinfo(got["access_token"]).status_code == 200
    ENDS[act](alice, kiosk)
    assert userinfo(got["access_token"]).status_code == 401
    assert refresh(kiosk, got["refresh_token"]).status_code == 400


def test_she_and_her_applications_can_be_deleted(kiosk, camera, alice, bob):
    for app, person in ((kiosk, alice), (camera, alice), (kiosk, bob)):
        assert allowed(app, person).poll().status_code == 200
        start(app)
    alice.delete()
    assert DeviceGrant.objects.filter(application=kiosk.row).count() == 3
    kiosk.row.delete()
    assert DeviceGrant.objects.filter(application=camera.row).count() == 1


# --- SQL (BEGIN and COMMIT counted) ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestStatements:
    @pytest.fixture(autouse=True)
    def warm(self, client, camera):
        ring.jwks()
        start(camera).poll()

    @pytest.mark.parametrize("kind", ["public", "confidential"])
    def test_a_poll_that_waits(self, kiosk, camera, sql, kind):
        device = start(kiosk if kind == "public" else camera)
        with sql() as statements:
            assert_pending(device.poll())
        statements.assert_at_most(2)

    def test_a_poll_that_comes_too_early(self, kiosk, sql):
        device = start(kiosk)
        device.poll()
        with sql() as statements:
            assert_refused(device.poll(), 400, "slow_down")
        statements.assert_at_most(4)

    def test_the_redemption_with_openid(self, kiosk, alice, sql):
        device = allowed(kiosk, alice, "openid orders:read")
        with sql() as statements:
            assert device.poll().status_code == 200
        statements.assert_at_most(8)

    def test_a_device_asks(self, camera, sql):
        with sql() as statements:
            start(camera)
        statements.assert_at_most(4)

    def test_malformed_requests(self, sql):
        with sql() as statements:
            assert post("/oauth/device", "scope=a&scope=b").status_code == 400
            assert post("/oauth/device", "%zz").status_code == 400
        statements.assert_at_most(0)


def test_introspection_knows_what_a_device_got(camera, alice):
    got = allowed(camera, alice).poll().json()
    assert as_app(camera, "/oauth/introspect", {"token": got["access_token"]}).json()["active"] is True
