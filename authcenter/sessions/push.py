"""Each revocation as a Security Event Token (RFC 8417) for the APIs that asked to be told (RFC 8935).

What the library reads is `urn:authcenter:event:revocation`, an entry of the feed; beside it stands the event of the
OpenID Continuous Access Evaluation Profile where one fits, for receivers that know only those.
"""

import secrets
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from authcenter.keys import vault
from authcenter.outbox import outbound
from authcenter.outbox.models import Delivery
from authcenter.outbox.sending import Message, deliver, drop, enqueue, redirect
from authcenter.sessions.models import Feed, Receiver, Revocation

TYP = "secevent+jwt"
CONTENT_TYPE = "application/secevent+jwt"
REVOCATION = "urn:authcenter:event:revocation"
VERIFICATION = "urn:authcenter:event:verification"
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"

PASSWORD_REASONS = frozenset({"password changed", "password reset"})
"""Reasons of a revocation that tell of a new password (CAEP section 3.3)."""


def tell(revocations: list[Revocation], feed: Feed) -> None:
    """Write deliveries for each active receiver, in the transaction of the act."""
    for receiver in receivers().select_related("api"):
        for revocation in revocations:
            claims = {
                "toe": int(revocation.created.timestamp()),
                "sub_id": _subject(revocation),
                "events": _events(revocation, feed),
            }
            enqueue(
                Delivery.Kind.REVOCATION,
                receiver=receiver.api.identifier,
                target=receiver.url,
                message=_message(receiver, claims),
                secret=receiver.secret,
                sequence=revocation.sequence,
            )


def receivers() -> QuerySet[Receiver]:
    """Who wants to be told now."""
    return Receiver.objects.filter(is_active=True, api__is_active=True)


def changed(identifier: str) -> None:
    """After an operator changed where, or whether, the API of this identifier is told: what waits follows."""
    receiver = receivers().filter(api__identifier=identifier).first()
    if receiver is None:
        drop(identifier, "Push was switched off.")
    else:
        redirect(identifier, target=receiver.url, secret=receiver.secret)


def gone(identifier: str) -> None:
    """The API of this identifier is deleted: nothing that waits for it is sent."""
    drop(identifier, "The API was deleted.")


def send_test(receiver: Receiver) -> tuple[bool, str]:
    """Send a verification event now; whether it was taken, and what happened, for the operator who asked."""
    claims = {
        "sub_id": {"format": "opaque", "id": receiver.api.identifier},
        "events": {VERIFICATION: {"state": secrets.token_urlsafe(8)}},
    }
    delivery = Delivery(
        kind=Delivery.Kind.TEST,
        target=receiver.url,
        message=asdict(_message(receiver, claims)),
        secret=receiver.secret,
    )
    try:
        answer = deliver(delivery)
    except (outbound.Refused, outbound.Failed) as error:
        return False, str(error)
    except vault.Undecryptable:
        return False, "The secret cannot be decrypted: a key was removed from ENCRYPTION_KEYS. Enter it anew."
    return answer.status in {200, 202, 204}, f"{answer.status} {answer.body[:300].decode('utf-8', 'replace')}".strip()


def _message(receiver: Receiver, claims: dict[str, Any]) -> Message:
    return Message(
        claims={"iss": settings.ISSUER, "aud": receiver.api.identifier, "jti": secrets.token_urlsafe(16), **claims},
        typ=TYP,
        algorithm="ES256",
        content_type=CONTENT_TYPE,
    )


def _subject(revocation: Revocation) -> dict[str, Any]:
    """RFC 9493: a person by issuer and subject, everything else by its own name."""
    if revocation.kind == Revocation.Kind.USER:
        return {"format": "iss_sub", "iss": settings.ISSUER, "sub": revocation.subject}
    return {"format": "opaque", "id": revocation.subject}


def _events(revocation: Revocation, feed: Feed) -> dict[str, Any]:
    entry: dict[str, Any] = {"feed": str(feed.feed), "sequence": revocation.sequence, "kind": revocation.kind}
    entry |= {"id": revocation.subject} | ({} if revocation.epoch is None else {"epoch": revocation.epoch})
    events: dict[str, Any] = {REVOCATION: entry}
    if revocation.kind in {Revocation.Kind.SESSION, Revocation.Kind.USER}:
        events[SESSION_REVOKED] = _caep(revocation.created, revocation.reason)
    if revocation.reason in PASSWORD_REASONS:
        told = {"credential_type": "password", "change_type": "update"}
        events[CREDENTIAL_CHANGE] = {**_caep(revocation.created, revocation.reason), **told}
    return events


def _caep(at: datetime, reason: str) -> dict[str, Any]:
    """What all CAEP events may carry (section 2)."""
    told: dict[str, Any] = {"event_timestamp": int(at.timestamp())}
    if reason:
        told["reason_admin"] = {"en": reason}
    return told
