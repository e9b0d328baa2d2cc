"""/oauth/authorize (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2).

The library checks client, redirect URI, response type, PKCE and scopes. We add what it lacks: parameters read
strictly, `prompt`, `max_age`, `id_token_hint`, `login_hint`, `resource`, S256 alone, `iss` in every answer, and the
stored Authorization. Client and redirect URI come first, and their faults are a page; every other fault is a redirect.
Then: who is there, did she sign in recently enough, did she agree? Each step away returns here with the request's key.
"""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from oauthlib.common import Request

from accounts.sign_in import authentication, current_session
from authcenter.keys.ring import InvalidToken
from authcenter.oauth import clients, consent, id_token, pending, respond
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.errors import (
    ConsentRequired,
    InvalidClientIdError,
    InvalidRequestError,
    InvalidRequestFatalError,
    LoginRequired,
    OAuth2Error,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
)
from authcenter.oauth.models import Authorization
from authcenter.oauth.parameters import Parameters, body_of, parsed
from authcenter.oauth.server import server
from authcenter.sessions.models import Session

PROMPTS = ("none", "login", "consent", "select_account")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_AGE = re.compile(r"[0-9]{1,9}")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def authorize(http: HttpRequest) -> HttpResponse:
    if http.method == "POST":
        return _as_get(http)
    try:
        parameters = parsed(http.META.get("QUERY_STRING", ""))
    except InvalidRequestError as error:
        return respond.with_page(http, error)
    key = parameters.get("txn")
    if key is None:
        return _decide(http, parameters, None)
    waiting = pending.find(http, key)
    if waiting is None:
        return respond.with_page(
            http, InvalidRequestFatalError(description="This request has expired or was answered.")
        )
    return _decide(http, waiting.parameters, waiting)


@dataclass(frozen=True)
class Consent:
    """What the code's row needs to know beyond the request: who, how, and what she agreed to."""

    session: Session
    authorization: Authorization
    resources: list[str]
    redirect_uri_sent: bool
    nonce: str
    auth_time: datetime
    amr: list[str]
    acr: str


def _decide(http: HttpRequest, parameters: Parameters, waiting: pending.Pending | None) -> HttpResponse:
    try:
        request = _client_and_redirect_uri(http, parameters)
    except OAuth2Error as error:
        return respond.with_page(http, error, client_id=parameters.get("client_id") or "")
    try:
        if parameters.repeated:  # before the library reads one of the two values
            raise InvalidRequestError(description="A parameter was sent more than once.")
        server().check(request)
        asked = _rules(request, parameters)
        return _person(http, request, parameters, asked, waiting)
    except OAuth2Error as error:
        if waiting is not None:
            pending.drop(http, waiting)
        return respond.with_error(http, request, error)


def _client_and_redirect_uri(http: HttpRequest, parameters: Parameters) -> Request:
    """Raises for everything after which nothing may be sent anywhere."""
    if parameters.repeated & {"client_id", "redirect_uri"}:
        raise InvalidRequestFatalError(description="client_id or redirect_uri was sent more than once.")
    application = clients.find(parameters.get("client_id") or "")
    if application is None:
        raise InvalidClientIdError(description="The client is unknown.")
    request = server().authorization_request(http, parameters)
    request._application = request.client = application
    if parameters.get("redirect_uri") is None and "openid" in (parameters.get("scope") or "").split(" "):
        raise InvalidRequestFatalError(description="Missing redirect_uri parameter.")
    server().code._handle_redirects(request)
    return request


@dataclass(frozen=True)
class Asked:
    """The parameters that the library does not act upon, checked."""

    prompt: frozenset[str]
    max_age: int | None
    hint: dict[str, Any] | None
    login_hint: str
    resources: list[str]
    nonce: str


def _rules(request: Request, parameters: Parameters) -> Asked:
    """Each raises the error that its specification names."""
    if parameters.get("request") is not None:
        raise RequestNotSupported
    if parameters.get("request_uri") is not None:
        raise RequestUriNotSupported
    if parameters.get("registration") is not None:
        raise RegistrationNotSupported
    if parameters.get("response_mode") not in {None, "query"}:
        raise InvalidRequestError(description="This response_mode is not supported.")
    _challenge(parameters)
    resources = scope_rules.targets(request.client, parameters.all("resource"))
    scope_rules.for_resources(request.client, request.scopes, resources)
    return Asked(
        prompt=_prompt(parameters),
        max_age=_max_age(parameters),
        hint=_hint(request, parameters),
        login_hint=parameters.get("login_hint") or "",
        resources=resources,
        nonce=parameters.get("nonce") or "",
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


def _max_age(parameters: Parameters) -> int | None:
    value = parameters.get("max_age")
    if value is None:
        return None
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


def _person(
    http: HttpRequest, request: Request, parameters: Parameters, asked: Asked, waiting: pending.Pending | None
) -> HttpResponse:
    """Who is there, since when, and did she agree? Ends in a step away, an error or the code."""
    asked_at = waiting.asked_at if waiting is not None else time.time()
    session, silent = current_session(http), "none" in asked.prompt

    def wait() -> pending.Pending:
        return waiting or pending.keep(http, parameters, request.client, asked_at)

    if session is None:
        if silent:
            raise LoginRequired(request=request)
        if SESSION_KEY in http.session:
            # What an ended sign-in left in the cookie's session would be swept, and the request with it, at the next.
            pending.carried_over(http, http.session.flush)
        return _to("account_login", wait(), login_hint=asked.login_hint)
    if asked.hint is not None and asked.hint["sub"] != str(session.user_id):
        raise LoginRequired(request=request, description="Another person is signed in.")
    how = authentication(http, session.user)
    if _is_stale(asked, how["auth_time"], asked_at):
        if silent:
            raise LoginRequired(request=request)
        return _to("account_reauthenticate", wait())
    authorization = consent.needed_or_given(request, session, asked.resources, asked.prompt, waiting)
    if authorization is None:
        if silent:
            raise ConsentRequired(request=request)
        return redirect(consent.page_path(wait()))
    request._consent = Consent(
        session=session,
        authorization=authorization,
        resources=asked.resources,
        redirect_uri_sent=parameters.get("redirect_uri") is not None,
        nonce=asked.nonce,
        auth_time=datetime.fromtimestamp(how["auth_time"], UTC),
        amr=how["amr"],
        acr=how["acr"],
    )
    consent.used(authorization)
    answer = respond.with_code(server().code_response(request))
    if waiting is not None:
        pending.drop(http, waiting)
    return answer


def _is_stale(asked: Asked, auth_time: float, asked_at: float) -> bool:
    """A sign-in after the request always suffices: so `max_age=0` and `prompt=login` ask once, not for ever."""
    if auth_time >= asked_at:
        return False
    if asked.prompt & {"login", "select_account"}:
        return True
    return asked.max_age is not None and time.time() - auth_time > asked.max_age


def _to(view: str, waiting: pending.Pending, **query: str) -> HttpResponse:
    return redirect(f"{reverse(view)}?{urlencode({'next': waiting.path, **{k: v for k, v in query.items() if v}})}")


def _as_get(http: HttpRequest) -> HttpResponse:
    """A request by POST (OpenID Connect Core section 3.1.2.1) goes on as a GET.

    The cookie does not come with a form from another site, so answering here would take her for a stranger and give
    her a new session.
    """
    try:
        if http.content_type != "application/x-www-form-urlencoded":
            raise InvalidRequestError(description="The body must be application/x-www-form-urlencoded.")
        parameters = parsed(body_of(http))
        if http.META.get("QUERY_STRING"):
            raise InvalidRequestError(description="Parameters belong in the body of a POST.")
    except InvalidRequestError as error:
        return respond.with_page(http, error)
    response = redirect(f"{reverse('oauth-authorize')}?{urlencode(list(parameters.pairs))}")
    response.status_code = 303
    return response
