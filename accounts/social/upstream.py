"""What we ask a provider for: its metadata, its keys, tokens for a code, and who that is. All by the outbound guard."""

import hashlib
import json
import time
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.core.cache import cache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from accounts.social.identity import ProviderFault
from accounts.social.kinds import Kind, endpoints, preset
from accounts.social.models import IdentityProvider
from authcenter.outbox import outbound

KEPT_SECONDS = 3600
"""The metadata and keys of a provider, in the cache of all workers."""

NOT_AGAIN_SECONDS = 10
"""No key set is fetched more often for a `kid` that nobody knows."""

TENANT = "{tenantid}"
"""What Microsoft's metadata for several tenants have in their issuer instead of one."""

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")


def metadata(provider: IdentityProvider) -> dict[str, Any]:
    """Where a provider is asked (OpenID Connect Discovery section 4). Raises `ProviderFault`."""
    if not preset(provider).is_openid:
        return endpoints(provider)
    name = f"discovery-{_digest(provider.issuer)}"
    found: dict[str, Any] | None = cache.get(name)
    if found is None:
        found = discovered(provider)
        cache.set(name, found, KEPT_SECONDS)
    return found


def discovered(provider: IdentityProvider) -> dict[str, Any]:
    """The same, asked for now, with every fault that an operator can do something about. Raises `ProviderFault`."""
    document = _json("GET", provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
    named = document.get("issuer")
    if named != provider.issuer and not (provider.kind == Kind.MICROSOFT and TENANT in str(named)):
        raise ProviderFault(f"The discovery document is of the issuer {str(named)[:255]!r}.")
    for name in _ENDPOINTS:
        url = document.get(name)
        if url is None and name == "userinfo_endpoint":
            continue
        if not isinstance(url, str) or (why := outbound.fault(url)):
            raise ProviderFault(f"{name}: {why if isinstance(url, str) else 'it is missing.'}")
    kept = {name: document[name] for name in _ENDPOINTS if name in document}
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return {
        **kept,
        "issuer": named,
        "posts_secret": "client_secret_basic" not in methods and "client_secret_post" in methods,
        "sends_iss": document.get("authorization_response_iss_parameter_supported") is True,
    }


def keys(provider: IdentityProvider, *, again: bool = False) -> list[dict[str, Any]]:
    """The provider's public keys (RFC 7517). `again` asks anew, if nobody has a moment ago. Raises `ProviderFault`."""
    uri = metadata(provider)["jwks_uri"]
    name = f"provider-keys-{_digest(uri)}"
    kept: list[dict[str, Any]] | None = cache.get(name)
    if kept is not None and not (again and cache.add(f"{name}-asked", True, NOT_AGAIN_SECONDS)):
        return kept
    found = _json("GET", uri).get("keys")
    fresh = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
    cache.set(name, fresh, KEPT_SECONDS)
    return fresh


def tokens(provider: IdentityProvider, code: str, verifier: str) -> dict[str, Any]:
    """What a code buys (RFC 6749 section 4.1.3, RFC 7636 section 4.5). Raises `ProviderFault`."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.redirect_uri,
        "code_verifier": verifier,
    }
    where, headers = metadata(provider), {"Content-Type": "application/x-www-form-urlencoded"}
    secret = _apple_secret(provider) if provider.kind == Kind.APPLE else provider.plain_secret
    is_posted = where.get("posts_secret") or not preset(provider).is_openid or provider.kind == Kind.APPLE
    if secret and not is_posted:
        headers |= outbound.basic(quote_plus(provider.client_id), quote_plus(secret))  # RFC 6749 section 2.3.1
    else:
        form |= {"client_id": provider.client_id} | ({"client_secret": secret} if secret else {})
    answer = _json("POST", where["token_endpoint"], headers, urlencode(form).encode())
    if not isinstance(answer.get("access_token"), str):
        raise ProviderFault("The token endpoint gave no token.")
    return answer


def userinfo(url: str, access_token: str, **query: str) -> Any:
    """What the provider's API tells whoever holds the token (RFC 6750 section 2.1). Raises `ProviderFault`."""
    if not access_token.isascii() or not access_token.isprintable():
        raise ProviderFault("The access token is none.")
    return _answer("GET", f"{url}?{urlencode(query)}" if query else url, {"Authorization": f"Bearer {access_token}"})


def object_of(text: str) -> dict[str, Any]:
    """A JSON object that a stranger wrote; empty where it is none."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _json(method: str, url: str, headers: dict[str, str] | None = None, body: bytes = b"") -> dict[str, Any]:
    answer = _answer(method, url, headers or {}, body)
    if not isinstance(answer, dict):
        raise ProviderFault(f"{url} did not answer with a JSON object.")
    return answer


def _answer(method: str, url: str, headers: dict[str, str], body: bytes = b"") -> Any:
    try:
        answer = outbound.ask(method, url, headers={"Accept": "application/json", **headers}, body=body)
    except (outbound.Refused, outbound.Failed) as error:
        raise ProviderFault(f"{url.partition('?')[0]}: {error}") from error
    said: Any = None
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        if answer.status == 200:
            raise ProviderFault(f"{url.partition('?')[0]} did not answer with JSON.") from None
    if answer.status != 200:
        named = said.get("error") if isinstance(said, dict) else ""
        code = f", {named[:60]!r}" if isinstance(named, str) and named else ""
        raise ProviderFault(f"{url.partition('?')[0]} answered {answer.status}{code}.")
    return said


def _apple_secret(provider: IdentityProvider) -> str:
    """Apple takes a token signed with the key that it gave, good for minutes, in place of a secret."""
    now = int(time.time())
    claims = {"iss": provider.team_id, "iat": now, "exp": now + 300, "aud": provider.issuer, "sub": provider.client_id}
    try:
        key = ECKey.import_key(provider.plain_secret)
        return jwt.encode({"alg": "ES256", "kid": provider.key_id}, claims, key, algorithms=["ES256"])
    except (JoseError, ValueError) as error:
        raise ProviderFault("Apple's private key is not one.") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
