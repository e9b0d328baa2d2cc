"""The device flow at a running server: Authlib as the device. Its pages are looked at in tests/pages."""

import time

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from authcenter.oauth.registration import DEVICE_CODE
from tests.stranger import Stranger

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def metadata(server):
    return httpx.get(f"{server.url}/.well-known/oauth-authorization-server").json()


def asked(metadata, client_id, scope) -> dict:
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
