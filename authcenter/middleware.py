"""Nothing in the clear; and headers of pages: no caching of what concerns a person, no powerful features, and where the
policy must be wider."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
_FLOW_PAGES = ("/accounts/", "/oauth/", "/device")
BACK_CHANNEL = (
    "/.well-known/",
    *(f"/oauth/{name}" for name in ("token", "revoke", "introspect", "par", "register", "device", "userinfo")),
)


class HttpsOnlyMiddleware:
    """What a proxy says it was asked in the clear is refused, not redirected: a client that is answered sends the next
    secret in the clear too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SECURE and settings.TRUSTED_PROXIES and request.headers.get("X-Forwarded-Proto") == "http":
            return HttpResponse(f"Only {settings.ISSUER} is served, by https.\n", "text/plain", status=400)
        return self.get_response(request)


class PageHeadersMiddleware:
    """Directly inside the CSP middleware, which writes the header from what is noted here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        path = request.path
        response.setdefault("Permissions-Policy", _PERMISSIONS)
        if not path.startswith("/static/"):
            response.setdefault("Cache-Control", "no-store")
        if path.startswith("/admin/"):
            # The console's Alpine evaluates expressions and sets styles; nothing else may.
            response._csp_replace = {  # type: ignore[attr-defined]
                "style-src": ["'self'", "'unsafe-inline'"],
                "script-src": ["'self'", "'unsafe-eval'"],
            }
        elif path.startswith(_FLOW_PAGES):
            # Chromium applies form-action to the redirects after a post too, and those lead to applications.
            response._csp_replace = {"form-action": None}  # type: ignore[attr-defined]
        return response
