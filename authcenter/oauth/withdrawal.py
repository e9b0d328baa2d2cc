"""Taking back what a person granted: the Authorization, its families and its living tokens, in one transaction."""

from uuid import UUID

from django.db import transaction
from django.db.models import UUIDField
from django.utils import timezone

from authcenter.oauth.models import Authorization, Family, Grant
from authcenter.prepared import PreparedUpdate, Slot
from authcenter.sessions.revocation import Kind, revoke


def withdraw(authorization: UUID, *, reason: str) -> bool:
    """End one authorization for good; the application must ask again. True where it lived."""
    with transaction.atomic():
        withdrawn = Authorization.objects.filter(pk=authorization, withdrawn=None).update(
            withdrawn=timezone.now(), withdrawn_by=reason
        )
        if withdrawn:
            revoke(Kind.AUTHORIZATION, authorization, reason=reason)
    return bool(withdrawn)


def end_family(family: UUID, *, reason: str) -> bool:
    """End what one code bought: the refresh token and every living access token of it. True where it lived."""
    now = timezone.now()
    end = {"family": family, "ended": now, "ended_by": reason, "expires": now}
    with transaction.atomic(savepoint=False):  # often a part of an act, which nobody undoes alone
        ended = _ended.run(**end)
        if not ended:
            # A code that came with a token of the authorization endpoint may not have been redeemed yet; if that is
            # being done now, this waits for it, and then there is a family to end.
            _consumed.run(family=family, consumed=now)
            ended = _ended.run(**end)
        revoke(Kind.FAMILY, family, reason=reason)
    return bool(ended)


# `expires` too: it is the one instant after which the row may be swept.
_ended = PreparedUpdate(
    lambda: Family.objects.filter(pk=Slot("family", UUIDField()), ended=None), "ended", "ended_by", "expires"
)
_consumed = PreparedUpdate(lambda: Grant.objects.filter(family=Slot("family", UUIDField()), consumed=None), "consumed")
