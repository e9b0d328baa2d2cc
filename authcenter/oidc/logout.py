"""/oauth/logout (OpenID Connect RP-Initiated Logout 1.0).

Ends the session of this browser and nothing else; the applications that took part in it are told
(`sessions/participants`). An `id_token_hint` of that very session is the application's proof
that the person signed in there, so nobody is asked; anything less is a question to the person. A caller without a
session ends nothing, whatever it holds.
"""

from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from oauthlib.common import add_params_to_uri

from accounts import languages, parked, signing_out
from accounts.pages import own_picture
from accounts.sign_in import current_session, end_everything_else
from authcenter.audit import events
from authcenter.keys.ring import InvalidToken
from authcenter.oauth import id_token
from authcenter.oauth.errors import InvalidRequestError, OAuth2Error
from authcenter.oauth.models import Application
from authcenter.oauth.parameters import Parameters, body_of, parsed
from authcenter.oauth.registry import registry
from authcenter.oauth.respond import Redirect
from authcenter.sessions import participants
from authcenter.sessions.models import Session


@dataclass(frozen=True)
class Wish:
    """A checked logout request."""

    application: Application | None
    return_to: str
    session: str
    """`sid` of the hint, or empty."""


@csrf_exempt
@require_http_methods(["GET", "POST"])
def logout(http: HttpRequest) -> HttpResponse:
    try:
        parameters = parsed(body_of(http) if http.method == "POST" else http.META.get("QUERY_STRING", ""))
        languages.spoken(http, parameters.get("ui_locales"))
        wish = _wish(parameters)
    except OAuth2Error as error:
        return _page(http, error)
    session = current_session(http)
    if session is None and http.method == "POST":
        return _as_get(parameters)
    if parked.holds(http, wish.session):  # of another account in this browser: hers ends, and nobody else's
        parked.remove(http, wish.session)
        return _done(http, wish)
    if session is None:
        return _done(http, wish)
    if wish.session == str(session.pk):
        get_adapter().logout(http)
        return _done(http, wish)
    fields = [(name, value) for name, value in parameters.pairs if name in _KEPT]
    context = {
        "application": wish.application,
        "user": session.user,
        "picture": own_picture(session.user),
        "fields": fields,
        "hearers": participants.hearers(session.pk),
    }
    return render(http, "oauth/logout.html", context)


@require_POST
def confirm_logout(http: HttpRequest) -> HttpResponse:
    """The person's own answer, protected against forgery; what was asked is checked again."""
    try:
        wish = _wish(Parameters(tuple((name, http.POST[name]) for name in _KEPT if http.POST.get(name))))
    except OAuth2Error as error:
        return _page(http, error)
    if "confirm" not in http.POST:
        return redirect("account")
    session = current_session(http)
    if session is not None:
        if "everywhere" in http.POST:
            _end_others(http, session)
        get_adapter().logout(http)
    return _done(http, wish)


@transaction.atomic
def _end_others(http: HttpRequest, session: Session) -> None:
    """Her other browsers and apps too, and what applications hold while she is away."""
    count = end_everything_else(http, session.user, reason="signed out by its person")
    events.record(http, events.Kind.SESSION_REVOKED, actor=session.user_id, subject=session.user_id, count=count)


_KEPT = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


def _wish(parameters: Parameters) -> Wish:
    if parameters.repeated:
        raise InvalidRequestError(description="A parameter was sent more than once.")
    hint, named = _hint(parameters), parameters.get("client_id")
    audience = str(hint.get("aud")) if hint else None
    if named and audience and named != audience:
        raise InvalidRequestError(description="client_id and id_token_hint name different clients.")
    client_id, wanted = named or audience, parameters.get("post_logout_redirect_uri")
    application = registry.application(client_id) if client_id else None
    if named and application is None:
        raise InvalidRequestError(description="The client is unknown.")
    if wanted and (application is None or wanted not in application.post_logout_redirect_uris.split()):
        raise InvalidRequestError(description="The post_logout_redirect_uri is not registered.")
    if wanted and (state := parameters.get("state")):
        wanted = add_params_to_uri(wanted, [("state", state)])
    return Wish(application, wanted or "", str(hint.get("sid", "")) if hint else "")


def _hint(parameters: Parameters) -> dict[str, object] | None:
    token = parameters.get("id_token_hint")
    if token is None:
        return None
    try:
        return id_token.read_hint(token)
    except InvalidToken:
        raise InvalidRequestError(description="The id_token_hint is not an ID token of this server.") from None


def _as_get(parameters: Parameters) -> HttpResponse:
    """The cookie does not come with a form from another site: nobody is told that she is signed out before we look."""
    return Redirect(f"{reverse('oidc-end-session')}?{urlencode(list(parameters.pairs))}")


def _done(http: HttpRequest, wish: Wish) -> HttpResponse:
    if signing_out.waits(http):
        return signing_out.page(http, wish.return_to or reverse("oidc-signed-out"))
    if wish.return_to:
        return Redirect(wish.return_to)
    return render(http, "oauth/signed_out.html", {"application": wish.application, "told": signing_out.told(http)})


@require_safe
def signed_out(http: HttpRequest) -> HttpResponse:
    """Where nothing else was asked for, after the page that tells the other applications."""
    return render(http, "oauth/signed_out.html", {"told": signing_out.told(http)})


def _page(http: HttpRequest, error: OAuth2Error) -> HttpResponse:
    events.record(http, events.Kind.AUTHORIZATION_REFUSED, error=error.error, page="logout")
    context = {
        "title": _("This sign-out request does not work"),
        "message": _("The application sent a request that we cannot answer. You are as signed in or out as before."),
        "error": error.error,
        "description": error.description,
        "request_id": getattr(http, "request_id", ""),
        "status": 400,
    }
    return render(http, "oauth/error.html", context, status=400)
