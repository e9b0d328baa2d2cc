"""Answers of the authorization endpoint: to the application with `state` and `iss` (RFC 9207), or a page where that is
not safe. How they travel, `response_types` has noted on the request.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from oauthlib.common import Request, add_params_to_uri

from authcenter.audit import events
from authcenter.oauth.errors import InvalidRequestFatalError, OAuth2Error


class Redirect(HttpResponse):
    """303 to an application's redirect URI, of whatever scheme was registered (Django's own allows only web schemes).

    303, not 307: the browser must not repeat a form with a password to the application (RFC 9700 section 4.12).
    """

    def __init__(self, location: str) -> None:
        super().__init__(status=303)
        self["Location"] = location
        self["Cache-Control"] = "no-store"


def to_application(http: HttpRequest, request: Request, answer: list[tuple[str, str]]) -> HttpResponse:
    """In the query, in the fragment, or as a form that the browser posts (OAuth 2.0 Form Post Response Mode)."""
    state = [] if request.state is None else [("state", request.state)]
    answer = [*answer, *state, ("iss", settings.ISSUER)]
    mode = request.__dict__["_mode"]
    if mode == "form_post":
        context = {"action": request.redirect_uri, "fields": answer, "application": request.client}
        return render(http, "oauth/form_post.html", context)
    if mode == "fragment":
        return Redirect(f"{request.redirect_uri}#{urlencode(answer)}")
    return Redirect(add_params_to_uri(request.redirect_uri, answer))


def expired(http: HttpRequest) -> HttpResponse:
    """The page for who comes back to a request that does not wait any more."""
    return with_page(http, InvalidRequestFatalError(description="This request has expired or was answered."))


def with_error(http: HttpRequest, request: Request, error: OAuth2Error) -> HttpResponse:
    """RFC 6749 section 4.1.2.1, for a client and redirect URI that were checked."""
    answer = [("error", error.error), ("error_description", error.description or error.error)]
    kind = events.Kind.CONSENT_DENIED if error.error == "access_denied" else events.Kind.AUTHORIZATION_REFUSED
    events.record(http, kind, client_id=request.client.client_id, error=error.error)
    return to_application(http, request, answer)


def with_page(http: HttpRequest, error: OAuth2Error, *, client_id: str = "") -> HttpResponse:
    """Before a redirect URI is trusted nothing is sent anywhere: the person reads what is wrong."""
    events.record(http, events.Kind.AUTHORIZATION_REFUSED, client_id=client_id, error=error.error, page=True)
    context = {
        "title": _("This sign-in request does not work"),
        "message": _("The application sent a request that we cannot answer. Go back to it and try again."),
        "error": error.error,
        "description": error.description or "",
        "request_id": getattr(http, "request_id", ""),
        "status": 400,
    }
    return render(http, "oauth/error.html", context, status=400)
