"""“Keep me signed in for 30 days”: what the person ticked, until her sign-in is whole; and her address, which such a
browser knows when it comes again. She may take it from there.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "__Host-remembered" if settings.SECURE else "remembered"
_LIVES_SECONDS = 180 * 86_400
_KEY = "remember"
_SALT = "accounts.remembering"


def remember(request: HttpRequest, wanted: bool) -> None:
    """Before the sign-in is whole: there may be a second factor to come."""
    request.session.pop(_KEY, None)
    if wanted:
        request.session[_KEY] = True


def is_remembered(request: HttpRequest) -> bool:
    """Whether the sign-in that becomes whole now was to be remembered. Asked once."""
    return bool(request.session.pop(_KEY, False))


def keep_address(response: HttpResponse, email: str) -> None:
    """For the next visit. Signed: nobody else's page can put an address there."""
    response.set_cookie(
        COOKIE,
        signing.dumps(email, salt=_SALT),
        max_age=_LIVES_SECONDS,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )


def known_address(request: HttpRequest) -> str:
    """Whose browser this is, as far as it says so; empty where it does not."""
    if not (kept := request.COOKIES.get(COOKIE)):
        return ""
    try:
        return str(signing.loads(kept, salt=_SALT, max_age=_LIVES_SECONDS))
    except signing.BadSignature:
        return ""


def forget_address(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, samesite="Lax")
    response.cookies[COOKIE]["secure"] = settings.SECURE
