"""/device: what a person sees between her device's code and the answer, and what nobody else can do with it."""

import re
import statistics
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from authcenter.audit.models import AuditEvent, Refusals
from authcenter.oauth import user_code
from authcenter.oauth.models import Application, Authorization, DeviceGrant
from authcenter.sessions.revocation import end_session
from tests.oauth.conftest import _person
from tests.oauth.devices import AGENT, allowed, start, type_in
from tests.oauth.flow import Browser, assert_refused

pytestmark = pytest.mark.django_db
WRONG = "That code is wrong or has run out."


def text(browser: Browser) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", browser.page.content.decode()))


def asks(browser: Browser) -> bool:
    return any("allow" in form.buttons for form in browser.forms())


def no_such_request(response) -> None:
    assert response.status_code == 404, (response.status_code, response.content[:300])
    assert "This request is over" in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def guess(browser: Browser, code: str):
    browser.open("/device")
    return browser.post_form(browser.form("user_code"), user_code=code)


# --- From the code to the answer -------------------------------------------------------------------------------


def test_rfc8628_3_3_she_signs_in_types_the_code_and_allows(kiosk, alice):
    device = start(kiosk, "openid email orders:write offline_access")
    browser = Browser().open("/device")
    assert "login" in browser.form("login").fields
    browser.sign_in(alice)
    assert browser.at == "/device"
    browser.submit("user_code", user_code=device.user_code)
    said = text(browser)
    for told in (
        *("Kiosk on a device wants to access", device.user_code, AGENT.split("/")[0], "127.0.0.1", "just now"),
        *("Only go on if you started this on a device in front of you", "Nobody from support will ever ask"),
        *("Know who you are here", "alice@example.test", "Place orders", "sensitive", "Orders", "keeps this access"),
        "Nobody here has checked who is behind this app",
    ):
        assert told in said, told
    browser.allow()
    assert "You can go back to your device" in text(browser)
    assert device.poll().status_code == 200
    event = AuditEvent.objects.get(kind="consent_given")
    assert (event.actor, event.client_id) == (str(alice.pk), kiosk.id)
    assert event.detail["device"] == "kiosk-os" and event.detail["device_address"] == "127.0.0.1"
    browser.open("/account/apps/")
    assert "Kiosk" in text(browser)
    browser.open("/account/security/")
    assert "Device connected" in text(browser)


def test_dv_12_deny_is_final(kiosk, alice):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    question = browser.form("allow")
    browser.deny()
    assert "The device gets no access" in text(browser)
    browser.follow(browser.post_form(question, "allow"))
    assert "The device gets no access" in text(browser)
    assert_refused(device.poll(), 400, "access_denied")
    assert not Authorization.objects.exists()
    assert AuditEvent.objects.filter(kind="consent_denied", actor=str(alice.pk)).count() == 1
    assert WRONG in guess(browser, device.user_code).content.decode()


def test_allowed_is_final_too(kiosk, alice):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    question = browser.form("deny")
    browser.allow()
    browser.follow(browser.post_form(question, "deny"))
    assert "You can go back to your device" in text(browser)
    assert device.poll().status_code == 200
    assert not AuditEvent.objects.filter(kind="consent_denied").exists()


def test_both_buttons_at_once_are_a_no(kiosk, alice):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    browser.submit("allow", press="allow", deny="1")
    assert_refused(device.poll(), 400, "access_denied")


def test_no_button_answers_nothing(kiosk, alice):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    browser.submit("allow")
    assert asks(browser)
    assert_refused(device.poll(), 400, "authorization_pending")


def test_a_double_click_reads_the_same_answer_twice(kiosk, alice):
    browser = type_in(Browser().enter(alice), start(kiosk).user_code)
    question = browser.form("allow")
    for _ in range(2):
        assert "You can go back to your device" in text(browser.follow(browser.post_form(question, "allow")))
    assert AuditEvent.objects.filter(kind="consent_given").count() == 1


def test_the_back_button_finds_a_plain_page(kiosk, alice):
    browser = type_in(Browser().enter(alice), start(kiosk).user_code)
    question = browser.at
    browser.allow()
    for _ in range(2):
        assert not asks(browser.open(question)) and browser.page.status_code == 200
        assert "no-store" in browser.page["Cache-Control"]


def test_an_answer_that_comes_too_late(kiosk, alice):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    question = browser.form("allow")
    DeviceGrant.objects.update(expires=timezone.now() - timedelta(seconds=1))
    browser.post_form(question, "allow")
    no_such_request(browser.get(browser.at + f"?txn={question.fields['txn']}"))
    assert device.row.answered is None and not Authorization.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda app: Application.objects.update(is_active=False),
        lambda app: Application.objects.update(epoch=7),
        lambda app: Application.objects.update(grant_types=["refresh_token"]),
        lambda app: Application.objects.update(identity_scopes=["email"]),
    ],
    ids=["disabled", "revoked", "no device any more", "lost its scope"],
)
def test_the_application_changed_before_the_answer(kiosk, alice, change):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    question = browser.form("allow")
    change(kiosk)
    no_such_request(browser.post_form(question, "allow"))
    assert device.row.answered is None


def test_a_first_party_application_asks_too(kiosk, alice):
    kiosk.row.skip_authorization = True
    kiosk.row.save()
    for _ in range(2):
        device = start(kiosk)
        browser = type_in(Browser().enter(alice), device.user_code)
        assert asks(browser) and "Only go on if" in text(browser)
        assert_refused(device.poll(), 400, "authorization_pending")


def test_what_she_granted_before_is_asked_again_and_in_full(kiosk, alice):
    assert allowed(kiosk, alice, "openid orders:read").poll().status_code == 200
    browser = type_in(Browser().enter(alice), start(kiosk, "openid orders:read").user_code)
    assert asks(browser) and "See your orders" in text(browser) and "already allowed" not in text(browser)


def test_another_account_goes_on_with_the_same_code(kiosk, alice, bob):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    browser.follow(browser.post_form(next(form for form in browser.forms() if "next" in form.fields)))
    browser.sign_in(bob)
    assert browser.form("user_code").fields["user_code"] == device.user_code
    browser.submit("user_code").allow()
    assert device.row.user == bob


def test_where_it_was_asked_from(kiosk, alice):
    here, elsewhere = start(kiosk), start(kiosk, address="2001:db8::1")
    browser = Browser().enter(alice)
    assert "the network that you are on" in text(type_in(browser, here.user_code))
    said = text(type_in(browser, elsewhere.user_code))
    assert "2001:db8::1" in said and "another network than yours" in said


def test_two_questions_in_two_tabs_do_not_mix(kiosk, camera, alice):
    first, second = start(kiosk), start(camera)
    browser = Browser().enter(alice)
    question = type_in(browser, first.user_code).form("allow")
    type_in(browser, second.user_code)
    browser.post_form(question, "allow")
    assert first.poll().status_code == 200
    assert_refused(second.poll(), 400, "authorization_pending")


# --- Phishing and other people ---------------------------------------------------------------------------------


def test_dv_09_rfc8628_3_3_1_the_complete_address_fills_in_and_answers_nothing(kiosk, alice):
    device = start(kiosk)
    path = device.told["verification_uri_complete"].split("://")[1].partition("/")[2]
    stranger = Browser().open(f"/{path}").sign_in(alice)
    assert stranger.at == f"/{path}", "she comes back to the same place"
    for browser in (stranger, Browser().enter(alice)):
        browser.open(f"/{path}")
        assert browser.form("user_code").fields["user_code"] == device.user_code
        assert "Only go on if you started this" in text(browser) and not asks(browser)
        assert "script" not in browser.form("user_code").action
        assert_refused(device.poll(), 400, "authorization_pending")
        DeviceGrant.objects.update(poll_after=0)
        assert asks(browser.submit("user_code")), "a press of hers, and then the question"
    assert device.row.answered is None


@pytest.mark.parametrize("code", ["", "%00", "<script>alert(1)</script>", "x" * 5000, "%ff%fe", "BCDF-GHJA"])
def test_dv_09_what_is_no_code_is_not_filled_in(alice, code):
    browser = Browser().enter(alice).open(f"/device?user_code={code}")
    assert browser.page.status_code == 200 and browser.form("user_code").fields["user_code"] == ""


def test_dv_11_a_get_answers_nothing(kiosk, alice):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    browser.open(f"{browser.at}&allow=1")
    assert asks(browser)
    assert_refused(device.poll(), 400, "authorization_pending")


def test_dv_11_the_question_is_hers_alone(kiosk, alice, bob):
    device = start(kiosk)
    hers = type_in(Browser().enter(alice), device.user_code)
    question = hers.form("allow")
    other = Browser().enter(bob).open("/device")
    form = other.form("user_code")  # his own CSRF token
    form.action, form.fields = "/device/confirm", {**form.fields, "txn": question.fields["txn"]}
    no_such_request(other.get(hers.at))
    no_such_request(other.post_form(form, "allow"))
    assert Browser().get(hers.at).status_code == 302, "a stranger signs in first"
    # In her own browser too, once somebody else has signed in there.
    kept = hers.http.session["device"]
    hers.enter(bob)
    no_such_request(hers.get(hers.at))
    no_such_request(hers.post_form(question, "allow"))
    # Even if what she was asked stayed in the browser's session.
    store = hers.http.session
    store["device"] = kept
    store.save()
    no_such_request(hers.get(hers.at))
    no_such_request(hers.post_form(question, "allow"))
    assert device.row.answered is None


@pytest.mark.parametrize("path", ["/device", "/device/confirm"])
def test_dv_11_a_form_of_another_site_is_refused(kiosk, alice, path):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    question = browser.form("allow").fields
    for data in (
        {"txn": question["txn"], "user_code": device.user_code, "allow": "1"},
        {**question, "csrfmiddlewaretoken": "a" * 64, "allow": "1"},
    ):
        assert browser.http.post(path, data).status_code == 403
    assert device.row.answered is None


def test_dv_11_two_people_with_one_code(kiosk, alice, bob):
    """Whoever answers first; the other reads that it is over."""
    device = start(kiosk)
    one, other = type_in(Browser().enter(alice), device.user_code), type_in(Browser().enter(bob), device.user_code)
    question = other.form("allow")
    one.allow()
    no_such_request(other.follow(other.post_form(question, "allow")).page)
    assert device.row.user == alice and not Authorization.objects.filter(user=bob).exists()


def test_az_48_no_frame_and_no_cache(kiosk, alice):
    browser = Browser().enter(alice).open("/device")
    for _ in range(2):
        assert browser.page["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in browser.page["Content-Security-Policy"]
        assert "no-store" in browser.page["Cache-Control"]
        type_in(browser, start(kiosk).user_code)


def test_an_ended_sign_in_answers_nothing(kiosk, alice):
    device = start(kiosk)
    browser = type_in(Browser().enter(alice), device.user_code)
    question = browser.form("allow")
    end_session(browser.sid, reason="test")
    browser.follow(browser.post_form(question, "allow"))
    assert "login" in browser.form("login").fields
    browser.sign_in(alice)
    assert browser.at == "/device" and device.row.answered is None


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods(alice, method):
    browser = Browser().enter(alice)
    browser.http.handler.enforce_csrf_checks = False
    for path in ("/device", "/device/confirm"):
        assert getattr(browser.http, method)(path).status_code == 405


# --- The code as it is typed, and guesses ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "as_typed",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: f"  {code.lower().replace('-', ' ')} ",
        lambda code: " ".join(code),
        lambda code: code.replace("-", "–"),  # what a telephone makes of a dash
        lambda code: code.translate({ord(letter): ord(letter) + 0xFEE0 for letter in user_code.LETTERS}),  # full width
    ],
)
def test_dv_17_rfc8628_6_1_case_dashes_and_blanks_do_not_matter(kiosk, alice, as_typed):
    assert asks(type_in(Browser().enter(alice), as_typed(start(kiosk).user_code)))


@pytest.mark.parametrize(
    "typed", ["", "BCDF", "BCDF-GHJK-L", "AEIO-UYAE", "12345678", "x" * 10_000, "\x00" * 8, "ß" * 4]
)
def test_what_can_be_no_code_is_no_guess(alice, typed):
    browser = Browser().enter(alice)
    for _ in range(7):
        response = guess(browser, typed)
        assert response.status_code == 200 and WRONG not in response.content.decode()
        assert 'aria-invalid="true"' in response.content.decode()
    assert not Refusals.objects.exists() and not AuditEvent.objects.filter(kind="code_refused").exists()


def test_dv_01_rfc8628_5_1_five_wrong_codes_of_one_person(kiosk, alice):
    device = start(kiosk)
    for number in range(30):
        response = guess(Browser(f"10.0.{number}.1").enter(alice), "BBBB-BBBB")
        assert response.status_code == (200 if number < 5 else 429), number
    assert 0 < int(response["Retry-After"]) <= 600
    assert "Too many attempts" in response.content.decode()
    assert AuditEvent.objects.filter(kind="code_refused", actor=str(alice.pk)).count() == 5
    assert AuditEvent.objects.filter(kind="limit_reached", actor=str(alice.pk)).exists()
    assert guess(Browser().enter(alice), device.user_code).status_code == 429, "the right one too: it may be a guess"
    assert 5 / len(user_code.LETTERS) ** 8 < 2**-32
    Refusals.objects.update(ends=timezone.now() - timedelta(seconds=1))
    assert asks(type_in(Browser().enter(alice), device.user_code))


def test_dv_01_twenty_wrong_codes_from_one_address(kiosk):
    statuses = [
        guess(Browser(f"2001:db8::{number:x}").enter(_person(f"p{number}@example.test")), "BBBB-BBBB").status_code
        for number in range(30)
    ]
    assert statuses == [200] * 20 + [429] * 10
    there = Browser("192.0.2.77").enter(_person("elsewhere@example.test"))
    assert asks(type_in(there, start(kiosk).user_code)), "nobody else is locked out"


def test_dv_01_all_guesses_together(alice, monkeypatch):
    from authcenter import limits

    real = limits.user_code
    monkeypatch.setattr(
        limits, "user_code", lambda *args: [*real(*args)[:2], limits.Window(real(*args)[2].what, 3, 600)]
    )
    assert real(Browser().enter(alice).open("/device").page.wsgi_request, 1)[2].most == 1000
    statuses = [
        guess(Browser(f"10.1.{number}.1").enter(_person(f"p{number}@example.test")), "BBBB-BBBB").status_code
        for number in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]


def test_right_codes_are_not_counted(kiosk, alice):
    browser = Browser().enter(alice)
    for _ in range(8):
        type_in(browser, start(kiosk).user_code).allow()
        assert "You can go back" in text(browser)


def test_dv_02_one_answer_for_every_code_that_does_not_work(kiosk, alice, bob):
    expired, used, denied, redeemed = (start(kiosk) for _ in range(4))
    for device, press in ((used, "allow"), (redeemed, "allow"), (denied, "deny")):
        type_in(Browser().enter(bob), device.user_code).submit("allow", press=press)
    assert redeemed.poll().status_code == 200
    DeviceGrant.objects.filter(pk=expired.row.pk).update(expires=timezone.now() - timedelta(seconds=1))

    def page(code: str) -> str:
        Refusals.objects.all().delete()
        response = guess(Browser().enter(alice), code)
        assert response.status_code == 200
        return re.sub(r'value="[^"]*"', "", response.content.decode())

    wrong = page("BBBB-BBBB")
    assert WRONG in wrong
    for device in (expired, used, denied, redeemed):
        assert page(device.user_code) == wrong


def test_dv_02_and_one_time(kiosk, alice):
    """A failure must repeat three times: the machine has other work too."""
    expired, browser = start(kiosk), Browser().enter(alice).open("/device")
    DeviceGrant.objects.update(expires=timezone.now() - timedelta(seconds=1))
    form = browser.form("user_code")

    def differ() -> float:
        took = {"BBBB-BBBB": [], expired.user_code: []}
        for _ in range(200):
            for code, times in took.items():
                Refusals.objects.all().delete()
                began = time.perf_counter()
                browser.http.post("/device", {**form.fields, "user_code": code})
                times.append(time.perf_counter() - began)
        wrong, was = (statistics.median(times) for times in took.values())
        return abs(wrong - was) / wrong

    assert any(differ() < 0.1 for _round in range(3))


def test_the_code_is_in_no_row_of_the_browsers_session(kiosk, alice):
    device, browser = start(kiosk), Browser().enter(alice)
    type_in(browser, device.user_code)
    kept = str(dict(browser.http.session))
    assert "txn" not in kept and device.user_code not in kept and device.user_code.replace("-", "") not in kept


def test_rfc6749_5_1_a_device_gets_what_was_ticked_and_no_more(kiosk, alice):
    kiosk.row.optional_scopes = ["orders:read", "orders:write"]
    kiosk.row.save()
    device = start(kiosk, "openid orders:read orders:write")
    browser = type_in(Browser().enter(alice), device.user_code)
    browser.follow(browser.post_form(browser.form("allow"), "allow", scope="orders:read"))
    assert set(device.poll().json()["scope"].split()) == {"openid", "orders:read"}
    assert Authorization.objects.get().declined == ["orders:write"]


def test_a_device_for_which_everything_is_left_out_is_refused(kiosk, alice):
    kiosk.row.optional_scopes = ["orders:read"]
    kiosk.row.save()
    device = start(kiosk, "orders:read")
    type_in(Browser().enter(alice), device.user_code).allow()
    assert_refused(device.poll(), 400, "access_denied")
