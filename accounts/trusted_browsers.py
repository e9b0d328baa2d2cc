"""Browsers that a person trusts: for 14 days they sign in without her second factor, as one with one factor.

The cookie holds 256 random bits, its row their hash. Each person has a cookie of her own in a browser. Trust ends with
whatever raises her epoch (a changed password, a factor removed, “sign out everywhere”, an operator's act) and when a
factor is added.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import TrustedBrowser, User
from authcenter.audit import events
from authcenter.audit.address import client_address

LIVES = timedelta(days=14)


def trust(request: HttpRequest, user: User, response: HttpResponse) -> None:
    """Trust this browser from now on, with a new secret: one that somebody planted is worth nothing."""
    secret, now = secrets.token_urlsafe(32), timezone.now()
    TrustedBrowser.objects.filter(user=user, digest=_digest(_sent(request, user))).delete()
    row = TrustedBrowser.objects.create(
        user=user,
        user_epoch=user.epoch,
        digest=_digest(secret),
        expires=now + LIVES,
        address=client_address(request),
        user_agent=request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:512],
    )
    events.record(request, events.Kind.BROWSER_TRUSTED, actor=user.pk, subject=user.pk, browser=row.pk)
    response.set_cookie(
        _cookie(user),
        secret,
        max_age=LIVES,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_trusted(request: HttpRequest, user: User) -> bool:
    sent = _sent(request, user)
    if not sent:
        return False
    now = timezone.now()
    return bool(living(user).filter(digest=_digest(sent)).update(last_used=now, address=client_address(request)))


def living(user: User) -> QuerySet[TrustedBrowser]:
    return TrustedBrowser.objects.filter(user=user, user_epoch=user.epoch, expires__gt=timezone.now())


def end(request: HttpRequest, user: User, **which: Any) -> int:
    """End trust in all browsers of this person, or in those that `which` names; how many that were."""
    ended, _rows = TrustedBrowser.objects.filter(user=user, **which).delete()
    if ended:
        actor = getattr(request.user, "pk", None) or user.pk
        events.record(request, events.Kind.TRUST_ENDED, actor=actor, subject=user.pk, count=ended)
    return ended


def _cookie(user: User) -> str:
    name = "trusted-" + hashlib.sha256(str(user.pk).encode()).hexdigest()[:12]
    return f"__Host-{name}" if settings.SECURE else name


def _sent(request: HttpRequest, user: User) -> str:
    return request.COOKIES.get(_cookie(user), "")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
