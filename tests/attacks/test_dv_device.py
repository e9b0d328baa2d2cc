"""Attacks on the device flow: guesses, phishing, stolen and repeated codes."""

import re
import string

import pytest

from authcenter.oauth.registration import DEVICE_CODE
from authcenter.oauth.user_code import LETTERS
from tests.attacks import refusals
from tests.attacks.rig import Rig, Visitor, ok
from tests.oauth.flow import App

pytestmark = pytest.mark.live
WRONG = "That code is wrong or has run out"


def start(rig: Rig, app: App, scope: str = "openid films:read") -> dict[str, str]:
    """What a device is told."""
    told = ok(rig.post("/oauth/device", {"scope": scope}, app))
    for name in ("device_code", "user_code"):
        rig.scene.secret(told[name])
    return told


def poll(rig: Rig, app: App, told: dict[str, str], **changes):
    return rig.token(app, {"grant_type": DEVICE_CODE, "device_code": told["device_code"], **changes})


def asked(browser: Visitor, told: dict[str, str]) -> Visitor:
    """At the question, after the code was typed in."""
    browser.open("/device").submit("user_code", user_code=told["user_code"])
    return browser


def approved(rig: Rig, app: App, scope: str = "openid films:read") -> dict[str, str]:
    told = start(rig, app, scope)
    page = asked(rig.browser(rig.scene.alice), told).allow().page
    assert "You can go back to your device" in page.text
    return told


def guess(browser: Visitor, code: str = "BBBB-BBBB"):
    return browser.open("/device").submit("user_code", user_code=code).page


def test_dv_01_one_person_guesses(rig):
    """Five guesses in ten minutes at one of 20^8 codes: less than one in 2^32."""
    person = rig.scene.person("guesser")
    told, browser = start(rig, rig.kiosk), rig.browser(person)
    assert all(WRONG in guess(browser).text for _ in range(5))
    for visitor in (browser, rig.elsewhere().browser(person)):
        refused = guess(visitor, told["user_code"])  # not even a right one
        assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
        assert rig.audited(refused) == ["limit_reached"]
    assert len(LETTERS) ** 8 > 5 * 2**32
    assert "allow" in asked(rig.browser(rig.scene.alice), told).form("allow").buttons, "others are not locked out"


def test_dv_01_one_address_guesses(rig):
    """With as many accounts as it likes, in as many sessions."""
    for _person in range(4):
        browser = rig.browser(rig.scene.person("sprayer"))
        assert all(WRONG in guess(browser).text for _ in range(5))
    assert guess(rig.browser(rig.scene.person("sprayer"))).status_code == 429


def test_dv_01_a_stranger_cannot_guess_at_all(rig):
    response = rig.http.post("/device", data={"user_code": "BBBB-BBBB"})
    assert response.status_code == 403 or response.headers["Location"].startswith("/accounts/login/")


def test_dv_02_one_answer(rig):
    """Wrong, expired, used and denied codes look alike, but for what was typed."""
    expired, denied = start(rig, rig.kiosk), start(rig, rig.kiosk)
    used = approved(rig, rig.kiosk)
    rig.inside.age_device_code(expired["device_code"], 601)
    asked(rig.browser(rig.scene.alice), denied).submit("deny", press="deny")
    browser, texts = rig.browser(rig.scene.person("curious")), set()
    for code in ("BBBB-BBBB", *(told["user_code"] for told in (expired, denied, used))):
        page = guess(browser, code)
        assert WRONG in page.text and page.status_code == 200 and rig.audited(page) == ["code_refused"]
        texts.add(re.sub(r'value="[^"]*"', "", page.text))
    assert len(texts) == 1


def test_dv_03_a_device_code_is_bound_to_its_client(rig):
    for thief in (rig.kiosk2, rig.camera):
        told = approved(rig, rig.kiosk)
        with rig.untouched():
            refusals.grant(rig, poll(rig, thief, told))
        ok(poll(rig, rig.kiosk, told))


def test_dv_04_a_device_code_is_good_once(rig):
    told = approved(rig, rig.kiosk)
    got = ok(poll(rig, rig.kiosk, told))
    assert rig.userinfo(got["access_token"]).status_code == 200
    refusals.grant(rig, poll(rig, rig.kiosk, told), also="device_code_replayed")
    refusals.bearer(rig.userinfo(got["access_token"]))
    refusals.grant(rig, rig.refresh(rig.kiosk, got["refresh_token"]))


def test_dv_04_one_of_many_redemptions_at_once(rig, parallel):
    told = approved(rig, rig.kiosk)
    clients = [rig.elsewhere() for _ in range(20)]
    answers = parallel(20, lambda number: poll(clients[number], rig.kiosk, told))
    for client in clients:
        client.close()
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    (won,) = (answer.json() for answer in answers if answer.status_code == 200)
    refusals.bearer(rig.userinfo(won["access_token"]))


def test_dv_05_device_code_expiry(rig):
    approved_late, waiting = approved(rig, rig.kiosk), start(rig, rig.kiosk)
    for told in (approved_late, waiting):
        rig.inside.age_device_code(told["device_code"], 601)
        with rig.untouched():
            refusals.json_error(poll(rig, rig.kiosk, told), "expired_token")


def test_dv_06_slow_down(rig):
    """Five polls at once; each that comes too early makes the next wait five seconds longer."""
    told = start(rig, rig.kiosk)
    errors = [poll(rig, rig.kiosk, told).json()["error"] for _ in range(5)]
    assert errors == ["authorization_pending"] + ["slow_down"] * 4
    assert rig.inside.device_row(told["device_code"])["interval"] == told["interval"] + 4 * 5
    rig.inside.age_device_code(told["device_code"], 25)
    refusals.json_error(poll(rig, rig.kiosk, told), "authorization_pending")


@pytest.mark.parametrize("code", [None, "", "nope", "%00", "twice", "x" * 8000, "user-code", "refresh"], ids=str)
def test_dv_07_bad_polls(rig, code):
    told = start(rig, rig.kiosk)
    made = {"user-code": told["user_code"], "refresh": "rt_" + "A" * 70}.get(str(code), code)
    body = f"grant_type={DEVICE_CODE}&client_id={rig.kiosk.id}"
    if code == "twice":
        body += f"&device_code={told['device_code']}" * 2
    elif made is not None:
        body += f"&device_code={made}"
    with rig.untouched():
        response = rig.post("/oauth/token", body)
    refusals.json_error(response, {"invalid_request", "invalid_grant"})
    refusals.json_error(poll(rig, rig.kiosk, told), "authorization_pending")


def test_dv_09_phishing_guard(rig):
    """Opening the complete address approves nothing: who, what and a warning, and two presses."""
    told, browser = start(rig, rig.kiosk, "openid films:read"), rig.browser(rig.scene.alice)
    with rig.untouched():
        browser.open(told["verification_uri_complete"])
        assert browser.form("user_code").fields["user_code"] == told["user_code"]
        refusals.json_error(poll(rig, rig.kiosk, told), "authorization_pending")
        browser.submit("user_code")
        for shown in (told["user_code"], "Kiosk", "The scope films:read", "Asked by"):
            assert shown in browser.page.text
        assert 'class="note warning"' in browser.page.text
        browser.open(browser.page.url.raw_path.decode())
    assert not rig.inside.device_row(told["device_code"])["answered"]
    browser.allow()
    assert rig.inside.device_row(told["device_code"])["answered"]


def test_dv_11_confirm_rights(rig):
    told, alice, bob = start(rig, rig.kiosk), rig.browser(rig.scene.alice), rig.browser(rig.scene.bob)
    form = asked(alice, told).form("allow")
    page = str(alice.page.url)
    own = bob.open("/account/").form("csrfmiddlewaretoken").fields["csrfmiddlewaretoken"]
    same_origin = {"Origin": rig.url}
    with rig.untouched():
        for press in ("allow", "deny"):
            sent = {**form.fields, press: "1"}
            assert bob.http.get(page).status_code == 404
            stolen = {**sent, "csrfmiddlewaretoken": own}
            assert bob.http.post(form.action, data=stolen, headers=same_origin).status_code in {403, 404}
            assert rig.browser().http.post(form.action, data=sent, headers=same_origin).status_code == 403
            cross_site = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
            assert alice.http.post(form.action, data=sent, headers=cross_site).status_code == 403
            del sent["csrfmiddlewaretoken"]
            assert alice.http.post(form.action, data=sent, headers=same_origin).status_code == 403
            assert alice.http.get(form.action, params=sent).status_code == 200
    refusals.json_error(poll(rig, rig.kiosk, told), "authorization_pending")


def test_dv_12_deny_is_final(rig):
    told, browser = start(rig, rig.kiosk), rig.browser(rig.scene.alice)
    form = asked(browser, told).form("allow")
    browser.submit("deny", press="deny")
    with rig.untouched():
        again = browser.http.post(form.action, data={**form.fields, "allow": "1"}, headers={"Origin": rig.url})
        assert again.status_code == 200 and "The device gets no access" in again.text
        refusals.json_error(poll(rig, rig.kiosk, told), "access_denied")
        refusals.json_error(poll(rig, rig.kiosk, told), "access_denied")
    assert WRONG in guess(rig.browser(rig.scene.person("second")), told["user_code"]).text


def test_dv_15_client_rules(rig):
    told = approved(rig, rig.kiosk)
    with rig.untouched():
        refusals.json_error(rig.post("/oauth/device", {"scope": "openid"}, rig.web), "unauthorized_client")
        refusals.grant(rig, poll(rig, rig.web, told), "unauthorized_client")
        for form in ({"client_id": rig.camera.id}, {"client_id": rig.camera.id, "client_secret": "wrong"}):
            refusals.client(rig, rig.post("/oauth/device", {"scope": "openid", **form}))
            polled = {"grant_type": DEVICE_CODE, "device_code": told["device_code"]}
            refusals.client(rig, rig.post("/oauth/token", {**polled, **form}))
        for scope in ("nope", "stock:read", "", None):
            refusals.json_error(rig.post("/oauth/device", {"scope": scope}, rig.kiosk), "invalid_scope")
    ok(poll(rig, rig.kiosk, told))


@pytest.mark.parametrize(
    "typed",
    [str.lower, lambda code: code.replace("-", ""), lambda code: code.replace("-", " "), lambda code: f"  {code} ",
     lambda code: "-".join(code.replace("-", ""))],
    ids=["lower-case", "no-hyphen", "blank", "blanks-around", "hyphens"],
)  # fmt: skip
def test_dv_17_a_code_is_read_as_people_type_it(rig, typed):
    told, browser = start(rig, rig.kiosk), rig.browser(rig.scene.alice)
    browser.open("/device").submit("user_code", user_code=typed(told["user_code"]))
    assert told["user_code"] in browser.page.text and browser.form("allow")


def test_dv_17_code_quality(rig):
    """256 bits for the device, 34 for the person, neither kept in clear."""
    told = [start(rig, rig.kiosk) for _ in range(50)]
    devices, people = [one["device_code"] for one in told], [one["user_code"] for one in told]
    assert len(set(devices)) == len(set(people)) == 50
    assert all(len(code) >= 43 and set(code) <= set(string.ascii_letters + string.digits + "-_") for code in devices)
    assert all(re.fullmatch(f"[{LETTERS}]{{4}}-[{LETTERS}]{{4}}", code) for code in people)
    assert len({letter for code in people for letter in code}) == len(LETTERS) + 1
    row = rig.inside.device_row(devices[0])
    assert devices[0] not in str(row) and people[0] not in str(row) and people[0].replace("-", "") not in str(row)
