"""grant_type=authorization_code (RFC 6749 section 4.1.3, RFC 7636).

The library checks parameters, verifier and redirect URI through the validator. We read the code's row once, consume
it by one conditional update before anything is minted, in the same transaction, and treat a second use as theft: the
family that the first use bought ends (RFC 6749 section 4.1.2, RFC 9700 section 4.5). The row stays for that.
"""

import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, CharField, F
from django.utils import timezone
from oauthlib.common import Request
from oauthlib.openid.connect.core.grant_types import AuthorizationCodeGrant as LibraryGrant

from authcenter.audit import events
from authcenter.oauth import acting_for
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.claims import with_person
from authcenter.oauth.errors import InvalidGrantError
from authcenter.oauth.models import Grant
from authcenter.oauth.registration import hashed
from authcenter.oauth.withdrawal import end_family
from authcenter.prepared import Prepared, PreparedInsert, PreparedUpdate, Slot
from authcenter.sessions.models import Session

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class AuthorizationCodeGrant(LibraryGrant):
    """The library's grant in one transaction: a refusal commits what it learned, an exception leaves nothing."""

    def create_token_response(self, request: Request, token_handler: Any) -> Any:
        with transaction.atomic():
            return self.proxy_target.create_token_response(request, token_handler)


def issue(request: Request, code: dict[str, str]) -> None:
    """Keep a code's hash and all that its tokens will say. `request._consent` comes from the authorization endpoint."""
    consent = request.__dict__["_consent"]
    session: Session = consent.session
    grant = Grant(
        user=session.user,
        code=hashed(code["code"]),
        application=request.client,
        expires=timezone.now() + timedelta(seconds=settings.CODE_SECONDS),
        redirect_uri=request.redirect_uri,
        redirect_uri_sent=consent.redirect_uri_sent,
        scope=" ".join(request.scopes),
        resource=consent.wanted.resources,
        code_challenge=request.code_challenge or "",
        code_challenge_method=request.code_challenge_method if request.code_challenge else "",
        nonce=consent.nonce,
        asked_claims=consent.wanted.claims,
        family=consent.family,
        membership=consent.wanted.membership.pk if consent.wanted.membership else None,
        authorization=consent.authorization,
        session=session,
        auth_time=consent.auth_time,
        amr=consent.amr,
        acr=consent.acr,
        user_epoch=session.user_epoch,
        application_epoch=request.client.epoch,
    )
    _keep.run(grant)


_found = Prepared(
    lambda: (
        with_person(Grant.objects.filter(code=Slot("code", CharField())))
        .filter(application=Slot("application", BigIntegerField()))
        # The application's own row too: what is kept of it in memory may be a moment old.
        .filter(application__is_active=True)
        .annotate(
            present_epoch=F("application__epoch"),
            withdrawn=F("authorization__withdrawn"),
            signed_out=F("session__ended"),
        )
    )
)


_consumed = PreparedUpdate(lambda: Grant.objects.filter(pk=Slot("grant", BigIntegerField()), consumed=None), "consumed")
_keep = PreparedInsert(Grant)


def read(code: str, request: Request) -> bool:
    """Whether this code is good for this client now. Fills `request` for the checks and the mint that follow."""
    row = _found.first(code=hashed(code), application=request.client.pk)
    if row is None:
        return False
    if row.consumed is not None:
        _replayed(row, request)
        return False
    if not _stands(row):
        return False
    if request.code_verifier is not None:
        if not row.code_challenge:  # a stripped challenge: RFC 9700 section 2.1.1
            return False
        if not _VERIFIER.fullmatch(request.code_verifier):
            return False
    request._code = row
    request.user, request.scopes, request.nonce = row.user, row.scope.split(), row.nonce
    return True


def redirect_uri_is_right(redirect_uri: str, request: Request) -> bool:
    """RFC 6749 section 4.1.3: identical, and sent where it was sent before."""
    row: Grant = request.__dict__["_code"]
    left_out = request.using_default_redirect_uri and row.redirect_uri_sent
    if left_out or redirect_uri != row.redirect_uri:
        raise InvalidGrantError(description="The redirect_uri is not the one of the authorization request.")
    return True


def consume(request: Request) -> None:
    """Exactly one request passes; the others are replays."""
    row: Grant = request.__dict__["_code"]
    resources = scope_rules.narrowed(
        request.client, row.scope.split(), row.resource or [], request.__dict__["_resources"]
    )
    request.scopes = scope_rules.for_resources(request.client, row.scope.split(), resources)
    membership = acting_for.living(row.membership, row.user)
    if row.membership is not None and membership is None:
        raise InvalidGrantError(request=request, description="The person does not belong to the organization any more.")
    if not _consumed.run(grant=row.pk, consumed=timezone.now()):
        _replayed(row, request)
        raise InvalidGrantError(request=request)
    request._grounds = Grounds.of(
        row,
        application=request.client,
        scopes=request.scopes,
        resources=resources,
        family=row.family,
        offline=scope_rules.OFFLINE in row.scope.split(),
        nonce=row.nonce,
        acts_for=acting_for.claims_of(membership, request.scopes),
    )


def _stands(row: Any) -> bool:
    return bool(
        timezone.now() < row.expires
        and row.user.is_active
        and row.user.epoch == row.user_epoch
        and row.present_epoch == row.application_epoch
        and row.withdrawn is None
        and row.signed_out is None
    )


def _replayed(row: Grant, request: Request) -> None:
    end_family(row.family, reason="code replay")
    events.record(
        request.__dict__["_http"],
        events.Kind.CODE_REPLAYED,
        subject=row.user_id,
        client_id=request.client.client_id,
        family=row.family,
    )
