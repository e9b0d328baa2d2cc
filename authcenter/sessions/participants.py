"""The applications that a person signed in to within a session, and how they hear of its end: by a logout token of this
server (OpenID Connect Back-Channel Logout 1.0) or by a frame in her browser (Front-Channel Logout 1.0).
"""

import secrets
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from oauth2_provider.models import get_application_model
from oauthlib.common import add_params_to_uri

from authcenter.outbox.models import Delivery
from authcenter.outbox.sending import Message, drop, enqueue, redirect
from authcenter.sessions.models import Participant, Session

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYP = "logout+jwt"
TOKEN_SECONDS = 120
"""Logout tokens should live two minutes at most (Back-Channel Logout section 4)."""


def joined(session: Session, application: Any, subject: str) -> None:
    """Note that this application signed the person in, where it wants to hear of the end; one statement."""
    if application.backchannel_logout_uri or application.frontchannel_logout_uri:
        row = Participant(session=session.pk, client_id=application.client_id, subject=subject, expires=session.expires)
        Participant.objects.bulk_create([row], ignore_conflicts=True)


def tell(sessions: Any) -> None:
    """Write a logout token for each participant of these sessions (ids, or a query for them), in the transaction of
    their end; one statement where there is none. It names the session, so that the person's other sign-ins stay.
    """
    ended = list(Participant.objects.filter(session__in=sessions))
    if not ended:
        return
    addresses = _active(ended).exclude(backchannel_logout_uri="").in_bulk(field_name="client_id")
    for participant in ended:
        if application := addresses.get(participant.client_id):
            enqueue(
                Delivery.Kind.LOGOUT,
                receiver=application.client_id,
                target=application.backchannel_logout_uri,
                message=_message(participant, application),
            )


def frames(session: UUID) -> list[str]:
    """Addresses to show in hidden frames while she signs out (Front-Channel Logout section 3)."""
    ended = list(Participant.objects.filter(session=session))
    found = []
    for application in _active(ended).exclude(frontchannel_logout_uri="") if ended else []:
        named = {"iss": settings.ISSUER, "sid": str(session)}
        more = list(named.items()) if application.frontchannel_logout_session_required else []
        found.append(add_params_to_uri(application.frontchannel_logout_uri, more))
    return found


def origins(addresses: list[str]) -> list[str]:
    """What a page with these frames must be allowed to show (Content-Security-Policy, `frame-src`)."""
    return sorted({f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, addresses)})


def changed(application: Any) -> None:
    """After its address, or whether it is active, was changed: what waits for it follows."""
    if application.is_active and application.backchannel_logout_uri:
        redirect(application.client_id, target=application.backchannel_logout_uri, secret="")
    else:
        drop(application.client_id, "Back-channel logout was switched off.")


def _active(participants: list[Participant]) -> QuerySet[Any]:
    names = {participant.client_id for participant in participants}
    found: QuerySet[Any] = get_application_model().objects.filter(client_id__in=names, is_active=True)
    return found


def _message(participant: Participant, application: Any) -> Message:
    """Back-Channel Logout section 2.4; never a nonce."""
    return Message(
        claims={
            "iss": settings.ISSUER,
            "aud": participant.client_id,
            "sub": str(participant.subject),
            "sid": str(participant.session),
            "jti": secrets.token_urlsafe(16),
            "events": {EVENT: {}},
        },
        typ=TYP,
        algorithm=application.id_token_signed_response_alg,
        content_type="application/x-www-form-urlencoded",
        form_field="logout_token",
        seconds=TOKEN_SECONDS,
    )
