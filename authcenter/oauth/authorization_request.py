"""Reading an authorization request (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1).

First what makes an answer safe: client and redirect URI; then the library's checks and all that it does not act upon,
each fault with the error that its specification names.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from oauthlib.common import Request

from authcenter.keys.ring import InvalidToken
from authcenter.oauth import (
    acting_for,
    claims_request,
    client_documents,
    id_token,
    pushed,
    request_object,
    response_types,
)
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.claims_request import ClaimsRequest
from authcenter.oauth.errors import (
    InvalidClientIdError,
    InvalidRequestError,
    InvalidRequestFatalError,
    OAuth2Error,
    RegistrationNotSupported,
)
from authcenter.oauth.granting import Wanted
from authcenter.oauth.parameters import Parameters
from authcenter.oauth.pending import Pending
from authcenter.oauth.registry import registry
from authcenter.oauth.server import server

PROMPTS = ("none", "login", "consent", "select_account")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_AGE = re.compile(r"[0-9]{1,9}")


def begun(
    http: HttpRequest, parameters: Parameters, *, waiting: Pending | None = None, pushing: bool = False
) -> Request:
    """The request with its client and redirect URI. Raises for everything after which nothing may be sent anywhere.

    Its `_parameters` are those that count: what was pushed, or what a request object holds. `waiting` is what is gone
    on with, `pushing` says that the application itself brings it.
    """
    if parameters.repeated & {"client_id", "redirect_uri"}:
        raise InvalidRequestFatalError(description="client_id or redirect_uri was sent more than once.")
    client_documents.look(http, parameters.get("client_id") or "")
    application = registry.application(parameters.get("client_id") or "")
    if application is None:
        raise InvalidClientIdError(description="The client is unknown.")
    fault: OAuth2Error | None = None
    key = waiting.pushed if waiting else ""
    try:
        if request_object.is_pushed(parameters):
            key, parameters = pushed.find(application, parameters.get("request_uri") or "")
        elif request_object.is_one(parameters):
            parameters = request_object.unpacked(http, application, parameters)
        if application.require_pushed_authorization_requests and not key and not pushing:
            raise InvalidRequestError(description="This client must push its requests.")
    except OAuth2Error as error:
        fault = error  # told where the request itself says, if that is safe
    request = server().authorization_request(http, parameters)
    request._fault, request._pushed = fault, key
    request._application = request.client = application
    if parameters.get("redirect_uri") is None and "openid" in (parameters.get("scope") or "").split(" "):
        raise InvalidRequestFatalError(description="Missing redirect_uri parameter.")
    server().code._handle_redirects(request)
    response_types.understood(request, parameters)
    return request


@dataclass(frozen=True)
class Asked:
    """What is wanted of the person who is there, checked."""

    prompt: frozenset[str]
    max_age: int | None
    hint: dict[str, Any] | None
    login_hint: str
    nonce: str
    wanted: Wanted
    claims: ClaimsRequest
    acr_values: tuple[str, ...]
    organization: str = ""
    """The one that the request names, if any (`acting_for`)."""


def checked(request: Request) -> Asked:
    """Raises an error that may be sent to the redirect URI."""
    parameters: Parameters = request.__dict__["_parameters"]
    if request.__dict__["_fault"] is not None:
        raise request.__dict__["_fault"]
    if parameters.repeated:
        raise InvalidRequestError(description="A parameter was sent more than once.")
    if parameters.get("registration") is not None:
        raise RegistrationNotSupported
    response_types.check(request, parameters)
    server().check(request)
    _challenge(parameters)
    if "code" not in request.__dict__["_types"]:  # OpenID Connect Core section 11: then it is ignored
        request.scopes = [scope for scope in request.scopes if scope != scope_rules.OFFLINE]
    organization = acting_for.asked_for(request, parameters.get("organization"))
    resources = scope_rules.targets(request.client, parameters.all("resource"))
    scope_rules.for_resources(request.client, request.scopes, resources)
    claims = claims_request.parsed(parameters)
    with_claims = scope_rules.OPENID in request.scopes
    return Asked(
        prompt=_prompt(parameters),
        max_age=_max_age(request, parameters),
        hint=_hint(request, parameters),
        login_hint=parameters.get("login_hint") or "",
        nonce=parameters.get("nonce") or "",
        wanted=Wanted(request.scopes, resources, claims.names(request.client) if with_claims else {}),
        claims=claims,
        acr_values=tuple((parameters.get("acr_values") or "").split()),
        organization=organization,
    )


def _challenge(parameters: Parameters) -> None:
    """RFC 7636 section 4.3: S256 alone; a challenge is 43 characters of base64url."""
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise InvalidRequestError(description="Missing code_challenge parameter.")
        return
    if method != "S256":
        raise InvalidRequestError(description="The code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError(description="The code_challenge is not a base64url SHA-256 hash.")


def _prompt(parameters: Parameters) -> frozenset[str]:
    prompt = frozenset((parameters.get("prompt") or "").split())
    if not prompt <= set(PROMPTS):
        raise InvalidRequestError(description="A prompt value is unknown.")
    if "none" in prompt and len(prompt) > 1:
        raise InvalidRequestError(description="prompt=none stands alone.")
    return prompt


def _max_age(request: Request, parameters: Parameters) -> int | None:
    value = parameters.get("max_age")
    if value is None:
        default: int | None = request.client.default_max_age
        return default
    if not _MAX_AGE.fullmatch(value):
        raise InvalidRequestError(description="max_age is a number of seconds.")
    return int(value)


def _hint(request: Request, parameters: Parameters) -> dict[str, Any] | None:
    """A hint narrows who may answer; it never signs anybody in."""
    token = parameters.get("id_token_hint")
    if token is None:
        return None
    try:
        claims = id_token.read_hint(token)
    except InvalidToken:
        raise InvalidRequestError(description="The id_token_hint is not an ID token of this server.") from None
    if claims.get("aud") != request.client.client_id:
        raise InvalidRequestError(description="The id_token_hint was issued to another client.")
    return claims
