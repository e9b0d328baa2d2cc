"""POST /oauth/introspect (RFC 7662), for those who prefer to ask; signed for who asks for that (RFC 9701).

Who may ask about which token is a rule: an API about access tokens for its own identifier, a confidential application
about its own tokens. Everybody else, and every dead token, gets the same `{"active": false}`.
"""

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authcenter.keys.ring import InvalidToken, ring
from authcenter.oauth import access_token, clients, living
from authcenter.oauth.errors import OAuth2Error, json_error
from authcenter.oauth.grants import refresh_token
from authcenter.oauth.json_answer import json_answer
from authcenter.oauth.models import API, Application
from authcenter.oauth.parameters import from_form
from authcenter.oauth.registration import hashed
from authcenter.oauth.subjects import subject_of

SIGNED = "application/token-introspection+jwt"
_TOLD = (
    *("iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti", "auth_time", "acr", "amr", "sid", "act"),
    *("roles", "groups", "org_id", "org_name", "org_role"),
)


@csrf_exempt
def introspect(http: HttpRequest) -> HttpResponse:
    try:
        parameters = from_form(http)
        caller = clients.authenticate_caller(http, parameters)
        told = _about(caller, parameters.required("token"))
    except OAuth2Error as error:
        return json_error(error)
    answer = told or {"active": False}
    if _wants_signed(http):
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        return HttpResponse(_signed(caller, answer), content_type=SIGNED, headers=headers)
    return json_answer(answer, Vary="Accept")


def _wants_signed(http: HttpRequest) -> bool:
    """RFC 9110 section 12.5.1; what nearly all send needs no weighing."""
    if http.META.get("HTTP_ACCEPT", "*/*") in {"*/*", "application/json"}:
        return False
    return http.get_preferred_type(["application/json", SIGNED]) == SIGNED


def _signed(caller: Application | API, answer: dict[str, Any]) -> str:
    """RFC 9701 section 5: the answer inside, for this caller alone; no `sub` or `exp` that would make it a token."""
    is_api = isinstance(caller, API)
    claims = {
        "iss": settings.ISSUER,
        "aud": caller.identifier if is_api else caller.client_id,
        "iat": int(time.time()),
        "token_introspection": answer,
    }
    algorithm = caller.introspection_signed_response_alg if is_api else "RS256"
    return ring.sign(claims, typ="token-introspection+jwt", algorithm=algorithm)


def _about(caller: Application | API, token: str) -> dict[str, Any] | None:
    if said := refresh_token.presented(token):
        return _about_refresh_token(caller, said)
    try:
        claims = access_token.read(token)
    except InvalidToken:
        return None
    if not _may_ask(caller, claims) or not living.is_alive(claims):
        return None
    return {"active": True, "token_type": "Bearer", **{name: claims[name] for name in _TOLD if name in claims}}


def _may_ask(caller: Application | API, claims: Mapping[str, Any]) -> bool:
    if isinstance(caller, API):
        audience = claims.get("aud")
        return caller.identifier in (audience if isinstance(audience, list) else [audience])
    return claims.get("client_id") == caller.client_id


def _about_refresh_token(caller: Application | API, said: refresh_token.Presented) -> dict[str, Any] | None:
    family = refresh_token.find(said)
    if (
        family is None
        or not isinstance(caller, Application)
        or family.application_id != caller.pk
        or family.token_hash != hashed(said.raw)
        or not refresh_token.stands(family)
    ):
        return None
    return {
        "active": True,
        "iss": settings.ISSUER,
        "sub": subject_of(caller, family.user),
        "client_id": caller.client_id,
        "scope": family.scope,
        "exp": int(min(family.expires, family.absolute_expires).timestamp()),
    }
