"""grant_type=refresh_token (RFC 6749 section 6, RFC 9700 sections 2.2.2 and 4.14).

A family is one row, however often it is refreshed. The token carries the family, its generation and 128 random bits
under a MAC, so that any older one is recognised although only the hash of the present one is kept. Rotation is one
conditional update. A stale generation ends the family, but for the retry window: within seconds, a client that proved
a key gets the very same successor again, which is kept encrypted under its predecessor.
"""

import base64
import binascii
import hmac
import secrets
import struct
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, PositiveIntegerField, UUIDField
from django.utils import timezone
from oauthlib.common import Request
from oauthlib.openid.connect.core.grant_types import RefreshTokenGrant as LibraryGrant

from authcenter.audit import events
from authcenter.keys import vault
from authcenter.oauth import acting_for
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.claims import with_person
from authcenter.oauth.errors import InvalidGrantError
from authcenter.oauth.models import Family
from authcenter.oauth.registration import hashed
from authcenter.oauth.withdrawal import end_family
from authcenter.prepared import Prepared, PreparedInsert, PreparedUpdate, Slot

_PURPOSE = "refresh token"
_PREFIX = "rt_"


class RefreshTokenGrant(LibraryGrant):
    """The library's grant in one transaction."""

    def create_token_response(self, request: Request, token_handler: Any) -> Any:
        with transaction.atomic():
            return self.proxy_target.create_token_response(request, token_handler)


@dataclass(frozen=True)
class Presented:
    """A refresh token that this server made, of whatever age."""

    family: UUID
    generation: int
    raw: str


def new_token(family: UUID, generation: int) -> str:
    body = family.bytes + struct.pack(">I", generation) + secrets.token_bytes(16)
    return _PREFIX + base64.urlsafe_b64encode(body + vault.mac(body, _PURPOSE)).decode().rstrip("=")


def presented(token: str) -> Presented | None:
    """What a refresh token says, or None where we never made it. No statement is needed to refuse garbage."""
    if not token.startswith(_PREFIX) or len(token) > 100:
        return None
    try:
        raw = base64.b64decode(token[len(_PREFIX) :] + "==", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    body, tag = raw[:-16], raw[-16:]
    if len(body) != 36 or not vault.mac_is_right(body, tag, _PURPOSE):
        return None
    return Presented(UUID(bytes=body[:16]), struct.unpack(">I", body[16:20])[0], token)


def start(request: Request, token: str) -> None:
    """Keep the family that a code bought: with all that was granted, whatever less this token request asked for."""
    grounds: Grounds = request.__dict__["_grounds"]
    now = timezone.now()
    family = Family(
        id=grounds.family,
        user=grounds.user,
        application=grounds.application,
        authorization_id=grounds.authorization,
        session_id=grounds.session,
        offline=grounds.offline,
        scope=grounds.granted_scope,
        resource=grounds.granted_resources,
        asked_claims=grounds.claims,
        auth_time=grounds.auth_time,
        amr=grounds.amr,
        acr=grounds.acr,
        membership=grounds.acts_for.get("mid"),
        user_epoch=grounds.user_epoch,
        application_epoch=grounds.application_epoch,
        generation=1,
        token_hash=hashed(token),
        expires=now + settings.REFRESH_IDLE,
        absolute_expires=now + settings.REFRESH_ABSOLUTE,
    )
    _keep.run(family)


def read(token: str, request: Request) -> bool:
    """Whether this refresh token is good for this client now. Fills `request` for the steps that follow."""
    said = presented(token)
    if said is None:
        return False
    family = find(said)
    if family is None or family.application_id != request.client.pk or not stands(family):
        return False
    request._presented, request._family, request.user = said, family, family.user
    if said.generation == family.generation:
        return hmac.compare_digest(family.token_hash, hashed(token))
    return _may_retry(request, family) or _replayed(request, family)


def consume(request: Request) -> None:
    """Rotate, after every refusal: exactly one request writes the successor. Fills what the tokens are minted from."""
    said: Presented = request.__dict__["_presented"]
    family: Family = request.__dict__["_family"]
    resources = scope_rules.narrowed(
        request.client, family.scope.split(), family.resource or [], request.__dict__["_resources"]
    )
    request.scopes = scope_rules.for_resources(request.client, request.scopes, resources)
    membership = acting_for.living(family.membership, family.user)
    if family.membership is not None and membership is None:
        raise InvalidGrantError(request=request, description="The person does not belong to the organization any more.")
    if "_successor" not in request.__dict__:
        _rotate(request, said, family)
    request._grounds = Grounds.of(
        family,
        application=request.client,
        scopes=request.scopes,
        resources=resources,
        family=family.pk,
        offline=family.offline,
        acts_for=acting_for.claims_of(membership, request.scopes),
    )


def find(said: Presented) -> Family | None:
    """The family of an active application with all that it stands on, in one statement: what is kept of the
    application in memory may be a moment old."""
    family: Family | None = _found.first(family=said.family)
    return family


_found = Prepared(
    lambda: with_person(Family.objects.filter(pk=Slot("family", UUIDField()), application__is_active=True)).annotate(
        present_epoch=F("application__epoch"),
        withdrawn=F("authorization__withdrawn"),
        signed_out=F("session__ended"),
    )
)
_rotated = PreparedUpdate(
    lambda: Family.objects.filter(
        pk=Slot("family", UUIDField()), generation=Slot("present", PositiveIntegerField()), ended=None
    ),
    *("generation", "token_hash", "successor", "rotated", "expires"),
)
_keep = PreparedInsert(Family)


def stands(family: Any) -> bool:
    """Neither ended nor expired, and neither person, application, authorization nor (unless offline) session ended."""
    now = timezone.now()
    return (
        family.ended is None
        and now < family.expires
        and now < family.absolute_expires
        and family.user.is_active
        and family.user.epoch == family.user_epoch
        and family.present_epoch == family.application_epoch
        and family.withdrawn is None
        and (family.offline or (family.session_id is not None and family.signed_out is None))
    )


def _rotate(request: Request, said: Presented, family: Family) -> None:
    now = timezone.now()
    successor = new_token(family.pk, said.generation + 1)
    kept = vault.encrypt_under(said.raw, successor) if _proved_a_key(request) else ""
    won = _rotated.run(
        family=family.pk,
        present=said.generation,
        generation=said.generation + 1,
        token_hash=hashed(successor),
        successor=kept,
        rotated=now,
        expires=min(now + settings.REFRESH_IDLE, family.absolute_expires),
    )
    if won:
        request._successor = successor
        return
    present = find(said)
    if present is None or present.ended is not None or not _may_retry(request, present):
        _replayed(request, family)
        raise InvalidGrantError(request=request)


def _may_retry(request: Request, family: Family) -> bool:
    """The retry window: the last token again, by a client that proved a key, within seconds. The same successor."""
    said: Presented = request.__dict__["_presented"]
    if (
        not _proved_a_key(request)
        or said.generation != family.generation - 1
        or not family.successor
        or family.rotated is None
        or timezone.now() - family.rotated > timedelta(seconds=settings.RETRY_WINDOW_SECONDS)
    ):
        return False
    try:
        request._successor = vault.decrypt_under(said.raw, family.successor)
    except vault.Undecryptable:
        return False
    return True


def _proved_a_key(request: Request) -> bool:
    return not request.client.is_public


def _replayed(request: Request, family: Family) -> bool:
    """Somebody holds a copy: nobody refreshes this family any more."""
    if end_family(family.pk, reason="refresh replay"):
        events.record(
            request.__dict__["_http"],
            events.Kind.REFRESH_REPLAYED,
            subject=family.user_id,
            client_id=request.client.client_id,
            family=family.pk,
        )
    return False
