"""/oauth/consent: what a person agrees to, and the stored Authorization.

What was granted is not asked again; new scopes and APIs are. First-party applications are not asked about. A native
application is asked about each time, since anybody on the device can pose as it (RFC 8252 section 8.6).
"""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from oauthlib.common import Request

from accounts.models import User
from accounts.sign_in import current_session
from authcenter.audit import events
from authcenter.oauth import clients, pending, respond
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.claims import about_person
from authcenter.oauth.errors import AccessDeniedError, InvalidRequestFatalError, OAuth2Error
from authcenter.oauth.models import API, Application, Authorization, Scope
from authcenter.oauth.redirects import is_loopback
from authcenter.oauth.server import server
from authcenter.sessions.models import Session


def needed_or_given(
    request: Request, session: Session, resources: list[str], prompt: frozenset[str], waiting: pending.Pending | None
) -> Authorization | None:
    """The Authorization that covers this request, or None where the person must be asked first."""
    application: Application = request.client
    living = _living(session.user, application)
    answered = waiting is not None and waiting.consented and waiting.shown_to == str(session.user_id)
    if application.skip_authorization and "consent" not in prompt:
        return (
            living
            if _covers(living, request.scopes, resources)
            else grant(session.user, application, request.scopes, resources)
        )
    if ("consent" in prompt or application.kind == Application.Kind.NATIVE) and not answered:
        return None
    return living if _covers(living, request.scopes, resources) else None


def grant(user: User, application: Application, scopes: list[str], resources: list[str]) -> Authorization:
    """Make or extend the one living Authorization of this person for this application."""
    for _attempt in range(2):
        try:
            with transaction.atomic():
                living = Authorization.objects.select_for_update().filter(
                    user=user, application=application, withdrawn=None
                ).first() or Authorization(user=user, application=application)
                living.scopes = list(dict.fromkeys([*living.scopes, *scopes]))
                living.resources = list(dict.fromkeys([*living.resources, *resources]))
                living.updated = living.last_used = timezone.now()
                living.save()
                return living
        except IntegrityError:  # the same consent at the same moment in another tab: now there is one to extend
            continue
    raise RuntimeError("two consents at once, twice")


def used(authorization: Authorization) -> None:
    """People see when an application last came for them."""
    Authorization.objects.filter(pk=authorization.pk).update(last_used=timezone.now())


@require_http_methods(["GET", "POST"])
def consent(http: HttpRequest) -> HttpResponse:
    source = http.POST if http.method == "POST" else http.GET
    waiting, session = pending.find(http, source.get("txn", "")), current_session(http)
    if waiting is None:
        return respond.with_page(
            http, InvalidRequestFatalError(description="This request has expired or was answered.")
        )
    if session is None:
        return redirect(waiting.path)
    request = server().authorization_request(http, waiting.parameters)
    request._application = clients.find(waiting.parameters.get("client_id") or "")
    try:
        server().check(request)
    except OAuth2Error:  # the application changed meanwhile: the authorization endpoint knows how to say so
        return redirect(waiting.path)
    if http.method == "GET":
        waiting.shown_to = str(session.user_id)
        pending.save(http, waiting)
        return render(http, "oauth/consent.html", _page(request, session.user, waiting))
    if waiting.shown_to != str(session.user_id):
        return redirect(page_path(waiting))
    if "deny" in http.POST:
        pending.drop(http, waiting)
        return respond.with_error(http, request, AccessDeniedError(description="The person said no."))
    if "allow" not in http.POST:
        return redirect(page_path(waiting))
    authorization = grant(session.user, request.client, request.scopes, waiting.parameters.all("resource"))
    waiting.consented = True
    pending.save(http, waiting)
    events.record(
        http,
        events.Kind.CONSENT_GIVEN,
        actor=session.user_id,
        subject=authorization.pk,
        client_id=request.client.client_id,
        application=request.client.name,
        scopes=request.scopes,
    )
    return redirect(waiting.path)


@require_POST
def switch_account(http: HttpRequest) -> HttpResponse:
    """“Not you?”: signs out here and goes on with the same request as somebody else."""
    waiting = pending.find(http, http.POST.get("txn", ""))
    if waiting is None:
        return respond.with_page(
            http, InvalidRequestFatalError(description="This request has expired or was answered.")
        )
    pending.carried_over(http, lambda: get_adapter().logout(http))
    return redirect(waiting.path)


def page_path(waiting: pending.Pending) -> str:
    return f"{reverse('oauth-consent')}?{urlencode({'txn': waiting.key})}"


def _living(user: User, application: Application) -> Authorization | None:
    return Authorization.objects.filter(user=user, application=application, withdrawn=None).first()


def _covers(living: Authorization | None, scopes: list[str], resources: list[str]) -> bool:
    return living is not None and set(scopes) <= set(living.scopes) and set(resources) <= set(living.resources)


def asked_for(user: User, scopes: list[str], resources: list[str], *, had: set[str]) -> dict[str, Any]:
    """What the part of the page says that lists scopes: in groups what is new, apart what she granted before."""
    described = _described(scopes, user, had)
    groups: dict[str, list[dict[str, Any]]] = {}
    for scope in described:
        if scope["new"]:
            groups.setdefault(scope["group"], []).append(scope)
    return {
        "groups": [{"title": title, "scopes": scopes} for title, scopes in groups.items()],
        "granted": [scope for scope in described if not scope["new"]],
        "offline": scope_rules.OFFLINE in scopes and scope_rules.OFFLINE not in had,
        "resources": API.objects.filter(identifier__in=resources),
    }


def _page(request: Request, user: User, waiting: pending.Pending) -> dict[str, Any]:
    application: Application = request.client
    living = _living(user, application)
    destination, is_web = _destination(request.redirect_uri)
    return {
        **asked_for(
            user, request.scopes, waiting.parameters.all("resource"), had=set(living.scopes) if living else set()
        ),
        "application": application,
        "user": user,
        "destination": destination,
        "destination_is_web": is_web,
        "txn": waiting.key,
        "switch_url": reverse("oauth-switch-account"),
    }


def _described(scopes: list[str], user: User, had: set[str]) -> list[dict[str, Any]]:
    """Each scope in words, with exactly what is shared. `offline_access` has a sentence of its own on the page."""
    known = {scope.name: scope for scope in Scope.objects.filter(name__in=scopes).select_related("api")}
    described = []
    for name in scopes:
        entry: dict[str, Any] = {"name": name, "new": name not in had, "description": "", "shared": ""}
        if name == scope_rules.OFFLINE:
            continue
        if name in known:
            scope = known[name]
            entry |= {
                "group": scope.api.name,
                "title": scope.title,
                "description": scope.description,
                "write": scope.access == Scope.Access.WRITE,
                "sensitive": scope.sensitive,
            }
        else:
            entry |= {
                "group": _("Your identity"),
                "title": scope_rules.IDENTITY[name].title,
                "shared": _shared(user, name),
                "write": False,
                "sensitive": False,
            }
        described.append(entry)
    return described


def _shared(user: User, scope: str) -> str:
    claims = about_person(user, [scope])
    if scope == "profile":
        return ", ".join(
            str(claims[name]) for name in ("name", "preferred_username", "locale", "zoneinfo") if name in claims
        )
    if scope == "address":
        return str(claims.get("address", {}).get("formatted", "")) if isinstance(claims.get("address"), dict) else ""
    return str(claims.get({"email": "email", "phone": "phone_number"}.get(scope, ""), ""))


def _destination(redirect_uri: str) -> tuple[str, bool]:
    """The host that the browser will be sent to, and whether that is a web site that only its owner can be."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:", False
    own = f"{parts.scheme}://{parts.netloc}" == settings.ISSUER
    return parts.netloc, own or not is_loopback(parts.hostname or "")
