"""Tokens with changed parts, some with a good signature; and assertions of applications and issuers."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from tests.attacks import forge

CHANGES = ("flip", "cut", "double", "space", "none", "hs", "empty", "upper", "strip", "deep")
"""Without an argument."""

Keys = dict[str, Any]


def changed(token: str, change: str, keys: Keys) -> str:
    """The token after `change`: one of CHANGES, or `claim`, `header`, `resign`, `rehead` with `:name=json`."""
    how, _, argument = change.partition(":")
    if how in _TEXT:
        return _TEXT[how](token)
    try:
        header, payload, signature = forge.split(token)
    except ValueError:
        return _TEXT["flip"](token)
    if how == "none":
        return forge.compact({**header, "alg": "none"}, payload)
    if how == "hs":
        return forge.compact({**header, "alg": "HS256"}, payload, forge.hs256(b"public"))
    if how == "strip":
        return token.rpartition(".")[0] + "."
    if how == "deep":
        return forge.compact(header, b'{"sub":' + b"[" * 3000 + b"]" * 3000 + b"}", _signer(header, keys))
    name, _, text = argument.partition("=")
    part = header if how in {"header", "rehead"} else payload
    part = {**part, name: json.loads(text)} if text else forge.without(part, **{name: None})
    header, payload = (part, payload) if how in {"header", "rehead"} else (header, part)
    if how in {"resign", "rehead"}:
        return forge.compact(header, payload, _signer(header, keys))
    return f"{forge.compact(header, payload)}{signature}"


_TEXT: dict[str, Callable[[str], str]] = {
    "flip": lambda token: token[:-5] + ("A" if token[-5:-4] != "A" else "B") + token[-4:],
    "cut": lambda token: token[:-3],
    "double": lambda token: token + token,
    "space": lambda token: f"{token[:9]} {token[9:]}",
    "empty": lambda token: "." * token.count("."),
    "upper": str.upper,
}


def _signer(header: dict[str, Any], keys: Keys) -> forge.Signer:
    key = keys.get(str(header.get("alg"))) or keys["ES256"]
    return forge.es256(key) if isinstance(key, ECKey) else forge.rs(key)


def imported(private: dict[str, Any]) -> Keys:
    kinds: dict[str, Any] = {"EC": ECKey, "RSA": RSAKey}
    return {name: kinds[jwk["kty"]].import_key(jwk) for name, jwk in private.items() if jwk["kty"] in kinds}


def assertion(claims: dict[str, Any], change: str, signer: forge.Signer, algorithm: str) -> str:
    """One that is right but for `change` (`name=json`, or nothing)."""
    now = int(time.time())
    said = {**claims, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(9)}
    name, _, text = change.partition("=")
    if name:
        said = {**said, name: json.loads(text)} if text else forge.without(said, **{name: None})
    return forge.compact({"alg": algorithm, "typ": "JWT", "kid": "fuzz"}, said, signer)
