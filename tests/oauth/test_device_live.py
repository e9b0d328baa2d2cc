"""The device flow at a running server: Authlib as the device, a person in Chromium, also without JavaScript."""

import json
import re
import time

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from authcenter.oauth.registration import DEVICE_CODE
from tests.stranger import Stranger
from tests.test_pages import DESKTOP, PHONE, Visitor

pytestmark = pytest.mark.live
PASSWORD = "a long enough sentence 7"
SCENE = """
import json
from allauth.account.models import EmailAddress
from accounts.models import User
from authcenter.oauth.models import API, Scope
from authcenter.oauth.registration import new_application

def person(email, name):
    user = User.objects.create_user(email, {password!r}, name=name)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user

long = person("maximiliane.von-und-zu-device@a-very-long-domain.example", "Maximiliane Freifrau von und zu Hohenlohe")
guesser = person("guesser@example.com", "Gus")
api = API.objects.create(identifier="https://videos.example/", name="Films and series of the whole wide world")
scopes = [
    Scope.objects.create(api=api, name=f"videos:{{access}}", title=title, access=access, sensitive=access == "write")
    for access, title in (("read", "See what you watch"), ("write", "Rent films, which costs you money"))
]
app, _ = new_application(
    "device", "The Extraordinarily Long-Named Television of Example Incorporated", publisher="Example Incorporated",
    client_uri="https://example.com/", policy_uri="https://example.com/privacy", tos_uri="https://example.com/terms",
)
app.save()
app.scopes.set(scopes)
print(json.dumps({{"app": app.client_id, "person": long.email, "guesser": guesser.email}}))
"""
EVERYTHING = "openid profile email address phone offline_access videos:read videos:write"


@pytest.fixture(scope="module")
def scene(server):
    return json.loads(server.python(SCENE.format(password=PASSWORD)).splitlines()[-1])


@pytest.fixture(scope="module")
def metadata(server):
    return httpx.get(f"{server.url}/.well-known/oauth-authorization-server").json()


def asked(metadata, client_id, scope=EVERYTHING) -> dict:
    form = {"client_id": client_id, "scope": scope}
    answer = httpx.post(metadata["device_authorization_endpoint"], data=form, headers={"User-Agent": "tv-os/12"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_rfc8628_3_authlib_as_a_device_lives_its_whole_life(server, metadata):
    assert DEVICE_CODE in metadata["grant_types_supported"]
    device = OAuth2Client(
        server.demo["applications"]["device"]["client_id"], token_endpoint_auth_method="none", timeout=30
    )
    told = asked(metadata, device.client_id, "openid email offline_access orders:read")

    def poll():
        return device.fetch_token(metadata["token_endpoint"], grant_type=DEVICE_CODE, device_code=told["device_code"])

    with pytest.raises(OAuthError, match="authorization_pending"):
        poll()
    with pytest.raises(OAuthError, match="slow_down"):
        poll()
    person, browser = server.demo["people"]["demo"], Stranger(server.url)
    browser.open(told["verification_uri_complete"]).sign_in(person["email"], person["password"])
    browser.submit("user_code").submit("allow", press="allow")
    assert "You can go back to your device" in browser.page.text
    token = poll()
    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
    identity = jwt.decode(token["id_token"], keys, algorithms=["RS256", "ES256"]).claims
    assert identity["aud"] == device.client_id
    orders = {"Authorization": f"Bearer {token['access_token']}"}
    assert httpx.get(server.demo["apis"]["demo"]["url"], headers=orders).status_code == 200
    newer = device.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    assert newer["refresh_token"] != token["refresh_token"]
    with pytest.raises(OAuthError, match="invalid_grant"):  # the code again: somebody has a copy
        poll()
    time.sleep(0.5)
    refused = httpx.get(metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {newer['access_token']}"})
    assert refused.status_code == 401
    log = server.log()
    assert told["device_code"] not in log and told["user_code"] not in log


def test_dv_04_one_redemption_in_two_workers(server, metadata, parallel):
    client_id = server.demo["applications"]["device"]["client_id"]
    told, person = asked(metadata, client_id, "openid"), server.demo["people"]["demo"]
    browser = Stranger(server.url).open("/device").sign_in(person["email"], person["password"])
    browser.submit("user_code", user_code=told["user_code"]).submit("allow", press="allow")
    form = {"grant_type": DEVICE_CODE, "device_code": told["device_code"], "client_id": client_id}
    answers = parallel(20, lambda _n: httpx.post(metadata["token_endpoint"], data=form, timeout=30))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19, [a.text for a in answers]
    got = next(answer.json() for answer in answers if answer.status_code == 200)
    refused = httpx.get(metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {got['access_token']}"})
    assert refused.status_code == 401


@pytest.fixture
def visitor(new_page, server, screenshots):
    faults: list[str] = []
    yield Visitor(new_page(reduced_motion="reduce"), server, screenshots, faults)
    assert not faults, "\n".join(faults)


@pytest.mark.browser
def test_the_pages(visitor, server, metadata, scene):
    visitor.open("/device").look("device-sign-in", "Sign in")
    visitor.send(login=scene["person"], password=PASSWORD).look("device-code", "Connect a device")
    visitor.send(user_code="bcd").look("device-code-none", "Connect a device")
    visitor.send(user_code="bbbb-bbbb").look("device-code-wrong", "Connect a device")
    visitor.send(user_code=asked(metadata, scene["app"])["user_code"]).look("device-confirm", "on a device wants")
    question = visitor.page.url
    visitor.press(visitor.page.locator("button[name=deny]")).look("device-denied", "gets no access")
    visitor.open("/device").send(user_code=asked(metadata, scene["app"])["user_code"])
    visitor.press(visitor.page.locator("button[name=allow]")).look("device-allowed", "go back to your device")
    visitor.page.go_back()
    assert not visitor.page.locator("button[name=allow]").count(), "the back button asks nothing again"
    visitor.open(question.replace(server.url, "").replace("txn=", "txn=x")).look("device-over", "is over")


@pytest.mark.browser
def test_the_page_of_whoever_guesses(visitor, scene):
    visitor.open("/device").send(login=scene["guesser"], password=PASSWORD)
    for _ in range(6):
        visitor.send(user_code="bbbb-bbbb")
    visitor.look("device-too-many", "Too many attempts")
    assert not visitor.faults, visitor.faults


@pytest.mark.browser
def test_the_two_answers_look_equal(new_page, server, metadata, scene):
    page = new_page(*PHONE)
    page.goto(f"{server.url}/device")
    page.fill("input[name=login]", scene["person"])
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.fill("input[name=user_code]", asked(metadata, scene["app"])["user_code"])
    page.click("main form button[type=submit]")
    page.wait_for_selector("button[name=allow]")
    looks = [
        page.evaluate(
            "name => { const e = document.querySelector(`button[name=${name}]`), s = getComputedStyle(e),"
            " r = e.getBoundingClientRect(), size = [r.width, r.height].map(Math.round);"
            " return [s.backgroundColor, s.color, s.fontSize, s.fontWeight, ...size] }",
            name,
        )
        for name in ("allow", "deny")
    ]
    assert looks[0] == looks[1]


@pytest.mark.browser
def test_without_javascript(new_page, server, metadata, scene):
    page = new_page(*PHONE, java_script_enabled=False)
    told = asked(metadata, scene["app"])
    page.goto(told["verification_uri_complete"])
    page.fill("input[name=login]", scene["person"])
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    assert page.input_value("input[name=user_code]") == told["user_code"]
    page.click("main form button[type=submit]")
    page.click("button[name=allow]")
    page.wait_for_selector("h1:has-text('You can go back to your device')")
    form = {"grant_type": DEVICE_CODE, "device_code": told["device_code"], "client_id": scene["app"]}
    assert httpx.post(metadata["token_endpoint"], data=form).status_code == 200


@pytest.mark.browser
def test_by_keyboard(new_page, server, metadata, scene):
    page = new_page(*DESKTOP)
    page.goto(f"{server.url}/device")
    page.keyboard.type(scene["person"])
    page.keyboard.press("Tab")
    page.focus("input[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=user_code]")
    page.keyboard.type(asked(metadata, scene["app"])["user_code"].lower())  # the field has the focus
    page.keyboard.press("Enter")
    page.wait_for_selector("button[name=deny]")
    for _ in range(30):
        if page.evaluate("document.activeElement.name") == "deny":
            break
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/device/confirm"))
    page.wait_for_selector("h1:has-text('The device gets no access')")
