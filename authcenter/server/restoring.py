"""After a restore from backup: what was taken back since is forgotten, so all that was given out must die.

A backup does not know the sessions that were ended, the refresh tokens that were rotated and the keys that were revoked
after it was made. Whatever stood on them would live again.
"""

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session as CookieSession
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from authcenter.audit import events
from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.keys.rotation import revoke_key
from authcenter.oauth.models import AccessToken, Application
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import Kind, begin_new_feed, revoke

REASON = "restored from a backup"

_LEAP = 1_000_000
"""APIs that ran on may hold higher epochs than the backup: so it must be more than anybody can have raised since."""


@dataclass(frozen=True)
class Ended:
    """How many of each were ended."""

    keys: int
    people: int
    applications: int
    sessions: int


def end_everything() -> Ended:
    """One transaction: a new feed, new signing keys, a higher epoch for every person and application, no sessions.

    Signed tokens die with their keys, at every API that follows the feed; what is kept in rows dies by its epoch.
    People and applications, consents and settings stay as they are.
    """
    with transaction.atomic():
        begin_new_feed()
        # The keys that would sign next go first, or one of them would take over.
        kids = list(Key.objects.exclude(state=Key.State.REVOKED).order_by("-created").values_list("pk", "state"))
        for kid, _state in sorted(kids, key=lambda key: key[1] == Key.State.ACTIVE):
            revoke_key(kid)
            revoke(Kind.KEY, kid, reason=REASON)
        ended = Ended(
            keys=len(kids),
            people=get_user_model().objects.update(epoch=F("epoch") + _LEAP),
            applications=Application.objects.update(epoch=F("epoch") + _LEAP),
            sessions=Session.objects.filter(ended=None).update(ended=timezone.now(), ended_by=REASON, refresh_jti=""),
        )
        AccessToken.objects.all().delete()
        CookieSession.objects.all().delete()
        events.record(None, events.Kind.OPERATOR_CHANGE, act=REASON, keys=ended.keys, sessions=ended.sessions)
    ring.forget()
    return ended
