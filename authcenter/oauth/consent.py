"""/oauth/consent: the page where a person agrees to what `granting` then keeps.

What was granted is not asked again; new scopes and APIs are. First-party applications are not asked about. A native
application is asked about each time, since anybody on the device can pose as it (RFC 8252 section 8.6).
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from oauthlib.common import Request

from accounts.models import User
from accounts.sign_in import current_session
from authcenter.audit import events
from authcenter.oauth import authorization_request, pending, respond, roles
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.claims import about_person
from authcenter.oauth.errors import AccessDeniedError, InvalidRequestFatalError, OAuth2Error
from authcenter.oauth.granting import Wanted, grant, living_authorization, tell_if_new
from authcenter.oauth.models import API, Application, Authorization, Scope
from authcenter.oauth.redirects import is_loopback


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
    try:
        request = authorization_request.begun(http, waiting.parameters, waiting=waiting)
        wanted = authorization_request.checked(request).wanted
    except OAuth2Error:  # the application changed meanwhile: the authorization endpoint knows how to say so
        return redirect(waiting.path)
    if http.method == "GET":
        waiting.shown_to = str(session.user_id)
        pending.save(http, waiting)
        return render(http, "oauth/consent.html", _page(request, session.user, wanted, waiting))
    if waiting.shown_to != str(session.user_id):
        return redirect(page_path(waiting))
    if "deny" in http.POST:
        pending.drop(http, waiting)
        return respond.with_error(http, request, AccessDeniedError(description="The person said no."))
    if "allow" not in http.POST:
        return redirect(page_path(waiting))
    authorization = grant(session.user, request.client, wanted)
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
        claims=wanted.claim_names,
    )
    tell_if_new(http, authorization)
    return redirect(waiting.path)


@require_POST
def switch_account(http: HttpRequest) -> HttpResponse:
    """“Not you?”: goes on with the same request as whom she chooses. Nobody is signed out."""
    waiting = pending.find(http, http.POST.get("txn", ""))
    if waiting is None:
        return respond.with_page(
            http, InvalidRequestFatalError(description="This request has expired or was answered.")
        )
    return redirect(chooser_path(waiting))


def chooser_path(waiting: pending.Pending, login_hint: str = "") -> str:
    hint = {"login_hint": login_hint} if login_hint else {}
    return f"{reverse('account-choose')}?{urlencode({'next': waiting.path, **hint})}"


def page_path(waiting: pending.Pending) -> str:
    return f"{reverse('oauth-consent')}?{urlencode({'txn': waiting.key})}"


def asked_for(user: User, application: Application, wanted: Wanted, living: Authorization | None) -> dict[str, Any]:
    """What the part of the page says that lists scopes: in groups what is new, apart what she granted before."""
    had = set(living.scopes) if living else set()
    described = _described(wanted.scopes, user, had, application)
    described += _single_claims(wanted, user, set(living.claims) if living else set(), application)
    groups: dict[str, list[dict[str, Any]]] = {}
    for scope in described:
        if scope["new"]:
            groups.setdefault(scope["group"], []).append(scope)
    return {
        "groups": [{"title": title, "scopes": scopes} for title, scopes in groups.items()],
        "granted": [scope for scope in described if not scope["new"]],
        "offline": scope_rules.OFFLINE in wanted.scopes and scope_rules.OFFLINE not in had,
        "resources": API.objects.filter(identifier__in=wanted.resources),
    }


def _page(request: Request, user: User, wanted: Wanted, waiting: pending.Pending) -> dict[str, Any]:
    application: Application = request.client
    destination, is_web = _destination(request.redirect_uri)
    return {
        **asked_for(user, application, wanted, living_authorization(user, application)),
        "application": application,
        "user": user,
        "destination": destination,
        "destination_is_web": is_web,
        "txn": waiting.key,
        "switch_url": reverse("oauth-switch-account"),
    }


def _described(scopes: list[str], user: User, had: set[str], application: Application) -> list[dict[str, Any]]:
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
                "shared": _shared(user, name, application),
                "write": False,
                "sensitive": False,
            }
        described.append(entry)
    return described


def _single_claims(wanted: Wanted, user: User, had: set[str], application: Application) -> list[dict[str, Any]]:
    """Claims that no scope of this request brings along, each by the name of its field."""
    of_scopes = {name for scope in wanted.scopes if scope in scope_rules.IDENTITY for name in _claims_of(scope)}
    values = about_person(user, (), wanted.claim_names, told_to=application.client_id)
    return [
        {
            "name": name,
            "new": name not in had,
            "group": _("Your identity"),
            "title": _("See your %s") % _title(name),
            "description": "",
            "shared": _in_words(values.get(name)),
            "write": False,
            "sensitive": False,
        }
        for name in wanted.claim_names
        if name not in of_scopes
    ]


def _claims_of(scope: str) -> tuple[str, ...]:
    return scope_rules.IDENTITY[scope].claims


def _title(claim: str) -> str:
    known = {field.name: field for field in User._meta.get_fields()}
    return str(getattr(known.get(claim), "verbose_name", "") or claim.replace("_", " "))


def _in_words(value: Any) -> str:
    """What is told, where it reads as it is: a text; or a list, which may be empty."""
    if isinstance(value, list):
        return ", ".join(value) or _("none at present")
    return value if isinstance(value, str) else ""


def _shared(user: User, scope: str, application: Application) -> str:
    claims = about_person(user, [scope], told_to=application.client_id)
    if scope in roles.NAMES:
        return _in_words(claims[scope])
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
