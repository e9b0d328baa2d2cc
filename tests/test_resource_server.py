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
    ProtectedResource,
    RevokedToken,
    StaleView,
    Token,
    Unreachable,
    Verifier,
)
from authcenter.resource_server.drf import BearerAuthentication, HasRole, HasScope, RequiresSignIn, metadata_view

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
        self.age = 0.0

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


class Asked:
    """Introspection that knows some active tokens, or is silent."""

    can_introspect = True

    def __init__(self) -> None:
        self.active: dict[str, Mapping[str, Any]] = {}
        self.silent = False

    def introspect(self, token: str) -> Mapping[str, Any] | None:
        if self.silent:
            raise Unreachable("silent")
        return self.active.get(token)


# --- A view that has grown old ------------------------------------------------------------------------------------


def judged(good: str, when_stale: Any, *, age: float = 11, asked: Asked | None = None) -> Token:
    revocations = Revocations()
    revocations.age = age
    verifier = Verifier(
        ISSUER, API, keys=Keys(), revocations=revocations, introspection=asked or Asked(), when_stale=when_stale
    )
    return verifier.verify(good)


def test_a_stale_view_refuses_unless_the_api_chose_otherwise() -> None:
    good = token()
    for choice in ("refuse", "accept", "ask"):
        judged(good, choice, age=9)
    with pytest.raises(StaleView):
        judged(good, "refuse")
    judged(good, "accept")


def test_a_stale_view_asks_introspection_which_may_say_no_or_be_silent() -> None:
    good, asked = token(), Asked()
    with pytest.raises(RevokedToken):
        judged(good, "ask", asked=asked)
    asked.active[good] = {"active": True}
    judged(good, "ask", asked=asked)
    asked.silent = True
    with pytest.raises(StaleView):
        judged(good, "ask", asked=asked)


@pytest.mark.parametrize(
    ("scope", "accepted"),
    [("orders:read", True), ("orders:read payments:write", False), ("payments:write", False), ("", True)],
)
def test_the_strictest_choice_among_the_scopes_counts(scope: str, accepted: bool) -> None:
    choices = {"payments:write": "refuse", "*": "accept"}
    if accepted:
        judged(token(scope=scope), choices)
    else:
        with pytest.raises(StaleView):
            judged(token(scope=scope), choices)


def test_a_scope_that_is_not_named_refuses_where_no_star_says_otherwise() -> None:
    judged(token(scope="orders:read"), {"orders:read": "accept"})
    with pytest.raises(StaleView):
        judged(token(scope="orders:read other"), {"orders:read": "accept"})


def test_wrong_choices_are_refused_when_the_verifier_is_made() -> None:
    with pytest.raises(ValueError, match="accept, refuse or ask"):
        Verifier(ISSUER, API, keys=Keys(), when_stale="maybe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="client_id"):
        Verifier(ISSUER, API, keys=Keys(), when_stale="ask")


# --- Tokens that are no JWT ---------------------------------------------------------------------------------------


def opaque(**changes: Any) -> Mapping[str, Any]:
    now = int(time.time())
    said = {"active": True, "iss": ISSUER, "aud": API, "sub": "alice", "client_id": "web", "scope": "orders:read"}
    return {**said, "iat": now, "exp": now + 60, "jti": "one", **changes}


def test_an_opaque_token_is_judged_by_introspection() -> None:
    asked = Asked()
    verifier = Verifier(ISSUER, API, keys=Keys(), introspection=asked)
    asked.active["oat_one"] = opaque()
    checked = verifier.verify("oat_one")
    assert checked.type == "opaque" and checked.subject == "alice" and checked.scopes == {"orders:read"}
    del asked.active["oat_one"]
    with pytest.raises(InvalidToken):
        verifier.verify("oat_one")


@pytest.mark.parametrize(
    "wrong", [{"aud": "https://stock.test/"}, {"aud": None}, {"iss": "https://evil.test"}, {"exp": 1}]
)
def test_rfc7662_4_an_active_token_must_be_for_this_api_by_this_issuer_and_living(wrong: Any) -> None:
    asked = Asked()
    asked.active["oat_one"] = opaque(**wrong)
    with pytest.raises(InvalidToken):
        Verifier(ISSUER, API, keys=Keys(), introspection=asked).verify("oat_one")


def test_without_credentials_an_opaque_token_is_nothing() -> None:
    with pytest.raises(InvalidToken):
        Verifier(ISSUER, API, keys=Keys()).verify("oat_one")


# --- Tokens that were verified before -----------------------------------------------------------------------------


class CountedKeys(Keys):
    def __init__(self) -> None:
        self.trusted = True

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        return KEYS.get(kid) if self.trusted else None


def test_a_repeat_costs_no_signature_and_is_checked_for_all_that_can_change(monkeypatch: Any) -> None:
    keys, revocations = CountedKeys(), Revocations()
    verifier = Verifier(ISSUER, API, keys=keys, revocations=revocations)
    good = token(jti="one", exp=int(time.time()) + 60)
    first = verifier.verify(good)
    monkeypatch.setattr("authcenter.resource_server.verifier.signed_claims", lambda *_args, **_named: 1 / 0)
    assert verifier.verify(good) is first
    revocations.dead.add("one")
    with pytest.raises(RevokedToken):
        verifier.verify(good)
    revocations.dead.clear()
    revocations.age = 11.0
    with pytest.raises(StaleView):
        verifier.verify(good)
    revocations.age = 0.0
    keys.trusted = False
    with pytest.raises(InvalidToken):
        verifier.verify(good)
    keys.trusted = True
    now = time.time()
    monkeypatch.setattr("authcenter.resource_server.verifier.time.time", lambda: now + 61)
    with pytest.raises(ExpiredToken):
        verifier.verify(good)


def test_what_is_remembered_is_bounded_and_opens_nothing() -> None:
    verifier = Verifier(ISSUER, API, keys=Keys(), remembered=3)
    tokens = [token() for _ in range(5)]
    for each in tokens:
        verifier.verify(each)
    kept = verifier._checked._kept
    assert len(kept) == 3
    assert not any(each.encode() in kept for each in tokens) and all(len(name) == 16 for name in kept)
    none = Verifier(ISSUER, API, keys=Keys(), remembered=0)
    none.verify(tokens[0])
    assert not none._checked._kept


def test_a_changed_token_is_not_the_one_that_was_verified(verifier: Verifier) -> None:
    good = token()
    verifier.verify(good)
    for changed in (good + " ", good[:-1], good.upper(), good + "."):
        with pytest.raises(InvalidToken):
            verifier.verify(changed)


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
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- Django REST framework ----------------------------------------------------------------------------------------


class OrdersAuthentication(BearerAuthentication):
    realm = "orders"

    def verifier(self) -> Verifier:
        return Verifier(ISSUER, API, keys=Keys())


def called(authorization: str = "", *permissions: Any, authentication: Any = OrdersAuthentication) -> Any:
    class View(APIView):
        authentication_classes = (authentication,)
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


def test_a_view_that_is_too_old_is_a_503_and_no_fault_of_the_token() -> None:
    revocations = Revocations()
    revocations.age = 60.0

    class Stale(OrdersAuthentication):
        def verifier(self) -> Verifier:
            return Verifier(ISSUER, API, keys=Keys(), revocations=revocations)

    response = called(f"Bearer {token()}", authentication=Stale)
    assert response.status_code == 503 and response["Retry-After"] == "5" and "WWW-Authenticate" not in response


# --- RFC 9470: step-up --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "claims", "challenge"),
    [
        ({"acr_values": "strong phr"}, {"acr": "phr"}, None),
        ({"acr_values": "strong phr"}, {"acr": "pwd"}, 'acr_values="strong phr"'),
        ({"acr_values": "strong"}, {}, 'acr_values="strong"'),
        ({"max_age": 60}, {"auth_time": "now"}, None),
        ({"max_age": 60}, {"auth_time": 1}, 'max_age="60"'),
        ({"max_age": 0}, {"auth_time": 1}, 'max_age="0"'),
        ({"max_age": 60}, {}, 'max_age="60"'),
        ({"acr_values": "strong", "max_age": 9}, {"acr": "strong"}, 'acr_values="strong", max_age="9"'),
    ],
)
def test_rfc9470_3_a_weak_or_old_sign_in_is_told_what_is_wanted(wanted: Any, claims: Any, challenge: Any) -> None:
    if claims.get("auth_time") == "now":  # when the test runs, not when it was collected
        claims = {"auth_time": int(time.time())}
    response = called(f"Bearer {token(**claims)}", RequiresSignIn(**wanted))
    if challenge is None:
        assert response.status_code == 200
        return
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith('Bearer realm="orders", error="insufficient_user_authentication"')
    assert response["WWW-Authenticate"].endswith(challenge)


# --- RFC 9728: protected-resource metadata ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://orders.test", "https://orders.test/.well-known/oauth-protected-resource"),
        ("https://orders.test/", "https://orders.test/.well-known/oauth-protected-resource"),
        ("https://api.test/orders/v1", "https://api.test/.well-known/oauth-protected-resource/orders/v1"),
    ],
)
def test_rfc9728_3_1_the_well_known_path_comes_before_the_resource_s_own(resource: str, url: str) -> None:
    assert ProtectedResource(resource, [ISSUER]).url == url


def test_rfc9728_2_and_3_2_the_document() -> None:
    resource = ProtectedResource(API, [ISSUER], scopes_supported=["orders:read"], name="Orders")
    response = metadata_view(resource)(APIRequestFactory().get(resource.path))
    assert response.data == {
        "resource": API,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["orders:read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Orders",
    }


def test_rfc9728_5_1_challenges_name_the_document() -> None:
    class Named(OrdersAuthentication):
        metadata = ProtectedResource(API, [ISSUER])

    address = 'resource_metadata="https://orders.test/.well-known/oauth-protected-resource"'
    for authorization in ("", "Bearer nonsense"):
        response = called(authorization, HasScope("orders:read"), authentication=Named)
        assert response.status_code == 401 and response["WWW-Authenticate"].endswith(address)
