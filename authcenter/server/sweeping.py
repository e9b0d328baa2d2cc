"""Deleting what can matter to nobody any more, in slices, so that no request waits for long. It runs by itself.

Nothing revives: whatever a row ended has expired by itself before the row goes. And no clock is believed that has
leapt ahead since the last look: what it says is over may not be.
"""

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session as CookieSession
from django.core.cache import cache
from django.db import connection, models
from django.db.models import Exists, Func, OuterRef, Q
from django.utils import timezone

from accounts.models import HalfSignIn, KnownBrowser, Notice, ProviderRequest, TrustedBrowser
from authcenter.audit.models import Refusals
from authcenter.oauth.models import AccessToken, Application, DeviceGrant, Family, Grant, PushedRequest, UsedAssertion
from authcenter.outbox import models as outbox
from authcenter.server.departing import deleted_people
from authcenter.sessions.models import Feed, Participant, Revocation, Session

SLICE = 250
"""Rows of one statement: some milliseconds of a writer's lock."""

_PLACE = {"postgresql": "ctid", "sqlite": "rowid"}
"""Where a row lies. Found along the index of what is over, it is deleted there: by its key it would be looked for in
another index, and the keys of a slice may lie on as many pages of that as there are rows in it."""

EVERY = 600
"""Seconds between two sweeps of the whole installation."""

LEAP = 300.0
"""Seconds by which the wall clock may have run ahead of the steady one before it is told of as a leap."""

_CATCH_UP = 1.02
"""What time is believed to run at, at most: so a server that was off for days, or whose clock was wrong, comes back."""

_UNUSED = timedelta(days=30)
"""For how long what registered itself waits for its first user."""

_LOOK = 60.0
_DAY = timedelta(days=1)
log = structlog.get_logger("authcenter.server")


def _over(now: datetime) -> list[tuple[str, type[models.Model], Q]]:
    """Each condition has an index."""
    return [
        ("revocations", Revocation, Q(expires__lt=now)),
        # A replayed code must find the family that it bought for as long as that can live.
        ("codes", Grant, Q(expires__lt=now - settings.REFRESH_ABSOLUTE - _DAY)),
        ("device codes", DeviceGrant, Q(expires__lt=now - _DAY)),
        ("families", Family, Q(expires__lt=now - _DAY)),
        ("opaque tokens", AccessToken, Q(expires__lt=now)),
        ("counters of refusals", Refusals, Q(ends__lt=now)),
        # Brought in time, it may wait for a person to sign in.
        ("pushed requests", PushedRequest, Q(expires__lt=now - timedelta(hours=2))),
        ("assertions", UsedAssertion, Q(expires__lt=now)),
        ("participants", Participant, Q(expires__lt=now)),
        ("requests to providers", ProviderRequest, Q(expires__lt=now)),
        ("half sign-ins", HalfSignIn, Q(expires__lt=now)),
        ("trusted browsers", TrustedBrowser, Q(expires__lt=now)),
        ("links of mails", Notice, Q(expires__lt=now)),
        ("known browsers", KnownBrowser, Q(last_seen__lt=now - timedelta(days=400))),
        ("cookies", CookieSession, Q(expire_date__lt=now)),
        ("messages delivered", outbox.Delivery, outbox.is_old(now)),
        ("messages given up", outbox.Delivery, outbox.is_forgotten(now)),
    ]


def sweep(now: datetime | None = None, *, gently: bool = True) -> Iterator[tuple[str, int]]:
    """Sweep what is over at `now`; yields each kind and how many rows went. Gently, it rests after each slice for as
    long as that took: on a busy machine it so leaves the more to others."""
    now = now or timezone.now()
    for name, model, over in _over(now):
        yield name, _slices(_deleted(model, over), gently)
    yield "sessions", _slices(_sessions(now), gently)  # after all that refers to them
    yield "people", _slices(deleted_people(now), gently)
    yield "applications", _slices(_unused_applications(now), gently)


def _slices(deleted: Iterator[int], gently: bool) -> int:
    count, began = 0, time.monotonic()
    for gone in deleted:
        count += gone
        if gently:
            time.sleep(max(0.002, time.monotonic() - began))
        began = time.monotonic()
    return count


def _deleted(model: type[models.Model], over: Q) -> Iterator[int]:
    """One statement a slice: nothing refers to these rows any more, so there is nothing to collect first."""
    place = Func(template=_PLACE[connection.vendor], output_field=models.TextField())
    rows = model._default_manager.annotate(place=place).order_by()
    while True:
        gone = rows.filter(place__in=rows.filter(over).values("place")[:SLICE])._raw_delete(rows.db)
        yield gone
        if gone < SLICE:
            return


_is_referred_to = (
    Q(Exists(Grant.objects.filter(session=OuterRef("pk"))))
    | Q(Exists(DeviceGrant.objects.filter(session=OuterRef("pk"))))
    | Q(Exists(Family.objects.filter(session=OuterRef("pk"))))
)


def _sessions(now: datetime) -> Iterator[int]:
    """Along the index, so that what is still referred to is passed by once and no slice looks at the whole again."""
    over = Session.objects.filter(expires__lt=now - settings.REFRESH_ABSOLUTE - _DAY).order_by("expires")
    since, passed_by = None, set[UUID]()
    while True:
        found = (over.filter(expires__gte=since) if since else over).exclude(pk__in=passed_by)
        slice_ = dict(found.values_list("pk", "expires")[:SLICE])
        rows = Session.objects.filter(~_is_referred_to, pk__in=slice_)
        gone = rows._raw_delete(rows.db) if slice_ else 0
        yield gone
        if len(slice_) < SLICE:
            return
        last = max(slice_.values())
        left = Session.objects.filter(pk__in=slice_, expires=last).values_list("pk", flat=True) if gone < SLICE else []
        passed_by = {*left, *(passed_by if last == since else ())}
        since = last


def _unused_applications(now: datetime) -> Iterator[int]:
    """What registered itself, and nobody ever allowed anything. One by one, as others may refer to it by now."""
    never = Application.objects.exclude(origin=Application.Origin.OPERATOR).filter(
        created__lt=now - _UNUSED, authorizations=None, device_codes=None, is_reviewed=False
    )
    for application in never[:SLICE]:
        application.delete()
        yield 1


class Cleaner:
    """The background job of one worker. All workers look; whoever takes the mark in the cache sweeps.

    It goes by a time of its own, which is the wall clock's as long as that does not leap: what a clock that is days
    ahead calls over may not be, and a revocation that is swept too early would revive tokens. Where the wall clock is
    ahead, of a leap or of days that the server was off, it is approached slowly.
    """

    def __init__(self) -> None:
        self._began: tuple[datetime, float] | None = None
        self._behind = False

    def run(self) -> float:
        """Sweep if it is time and this worker's turn; seconds until the next look."""
        now = self._now()
        if cache.add("cleanup", True, timeout=EVERY):
            swept = {name: count for name, count in sweep(now) if count}
            if swept:
                log.info("swept", **swept)
        return _LOOK * random.uniform(0.8, 1.2)  # noqa: S311 - the workers should not come in step

    def _now(self) -> datetime:
        """The wall clock's time, or what can be believed of it; kept in the database for those who start later."""
        wall, steady = timezone.now(), _steady()
        if self._began is None:
            kept = Feed.objects.filter(pk=1).values_list("swept_at", flat=True).first()
            self._began = min(kept or wall, wall), steady
        began, at = self._began
        now = min(wall, began + timedelta(seconds=(steady - at) * _CATCH_UP))
        behind = (wall - now).total_seconds()
        if behind > LEAP and not self._behind:  # told once, not at every look until it is approached
            log.warning("clock_leapt_ahead_or_was_off", seconds=round(behind))
        self._behind = behind > LEAP
        if now == wall:
            self._began = wall, steady
        Feed.objects.filter(Q(swept_at=None) | Q(swept_at__lt=now) | Q(swept_at__gt=wall), pk=1).update(swept_at=now)
        return now


def _steady() -> float:
    """Seconds of a clock that nobody sets; where there is one, it runs on while a laptop sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
