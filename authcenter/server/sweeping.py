"""Deleting what can matter to nobody any more, in slices, so that no request waits for long.

Nothing revives: whatever a row ended has expired by itself before the row goes.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session as CookieSession
from django.db import models
from django.db.models import Q
from django.utils import timezone

from authcenter.audit.models import Refusals
from authcenter.oauth.models import Family, Grant
from authcenter.sessions.models import Revocation, Session

SLICE = 1_000
"""Rows of one statement: some milliseconds of a writer's lock."""

_DAY = timedelta(days=1)


def _over(now: datetime) -> list[tuple[type[models.Model], Q]]:
    return [
        (Revocation, Q(expires__lt=now)),
        # A replayed code must find the family that it bought for as long as that can live.
        (Grant, Q(expires__lt=now - settings.REFRESH_ABSOLUTE - _DAY)),
        (Family, Q(expires__lt=now - _DAY) | Q(absolute_expires__lt=now - _DAY) | Q(ended__lt=now - _DAY)),
        # After its codes: they point to it.
        (Session, Q(expires__lt=now - settings.REFRESH_ABSOLUTE - _DAY)),
        (Refusals, Q(ends__lt=now)),
        (CookieSession, Q(expire_date__lt=now)),
    ]


def sweep(pause: Callable[[], None] = lambda: None) -> Iterator[tuple[str, int]]:
    """Sweep each kind; yields its name and how many rows went. `pause` is called between slices."""
    for model, over in _over(timezone.now()):
        count = 0
        while keys := list(model._default_manager.filter(over).order_by().values_list("pk", flat=True)[:SLICE]):
            model._default_manager.filter(pk__in=keys).delete()
            count += len(keys)
            pause()
        yield str(model._meta.verbose_name_plural), count
