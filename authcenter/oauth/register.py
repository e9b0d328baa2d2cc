"""/oauth/register: applications register themselves (RFC 7591) and look after their registration (RFC 7592).

Off unless an operator says `REGISTRATION=token` (who holds an initial access token) or `open` (anybody, so many an
hour). Whoever registers is not reviewed, is asked about each time it wants something new, and gets of the APIs only
what these give to strangers.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from authcenter import limits
from authcenter.audit import events
from authcenter.oauth import client_metadata, metadata_reader
from authcenter.oauth.client_metadata import Described
from authcenter.oauth.errors import (
    InvalidClientMetadata,
    InvalidRequestError,
    InvalidToken,
    MethodNotAllowed,
    NotFound,
    OAuth2Error,
    TooManyRefusals,
    json_error,
)
from authcenter.oauth.models import Application, InitialAccessToken
from authcenter.oauth.parameters import body_of
from authcenter.oauth.registration import hashed, new_application, set_new_secret
from authcenter.sessions import participants
from authcenter.sessions.revocation import end_all_of_application


@csrf_exempt
def register(http: HttpRequest) -> HttpResponse:
    """RFC 7591 section 3."""
    return _answered(http, lambda: _registered(http), ("POST",))


@csrf_exempt
def registration(http: HttpRequest, client_id: str) -> HttpResponse:
    """The client configuration endpoint (RFC 7592 section 2)."""
    acts = {"GET": _shown, "PUT": _replaced, "DELETE": _deleted}
    return _answered(http, lambda: acts[str(http.method)](http, _authorized(http, client_id)), tuple(acts))


def _answered(http: HttpRequest, act: Callable[[], HttpResponse], methods: tuple[str, ...]) -> HttpResponse:
    """What is refused is recorded, so often and no more: strangers must not fill the log."""
    if wait := limits.taken(limits.registration_attempts(http)):
        return json_error(TooManyRefusals(wait))
    try:
        if settings.REGISTRATION == "off":
            raise NotFound(description="Applications are registered by the operators of this server.")
        if http.method not in methods:
            raise MethodNotAllowed(", ".join(methods))
        return act()
    except OAuth2Error as error:
        events.record(http, events.Kind.REGISTRATION_REFUSED, error=error.error, reason=error.description or "")
        return json_error(error)


def _registered(http: HttpRequest) -> HttpResponse:
    _may_register(http)
    described = client_metadata.read(_json(http), http)  # before anything is used up; it may ask another server
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        _admitted(http)
        application, secret = new_application(
            **described.fields, origin=Application.Origin.REGISTERED, registration_token=hashed(token)
        )
        _saved(application, described)
        _record(http, events.Kind.APPLICATION_REGISTERED, application, redirect_uris=application.redirect_uris.split())
    issued: dict[str, Any] = {"client_id_issued_at": int(application.created.timestamp())}
    if secret:
        issued |= {"client_secret": secret, "client_secret_expires_at": 0}
    return _told(application, status=201, **issued, registration_access_token=token)


def _initial_token(http: HttpRequest) -> QuerySet[InitialAccessToken]:
    return InitialAccessToken.objects.filter(
        token_hash=hashed(_bearer(http)), uses_left__gt=0, expires__gt=timezone.now()
    )


def _may_register(http: HttpRequest) -> None:
    """Who may not is told so before another server is asked anything for him."""
    if settings.REGISTRATION == "token" and not _initial_token(http).exists():
        raise InvalidToken(description="An initial access token is needed; this one is unknown, used up or expired.")


def _admitted(http: HttpRequest) -> None:
    """One registration of an initial access token, or of what strangers may make in an hour."""
    if settings.REGISTRATION == "open":
        windows = limits.registrations(http)
        if wait := limits.taken(windows):
            raise TooManyRefusals(wait, description="Too many registrations. Wait before you ask for another.")
        return
    if not _initial_token(http).update(uses_left=F("uses_left") - 1):
        raise InvalidToken(description="An initial access token is needed; this one is unknown, used up or expired.")


def _shown(http: HttpRequest, application: Application) -> HttpResponse:
    return _told(application, registration_access_token=_bearer(http))


def _replaced(http: HttpRequest, application: Application) -> HttpResponse:
    """RFC 7592 section 2.2: the whole anew; with another method of authentication comes another secret.

    Only the columns that metadata describes are written, of a row that is locked: an operator may have disabled it, or
    raised its epoch, while another server was asked.
    """
    metadata = _json(http)
    if metadata.get("client_id") != application.client_id:
        raise InvalidRequestError(description="client_id must be the one that is registered.")
    if metadata.keys() & {"registration_access_token", "registration_client_uri", "client_secret_expires_at"}:
        raise InvalidRequestError(description="What the server issues is not for the client to send.")
    sent = metadata.get("client_secret")
    if sent is not None and not hmac.compare_digest(application.client_secret, hashed(str(sent))):
        raise InvalidRequestError(description="client_secret must be the one that is registered.")
    described = client_metadata.read(metadata, http)
    with transaction.atomic():
        application = _locked(application)
        before = application.token_endpoint_auth_method
        written = client_metadata.replace(application, described)
        secret = ""
        if application.token_endpoint_auth_method != before and application.has_a_secret:
            secret = set_new_secret(application)
            written |= {"client_secret", "readable_secret", "secret_rolled"}
        client_metadata.judged(application).save(update_fields=written)
        application.scopes.set(described.scopes)
        participants.changed(application)
        _record(http, events.Kind.APPLICATION_CHANGED, application)
    issued: dict[str, Any] = {"client_secret": secret, "client_secret_expires_at": 0} if secret else {}
    return _told(application, **issued, registration_access_token=_bearer(http))


def _deleted(http: HttpRequest, application: Application) -> HttpResponse:
    with transaction.atomic():
        end_all_of_application(application.client_id, reason="registration deleted")
        _record(http, events.Kind.APPLICATION_REVOKED, application, reason="registration deleted")
        application.is_active = False
        participants.changed(application)
        application.delete()
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


def _locked(application: Application) -> Application:
    row = Application.objects.select_for_update().filter(
        pk=application.pk, is_active=True, registration_token=application.registration_token
    )
    if (found := row.first()) is None:
        raise _not_yours()
    return found


def _saved(application: Application, described: Described) -> None:
    client_metadata.judged(application).save()
    application.scopes.set(described.scopes)


def _authorized(http: HttpRequest, client_id: str) -> Application:
    """RFC 7592 section 3: a wrong token and an unknown client are the same answer."""
    known = Application.objects.filter(client_id=client_id, is_active=True)
    application = known.first() if client_id.isascii() and client_id.isprintable() else None
    kept = application.registration_token if application else ""
    if application is None or not kept or not hmac.compare_digest(kept, hashed(_bearer(http))):
        raise _not_yours()
    return application


def _not_yours() -> InvalidToken:
    return InvalidToken(description="The registration access token is not good for this client.")


def _told(application: Application, *, status: int = 200, **more: Any) -> HttpResponse:
    address = settings.ISSUER + reverse("oauth-registration", args=[application.client_id])
    members = {**client_metadata.told(application), "registration_client_uri": address, **more}
    return JsonResponse(members, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _json(http: HttpRequest) -> dict[str, Any]:
    if http.content_type != "application/json":
        raise InvalidRequestError(description="The body must be application/json.")
    metadata = metadata_reader.parsed(body_of(http))
    if "software_statement" in metadata:
        raise InvalidClientMetadata(description="software_statement: none is trusted here.")
    return metadata


def _bearer(http: HttpRequest) -> str:
    scheme, _, token = http.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _record(http: HttpRequest, kind: events.Kind, application: Application, **more: object) -> None:
    events.record(
        http,
        kind,
        actor=f"client:{application.client_id}",
        subject=application.client_id,
        client_id=application.client_id,
        application=application.name,
        **more,
    )
