"""The library alone: sources of keys and revocations, and the Django REST framework classes on an API of its own."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from authcenter.resource_server import (
    ExpiredToken,
    InvalidToken,
    JoseKey,
    MisusedToken,
    RevokedToken,
    Token,
    Verifier,
)
from authcenter.resource_server.drf import BearerAuthentication, HasRole, HasScope

ISSUER, API = "https://id.test", "https://orders.test/"
KEYS: dict[str, tuple[str, JoseKey]] = {
    "ec": ("ES256", ECKey.generate_key("P-256")),
    "rsa": ("RS256", RSAKey.generate_key(2048)),
    "pss": ("PS256", RSAKey.generate_key(2048)),
    "ed": ("Ed25519", OKPKey.generate_key("Ed25519")),
}


class Keys:
    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        return KEYS.get(kid)


class Revocations:
    def __init__(self) -> None:
        self.dead: set[str] = set()

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        return claims["jti"] in self.dead


def token(kid: str = "ec", typ: str = "at+jwt", alg: str = "", **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": API, "sub": "alice", "client_id": "web", "jti": secrets.token_hex(8)}
    claims |= {"iat": now, "exp": now + 60, "scope": "orders:read orders:write", "roles": ["operator"], **changes}
    header = {"alg": alg or KEYS[kid][0], "typ": typ, "kid": kid}
    return jws.serialize_compact(header, json.dumps(claims), KEYS[kid][1], algorithms=[header["alg"]])


@pytest.fixture
def verifier() -> Verifier:
    return Verifier(ISSUER, API, keys=Keys())


@pytest.mark.parametrize("kid", ["ec", "rsa", "pss", "ed"])
@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_a_whole_token_tells_what_is_in_it(verifier: Verifier, kid: str, typ: str) -> None:
    checked = verifier.verify(token(kid, typ))
    assert checked.subject == "alice" and checked.client_id == "web" and checked.audience == (API,)
    assert checked.scopes == {"orders:read", "orders:write"} and checked.roles == {"operator"}
    assert checked.expires - checked.issued == 60 and checked.type == "at+jwt"
    with pytest.raises(AttributeError):
        checked.subject = "bob"  # type: ignore[misc]


@pytest.mark.parametrize(("kid", "alg"), [("rsa", "PS256"), ("rsa", "RS512"), ("pss", "RS256"), ("rsa", "RS384")])
def test_rfc8725_3_1_the_key_has_one_algorithm(verifier: Verifier, kid: str, alg: str) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(token(kid, alg=alg))


def test_an_api_may_accept_fewer_algorithms() -> None:
    strict = Verifier(ISSUER, API, keys=Keys(), algorithms=("ES256",))
    strict.verify(token("ec"))
    with pytest.raises(InvalidToken):
        strict.verify(token("rsa"))


def test_each_refusal_has_its_kind(verifier: Verifier) -> None:
    for wrong in ({"typ": "JWT"}, {"typ": "session+jwt"}, {"iss": "https://evil.test"}, {"aud": "https://stock.test/"}):
        with pytest.raises(MisusedToken) as misused:
            verifier.verify(token(**wrong))  # type: ignore[arg-type]
        assert misused.value.claims is not None
    with pytest.raises(ExpiredToken):
        verifier.verify(token(exp=int(time.time()) - 1))
    with pytest.raises(InvalidToken) as broken:
        verifier.verify(token()[:-8] + "AAAAAAAA")
    assert broken.value.claims is None, "nothing in an unsigned token is believed"


def test_revocations_come_from_their_source() -> None:
    revocations = Revocations()
    verifier = Verifier(ISSUER, API, keys=Keys(), revocations=revocations)
    good = token(jti="one")
    assert isinstance(verifier.verify(good), Token)
    revocations.dead.add("one")
    with pytest.raises(RevokedToken):
        verifier.verify(good)


def test_hostile_tokens_are_refused_quickly(verifier: Verifier) -> None:
    began = time.perf_counter()
    for hostile in ("." * 1_000_000, "a" * 10_000_000, "a.b.c" * 100_000, "[" * 16_000, "e30." * 4000):
        with pytest.raises(InvalidToken):
            verifier.verify(hostile)
    assert time.perf_counter() - began < 1


def test_deep_payloads_are_refused(verifier: Verifier) -> None:
    for payload in (b"[" * 9000, b'{"a":' * 2000, b'{"exp":' + b"9" * 6000 + b"}", b"\xff", b"", b"[]", b"null"):
        signed = jws.serialize_compact(
            {"alg": "ES256", "typ": "at+jwt", "kid": "ec"}, payload, KEYS["ec"][1], algorithms=["ES256"]
        )
        with pytest.raises(InvalidToken):
            verifier.verify(signed)


def test_the_core_imports_neither_django_nor_anything_of_ours() -> None:
    code = (
        "import sys, authcenter.resource_server\n"
        "ours = {name for name in sys.modules if name.startswith(('authcenter.', 'accounts'))}\n"
        "assert all(name.startswith('authcenter.resource_server') for name in ours), ours\n"
        "assert 'django' not in sys.modules and 'rest_framework' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- Django REST framework ----------------------------------------------------------------------------------------


class OrdersAuthentication(BearerAuthentication):
    realm = "orders"

    def verifier(self) -> Verifier:
        return Verifier(ISSUER, API, keys=Keys())


def called(authorization: str = "", *permissions: Any) -> Any:
    class View(APIView):
        authentication_classes = (OrdersAuthentication,)
        permission_classes = permissions

        def get(self, request: Any) -> Response:
            return Response({"subject": request.user.subject, "client": request.user.client_id})

    headers = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
    return View.as_view()(APIRequestFactory().get("/", **headers))


def test_the_caller_is_whom_the_token_speaks_for() -> None:
    assert called(f"Bearer {token()}").data == {"subject": "alice", "client": "web"}


def test_scopes_are_all_needed() -> None:
    assert called(f"Bearer {token()}", HasScope("orders:read", "orders:write")).status_code == 200
    response = called(f"Bearer {token(scope='orders:read')}", HasScope("orders:read", "orders:write"))
    assert response.status_code == 403
    assert response["WWW-Authenticate"] == (
        'Bearer realm="orders", error="insufficient_scope", '
        'error_description="The access token does not carry the scope that this needs.", '
        'scope="orders:read orders:write"'
    )


def test_one_of_the_roles_is_enough_and_none_is_a_plain_403() -> None:
    assert called(f"Bearer {token()}", HasRole("auditor", "operator")).status_code == 200
    for roles in ([], ["Operator"], ["oper"]):
        response = called(f"Bearer {token(roles=roles)}", HasRole("operator"))
        assert response.status_code == 403 and "WWW-Authenticate" not in response


@pytest.mark.parametrize("permission", [HasScope("orders:read"), HasRole("operator")])
def test_without_a_token_both_are_a_401_without_an_error_code(permission: Any) -> None:
    response = called("", permission)
    assert response.status_code == 401 and response["WWW-Authenticate"] == 'Bearer realm="orders"'


def test_a_wrong_token_is_a_401_with_one() -> None:
    response = called(f"Bearer {token(aud='https://stock.test/')}", HasScope("orders:read"))
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == (
        'Bearer realm="orders", error="invalid_token", error_description="The access token is not valid."'
    )
