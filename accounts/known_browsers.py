"""Which browsers and apps a person has signed in with before, so that she is told of one that is new.

A browser carries a long-lived cookie; each person's row holds a hash of it that is hers alone, so that rows do not say
who shares a browser. An app of the JWT sessions has no cookie: there the program and its network are compared.
"""

import hashlib
import re
import secrets

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.alerts import Alert, tell
from accounts.home_rows import KnownBrowser
from accounts.models import User
from authcenter.audit.address import network_of
from authcenter.sessions.models import Session

COOKIE = "__Host-browser" if settings.SECURE else "browser"
_LIVES_SECONDS = 400 * 86_400
_FORM = re.compile(r"[A-Za-z0-9_-]{32}")


def met(request: HttpRequest, user: User, session: Session) -> None:
    """At a sign-in by browser, in its transaction: tell of one that is new, and know it from now on.

    The very first sign-in of an account is no news.
    """
    value = request.COOKIES.get(COOKIE, "")
    if not _FORM.fullmatch(value):
        value = secrets.token_urlsafe(24)
    request.__dict__["_browser"] = value
    mark = hashlib.sha256(f"{user.pk} {value}".encode()).hexdigest()
    if KnownBrowser.objects.filter(user=user, cookie_hash=mark).update(last_seen=timezone.now()):
        return
    first = not _earlier(user, session).exists()
    KnownBrowser.objects.get_or_create(user=user, cookie_hash=mark)
    if not first:
        tell(request, user, Alert.NEW_DEVICE, amr=session.amr)


def met_app(request: HttpRequest, user: User, session: Session) -> None:
    """The same at a sign-in of an app."""
    earlier = _earlier(user, session)
    here = network_of(session.address)
    by_it = earlier.filter(user_agent=session.user_agent).order_by("-created").values_list("address", flat=True)[:200]
    if all(network_of(address) != here for address in by_it) and earlier.exists():
        tell(request, user, Alert.NEW_DEVICE, amr=session.amr)


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Give the browser that has just signed in its cookie, anew each time."""
    if value := request.__dict__.get("_browser"):
        response.set_cookie(
            COOKIE, value, max_age=_LIVES_SECONDS, secure=settings.SECURE, httponly=True, samesite="Lax"
        )


def _earlier(user: User, session: Session) -> QuerySet[Session]:
    return Session.objects.filter(user=user).exclude(pk=session.pk)
