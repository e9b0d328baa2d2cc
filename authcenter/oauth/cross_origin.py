"""Cross-origin calls (Fetch standard, CORS): token, revocation and userinfo answer an application's registered origins.

Never credentials, never `null`, never an origin that another application registered.
"""

import re

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from authcenter.oauth.models import Application

_ORIGIN = re.compile(r"https?://[\x21-\x7e]{1,255}")


def preflight(request: HttpRequest) -> HttpResponse:
    """OPTIONS names no client, so any active application's origin will do; the answer itself is stricter."""
    origin, response = request.headers.get("Origin", ""), HttpResponse(status=204)
    patch_vary_headers(response, ["Origin"])
    if _is_plain(origin) and any(
        origin in origins.split()
        for origins in Application.objects.filter(is_active=True, allowed_origins__contains=origin).values_list(
            "allowed_origins", flat=True
        )
    ):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Methods"] = "GET, POST"
        response["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response["Access-Control-Max-Age"] = "600"
    return response


def allow(request: HttpRequest, response: HttpResponse, application: Application | None) -> HttpResponse:
    """Let the calling page read the answer, where its origin is one of this application's."""
    origin = request.META.get("HTTP_ORIGIN", "")
    if not origin:
        return response
    patch_vary_headers(response, ["Origin"])
    if application is not None and _is_plain(origin) and origin in application.allowed_origins.split():
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = "WWW-Authenticate, Retry-After"
    return response


def _is_plain(origin: str) -> bool:
    return bool(_ORIGIN.fullmatch(origin))
