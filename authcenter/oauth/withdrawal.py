"""Taking back what a person granted: the Authorization, its families and its living tokens, in one transaction."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from authcenter.oauth.models import Authorization, Family, Grant
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
    with transaction.atomic():
        now = timezone.now()
        # `expires` too: it is the one instant after which the row may be swept.
        ended = Family.objects.filter(pk=family, ended=None).update(ended=now, ended_by=reason, expires=now)
        # A code that came with a token of the authorization endpoint may not have been redeemed yet.
        Grant.objects.filter(family=family, consumed=None).update(consumed=now)
        revoke(Kind.FAMILY, family, reason=reason)
    return bool(ended)
