"""The applications that a person signed in to within a session, and how they hear of its end: by a logout token of this
server (OpenID Connect Back-Channel Logout 1.0) or by a frame in her browser (Front-Channel Logout 1.0).
"""

import secrets
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Hearer:
    """An application that is told of the end of a session."""

    client_id: str
    name: str
    frame: str
    """What a hidden frame shows while she signs out (Front-Channel Logout section 3); empty where it wants none."""
    by_server: bool
    """Whether it gets a logout token."""


def hearers(session: UUID | str) -> list[Hearer]:
    """Who is told when this session ends, by name."""
    ended = list(Participant.objects.filter(session=session))
    found = []
    for application in _active(ended).order_by("name") if ended else []:
        frame = application.frontchannel_logout_uri
        if frame and application.frontchannel_logout_session_required:
            frame = add_params_to_uri(frame, [("iss", settings.ISSUER), ("sid", str(session))])
        if frame or application.backchannel_logout_uri:
            by_server = bool(application.backchannel_logout_uri)
            found.append(Hearer(application.client_id, str(application), frame, by_server))
    return found


def frames(session: UUID | str) -> list[str]:
    return [one.frame for one in hearers(session) if one.frame]


def confirmed(session: str, client_id: str) -> bool | None:
    """Whether an application took the logout token of a session; None while it is being told."""
    sent = Delivery.objects.filter(kind=Delivery.Kind.LOGOUT, receiver=client_id, message__claims__sid=session).first()
    if sent is None or (sent.delivered is None and not sent.attempts):
        return None
    return sent.delivered is not None


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
