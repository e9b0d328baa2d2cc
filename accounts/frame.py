"""What stands around every page: the branding, and the menus for language and theme at its foot."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from accounts.preferences import THEMES, theme
from authcenter.branding.current import brand

_NAMES = dict(settings.LANGUAGES)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context."""
    shown = brand()
    language, chosen = translation.get_language() or settings.LANGUAGE_CODE, theme(request)
    return {
        "language": language,
        "brand": shown,
        "said": shown.texts(language),
        "theme": chosen,
        "menus": _menus(language, chosen),
        "here_again": request.get_full_path() if request.method in {"GET", "HEAD"} else request.path,
    }


@lru_cache(maxsize=32)
def _menus(language: str, theme: str) -> SafeString:
    """The same for everybody with this language and theme; drawn once, as each page would take half a millisecond."""
    context = {
        "language": language,
        "language_name": _NAMES.get(language, language),
        "languages": settings.LANGUAGES,
        "theme": theme,
        "theme_name": THEMES[theme],
        "themes": THEMES,
    }
    return render_to_string("menus.html", context)
