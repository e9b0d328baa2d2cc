"""ID tokens of other providers (OpenID Connect Core section 3.1.3.7). The signature is verified although the token came
by TLS: a proxy in between, or a wrong address in a row, must not speak for anybody."""

import hmac
import re
import time
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from accounts.social import upstream
from accounts.social.identity import ProviderFault
from accounts.social.models import IdentityProvider
from authcenter.resource_server.errors import InvalidToken
from authcenter.resource_server.signature import JoseKey, declared_header, signed_claims

LEEWAY = 60
"""Seconds by which the provider's clock may differ."""

OLDEST = 600
"""Seconds since it was issued: it was asked for a moment ago."""

_ALGORITHMS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",), "OKP": ("EdDSA", "Ed25519")}
"""By type of key. Never `none`, never an HMAC under what is known to others."""


class _Keys:
    """A `KeySource` of what the provider publishes, for a token that says it is signed by `algorithm`."""

    def __init__(self, provider: IdentityProvider, algorithm: str) -> None:
        self._provider, self._algorithm = provider, algorithm

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        found = self._among(upstream.keys(self._provider), kid)
        return found or self._among(upstream.keys(self._provider, again=True), kid)

    def _among(self, published: list[dict[str, Any]], kid: str) -> tuple[str, JoseKey] | None:
        fitting = [key for key in published if kid in {"", key.get("kid")} and self._fits(key)]
        return (self._algorithm, _imported(fitting[0])) if len(fitting) == 1 else None

    def _fits(self, key: dict[str, Any]) -> bool:
        by_type = _ALGORITHMS.get(str(key.get("kty")), ())
        return (
            self._algorithm in by_type
            and key.get("alg") in {None, self._algorithm}
            and key.get("use") in {None, "sig"}
            and key.get("crv") in {None, "P-256", "Ed25519"}
        )


def verified(provider: IdentityProvider, token: Any, nonce: str) -> dict[str, Any]:
    """The claims of a token that this provider signed for us, now, in answer to this nonce. Raises `ProviderFault`."""
    if not isinstance(token, str):
        raise ProviderFault("The answer has no ID token.")
    try:
        claims = signed_claims(token, _Keys(provider, declared_header(token).algorithm), types=("", "jwt")).claims
    except InvalidToken as error:
        raise ProviderFault(f"The ID token is not good: {error}.") from error
    _judge(provider, claims, nonce)
    return claims


def _judge(provider: IdentityProvider, claims: dict[str, Any], nonce: str) -> None:
    now, issuer, aud = time.time(), _issuer(provider, claims), claims.get("aud")
    audiences = aud if isinstance(aud, list) else [aud]
    said = claims.get("nonce")
    faults = {
        "iss": claims.get("iss") != issuer,
        "aud": provider.client_id not in audiences,
        "azp": claims.get("azp", provider.client_id if len(audiences) == 1 else None) != provider.client_id,
        "exp": not _is_time(claims.get("exp")) or claims["exp"] < now - LEEWAY,
        "iat": not _is_time(claims.get("iat")) or not now - OLDEST - LEEWAY < claims["iat"] < now + LEEWAY,
        "nbf": "nbf" in claims and (not _is_time(claims["nbf"]) or claims["nbf"] > now + LEEWAY),
        "nonce": not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()),
        "sub": not isinstance(claims.get("sub"), str),
    }
    if wrong := [name for name, is_wrong in faults.items() if is_wrong]:
        raise ProviderFault(f"The ID token is not for us: {', '.join(wrong)}.")


def _issuer(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """Microsoft's address for several tenants names the one in each token."""
    named = str(upstream.metadata(provider)["issuer"])
    if upstream.TENANT not in named:
        return named
    tenant = str(claims.get("tid", ""))
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", tenant):
        raise ProviderFault("The ID token names no tenant.")
    return named.replace(upstream.TENANT, tenant)


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _imported(jwk: dict[str, Any]) -> JoseKey:
    kinds: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    plain = {name: value for name, value in jwk.items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    try:
        key = kinds[jwk["kty"]].import_key(plain)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise InvalidToken("a key that is none") from error
    if isinstance(key, RSAKey) and key.public_key.key_size < 2048:
        raise InvalidToken("a key that is too short")
    return key
