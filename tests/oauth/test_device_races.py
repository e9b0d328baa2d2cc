"""One device code, many requests at once, on either database: one answer counts, and one redemption."""

from collections import Counter

import pytest

from authcenter.audit.models import AuditEvent, Refusals
from authcenter.oauth.models import Authorization, DeviceGrant, Family
from authcenter.sessions.revocation import end_session
from tests.oauth.devices import allowed, start, type_in
from tests.oauth.flow import Browser, refresh, userinfo

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 20


@pytest.mark.parametrize("kind", ["public", "confidential"])
def test_dv_04_one_code_is_redeemed_once(kiosk, camera, alice, parallel, kind):
    app = kiosk if kind == "public" else camera
    device = allowed(app, alice, "openid orders:read")
    answers = parallel(TIMES, lambda _n: device.poll())
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: TIMES - 1}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    got = next(answer.json() for answer in answers if answer.status_code == 200)
    assert userinfo(got["access_token"]).status_code == 401  # a second use is theft: what the first bought is over
    assert AuditEvent.objects.filter(kind="device_connected").count() == 1
    if app is kiosk:
        assert Family.objects.get().ended and refresh(app, got["refresh_token"]).status_code == 400


def test_dv_06_polls_at_once_are_slowed_down_but_for_one(kiosk, parallel):
    device = start(kiosk)
    answers = parallel(TIMES, lambda _n: device.poll().json()["error"])
    assert Counter(answers) == {"authorization_pending": 1, "slow_down": TIMES - 1}
    assert device.row.interval == 5 * TIMES


def test_dv_12_allow_and_deny_at_once(kiosk, alice, bob, parallel):
    """In many tabs of two people: one of the presses is the answer, whole."""
    for _round in range(3):
        device = start(kiosk)
        pressed = []
        for number in range(8):
            browser = type_in(Browser().enter((alice, bob)[number % 2]), device.user_code)
            pressed.append((browser, browser.form("allow"), ("allow", "deny")[number // 2 % 2]))
        parallel(8, lambda n, pressed=pressed: pressed[n][0].post_form(*pressed[n][1:]))
        row = device.row
        pages = [browser.get(f"/device/confirm?txn={form.fields['txn']}").status_code for browser, form, _ in pressed]
        assert pages == [200 if row.user == (alice, bob)[number % 2] else 404 for number in range(8)]
        assert row.answered is not None and row.user_code is None
        if row.authorization is not None:
            assert row.authorization.user == row.user and row.session.user == row.user
            assert device.poll().status_code == 200
        else:
            assert device.poll().json()["error"] == "access_denied"
    answers = AuditEvent.objects.filter(kind__in=["consent_given", "consent_denied"]).count()
    assert answers == DeviceGrant.objects.count() == 3


def test_the_redemption_and_a_sign_out_at_once(kiosk, alice, parallel):
    """Whoever wins, nothing lives afterwards that the sign-out should have ended."""
    browser = Browser().enter(alice)
    device, sid = allowed(kiosk, alice, browser=browser), browser.sid

    def act(number):
        return end_session(sid, reason="test") if number else device.poll()

    answer = parallel(2, act)[0]
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert userinfo(answer.json()["access_token"]).status_code == 401
        assert refresh(kiosk, answer.json()["refresh_token"]).status_code == 400


def test_dv_01_guesses_at_once_are_all_counted(alice, parallel):
    browsers = [Browser(f"10.2.{number}.1").enter(alice).open("/device") for number in range(TIMES)]
    forms = [browser.form("user_code") for browser in browsers]
    answers = parallel(TIMES, lambda n: browsers[n].post_form(forms[n], user_code="BBBB-BBBB").status_code)
    assert Counter(answers) == {200: 5, 429: TIMES - 5}
    assert Refusals.objects.exists() and not Authorization.objects.exists()
