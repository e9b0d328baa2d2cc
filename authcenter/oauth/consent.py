"""/oauth/consent: the page where a person agrees to what `granting` then keeps.

What was granted is not asked again, nor what she left out; new scopes and APIs are. First-party applications are not
asked about. A native application is asked about each time, since anybody on the device can pose as it (RFC 8252
section 8.6).
"""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST
from oauthlib.common import Request

from accounts.models import User
from accounts.pages import own_picture
from accounts.sign_in import current_session
from authcenter.audit import events
from authcenter.oauth import acting_for, authorization_request, pending, respond
from authcenter.oauth.asked_for import asked_for
from authcenter.oauth.errors import AccessDeniedError, OAuth2Error
from authcenter.oauth.granting import Wanted, agreed, choices, grant, living_authorization, tell_if_new
from authcenter.oauth.models import Application
from authcenter.oauth.redirects import is_loopback
from authcenter.sessions.models import Session


@require_http_methods(["GET", "POST"])
def consent(http: HttpRequest) -> HttpResponse:
    source = http.POST if http.method == "POST" else http.GET
    waiting, session = pending.find(http, source.get("txn", "")), current_session(http)
    if waiting is None:
        return respond.expired(http)
    if session is None:
        return redirect(waiting.path)
    try:
        request = authorization_request.begun(http, waiting.parameters, waiting=waiting)
        asked = authorization_request.checked(request)
        membership = acting_for.chosen(session.user, asked.wanted.scopes, asked.organization, waiting)
        wanted = replace(asked.wanted, membership=membership)
    except (OAuth2Error, acting_for.Undecided):  # something changed meanwhile: the endpoint knows how to say so
        return redirect(waiting.path)
    if http.method == "GET":
        waiting.shown_to, waiting.choices = str(session.user_id), choices(request.client, wanted)
        pending.save(http, waiting)
        return render(http, "oauth/consent.html", _page(request, session.user, wanted, waiting))
    if waiting.shown_to != str(session.user_id) or waiting.choices != choices(request.client, wanted):
        return redirect(page_path(waiting))
    if "deny" in http.POST:
        pending.drop(http, waiting)
        return respond.with_error(http, request, AccessDeniedError(description="The person said no."))
    if "allow" not in http.POST:
        return redirect(page_path(waiting))
    if not _allow(http, session, request.client, wanted):
        pending.drop(http, waiting)
        return respond.with_error(http, request, AccessDeniedError(description="The person left out everything."))
    waiting.consented = True
    pending.save(http, waiting)
    return redirect(waiting.path)


@transaction.atomic
def _allow(http: HttpRequest, session: Session, application: Application, wanted: Wanted) -> bool:
    """Keep what she agreed to, and tell her by mail of an application that is new to her.

    False where she left out everything.
    """
    living = living_authorization(session.user, application)
    declined = agreed(application, wanted, living, http.POST.getlist("scope"))
    left = wanted.without(declined)
    if not left.scopes:
        return False
    authorization = grant(session.user, application, wanted, declined)
    events.record(
        http,
        events.Kind.CONSENT_GIVEN,
        actor=session.user_id,
        subject=authorization.pk,
        client_id=application.client_id,
        application=application.name,
        scopes=left.scopes,
        claims=left.claim_names,
    )
    tell_if_new(http, authorization)
    return True


@require_POST
def switch_account(http: HttpRequest) -> HttpResponse:
    """“Not you?”: goes on with the same request as whom she chooses. Nobody is signed out."""
    waiting = pending.find(http, http.POST.get("txn", ""))
    if waiting is None:
        return respond.expired(http)
    return redirect(chooser_path(waiting))


def chooser_path(waiting: pending.Pending, login_hint: str = "") -> str:
    hint = {"login_hint": login_hint} if login_hint else {}
    return f"{reverse('account-choose')}?{urlencode({'next': waiting.path, **hint})}"


def page_path(waiting: pending.Pending) -> str:
    return f"{reverse('oauth-consent')}?{urlencode({'txn': waiting.key})}"


def _page(request: Request, user: User, wanted: Wanted, waiting: pending.Pending) -> dict[str, Any]:
    application: Application = request.client
    destination, is_web = _destination(request.redirect_uri)
    return {
        **asked_for(user, application, wanted, living_authorization(user, application)),
        "application": application,
        "known_by": known_by(application, destination if is_web else ""),
        "user": user,
        "picture": own_picture(user),
        "destination": destination,
        "destination_is_web": is_web,
        "txn": waiting.key,
        "switch_url": reverse("oauth-switch-account"),
    }


def _destination(redirect_uri: str) -> tuple[str, bool]:
    """The host that the browser will be sent to, and whether that is a web site that only its owner can be."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:", False
    own = f"{parts.scheme}://{parts.netloc}" == settings.ISSUER
    return as_it_is_spelled(parts.netloc), own or not is_loopback(parts.hostname or "")


def known_by(application: Application, destination: str = "") -> str:
    """The host that an application which introduced itself is known by: where its document lies, or where people are
    sent. What else it says of itself, anybody could say. Empty for one that an operator made or reviewed."""
    if application.is_reviewed or application.origin == Application.Origin.OPERATOR:
        return ""
    document = application.origin == Application.Origin.DOCUMENT
    return as_it_is_spelled(urlsplit(application.client_id).netloc if document else destination)


def as_it_is_spelled(host: str) -> str:
    """In the letters of a host's DNS name, in which no letter looks like another of another alphabet."""
    try:
        return host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return ascii(host)
