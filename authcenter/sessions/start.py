"""Starting a sign-in session."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from authcenter.audit.address import client_address
from authcenter.sessions.models import Session


def start_browser_session(request: HttpRequest, user: Any, *, amr: list[str], acr: str, remember: bool) -> Session:
    """A sign-in with a cookie: over after a day without use or a week, or after 30 days where one is remembered."""
    lives = settings.BROWSER_SESSION_REMEMBERED if remember else settings.BROWSER_SESSION_IDLE * 7
    idle = settings.BROWSER_SESSION_REMEMBERED if remember else settings.BROWSER_SESSION_IDLE
    return _start(request, user, Session.Kind.BROWSER, amr=amr, acr=acr, lives=lives, idle=idle, remembered=remember)


def start_api_session(request: HttpRequest, user: Any, *, amr: list[str], acr: str) -> Session:
    """A sign-in of a first-party app: idle for 14 days, at most 90."""
    return _start(
        request,
        user,
        Session.Kind.API,
        amr=amr,
        acr=acr,
        lives=settings.REFRESH_ABSOLUTE,
        idle=settings.REFRESH_IDLE,
        remembered=True,
    )


def _start(
    request: HttpRequest,
    user: Any,
    kind: Session.Kind,
    *,
    amr: list[str],
    acr: str,
    lives: timedelta,
    idle: timedelta,
    remembered: bool,
) -> Session:
    now = timezone.now()
    return Session.objects.create(
        user=user,
        user_epoch=user.epoch,
        kind=kind,
        amr=amr,
        acr=acr,
        auth_time=now,
        created=now,
        last_seen=now,
        expires=now + lives,
        idle_seconds=int(idle.total_seconds()),
        remembered=remembered,
        address=client_address(request),
        user_agent=request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:512],
    )
