"""Attacks on JWTs, wherever one is accepted: the header and the signature."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tests.attacks import forge
from tests.attacks.places import PLACES, TYPES
from tests.receiver import listener
from tests.tokens import b64

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_is_stored")]
everywhere = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)


@everywhere
def test_jw_01_alg_none(rig, genuine, place):
    right = genuine.sign(place.kind, genuine.claims(place.kind))
    header, payload, signature = forge.split(right)
    for alg in ("none", "None", "NONE", "nOnE", "", "none ", None, 0, [], ["none"]):
        changed = forge.without(header, alg=alg)
        unsigned = forge.compact(changed, payload)
        for token in (unsigned, unsigned + signature, unsigned.rstrip("."), unsigned + "AA"):
            place.refuses(rig, genuine, token)


@everywhere
def test_jw_02_rs256_to_hs256(rig, genuine, place):
    """The public key as a shared secret, in every spelling that somebody might have compared it in."""
    header, claims = genuine.header(place.kind), genuine.claims(place.kind)
    for key in genuine.scene.keys.values():
        public = key.public_key
        forms = [
            PublicFormat.SubjectPublicKeyInfo,
            *([PublicFormat.PKCS1] if hasattr(public.public_numbers(), "n") else []),
        ]
        secrets = [public.public_bytes(Encoding.DER, form) for form in forms]
        for form in forms:
            pem = public.public_bytes(Encoding.PEM, form)
            secrets += [pem, pem.strip(), pem + b"\n", b" \n" + pem, b"x\n" + pem, pem.replace(b"\n", b"\r\n")]
        (jwk,) = (
            one for one in rig.http.get("/.well-known/jwks.json").json()["keys"] if one["kid"] == key.thumbprint()
        )
        secrets += [json.dumps(jwk).encode(), json.dumps(jwk, separators=(",", ":")).encode(), jwk["kid"].encode(), b""]
        for secret in secrets:
            changed = {**header, "alg": "HS256", "kid": jwk["kid"]}
            place.refuses(rig, genuine, forge.compact(changed, claims, forge.hs256(secret)))


@everywhere
def test_jw_03_key_and_kid_mismatch(rig, genuine, place):
    header, claims, keys = genuine.header(place.kind), genuine.claims(place.kind), genuine.scene.keys
    stranger, revoked = forge.ECKey.generate_key("P-256"), genuine.revoked_key
    ec, rsa = keys["ES256"], keys["RS256"]
    kids = [one["kid"] for one in rig.http.get("/.well-known/jwks.json").json()["keys"]]
    assert len(kids) > 2 and revoked.thumbprint() not in kids
    es = {**header, "alg": "ES256", "kid": ec.thumbprint()}
    tokens = [forge.compact({**es, "kid": kid}, claims, forge.es256(stranger)) for kid in kids]
    tokens += [forge.compact({**es, "kid": kid}, claims, forge.es256(ec)) for kid in kids if kid != ec.thumbprint()]
    tokens += [
        forge.compact({**es, "kid": revoked.thumbprint()}, claims, forge.es256(revoked)),
        forge.compact(forge.without(es, kid=None), claims, forge.es256(ec)),
        forge.compact({**es, "kid": stranger.thumbprint()}, claims, forge.es256(stranger)),
        forge.compact({**es, "alg": "RS256"}, claims, forge.rs(rsa)),
        forge.compact({**es, "alg": "RS256", "kid": kids[0] + " "}, claims, forge.rs(rsa)),
    ]
    for token in tokens:
        place.refuses(rig, genuine, token)


KIDS = {
    "path": "../../../../dev/null",
    "absolute": "/dev/null",
    "sql": "' OR 1=1--",
    "sql-union": "x' UNION SELECT 'secret",
    "shell": "|id",
    "nul": "\u0000",
    "long": "k" * 65_536,
    "number": 1,
    "array": ["a"],
    "object": {"a": 1},
    "null": None,
    "true": True,
    "empty": "",
    "url": "https://evil.test/key",
    "surrogate": "\ud800",
}


@everywhere
def test_jw_04_kid_injection(rig, genuine, place):
    """The signature is one by an empty secret and one by the server itself: neither helps a made-up name."""
    header, claims = genuine.header(place.kind), genuine.claims(place.kind)
    for name, kid in KIDS.items():
        if name == "long" and place.name != "library":
            kid = "k" * 4_000  # longer ones are no header or query that a server reads
        for changed, sign in (({"alg": "HS256"}, forge.hs256(b"")), ({}, None)):
            told = {**header, **changed, "kid": kid}
            token = forge.compact(told, claims, sign) if sign else genuine.sign(place.kind, claims, kid=kid)
            place.refuses(rig, genuine, token)


@everywhere
def test_jw_05_embedded_jwk(rig, genuine, place):
    header, claims, thief = genuine.header(place.kind), genuine.claims(place.kind), forge.ECKey.generate_key("P-256")
    jwk = thief.as_dict(private=False)
    for kid in (header["kid"], thief.thumbprint(), None):
        told = forge.without({**header, "alg": "ES256", "jwk": {**jwk, "kid": kid}}, kid=kid)
        place.refuses(rig, genuine, forge.compact(told, claims, forge.es256(thief)))


def chain(key: forge.ECKey) -> list[str]:
    """A certificate that says whatever its owner likes."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    der = made.sign(key.private_key, hashes.SHA256()).public_bytes(Encoding.DER)
    return [b64(der).replace("-", "+").replace("_", "/") + "=" * (-len(b64(der)) % 4)]


@everywhere
def test_jw_06_jku_x5u_and_x5c(rig, genuine, place):
    header, claims, thief = genuine.header(place.kind), genuine.claims(place.kind), forge.ECKey.generate_key("P-256")
    with listener() as canary:
        canary.status, canary.body = 200, json.dumps({"keys": [thief.as_dict(private=False)]}).encode()
        for more in (
            {"jku": canary.url},
            {"x5u": canary.url},
            {"x5c": chain(thief)},
            {"jku": canary.url, "x5u": canary.url, "x5c": chain(thief), "jwk": thief.as_dict(private=False)},
        ):
            for kid in (header["kid"], thief.thumbprint()):
                told = {**header, "alg": "ES256", "kid": kid, **more}
                place.refuses(rig, genuine, forge.compact(told, claims, forge.es256(thief)))
        assert not canary.got


@everywhere
def test_jw_07_crit(rig, genuine, place):
    """Signed by the server itself: what is critical and not understood is refused all the same."""
    claims = genuine.claims(place.kind)
    for more in (
        {"crit": ["x"], "x": 1},
        {"crit": ["exp"], "exp": claims["exp"]},
        {"crit": []},
        {"crit": "exp"},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"crit": None},
        {"crit": {"x": 1}},
    ):
        place.refuses(rig, genuine, genuine.sign(place.kind, claims, **more))


@everywhere
def test_jw_23_algorithm_family(rig, genuine, place):
    """A key is good for its one algorithm, however right the arithmetic of another one is."""
    header, claims, keys = genuine.header(place.kind), genuine.claims(place.kind), genuine.scene.keys
    ec, rsa = keys["ES256"], keys["RS256"]
    by_rsa, by_ec = {**header, "kid": rsa.thumbprint()}, {**header, "kid": ec.thumbprint()}
    tokens = [
        forge.compact({**by_rsa, "alg": "PS256"}, claims, forge.rs(rsa, pss=True)),
        forge.compact({**by_rsa, "alg": "RS512"}, claims, forge.rs(rsa, hashes.SHA512)),
        forge.compact({**by_rsa, "alg": "RS384"}, claims, forge.rs(rsa, hashes.SHA384)),
        forge.compact({**by_rsa, "alg": "RS1"}, claims, forge.rs(rsa, hashes.SHA256)),
        forge.compact({**by_rsa, "alg": "RS256"}, claims, forge.rs(rsa, pss=True)),
        forge.compact({**by_ec, "alg": "ES256"}, claims, forge.es256(ec, der=True)),
        forge.compact({**by_ec, "alg": "ES256K"}, claims, forge.es256(ec)),
        forge.compact({**by_ec, "alg": "ES384"}, claims, forge.es256(ec)),
        forge.compact({**by_ec, "alg": "es256"}, claims, forge.es256(ec)),
        forge.compact({**by_ec, "alg": ["ES256"]}, claims, forge.es256(ec)),
        forge.compact({**by_ec, "alg": "EdDSA"}, claims, forge.es256(ec)),
        forge.compact({**by_ec, "alg": "ES256"}, claims, lambda data: b"\x00" * 64),
        forge.compact({**by_ec, "alg": "ES256"}, claims, lambda data: forge.es256(ec)(data) + b"\x00"),
    ]
    for token in tokens:
        place.refuses(rig, genuine, token)


@everywhere
def test_jw_09_jw_10_another_kind_of_token(rig, genuine, place):
    """An ID token is no access token, an access token no hint, a session's token neither; and no other pair."""
    for kind in TYPES:
        if kind not in {place.kind, place.also}:
            place.refuses(rig, genuine, genuine.tokens[kind])
            place.refuses(rig, genuine, genuine.sign(kind, genuine.claims(kind)))
        if kind != place.kind:
            place.refuses(rig, genuine, genuine.sign(kind, genuine.claims(place.kind)))
    for typ in (
        "",
        "at",
        "jwt+at",
        "logout+jwt",
        "revocations+jwt",
        "token-introspection+jwt",
        "x",
        1,
        None,
        ["at+jwt"],
    ):
        place.refuses(rig, genuine, genuine.sign(place.kind, genuine.claims(place.kind), typ=typ))
