"""What stands around every page: the branding, and the menus for language and theme at its foot."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from accounts.preferences import THEMES, theme
from authcenter.branding.current import brand

_NAMES = dict(settings.LANGUAGES)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context."""
    shown = brand()
    language, chosen = translation.get_language() or settings.LANGUAGE_CODE, theme(request)
    return {
        "language": language,
        "language_name": _NAMES.get(language, language),
        "brand": shown,
        "said": shown.texts(language),
        "languages": settings.LANGUAGES,
        "theme": chosen,
        "theme_name": THEMES[chosen],
        "themes": THEMES,
        "here_again": request.get_full_path() if request.method in {"GET", "HEAD"} else request.path,
    }
