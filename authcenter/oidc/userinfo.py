"""GET and POST /oauth/userinfo (OpenID Connect Core section 5.3). One token, in the header or the form body, never in
the URL. Any access token of a person with the scope `openid` is good here, whatever its audience. Exact: a token that
was taken back a moment ago is refused. The answer is plain, or signed for an application that is registered for that.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from authcenter.keys.ring import InvalidToken, ring
from authcenter.oauth import access_token, acting_for, cross_origin, living
from authcenter.oauth.claims import about_person, columns
from authcenter.oauth.errors import InvalidRequestError
from authcenter.oauth.json_answer import json_answer
from authcenter.oauth.parameters import body_of, parsed
from authcenter.oauth.registry import registry


@csrf_exempt
def userinfo(http: HttpRequest) -> HttpResponse:
    if http.method == "OPTIONS":
        return cross_origin.preflight(http)
    if http.method not in {"GET", "POST"}:
        return HttpResponse(status=405, headers={"Allow": "GET, POST"})
    try:
        token = _token(http)
    except InvalidRequestError as error:
        return _challenge(400, "invalid_request", str(error.description))
    if token is None:
        return _challenge(401)
    claims: Mapping[str, Any] | None
    try:
        claims = access_token.read(token)
        answer = _answer(claims)
    except InvalidToken as error:
        claims, answer = error.claims, _challenge(401, "invalid_token", "The access token is not valid.")
    # A page reads that its token has expired, too: whose it was is believed wherever the signature was good.
    application = (
        registry.application(str(claims.get("client_id"))) if claims and http.META.get("HTTP_ORIGIN") else None
    )
    return cross_origin.allow(http, answer, application)


def _answer(claims: Mapping[str, Any]) -> HttpResponse:
    scopes = str(claims.get("scope", "")).split()
    if living.is_machine(claims) or "openid" not in scopes:
        return _challenge(403, "insufficient_scope", "The access token does not carry the scope openid.", "openid")
    names = claims.get("userinfo_claims", ())
    user = living.person_behind(claims, None if names else columns(scopes))
    if user is None:
        return _challenge(401, "invalid_token", "The access token is not valid any more.")
    told = {"sub": claims["sub"], **about_person(user, scopes, names, told_to=claims["client_id"])}
    told |= acting_for.at_userinfo(claims, scopes, user)
    if not user.userinfo_algorithm:  # type: ignore[attr-defined]
        return json_answer(told)
    signed = {"iss": settings.ISSUER, "aud": claims["client_id"], **told}
    body = ring.sign(signed, typ="userinfo+jwt", algorithm=user.userinfo_algorithm)  # type: ignore[attr-defined]
    return HttpResponse(body, content_type="application/jwt", headers={"Cache-Control": "no-store"})


def _token(http: HttpRequest) -> str | None:
    """The one bearer token (RFC 6750 sections 2.1 and 2.2), or None. Raises where it is malformed or sent twice."""
    found = []
    if header := http.META.get("HTTP_AUTHORIZATION"):
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise InvalidRequestError(description="The Authorization header is not a bearer token.")
        found.append(value.strip())
    query = http.META.get("QUERY_STRING", "")
    if query and parsed(query).get("access_token") is not None:
        raise InvalidRequestError(description="The access token must not be in the URL.")
    if http.method == "POST" and http.content_type == "application/x-www-form-urlencoded":
        form = parsed(body_of(http))
        if form.repeated:
            raise InvalidRequestError(description="A parameter was sent more than once.")
        if in_form := form.get("access_token"):
            found.append(in_form)
    if len(found) > 1:
        raise InvalidRequestError(description="Send the access token once.")
    return found[0] if found else None


def _challenge(status: int, error: str = "", description: str = "", scope: str = "") -> HttpResponse:
    """RFC 6750 section 3. Without a token there is no error code, only the scheme."""
    parts = ['Bearer realm="AuthCenter"']
    if error:
        parts += [f'error="{error}"', f'error_description="{description}"']
    if scope:
        parts.append(f'scope="{scope}"')
    response = JsonResponse({"error": error, "error_description": description} if error else {}, status=status)
    response["WWW-Authenticate"], response["Cache-Control"] = ", ".join(parts), "no-store"
    return response
