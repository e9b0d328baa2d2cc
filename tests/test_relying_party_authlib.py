"""An independent client, Authlib from PyPI, against the running server: everything that a relying party does."""

import secrets
import urllib.parse

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.stranger import Stranger

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def metadata(server):
    return httpx.get(f"{server.url}/.well-known/openid-configuration").json()


@pytest.fixture
def relying_party(server, metadata):
    application = server.demo["applications"]["web"]
    return OAuth2Client(
        application["client_id"],
        application["client_secret"],
        token_endpoint_auth_method="client_secret_basic",
        redirect_uri=application["redirect_uris"][0],
        scope="openid profile email offline_access orders:read",
        code_challenge_method="S256",
        revocation_endpoint_auth_method="client_secret_basic",
        timeout=30,
    )


def signed_in(server, relying_party, metadata, **extra):
    """Authorization code flow to the end; returns tokens, the stranger's browser and the nonce."""
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    url, state = relying_party.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **extra
    )
    person, browser = server.demo["people"]["demo"], Stranger(server.url)
    browser.open(url).sign_in(person["email"], person["password"])
    if not browser.left_to:
        browser.submit("allow", press="allow")
    assert browser.left_to.startswith(relying_party.redirect_uri), browser.page.text
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(browser.left_to).query))
    assert answer["state"] == state and answer["iss"] == metadata["issuer"]
    token = relying_party.fetch_token(
        metadata["token_endpoint"], authorization_response=browser.left_to, state=state, code_verifier=verifier
    )
    return token, browser, nonce


def test_a_relying_party_lives_its_whole_life(server, metadata, relying_party):
    token, browser, nonce = signed_in(server, relying_party, metadata)

    # OpenID Connect Core 3.1.3.7: Authlib's own checks of the ID token
    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {"iss": {"value": metadata["issuer"]}},
        {"client_id": relying_party.client_id, "nonce": nonce, "access_token": token["access_token"]},
    )
    claims.validate()
    assert claims["amr"] == ["pwd"] and claims["sid"]

    userinfo = relying_party.get(metadata["userinfo_endpoint"]).json()
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["email"] == server.demo["people"]["demo"]["email"] and userinfo["email_verified"] is True

    first_refresh = token["refresh_token"]
    refreshed = relying_party.refresh_token(metadata["token_endpoint"], refresh_token=first_refresh)
    assert refreshed["refresh_token"] != first_refresh
    again = jwt.decode(refreshed["id_token"], keys, algorithms=["RS256", "ES256"]).claims
    assert again["sub"] == claims["sub"] and again["auth_time"] == claims["auth_time"]

    told = relying_party.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
    assert told["active"] is True and told["sub"] == claims["sub"]
    api = server.demo["apis"]["demo"]
    assert relying_party.get(api["url"]).status_code == 200

    relying_party.revoke_token(
        metadata["revocation_endpoint"], token=refreshed["refresh_token"], token_type_hint="refresh_token"
    ).raise_for_status()
    told = relying_party.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
    assert told == {"active": False}
    assert httpx.get(api["url"], headers={"Authorization": f"Bearer {refreshed['access_token']}"}).status_code == 401
    with pytest.raises((OAuth2Error, OAuthError)):
        relying_party.refresh_token(metadata["token_endpoint"], refresh_token=refreshed["refresh_token"])

    # RP-initiated logout: the hint is of this browser's session, so nobody is asked
    back = f"{server.url}/demo/"
    query = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": back, "state": "bye"}
    browser.open(f"{metadata['end_session_endpoint']}?{urllib.parse.urlencode(query)}")
    assert browser.left_to == f"{back}?state=bye"
    browser.open("/account/")
    assert "login" in browser.form("login").fields


def test_what_was_granted_is_not_asked_again_but_new_scopes_are(server, metadata, relying_party):
    _token, browser, _nonce = signed_in(server, relying_party, metadata)
    url, _state = relying_party.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=secrets.token_urlsafe(48), scope="openid orders:read"
    )
    assert "code=" in browser.open(url).left_to
    url, _state = relying_party.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=secrets.token_urlsafe(48), scope="openid orders:write"
    )
    browser.open(url)
    assert browser.left_to == "" and "allow" in browser.form("allow").buttons
    browser.submit("deny", press="deny")
    assert "error=access_denied" in browser.left_to and "iss=" in browser.left_to


def test_a_machine_gets_a_token_and_nothing_more(server, metadata):
    application, api = server.demo["applications"]["machine"], server.demo["apis"]["demo"]
    machine = OAuth2Client(application["client_id"], application["client_secret"], scope=" ".join(api["scopes"]))
    token = machine.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert "refresh_token" not in token and "id_token" not in token
    assert machine.get(api["url"]).status_code == 200
    assert machine.get(metadata["userinfo_endpoint"]).status_code == 403


def test_both_metadata_documents_say_the_same(server, metadata):
    assert httpx.get(f"{server.url}/.well-known/oauth-authorization-server").json() == metadata
    assert metadata["issuer"] == server.demo["issuer"]
    endpoints = {name: value for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(endpoints) >= 7 and all(value.startswith(metadata["issuer"] + "/") for value in endpoints.values())
