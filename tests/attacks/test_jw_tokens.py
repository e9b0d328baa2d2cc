"""Attacks on JWTs: hostile sizes and forms, weak keys; and what our own keys and ID tokens must be."""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from authcenter.resource_server import InvalidToken, Issuer, Verifier
from tests import room
from tests.attacks import forge, refusals
from tests.attacks.places import PLACES
from tests.attacks.rig import Rig, ok
from tests.issuer import API, fake_issuer
from tests.oauth.flow import claims
from tests.tokens import b64

pytestmark = pytest.mark.live
everywhere = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
MEGABYTE = 1_000_000


def memory(rig: Rig) -> int:
    """Bytes that the server's processes hold."""
    group, held = rig.scene.server.process.pid, 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                held += int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:  # it has just ended
            continue
    return held


def hostile(header: dict) -> dict[str, str]:
    """Tokens that are large, or that are to make a parser work."""
    deep = b"[" * 10_000 + b"]" * 10_000
    return {
        "header": forge.compact({**header, "x": "x" * MEGABYTE}, {}, lambda _: b"x" * 64),
        "payload": forge.compact(header, b"x" * MEGABYTE, lambda _: b"x" * 64),
        "dots": "." * 100_000,
        "deep header": forge.compact(deep, {}, lambda _: b"x" * 64),
        "deep payload": forge.compact(header, deep, lambda _: b"x" * 64),
        "number": forge.compact(b'{"alg":' + b"9" * MEGABYTE + b"}", {}, lambda _: b"x"),
        "number in the payload": forge.compact(header, b'{"exp":' + b"9" * 10_000 + b"}", lambda _: b"x" * 64),
        "signature": forge.compact(header, {}, lambda _: b"x" * MEGABYTE),
        "no token": "\u0000" * 1000,
        "not ascii": "é.é.é",
    }


def sends(rig: Rig, token: str) -> list[int]:
    """Statuses wherever a body or header takes a token."""

    def as_json(path: str, name: str) -> httpx.Response:
        return rig.patient(lambda more: rig.http.post(path, json={name: token}, headers=more), len(token))

    answers = [
        as_json("/api/token/verify/", "token"),
        as_json("/api/token/refresh/", "refresh"),
        rig.introspect(rig.web, token),
        rig.revoke(rig.web, token),
    ]
    if len(token) < 60_000 and token.isascii() and token.isprintable():
        answers += [rig.get_as(token, path) for path in ("/oauth/userinfo", "/api/me/", "/demo/api/orders/")]
    assert all("active" not in answer.text or answer.json() == {"active": False} for answer in answers)
    return [answer.status_code for answer in answers]


def test_jw_19_huge_and_hostile_tokens(rig, genuine):
    """Refused before they are parsed, in bounded memory: after the first round, further ones cost none."""
    tokens, grew = hostile(genuine.header("access")), []
    with rig.untouched():
        for _round in range(3):
            before = memory(rig)
            for name, token in tokens.items():
                assert set(sends(rig, token)) <= {200, 400, 401, 413, 431}, name
            grew.append(memory(rig) - before)
    assert min(grew[1:]) < 20 * 2**20, grew
    for name, token in tokens.items():
        with pytest.raises(InvalidToken):
            genuine.verifier.verify(token)
            raise AssertionError(name)


@everywhere
def test_jw_20_jwe_bombs(rig, genuine, place):
    """Nobody here opens encrypted tokens, so none of their tricks is reached."""
    point = {"kty": "EC", "crv": "P-256", "x": b64(b"\x01" * 32), "y": b64(b"\x02" * 32)}
    parts = f".{b64(b'k' * 32)}.{b64(b'i' * 12)}.{b64(b'c' * 1000)}.{b64(b't' * 16)}"
    kid = genuine.header(place.kind)["kid"]
    with rig.untouched():
        for header in (
            {"alg": "dir", "enc": "A256GCM", "zip": "DEF", "kid": kid},
            {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_147_483_647, "p2s": b64(b"s" * 16), "kid": kid},
            {"alg": "ECDH-ES", "enc": "A256GCM", "epk": point, "kid": kid},
            {"alg": "RSA-OAEP", "enc": "A256GCM", "kid": kid},
            {"alg": "none", "enc": "none", "kid": kid},
        ):
            place.refuses(rig, genuine, b64({"typ": genuine.header(place.kind)["typ"], **header}) + parts)
            as_jws = {**genuine.header(place.kind), **header}
            place.refuses(rig, genuine, forge.compact(as_jws, genuine.claims(place.kind), lambda _: b"x" * 64))


def weak_key(kind: str, payload: dict) -> tuple[dict, str]:
    """A key as its issuer publishes it that nobody should trust, and a token by it, as good as arithmetic allows."""
    header = {"typ": "at+jwt", "kid": "weak"}
    if kind == "rsa-1024":
        key = RSAKey.generate_key(1024, auto_kid=False)
        jwk, sign, alg = key.as_dict(private=False), forge.rs(key), "RS256"
    elif kind == "rsa-e-1":  # whatever is a signature then: the padded digest itself
        jwk, sign, alg = {"kty": "RSA", "n": b64(b"\xff" * 256), "e": b64(b"\x01")}, lambda _: b"\x01" * 256, "RS256"
    elif kind == "bad-point":
        point = {"crv": "P-256", "x": b64(b"\x01" * 32), "y": b64(b"\x02" * 32)}
        jwk, sign, alg = {"kty": "EC", **point}, lambda _: b"\x01" * 64, "ES256"
    else:
        jwk, sign, alg = {"kty": "oct", "k": b64(b"k" * 64)}, forge.hs256(b"k" * 64), "HS256"
    return {**jwk, "kid": "weak", "alg": alg}, forge.compact({**header, "alg": alg}, payload, sign)


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("kind", ["rsa-1024", "rsa-e-1", "bad-point", "symmetric"])
def test_jw_26_weak_keys_of_an_issuer(kind):
    """The library trusts no key that is weak or none, though its issuer published it; and not the good one less."""
    with fake_issuer() as issuer:
        jwk, token = weak_key(kind, forge.split(issuer.token())[1])
        answered = issuer.answer

        def answer(method, path, headers, body):
            status, said, content = answered(method, path, headers, body)
            if path.startswith("/jwks"):
                content = json.dumps({"keys": [jwk, *json.loads(content)["keys"]]}).encode()
            return status, said, content

        issuer.answer = answer
        library = Issuer(issuer.url)
        verifier = Verifier(library, API)
        try:
            assert verifier.verify(issuer.token()).subject == "alice"
            with pytest.raises(InvalidToken):
                verifier.verify(token)
        finally:
            library.stop()


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS"])
def test_jw_26_weak_secrets_of_the_server(rig, tmp_path, name):
    """It does not start with a secret under 32 characters, wherever the other one is good."""
    good = {"SECRET_KEY": secrets.token_urlsafe(48), "ENCRYPTION_KEYS": secrets.token_urlsafe(48)}
    environment = {
        **os.environ, **good, name: "x" * 31, "DEMO": "",
        "ISSUER": "https://id.example.test", "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "CACHE_URL": "database://",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=room.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and name in done.stdout + done.stderr, done.stdout + done.stderr
    assert "x" * 31 not in done.stdout + done.stderr


def test_jw_27_jwks_content(rig):
    response = rig.http.get("/.well-known/jwks.json")
    keys = ok(response)["keys"]
    public = {"EC": {"crv", "x", "y"}, "RSA": {"n", "e"}, "OKP": {"crv", "x"}}
    assert keys and len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert key.keys() == {"kty", "kid", "use", "alg"} | public[key["kty"]] and key["use"] == "sig"
        imported = (RSAKey if key["kty"] == "RSA" else ECKey).import_key(key)
        assert imported.thumbprint() == key["kid"]
        if key["kty"] == "RSA":
            assert len(base64.urlsafe_b64decode(key["n"] + "==")) >= 256 and key["e"] == "AQAB"
    assert {rig.scene.keys[name].thumbprint() for name in ("ES256", "RS256")} <= {key["kid"] for key in keys}


@pytest.mark.parametrize("nonce", ["n-0S6_WzA2Mj", None, "", "n" * 255], ids=["sent", "not-sent", "empty", "long"])
@pytest.mark.parametrize("app", ["web", "spa"])
def test_jw_29_id_token_content(rig, app, nonce):
    """After a sign-in with a password, the only kind there is yet; and after a refresh."""
    application = getattr(rig, app)
    got = rig.tokens(application, rig.scene.alice, nonce=nonce)
    said, header = claims(got["id_token"]), claims(got["id_token"], 0)
    assert header["typ"] == "JWT" and header["alg"] == "RS256"
    assert said["iss"] == rig.issuer and said["sub"] == rig.scene.alice.id
    assert said["aud"] == said["azp"] == application.id
    assert 0 < said["exp"] - said["iat"] <= 600 and said["auth_time"] <= said["iat"]
    assert said["amr"] == ["pwd"] and said["acr"] == "urn:authcenter:acr:1"
    assert said.get("nonce") == (nonce or None)
    assert said["at_hash"] == half(got["access_token"])
    assert not {"email", "name", "phone_number", "address"} & said.keys()
    later = claims(ok(rig.refresh(application, got["refresh_token"]))["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "amr", "acr", "sid"):
        assert later[name] == said[name], name


def half(token: str) -> str:
    """OpenID Connect Core section 3.1.3.6, spelt anew: the left half of SHA-256."""
    return b64(hashlib.sha256(token.encode()).digest()[:16])


def test_jw_30_sub_is_never_reused(rig):
    """The same address again is somebody else: other `sub`, no consent, no tokens, no sign-in."""
    address = f"again{rig.scene.number()}@example.test"
    first = rig.scene.person_at(address)
    browser = rig.browser()
    got = rig.tokens(rig.web, first, browser.sign_in_anew(first), scope="openid offline_access")
    rig.inside.delete(first.id)
    second = rig.scene.person_at(address)
    assert second.id != first.id and rig.inside.authorizations(second.id, rig.web.id) == []
    refusals.bearer(rig.userinfo(got["access_token"]))
    refusals.grant(rig, rig.refresh(rig.web, got["refresh_token"]))
    assert not browser.is_signed_in()
    anew = rig.browser().sign_in_anew(second).ask(rig.web, scope="openid offline_access")
    assert not anew.left_to and anew.form("allow"), "an old consent counts for somebody else"
    assert rig.userinfo(rig.tokens(rig.web, second, anew)["access_token"]).json()["sub"] == second.id
