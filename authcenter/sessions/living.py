"""A person's living sign-ins."""

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from authcenter.sessions.models import Session


def living_sessions(user: Any) -> QuerySet[Session]:
    """Sessions of `user` that are neither ended, too old nor idle for too long (as `Session.is_alive` judges one).

    One statement for the few different idle times, as no arithmetic with instants and columns is portable.
    """
    now = timezone.now()
    living = Session.objects.filter(user=user.pk, user_epoch=user.epoch, ended=None, expires__gt=now)
    in_use = Q(pk__in=[])
    for seconds in living.order_by().values_list("idle_seconds", flat=True).distinct():
        in_use |= Q(idle_seconds=seconds, last_seen__gt=now - timedelta(seconds=seconds))
    return living.filter(in_use)
