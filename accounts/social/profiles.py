"""Who it is, from each kind of provider, once a code was exchanged."""

import hashlib
import hmac
from typing import Any

from accounts.social import id_token, upstream
from accounts.social.identity import Identity, ProviderFault, read
from accounts.social.kinds import Kind, preset
from accounts.social.models import IdentityProvider


def identity(provider: IdentityProvider, answer: dict[str, Any], nonce: str, posted: dict[str, str]) -> Identity:
    """The person whom this answer of the token endpoint is about. Raises `ProviderFault`.

    `posted` came by way of the browser, and so from anybody: a name, no more.
    """
    if preset(provider).is_openid:
        return _openid(provider, answer, nonce, posted)
    return (_github if provider.kind == Kind.GITHUB else _facebook)(provider, str(answer["access_token"]))


def _openid(provider: IdentityProvider, answer: dict[str, Any], nonce: str, posted: dict[str, str]) -> Identity:
    claims = posted | id_token.verified(provider, answer.get("id_token"), nonce)
    where = upstream.metadata(provider)
    if "email" not in claims and "userinfo_endpoint" in where:
        told = upstream.userinfo(where["userinfo_endpoint"], answer["access_token"])
        # Core section 5.3.2: of somebody else it must not be used. What is signed counts more.
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            raise ProviderFault("The userinfo endpoint tells of somebody else.")
        claims = {**told, **claims}
    subject = claims["sub"]
    if upstream.TENANT in str(where["issuer"]):
        subject = f"{claims['tid']} {subject}"
    if provider.kind == Kind.MICROSOFT:
        # `email` is what an administrator of any tenant wrote there; this claim says who owns its domain.
        claims["email_verified"] = claims.get("xms_edov") in (True, 1, "1", "true")
    return read(claims, subject)


def _github(provider: IdentityProvider, access_token: str) -> Identity:
    """Found by its number: the user name can be given away and taken by somebody else."""
    where = upstream.metadata(provider)
    told = upstream.userinfo(where["profile"], access_token)
    if not isinstance(told, dict) or not isinstance(told.get("id"), int) or isinstance(told["id"], bool):
        raise ProviderFault("The answer names nobody.")
    listed = upstream.userinfo(where["emails"], access_token)
    addresses = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    first = next((entry for entry in addresses if entry.get("primary") is True), {})
    claims = {
        "name": told.get("name") or told.get("login"),
        "email": first.get("email"),
        "email_verified": first.get("verified"),
    }
    return read(claims, str(told["id"]))


def _facebook(provider: IdentityProvider, access_token: str) -> Identity:
    """Its addresses count as unverified: the API does not say."""
    proof = hmac.new(provider.plain_secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()
    told = upstream.userinfo(
        upstream.metadata(provider)["profile"],
        access_token,
        fields="id,name,first_name,last_name,email",
        appsecret_proof=proof,
    )
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        raise ProviderFault("The answer names nobody.")
    claims = {
        "name": told.get("name"),
        "given_name": told.get("first_name"),
        "family_name": told.get("last_name"),
        "email": told.get("email"),
    }
    return read(claims, told["id"])
