"""`private_key_jwt` and `client_secret_jwt` (RFC 7523 sections 2.2 and 3): good for this server, now, and once."""

import base64
import hmac
import json
import secrets
import time

import jwt
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from authcenter.audit.models import AuditEvent
from authcenter.keys import vault
from authcenter.oauth import client_keys
from authcenter.oauth.client_assertion import TYPE
from authcenter.oauth.models import UsedAssertion
from authcenter.oauth.registration import set_new_secret
from tests.oauth.flow import VERIFIER, answer, assert_refused, post, secret
from tests.receiver import listener

EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
STRANGER = ECKey.generate_key("P-256", {"kid": "ec"})


def public(*keys):
    return {"keys": [key.as_dict(private=False) for key in keys]}


def said(app, **changes):
    now = int(time.time())
    claims = {"iss": app.id, "sub": app.id, "aud": settings.ISSUER, "exp": now + 60, "iat": now}
    claims = {**claims, "jti": secrets.token_urlsafe(12), **changes}
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims, key=EC, alg="ES256", **header):
    full = {"alg": alg, "kid": key.kid, **header}
    full = {name: value for name, value in full.items() if value is not None}
    body = json.dumps(claims)
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return secret(jws.serialize_compact(full, body, key, registry=registry))


def proving(assertion, **form):
    asked = {"grant_type": "client_credentials", "scope": "orders:read"}
    return post("/oauth/token", {**asked, "client_assertion_type": TYPE, "client_assertion": assertion, **form})


@pytest.fixture
def keyed(machine):
    machine.row.token_endpoint_auth_method = "private_key_jwt"
    machine.row.client_jwks = public(EC, RSA, ED)
    machine.row.full_clean()
    machine.row.save()
    return machine


@pytest.fixture
def shared(machine):
    machine.row.token_endpoint_auth_method = "client_secret_jwt"
    machine.secret = secret(set_new_secret(machine.row))
    machine.row.save()
    return machine


@pytest.mark.parametrize(
    ("key", "alg"),
    [(EC, "ES256"), (RSA, "RS256"), (RSA, "PS256"), (ED, "EdDSA")],
    ids=["ES256", "RS256", "PS256", "Ed"],
)
def test_rfc7523_2_2_each_algorithm(keyed, key, alg):
    assert proving(signed(said(keyed), key, alg)).status_code == 200
    assert proving(signed(said(keyed), key, alg), client_id=keyed.id).status_code == 200


def test_core_9_client_secret_jwt(shared):
    key = OctKey.import_key(shared.secret)
    assert proving(signed(said(shared), key, "HS256", kid=None)).status_code == 200
    assert (
        shared.secret not in shared.row.readable_secret and vault.decrypt(shared.row.readable_secret) == shared.secret
    )
    other = OctKey.import_key("x" * 43)
    assert_refused(proving(signed(said(shared), other, "HS256", kid=None)), 401, "invalid_client")
    assert_refused(proving(signed(said(shared), key, "HS512", kid=None)), 401, "invalid_client")


WRONG = {
    "tk_26_another_server": {"aud": "https://other.test"},
    "tk_26_among_others": {"aud": [settings.ISSUER, "https://evil.test"]},
    "tk_26_a_list_of_one": {"aud": [settings.ISSUER]},
    "tk_26_missing": {"aud": None},
    "tk_26_empty": {"aud": ""},
    "tk_26_the_token_endpoint": {"aud": f"{settings.ISSUER}/oauth/token"},
    "tk_26_a_slash_more": {"aud": f"{settings.ISSUER}/"},
    "tk_27_no_exp": {"exp": None},
    "tk_27_past": {"exp": 1_700_000_000},
    "tk_27_a_day_ahead": {"exp": int(time.time()) + 2 * 86_400},
    "tk_27_exp_text": {"exp": "9999999999"},
    "tk_27_exp_true": {"exp": True},
    "tk_27_exp_huge": {"exp": 2**63},
    "tk_27_exp_nan": {"exp": float("nan")},
    "tk_27_nbf_ahead": {"nbf": int(time.time()) + 86_400},
    "tk_27_iat_ahead": {"iat": int(time.time()) + 86_400},
    "tk_27_iss_is_not_sub": {"iss": "somebody"},
    "tk_27_sub_is_not_the_client": {"sub": "somebody"},
    "tk_27_no_iss": {"iss": None},
    "tk_27_no_sub": {"sub": None},
    "tk_27_no_jti": {"jti": None},
    "tk_27_jti_number": {"jti": 1},
    "tk_27_jti_empty": {"jti": ""},
    "tk_27_jti_endless": {"jti": "j" * 600},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_rfc7523_3_wrong_claims(keyed, changes):
    assert_refused(proving(signed(said(keyed, **changes)), client_id=keyed.id), 401, "invalid_client")
    assert not UsedAssertion.objects.exists()
    assert AuditEvent.objects.filter(kind="client_refused").count() == 1


def test_rfc7523_3_eight_seconds_of_skew_are_forgiven(keyed):
    ahead = int(time.time()) + 8
    assert proving(signed(said(keyed, nbf=ahead, iat=ahead))).status_code == 200


def by_hand(claims, header):
    """With the published key as if it were a shared secret."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    mac = hmac.digest(RSA.as_pem(private=False), b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


SIGNATURES = {
    "another_key": lambda claims: signed(claims, STRANGER),
    "jw_01_none": lambda claims: "eyJhbGciOiJub25lIn0." + signed(claims).split(".")[1] + ".",
    "jw_02_public_key_as_secret": lambda claims: by_hand(claims, {"alg": "HS256", "kid": "rsa"}),
    "jw_03_unknown_kid": lambda claims: signed(claims, kid="nobody"),
    "jw_03_no_kid_among_several_of_a_kind": lambda claims: signed(claims, STRANGER, kid=None),
    "jw_03_kid_of_another_type": lambda claims: signed(claims, kid="rsa"),
    "jw_05_embedded_key": lambda claims: signed(claims, STRANGER, jwk=STRANGER.as_dict(private=False)),
    "jw_07_crit": lambda claims: jwt.encode(
        claims, EC.as_pem(private=True).decode(), "ES256", {"kid": "ec", "crit": ["exp"]}
    ),
    "jw_09_another_type": lambda claims: signed(claims, typ="at+jwt"),
    "garbage": lambda claims: "garbage",
    "dots": lambda claims: "." * 100,
    "payload_is_a_list": lambda claims: signed([claims]),
}


@pytest.mark.parametrize("make", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_rfc8725_3_wrong_signatures(keyed, make):
    assert_refused(proving(make(said(keyed)), client_id=keyed.id), 401, "invalid_client")


def test_tk_25_rfc7523_3_once(keyed):
    assertion = signed(said(keyed))
    assert proving(assertion).status_code == 200
    assert_refused(proving(assertion), 401, "invalid_client")
    assert AuditEvent.objects.get(kind="client_refused").detail["reason"] == "replayed"


def test_tk_25_a_refused_grant_uses_it_up_too(keyed):
    assertion = signed(said(keyed))
    assert_refused(proving(assertion, scope="nonsense"), 400, "invalid_scope")
    assert_refused(proving(assertion), 401, "invalid_client")


@pytest.mark.django_db(transaction=True)
def test_tk_25_once_in_parallel(keyed, parallel):
    assertion = signed(said(keyed))
    statuses = [response.status_code for response in parallel(12, lambda _number: proving(assertion))]
    assert sorted(statuses) == [200] + [401] * 11


def test_tk_30_rfc7521_4_2_another_client_cannot_present_it(keyed, web):
    assert_refused(proving(signed(said(keyed)), client_id=web.id), 401, "invalid_client")


def test_tk_18_the_registered_method_and_no_other(keyed, shared, web):
    web.row.client_jwks = public(EC)
    web.row.save()
    assert_refused(proving(signed(said(web))), 401, "invalid_client")  # registered for Basic
    form = {"grant_type": "client_credentials", "scope": "orders:read", "client_id": keyed.id}
    assert_refused(post("/oauth/token", form), 401, "invalid_client")
    assert_refused(post("/oauth/token", {**form, "client_secret": shared.secret}), 401, "invalid_client")
    keyed.row.token_endpoint_auth_method = "private_key_jwt"
    keyed.row.token_endpoint_auth_signing_alg = "RS256"
    keyed.row.save()
    assert_refused(proving(signed(said(keyed))), 401, "invalid_client")
    assert proving(signed(said(keyed), RSA, "RS256")).status_code == 200


def test_tk_17_not_beside_another_method(keyed):
    assertion = signed(said(keyed))
    assert_refused(proving(assertion, client_secret="x"), 400, "invalid_request")
    assert_refused(proving(assertion, client_assertion_type="urn:nonsense"), 400, "invalid_request")
    assert proving(assertion).status_code == 200


def test_a_changed_method_without_a_new_secret_proves_nothing(machine):
    machine.row.token_endpoint_auth_method = "client_secret_jwt"
    machine.row.save()
    key = OctKey.import_key(machine.secret)
    assert_refused(proving(signed(said(machine), key, "HS256", kid=None)), 401, "invalid_client")


def test_an_operator_may_allow_another_audience(keyed):
    aud = f"{settings.ISSUER}/oauth/token"
    with override_settings(CLIENT_ASSERTION_AUDIENCES=[aud]):
        assert proving(signed(said(keyed, aud=aud))).status_code == 200


def test_code_revocation_and_introspection_take_assertions_too(web, alice, browser):
    web.row.token_endpoint_auth_method, web.row.client_jwks = "private_key_jwt", public(EC)
    web.row.save()
    browser.ask(web).sign_in(alice).allow()
    form = {"grant_type": "authorization_code", "redirect_uri": web.redirect_uri, "code_verifier": VERIFIER}
    got = proving(signed(said(web)), **form, code=answer(browser.left_to)["code"])
    token = secret(got.json()["access_token"])

    def asked(path):
        proof = {"client_assertion_type": TYPE, "client_assertion": signed(said(web))}
        return post(path, {"token": token, **proof})

    assert asked("/oauth/introspect").json()["active"] is True
    assert asked("/oauth/revoke").status_code == 200
    assert asked("/oauth/introspect").json() == {"active": False}


# --- Keys by their address ------------------------------------------------------------------------------------


@pytest.fixture
def published(keyed):
    with listener() as heard, override_settings(OUTBOUND_ALLOWED=["127.0.0.0/8"]):
        heard.status, heard.body = 200, json.dumps(public(EC)).encode()
        keyed.row.client_jwks, keyed.row.client_jwks_uri = None, heard.url
        keyed.row.save()
        yield keyed, heard


def test_registration_2_jwks_uri_is_asked_once_and_again_for_a_new_kid(published):
    app, heard = published
    for _time in range(3):
        assert proving(signed(said(app))).status_code == 200
    assert len(heard.got) == 1
    heard.body = json.dumps(public(RSA)).encode()
    for _time in range(3):
        assert proving(signed(said(app), RSA, "RS256")).status_code == 401
    assert len(heard.got) == 1  # asked a moment ago: strangers cannot make this server hammer another
    cache.delete(f"{client_keys._name(heard.url)} asked")
    assert proving(signed(said(app), RSA, "RS256")).status_code == 200
    assert len(heard.got) == 2


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys":[]}', b"x" * 100_000, b'{"keys":[{"kty":"oct","k":"AA"}]}']
)
def test_rg_04_whatever_lies_there_is_refused_and_nothing_breaks(published, body):
    app, heard = published
    heard.body = body
    assert_refused(proving(signed(said(app))), 401, "invalid_client")


def test_rg_04_private_addresses_are_not_asked(published):
    app, heard = published
    with override_settings(OUTBOUND_ALLOWED=[]):
        assert_refused(proving(signed(said(app))), 401, "invalid_client")
    assert not heard.got


FAULTS = {
    "private": EC.as_dict(private=True),
    "symmetric": {"kty": "oct", "k": "AAAA"},
    "no_kty": {"n": "x"},
    "short_rsa": RSAKey.generate_key(1024).as_dict(private=False),
    "bad_point": {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
    "another_curve": ECKey.generate_key("P-384").as_dict(private=False),
    "exponent_1": {**RSA.as_dict(private=False), "e": "AQ"},
    "alg_of_another_type": {**EC.as_dict(private=False), "alg": "RS256"},
    "not_an_object": "x",
}


@pytest.mark.parametrize("key", FAULTS.values(), ids=FAULTS.keys())
def test_jw_26_weak_or_private_keys_are_no_keys(key):
    assert client_keys.fault({"keys": [key]})


def test_jw_26_right_sets_are():
    assert client_keys.fault(public(EC, RSA, ED)) is None
    assert client_keys.fault({"keys": [EC.as_dict(private=False)] * 2})
    assert client_keys.fault({"keys": []}) and client_keys.fault([]) and client_keys.fault(None)
