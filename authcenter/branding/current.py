"""The branding as every page needs it: kept in this process, and looked at again when it is a second old.

So it costs a page nothing; a change shows at once in the process that made it, and within a second in every other
worker of every node.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from authcenter.branding import colours
from authcenter.branding.models import TEXTS, Branding

FRESH_SECONDS = 1.0
"""The request that finds the kept branding older asks the database: one statement."""


@dataclass(frozen=True)
class Brand:
    """What templates read."""

    name: str
    logo: str = ""
    """The address of the logo, or nothing."""
    stylesheet: str = ""
    privacy: str = ""
    terms: str = ""
    help: str = ""
    support: str = ""
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    """By language; the empty language holds what was not translated."""

    def texts(self, language: str) -> dict[str, str]:
        """`headline`, `sign_in_notice`, `sign_up_notice` and `footer`, each empty where nothing is said."""
        plain, own = self.said.get("", {}), self.said.get(language, {})
        return {name: own.get(name) or plain.get(name, "") for name in TEXTS}


_kept: tuple[float, Brand] | None = None


def brand() -> Brand:
    """At most `FRESH_SECONDS` old."""
    global _kept
    now, kept = time.monotonic(), _kept
    if kept is None or now - kept[0] > FRESH_SECONDS:
        kept = _kept = now, of(Branding.objects.filter(pk=1).defer("logo").first())
    return kept[1]


def forget() -> None:
    """It was changed here: look again at the next page."""
    global _kept
    _kept = None


def of(row: Branding | None, **instead: Any) -> Brand:
    """What a row means; `instead` of some of it, for a preview."""
    if row is None:
        return Brand(settings.SITE_NAME)
    values: dict[str, Any] = {
        "name": row.name or settings.SITE_NAME,
        "logo": f"/branding/logo?v={row.logo_key}" if row.logo_key else "",
        "stylesheet": colours.stylesheet(row.accent, row.accent_dark),
        "privacy": row.privacy_url,
        "terms": row.terms_url,
        "help": row.help_url,
        "support": row.support_email,
        "said": {**row.translations, "": {name: getattr(row, name) for name in TEXTS}},
    }
    return Brand(**values | instead)
