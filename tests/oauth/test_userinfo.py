"""GET and POST /oauth/userinfo (OpenID Connect Core section 5.3, RFC 6750): one good token, in the right place."""

import base64
import hashlib
import hmac
import json

import pytest
from django.conf import settings
from django.test import Client

from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.keys.rotation import revoke_key, rotate
from tests.oauth.flow import HOST, assert_bearer_401, claims, secret, tokens, userinfo


@pytest.fixture
def got(web, alice, browser):
    return tokens(web, alice, browser, scope="openid profile email orders:read")


def _b64(value) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_core_5_3_2_claims_by_scope(web, alice, got):
    response = userinfo(got["access_token"])
    assert response.status_code == 200 and "no-store" in response["Cache-Control"] and not response.cookies
    said = response.json()
    assert said["sub"] == str(alice.pk) == claims(got["id_token"])["sub"]
    assert said["name"] == "Alice Liddell" and said["email"] == alice.email and said["email_verified"] is True
    assert "family_name" not in said and "phone_number" not in said  # section 5.3.2: left out, not null
    assert None not in said.values() and "" not in said.values()


def test_core_5_4_no_claims_beyond_the_scope(web, alice, browser):
    assert userinfo(tokens(web, alice, browser)["access_token"]).json() == {"sub": str(alice.pk)}


def test_core_5_3_1_post_with_the_token_in_header_or_form(got):
    client, token = Client(HTTP_HOST=HOST), got["access_token"]
    form = "application/x-www-form-urlencoded"
    assert client.post("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert client.post("/oauth/userinfo", f"access_token={token}", content_type=form).status_code == 200
    assert client.get("/oauth/userinfo", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_rfc6750_3_1_without_a_token_there_is_a_challenge_without_error(db):
    response = Client(HTTP_HOST=HOST).get("/oauth/userinfo")
    assert response.status_code == 401 and response["WWW-Authenticate"] == 'Bearer realm="AuthCenter"'


def _assert_bad_request(response):
    assert response.status_code == 400 and 'error="invalid_request"' in response["WWW-Authenticate"]
    assert "no-store" in response["Cache-Control"] and "sub" not in response.json()


def test_ir_18_rfc9700_4_3_2_m10_the_token_is_not_in_the_url(got):
    client, token = Client(HTTP_HOST=HOST), got["access_token"]
    _assert_bad_request(client.get(f"/oauth/userinfo?access_token={token}"))
    _assert_bad_request(
        client.get(f"/oauth/userinfo?access_token={token}", headers={"Authorization": f"Bearer {token}"})
    )


def test_ir_18_rfc6750_2_not_two_methods_at_once(got):
    client, token = Client(HTTP_HOST=HOST), got["access_token"]
    form = "application/x-www-form-urlencoded"
    header = {"Authorization": f"Bearer {token}"}
    _assert_bad_request(client.post("/oauth/userinfo", f"access_token={token}", content_type=form, headers=header))
    _assert_bad_request(client.post("/oauth/userinfo", f"access_token={token}&access_token={token}", content_type=form))


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic eDp5", "x", "Token x", "DPoP x"])
def test_ir_18_a_header_that_is_no_bearer_token(db, header):
    _assert_bad_request(Client(HTTP_HOST=HOST).get("/oauth/userinfo", headers={"Authorization": header}))


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_ir_18_a_token_in_another_body_is_no_token(got, kind):
    body = json.dumps({"access_token": got["access_token"]})
    assert Client(HTTP_HOST=HOST).post("/oauth/userinfo", body, content_type=kind).status_code == 401


def test_ir_18_a_token_without_openid(web, alice, browser):
    response = userinfo(tokens(web, alice, browser, scope="orders:read")["access_token"])
    assert response.status_code == 403
    assert (
        'error="insufficient_scope"' in response["WWW-Authenticate"]
        and 'scope="openid"' in response["WWW-Authenticate"]
    )


@pytest.mark.parametrize("method", ["put", "delete", "patch", "trace", "head"])
def test_tr_13_other_methods(got, method):
    response = getattr(Client(HTTP_HOST=HOST), method)(
        "/oauth/userinfo", headers={"Authorization": f"Bearer {got['access_token']}"}
    )
    assert response.status_code == 405


def test_the_audience_does_not_matter_here(web, alice, browser):
    got = tokens(web, alice, browser, scope="openid orders:read", resource="https://orders.test/")
    assert userinfo(got["access_token"]).status_code == 200


# --- Tokens that are not ours or not what they seem (JW) ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_jw_09_h3_another_token_is_no_access_token(got, kind):
    assert_bearer_401(userinfo(got[kind]))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 1, [], {}])
@pytest.mark.parametrize("signature", ["", "x", "kept"])
def test_jw_01_rfc8725_3_1_no_alg_none(got, alg, signature):
    _head, payload, signed = got["access_token"].split(".")
    header = {**claims(got["access_token"], 0), "alg": alg}
    if alg is None:
        del header["alg"]
    assert_bearer_401(userinfo(f"{_b64(header)}.{payload}.{signed if signature == 'kept' else signature}"))


@pytest.mark.parametrize("alg", ["RS256", "RS512", "PS256", "ES256K", "ES384", "HS256", "EdDSA", "es256", "ES256 "])
def test_jw_23_the_algorithm_is_the_key_s(got, alg):
    _head, payload, signed = got["access_token"].split(".")
    assert_bearer_401(userinfo(f"{_b64({**claims(got['access_token'], 0), 'alg': alg})}.{payload}.{signed}"))


def test_jw_02_no_public_key_becomes_an_hmac_secret(got):
    from joserfc.jwk import ECKey, RSAKey

    payload = got["access_token"].split(".")[1]
    for jwk in ring.jwks()["keys"]:
        key = {"EC": ECKey, "RSA": RSAKey}[jwk["kty"]].import_key(jwk)
        pem, der = key.as_pem(private=False), key.as_der(private=False)
        for material in (pem, pem.strip(), pem + b"\n", b"\n" + pem, der, json.dumps(jwk).encode()):
            for alg in ("HS256", "HS384", "HS512"):
                signing = f"{_b64({'alg': alg, 'typ': 'at+jwt', 'kid': jwk['kid']})}.{payload}"
                digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
                forged = f"{signing}.{_b64(hmac.digest(material, signing.encode(), digest))}"
                assert_bearer_401(userinfo(forged))


def test_jw_03_a_right_kid_with_another_key_s_signature(got):
    header, payload = claims(got["access_token"], 0), claims(got["access_token"])
    other = ring.sign(payload, typ="at+jwt", algorithm="RS256")
    assert userinfo(other).status_code == 200  # whole in itself
    _head, body, signature = other.split(".")
    assert_bearer_401(userinfo(f"{_b64(header)}.{body}.{signature}"))
    assert_bearer_401(userinfo(f"{_b64({**claims(other, 0), 'kid': header['kid']})}.{body}.{signature}"))
    without = {name: value for name, value in header.items() if name != "kid"}
    assert_bearer_401(userinfo(f"{_b64(without)}.{got['access_token'].split('.', 1)[1]}"))


@pytest.mark.parametrize(
    "kid", ["../../dev/null", "' OR 1=1--", "|id", "\x00", "x" * 6000, 1, ["x"], {"a": 1}, None, True, "", "é"]
)
def test_jw_04_kid_injection(got, kid):
    _head, rest = got["access_token"].split(".", 1)
    assert_bearer_401(userinfo(f"{_b64({**claims(got['access_token'], 0), 'kid': kid})}.{rest}"))


def test_jw_05_jw_06_a_key_in_the_header_is_not_used(got):
    from joserfc import jws
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256")
    real = claims(got["access_token"], 0)
    canary = "http://127.0.0.1:9/jwks.json"
    for more in ({"jwk": key.as_dict(private=False)}, {"jku": canary}, {"x5u": canary}, {"x5c": ["MIIB"]}):
        for kid in (real["kid"], key.thumbprint()):
            header = {"alg": "ES256", "typ": "at+jwt", "kid": kid}
            body = json.dumps(claims(got["access_token"])).encode()
            signed = jws.serialize_compact(header, body, key, algorithms=["ES256"])
            _head, payload, signature = signed.split(".")
            assert_bearer_401(userinfo(f"{_b64({**header, **more})}.{payload}.{signature}"))
            assert_bearer_401(userinfo(signed))


def _with_our_key(header, payload) -> str:
    """A token that our own ES256 key signs, whatever is in it: only the checks after the signature can refuse it."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256
    from joserfc.jwk import ECKey

    from authcenter.keys import vault

    row = Key.objects.get(algorithm="ES256", state="active")
    key = ECKey.import_key(json.loads(vault.decrypt(row.private_key)))
    signing = f"{_b64({'alg': 'ES256', 'typ': 'at+jwt', 'kid': row.kid, **header})}.{_b64(payload)}"
    r, s = decode_dss_signature(key.raw_value.sign(signing.encode(), ECDSA(SHA256())))
    return secret(f"{signing}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}")


def test_jw_23_the_forger_of_these_tests_can_sign(got):
    assert userinfo(_with_our_key({}, claims(got["access_token"]))).status_code == 200


@pytest.mark.parametrize("crit", [["x"], ["exp"], [], "exp", ["b64"], [1], None, ["kid"]])
def test_jw_07_rfc7515_4_1_11_crit(got, crit):
    assert_bearer_401(userinfo(_with_our_key({"crit": crit, "b64": False, "x": 1}, claims(got["access_token"]))))


@pytest.mark.parametrize(
    "typ",
    ["JWT", "jwt", "", None, "session+jwt", "logout+jwt", "at+jwt ", "at+jwt;x", ["at+jwt"], 1, "application/jwt"],
)
def test_jw_09_rfc9068_4_typ(got, typ):
    assert_bearer_401(userinfo(_with_our_key({"typ": typ}, claims(got["access_token"]))))


def test_rfc9068_4_typ_may_be_written_out(got):
    assert userinfo(_with_our_key({"typ": "application/at+JWT"}, claims(got["access_token"]))).status_code == 200


@pytest.mark.parametrize(
    "iss",
    [
        settings.ISSUER + "/", settings.ISSUER[:-1], settings.ISSUER + ".evil.test", "", None, [settings.ISSUER],
        {"iss": settings.ISSUER}, settings.ISSUER.upper(), "https" + settings.ISSUER[4:], 1,
    ],
)  # fmt: skip
def test_jw_14_rfc8725_3_8_iss(got, iss):
    assert_bearer_401(userinfo(_with_our_key({}, {**claims(got["access_token"]), "iss": iss})))


@pytest.mark.parametrize("exp", [0, -1, "9999999999", None, True, [], {}, 1e400, float("nan"), "x", "missing"])
def test_jw_15_rfc7519_4_1_4_exp(got, exp):
    said = {**claims(got["access_token"]), "exp": exp}
    if exp == "missing":
        del said["exp"]
    assert_bearer_401(userinfo(_with_our_key({}, said)))


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "x"}, {"sub": None}, {"sub": 1}, {"sub": []}, {"sub": "00000000-0000-0000-0000-000000000000"},
        {"uep": None}, {"client_id": "nobody"}, {"client_id": None},
    ],
)  # fmt: skip
def test_jw_13_claims_that_name_nobody(got, change):
    said = {**claims(got["access_token"]), **change}
    response = userinfo(_with_our_key({}, {name: value for name, value in said.items() if value is not None}))
    assert response.status_code in {401, 403}


@pytest.mark.parametrize(
    "payload", [b"[]", b'"x"', b"1", b"null", b"", b"{", b"\xff", b"[" * 5000, b'{"exp":' + b"9" * 5000 + b"}"]
)
def test_jw_19_m11_a_payload_that_is_no_object(got, payload):
    assert_bearer_401(userinfo(_with_our_key({}, payload)))


@pytest.mark.parametrize(
    "token",
    [
        "x", "ey.a.b", "...", "a.b", "a.b.c.d.e", "." * 3000, "é.é.é", "eyJhbGciOiJFUzI1NiJ9..", "A" * 15_000,
        "A" * 17_000, "[].[].[]", _b64([]) + ".x.y", _b64("x") + ".x.y", _b64(1) + ".x.y", _b64(b"[" * 9000) + ".x.y",
        _b64({"alg": "dir", "enc": "A128GCM", "zip": "DEF", "kid": "x"}) + "....",
        _b64({"alg": "PBES2-HS256+A128KW", "p2c": 2147483647, "p2s": "x", "enc": "A128GCM"}) + ".a.b.c.d",
    ],
)  # fmt: skip
def test_jw_19_jw_20_garbage(db, token):
    assert_bearer_401(userinfo(token))


def test_jw_03_a_retired_key_still_verifies_and_a_revoked_one_does_not(got):
    kid = claims(got["access_token"], 0)["kid"]
    rotate("ES256")
    assert userinfo(got["access_token"]).status_code == 200
    revoke_key(kid)
    assert_bearer_401(userinfo(got["access_token"]))


def test_a_changed_byte_is_found(got):
    head, payload, signature = got["access_token"].split(".")
    said = claims(got["access_token"])
    for change in ({"scope": "openid phone"}, {"exp": said["exp"] + 1}, {"sub": "x"}):
        assert_bearer_401(userinfo(f"{head}.{_b64({**said, **change})}.{signature}"))
    assert_bearer_401(userinfo(f"{head}.{payload}.{signature[:-4]}AAAA"))
    assert_bearer_401(userinfo(f"{head}.{payload}."))
    assert_bearer_401(userinfo(f"{head}.{payload}"))


@pytest.mark.parametrize("epoch", [[], {}, "0", None, True, 0.5])
@pytest.mark.parametrize("name", ["uep", "aep"])
def test_an_epoch_that_is_no_number_is_refused_even_with_a_good_signature(got, name, epoch):
    said = {**claims(got["access_token"]), name: epoch}
    assert_bearer_401(userinfo(secret(ring.sign(said, typ="at+jwt", algorithm="ES256"))))


@pytest.mark.parametrize("via", [[], {}, "x", [1], [["x"]], [["x", "1"]], [[None, 1]], [["x", True]], [[["x"], 1]]])
def test_whatever_an_exchanged_token_says_it_went_through_breaks_nothing(got, via):
    said = {**claims(got["access_token"]), "via": via}
    assert userinfo(secret(ring.sign(said, typ="at+jwt", algorithm="ES256"))).status_code == 200
