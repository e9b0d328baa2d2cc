"""What somebody chooses at the foot of a page, signed in or not: the language and the theme, each a cookie."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.adapter import AccountAdapter

THEME_COOKIE = "theme"
THEMES = {"": _("As the device"), "light": _("Light"), "dark": _("Dark")}
"""Without a cookie the style sheet follows the device."""

_YEAR = 365 * 24 * 3600


def theme(request: HttpRequest) -> str:
    """`light`, `dark`, or empty."""
    kept = request.COOKIES.get(THEME_COOKIE, "")
    return kept if kept in THEMES else ""


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep one choice and go back to the page. What is no choice changes nothing."""
    back = request.POST.get("next", "")
    response = redirect(back if AccountAdapter(request).is_safe_url(back) else "account")
    language, chosen = request.POST.get("language"), request.POST.get("theme")
    if language in dict(settings.LANGUAGES):
        _keep(response, settings.LANGUAGE_COOKIE_NAME, language)
        translation.activate(language)
    if chosen in THEMES:
        _keep(response, THEME_COOKIE, chosen)
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    if value:
        response.set_cookie(name, value, max_age=_YEAR, secure=settings.SECURE, httponly=True, samesite="Lax")
    else:
        response.delete_cookie(name, samesite="Lax")
