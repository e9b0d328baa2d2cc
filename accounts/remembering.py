"""“Keep me signed in”: for how long this browser's cookie lives."""

from django.conf import settings
from django.http import HttpRequest


def remember(request: HttpRequest, wanted: bool) -> None:
    """Before the session starts, so that it knows for how long it is meant; else until the browser closes."""
    request.session.set_expiry(settings.SESSION_COOKIE_AGE if wanted else 0)
