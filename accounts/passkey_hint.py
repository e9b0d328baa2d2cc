"""Whether somebody used a passkey in this browser before: then the sign-in page offers it first.

A cookie that says no more than that. It names nobody, and nothing is granted for it.
"""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_LIVES = timedelta(days=400)
"""As long as browsers keep a cookie."""


def name() -> str:
    return "__Host-passkey" if settings.SECURE else "passkey"


def is_there(request: HttpRequest) -> bool:
    return request.COOKIES.get(name()) == "1"


def remember(response: HttpResponse) -> None:
    response.set_cookie(name(), "1", max_age=_LIVES, secure=settings.SECURE, httponly=True, samesite="Lax")
