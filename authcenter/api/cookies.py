"""The cookie transport of JWT sessions: tokens that no script can read.

The refresh token goes to its own routes only, so its cookie has a path and cannot carry the __Host- prefix.
"""

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from authcenter.sessions.jwt import Pair

ACCESS = "__Host-access" if settings.SECURE else "access"
REFRESH = "__Secure-refresh" if settings.SECURE else "refresh"
REFRESH_PATH = "/api/token/"


def access_token(request: Request) -> str | None:
    return request.COOKIES.get(ACCESS) or None


def refresh_token(request: Request) -> str | None:
    return request.COOKIES.get(REFRESH) or None


def put(response: HttpResponse, pair: Pair) -> None:
    """Both live as long as the tokens in them."""
    _set(response, ACCESS, pair.access, seconds=settings.ACCESS_TOKEN_SECONDS, path="/")
    _set(response, REFRESH, pair.refresh, seconds=int(settings.REFRESH_IDLE.total_seconds()), path=REFRESH_PATH)


def clear(response: HttpResponse) -> None:
    response.delete_cookie(ACCESS, samesite="Strict")
    response.delete_cookie(REFRESH, path=REFRESH_PATH, samesite="Strict")


def _set(response: HttpResponse, name: str, value: str, *, seconds: int, path: str) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path=path, secure=settings.SECURE, httponly=True, samesite="Strict"
    )
