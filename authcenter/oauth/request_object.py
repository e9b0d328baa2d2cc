"""Signed authorization requests (RFC 9101; OpenID Connect Core section 6): by value, or from a registered address.

What counts is what the object says, and nothing beside it (RFC 9101 section 6.3): an address that a person was talked
into opening adds nothing. Only signatures are taken, by the application's registered keys.
"""

import json
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import urlencode

from authcenter import limits
from authcenter.oauth import assertions, pushed
from authcenter.oauth.errors import (
    InvalidRequestError,
    InvalidRequestObject,
    InvalidRequestUri,
    RequestNotSupported,
    RequestUriNotSupported,
)
from authcenter.oauth.models import Application
from authcenter.oauth.parameters import Parameters, parsed
from authcenter.outbox import outbound

_TYPES = ("", "jwt", "oauth-authz-req+jwt")
_LONGEST = 3600
"""Seconds that an object may live."""

_OF_THE_JWT = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})


def is_pushed(parameters: Parameters) -> bool:
    return (parameters.get("request_uri") or "").startswith(pushed.PREFIX)


def is_one(parameters: Parameters) -> bool:
    return parameters.get("request") is not None or parameters.get("request_uri") is not None


def unpacked(http: HttpRequest, application: Application, parameters: Parameters) -> Parameters:
    """The parameters that the object holds. Raises what OpenID Connect Core section 3.1.2.6 names."""
    token, address = parameters.get("request"), parameters.get("request_uri")
    if token is not None and address is not None:
        raise InvalidRequestError(description="request and request_uri are not for use together.")
    if address is not None:
        if not application.request_uris:
            raise RequestUriNotSupported
        token = _fetched(http, application, address)
    elif not (application.client_jwks or application.client_jwks_uri):
        raise RequestNotSupported
    try:
        claims = assertions.by_key(
            token or "",
            application.client_jwks,
            application.client_jwks_uri,
            registered=application.request_object_signing_alg,
            types=_TYPES,
        )
    except assertions.Refused:
        raise InvalidRequestObject from None
    _judge(claims, application)
    return _as_parameters(claims, application)


def _fetched(http: HttpRequest, application: Application, address: str) -> str:
    """What lies at a registered address, asked for as often as a person comes, within limits."""
    if address not in application.request_uris:
        raise InvalidRequestUri
    if limits.taken(limits.client_documents(http, application.client_id)):
        raise InvalidRequestUri
    try:
        answer = outbound.get(address.partition("#")[0], accept="application/oauth-authz-req+jwt, application/jwt")
        text = answer.body.decode("ascii").strip()
    except (outbound.Refused, outbound.Failed, UnicodeError):
        raise InvalidRequestUri from None
    if answer.status != 200:
        raise InvalidRequestUri
    return text


def _judge(claims: dict[str, Any], application: Application) -> None:
    """RFC 9101 sections 4 and 6.2, RFC 7519 section 4.1: what is there must be right."""
    now, audience = time.time(), claims.get("aud", settings.ISSUER)
    right = (
        claims.get("iss", application.client_id) == application.client_id
        and claims.get("client_id", application.client_id) == application.client_id
        and settings.ISSUER in (audience if isinstance(audience, list) else [audience])
        and not claims.keys() & {"request", "request_uri"}
    )
    expires, not_before = claims.get("exp", now), claims.get("nbf", now)
    if not right or not assertions.is_number(expires) or not assertions.is_number(not_before):
        raise InvalidRequestObject
    if not now - assertions.LEEWAY < expires <= now + _LONGEST or not_before > now + assertions.LEEWAY:
        raise InvalidRequestObject


def _as_parameters(claims: dict[str, Any], application: Application) -> Parameters:
    """As if they had come in the address: judged by the same rules of form."""
    pairs = [("client_id", application.client_id)]
    for name, value in claims.items():
        if name in _OF_THE_JWT or name == "client_id" or value is None:
            continue
        values = value if isinstance(value, list) and name == "resource" else [value]
        pairs += [(name, _text(one)) for one in values]
    try:
        return parsed(urlencode(pairs))
    except UnicodeEncodeError:  # JSON can write half a character
        raise InvalidRequestObject from None


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise InvalidRequestObject
