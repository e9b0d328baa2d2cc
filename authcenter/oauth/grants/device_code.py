"""grant_type=urn:ietf:params:oauth:grant-type:device_code (RFC 8628 sections 3.4 and 3.5).

The library's own grant lets any client redeem a code, any number of times, after its end; here only its frame is used.
A poll that must go on waiting is one conditional update, which also sees that polls keep their distance. An allowed
code is consumed by another, before anything is minted and in the same transaction; a second use is theft, and the
family that the first use bought ends.
"""

import json
import time
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.grant_types.base import GrantTypeBase

from authcenter.audit import events
from authcenter.oauth import id_token
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    ExpiredTokenError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    SlowDownError,
)
from authcenter.oauth.models import DeviceGrant
from authcenter.oauth.registration import hashed
from authcenter.oauth.subjects import subject_of
from authcenter.oauth.withdrawal import end_family
from authcenter.sessions import participants

_JITTER = 0.5
"""Seconds that a poll may come too early: a network delays some more than others."""


class DeviceCodeGrant(GrantTypeBase):
    """One poll of a device."""

    def create_token_response(self, request: Request, token_handler: Any) -> tuple[dict[str, str], str, int]:
        headers = self._get_default_headers()
        try:
            self.validate_client_authentication(request)
            self.validate_grant_type(request)
            row = _allowed(request)
            token = self._redeemed(row, request, token_handler)
        except OAuth2Error as error:
            return {**headers, **error.headers}, error.json, error.status_code
        return headers, json.dumps(token), 200

    def _redeemed(self, row: DeviceGrant, request: Request, token_handler: Any) -> dict[str, Any]:
        """The tokens; where another request was quicker, it raises, and nothing is minted or written."""
        with transaction.atomic():
            if won := _consume(row, request):
                assert row.session is not None
                participants.joined(row.session, request.client, subject_of(request.client, row.user))
                token: dict[str, Any] = token_handler.create_token(request, refresh_token=True)
                if scope_rules.OPENID in request.scopes:
                    token["id_token"] = id_token.mint(request.__dict__["_grounds"], token["access_token"])
                self.request_validator.save_token(token, request)
        if not won:
            raise _replayed(row, request)
        return token


def _allowed(request: Request) -> DeviceGrant:
    """The row of a code that its person has allowed and that stands; of any other, raises what section 3.5 says."""
    code = request.device_code
    if not code:
        raise InvalidRequestError(description="Missing device_code parameter.", request=request)
    codes = DeviceGrant.objects.filter(device_code=hashed(code), application=request.client)
    pending = codes.filter(answered=None, expires__gt=timezone.now(), application_epoch=request.client.epoch)
    now = time.time()
    if pending.filter(poll_after__lte=now + _JITTER).update(poll_after=F("interval") + now):
        raise AuthorizationPendingError(request=request)
    row = codes.select_related("user", "authorization", "session").first()
    if row is None:
        raise InvalidGrantError(request=request)
    if row.consumed is not None:
        raise _replayed(row, request)
    if timezone.now() >= row.expires:
        raise ExpiredTokenError(request=request)
    if row.application_epoch != request.client.epoch:
        raise InvalidGrantError(request=request)
    if row.answered is None:
        longer = F("interval") + settings.DEVICE_POLL_SECONDS
        pending.update(interval=longer, poll_after=longer + now)
        raise SlowDownError(request=request)
    if row.authorization is None:
        raise AccessDeniedError(request=request)
    if not _stands(row):
        raise InvalidGrantError(request=request)
    return row


def _consume(row: DeviceGrant, request: Request) -> bool:
    """Whether this is the one request that redeems the code. Fills what the tokens are minted from."""
    granted = row.scope.split()
    resources = scope_rules.narrowed(request.client, granted, row.resource, request.__dict__["_resources"])
    request.scopes = scope_rules.for_resources(request.client, granted, resources)
    now = timezone.now()
    if not DeviceGrant.objects.filter(pk=row.pk, consumed=None).update(
        consumed=now, expires=now + settings.REFRESH_ABSOLUTE
    ):
        return False
    request._code, request.user = row, row.user
    request._grounds = Grounds.of(
        row,
        application=request.client,
        scopes=request.scopes,
        resources=resources,
        family=row.family,
        offline=scope_rules.OFFLINE in granted,
    )
    _record(events.Kind.DEVICE_CONNECTED, row, request)
    return True


def _stands(row: DeviceGrant) -> bool:
    """Nothing that the code stands on was ended since its person allowed it."""
    assert row.authorization is not None and row.session is not None
    return (
        row.user.is_active
        and row.user.epoch == row.user_epoch
        and row.authorization.withdrawn is None
        and row.session.ended is None
    )


def _replayed(row: DeviceGrant, request: Request) -> InvalidGrantError:
    end_family(row.family, reason="device code replay")
    _record(events.Kind.DEVICE_CODE_REPLAYED, row, request)
    return InvalidGrantError(request=request)


def _record(kind: events.Kind, row: DeviceGrant, request: Request) -> None:
    events.record(
        request.__dict__["_http"],
        kind,
        actor=f"client:{request.client.client_id}",
        subject=row.user_id,
        client_id=request.client.client_id,
        application=request.client.name,
        family=row.family,
    )
