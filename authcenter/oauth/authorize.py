"""/oauth/authorize (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2).

Client and redirect URI come first, and their faults are a page; every other fault is an answer to the application
(`authorization_request`). Then: who is there, did she sign in recently enough, did she agree? Each step away returns
here with the request's key. What is granted goes back by `authorization_response`.
"""

import time
from dataclasses import replace
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from oauthlib.common import Request

from accounts import languages, parked
from accounts.sign_in import authentication, current_session
from accounts.signed_in_lately import page_to_prove_it
from authcenter.oauth import (
    acting_for,
    assurance,
    authorization_request,
    authorization_response,
    consent,
    granting,
    organisation_page,
    pending,
    respond,
)
from authcenter.oauth.authorization_request import Asked
from authcenter.oauth.errors import (
    AccountSelectionRequired,
    ConsentRequired,
    InteractionRequired,
    InvalidRequestError,
    LoginRequired,
    OAuth2Error,
)
from authcenter.oauth.models import Application, Authorization
from authcenter.oauth.parameters import Parameters, body_of, parsed
from authcenter.oauth.subjects import subject_of
from authcenter.sessions.models import Session


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
        return respond.expired(http)
    return _decide(http, waiting.parameters, waiting)


def _decide(http: HttpRequest, parameters: Parameters, waiting: pending.Pending | None) -> HttpResponse:
    try:
        request = authorization_request.begun(http, parameters, waiting=waiting)
    except OAuth2Error as error:
        return respond.with_page(http, error, client_id=parameters.get("client_id") or "")
    try:
        asked = authorization_request.checked(request)
        return _person(http, request, asked, waiting)
    except OAuth2Error as error:
        if waiting is not None:
            pending.drop(http, waiting)
        return respond.with_error(http, request, error)


def _person(http: HttpRequest, request: Request, asked: Asked, waiting: pending.Pending | None) -> HttpResponse:
    """Who is there, since when, and did she agree? Ends in a step away, an error or what was asked for."""
    parameters: Parameters = request.__dict__["_parameters"]
    asked_at = waiting.asked_at if waiting is not None else time.time()
    session, silent = current_session(http), "none" in asked.prompt

    def away(to: str) -> HttpResponse:
        return languages.asked_for(http, redirect(to), parameters.get("ui_locales"))

    def wait() -> pending.Pending:
        return waiting or pending.keep(http, parameters, request.client, asked_at, request.__dict__["_pushed"])

    if session is None:
        if silent:
            raise AccountSelectionRequired(request=request) if parked.living(http) else LoginRequired(request=request)
        if SESSION_KEY in http.session:
            # What an ended sign-in left in the cookie's session would be swept, and the request with it, at the next.
            parked.park(http)
        if parked.living(http):
            return away(consent.chooser_path(wait(), asked.login_hint))
        return away(_step("account_login", wait(), login_hint=asked.login_hint, organization=asked.organization))
    expected = _expected(asked)
    is_another = bool(expected) and expected != {subject_of(request.client, session.user)}
    if not silent and not _was_chosen(http, session, asked_at, waiting):
        hint = _other_account(http, request.client, asked, session, is_another)
        if hint is not None:
            return away(consent.chooser_path(wait(), hint))
    if is_another:
        raise LoginRequired(request=request, description="Another person is signed in.")
    how = authentication(http, session.user)
    if _is_stale(asked, how["auth_time"], asked_at):
        if silent:
            raise LoginRequired(request=request)
        return away(_with_next(page_to_prove_it(http), wait()))
    demand = assurance.Demand.of(request.client, asked)
    if first := assurance.step(request, demand, session.user, how, waiting, silent=silent):
        stepping = wait()
        stepping.stepped_at = how["auth_time"]
        pending.save(http, stepping)
        return away(_with_next(first, stepping))
    try:
        membership = acting_for.chosen(session.user, asked.wanted.scopes, asked.organization, waiting)
    except acting_for.Undecided:
        if silent:
            raise InteractionRequired(request=request) from None
        return away(organisation_page.path(wait()))
    wanted = replace(asked.wanted, membership=membership)
    authorization = granting.needed_or_given(request.client, session, wanted, asked.prompt, waiting)
    if authorization is None:
        if silent:
            raise ConsentRequired(request=request)
        return away(consent.page_path(wait()))
    wanted = wanted.without(authorization.left_out)
    _agreed(request, asked, session, authorization, wanted, {**how, "acr": demand.told(how["acr"])})
    answer = respond.to_application(http, request, authorization_response.granted(request))
    if waiting is not None:
        pending.drop(http, waiting)
    return answer


def _agreed(
    request: Request,
    asked: Asked,
    session: Session,
    authorization: Authorization,
    wanted: granting.Wanted,
    how: dict[str, Any],
) -> None:
    """Note what she agreed to, for what is granted next."""
    granting.used(authorization)
    request.scopes = wanted.scopes
    request._consent = authorization_response.Consent.of(
        session,
        authorization,
        wanted,
        how,
        redirect_uri_sent=request.__dict__["_parameters"].get("redirect_uri") is not None,
        nonce=asked.nonce,
    )


def _expected(asked: Asked) -> set[str]:
    """The subject that must answer, by an ID token or by the claims that are asked for."""
    expected = {asked.hint["sub"]} if asked.hint is not None else set()
    return expected | ({asked.claims.subject} if asked.claims.subject is not None else set())


def _was_chosen(http: HttpRequest, session: Session, asked_at: float, waiting: pending.Pending | None) -> bool:
    """For this request: by the account chooser, or by signing in since."""
    if waiting is not None and waiting.chosen == str(session.user_id):
        return True
    return authentication(http, session.user)["auth_time"] >= asked_at


def _other_account(
    http: HttpRequest, client: Application, asked: Asked, session: Session, is_another: bool
) -> str | None:
    """The address that comes first in the chooser, or None where the person is not asked who she is.

    She is asked where the application wants it (`prompt=select_account`), and where it means another account of this
    browser, by an ID token or an address. Nobody is switched silently.
    """
    if parked.any_parked(http):
        expected, hint = _expected(asked), asked.login_hint.strip().lower()
        for user in parked.living(http):
            if is_another and expected == {subject_of(client, user)}:
                return user.email
            if not expected and hint and hint == user.email and hint != session.user.email:
                return user.email
    return asked.login_hint if "select_account" in asked.prompt else None


def _is_stale(asked: Asked, auth_time: float, asked_at: float) -> bool:
    """A sign-in after the request always suffices: so `max_age=0` and `prompt=login` ask once, not for ever."""
    if auth_time >= asked_at:
        return False
    if "login" in asked.prompt:
        return True
    return asked.max_age is not None and time.time() - auth_time > asked.max_age


def _with_next(page: str, waiting: pending.Pending) -> str:
    return f"{page}{'&' if '?' in page else '?'}{urlencode({'next': waiting.path})}"


def _step(view: str, waiting: pending.Pending, **query: str) -> str:
    return f"{reverse(view)}?{urlencode({'next': waiting.path, **{k: v for k, v in query.items() if v}})}"


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
