"""Allowing and denying a device, once: whoever comes first, in whatever browser, and one conditional update decides."""

from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.device import device_name
from accounts.sign_in import authentication
from authcenter.audit import events
from authcenter.oauth import granting
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.errors import OAuth2Error
from authcenter.oauth.models import Application, DeviceGrant
from authcenter.oauth.registration import DEVICE_CODE
from authcenter.oauth.registry import registry
from authcenter.sessions.models import Session


def waiting() -> QuerySet[DeviceGrant]:
    """Requests that nobody has answered, of applications from which nothing was taken back since."""
    return DeviceGrant.objects.select_related("application").filter(
        answered=None,
        expires__gt=timezone.now(),
        application__is_active=True,
        application__epoch=F("application_epoch"),
    )


def asking(grant: DeviceGrant) -> Application | None:
    """The application as `registry.application` gives it, where it may still have all that it asked for."""
    application = registry.application(grant.application.client_id)
    if application is None or not application.allows_grant_type(DEVICE_CODE):
        return None
    try:
        scope_rules.checked(application, grant.scope.split())
        scope_rules.targets(application, grant.resource)
    except OAuth2Error:
        return None
    return application


def allow(http: HttpRequest, session: Session, grant: DeviceGrant, ticked: list[str]) -> bool:
    """Bind the code to this person, this sign-in and what she grants: of what may be left out, what is `ticked`.

    False where it was answered or has run out, or where nothing is left.
    """
    how, asked = authentication(http, session.user), granting.Wanted(grant.scope.split(), grant.resource)
    declined = granting.agreed(grant.application, asked, None, ticked)
    scopes = asked.without(declined).scopes
    if not scopes:
        return deny(http, session, grant)
    with transaction.atomic():
        if not _claimed(grant, session):
            return False
        authorization = granting.grant(session.user, grant.application, asked, declined)
        DeviceGrant.objects.filter(pk=grant.pk).update(
            authorization=authorization,
            scope=" ".join(scopes),
            session=session,
            user_epoch=session.user_epoch,
            auth_time=datetime.fromtimestamp(how["auth_time"], UTC),
            amr=how["amr"],
            acr=how["acr"],
        )
        _record(http, events.Kind.CONSENT_GIVEN, session, grant, subject=authorization.pk, scopes=scopes)
        granting.tell_if_new(http, authorization)
    return True


def deny(http: HttpRequest, session: Session, grant: DeviceGrant) -> bool:
    """The code is good for nothing any more. False where it was answered or has run out."""
    with transaction.atomic():
        if not _claimed(grant, session):
            return False
        _record(http, events.Kind.CONSENT_DENIED, session, grant)
    return True


def _claimed(grant: DeviceGrant, session: Session) -> bool:
    """One conditional update of the row's own columns: PostgreSQL looks at them again when it had to wait for another,
    but not at a join."""
    now = timezone.now()
    still_waiting = DeviceGrant.objects.filter(pk=grant.pk, answered=None, expires__gt=now)
    return bool(still_waiting.update(answered=now, user_code=None, user=session.user_id))


def _record(http: HttpRequest, kind: events.Kind, session: Session, grant: DeviceGrant, **more: object) -> None:
    events.record(
        http,
        kind,
        actor=session.user_id,
        client_id=grant.application.client_id,
        application=grant.application.name,
        device=device_name(grant.user_agent),
        device_address=grant.address,
        **more,
    )
