"""Where an address is, roughly, by the operator's own file; nothing is asked of anybody, and nothing where none is."""

from functools import lru_cache
from typing import Any

import maxminddb
import structlog
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

log = structlog.get_logger("authcenter.audit")


def place_of(address: str) -> str:
    """For example "Berlin, Germany (approximate)", in the language of this page; empty where it is not known.

    The file (setting `GEOIP_FILE`) has the form of MaxMind's GeoLite2 City; country files do as well.
    """
    reader = _reader(settings.GEOIP_FILE) if settings.GEOIP_FILE and address else None
    if reader is None:
        return ""
    try:
        found = reader.get(address)
    except (ValueError, maxminddb.InvalidDatabaseError):  # no address, IPv6 in an IPv4 file, a broken page
        return ""
    if not isinstance(found, dict):
        return ""
    names = [_name(found.get(part)) for part in ("city", "country")]
    place = ", ".join(name for name in names if name)
    return _("%(place)s (approximate)") % {"place": place} if place else ""


@lru_cache(maxsize=2)
def _reader(path: str) -> Any:
    """The open file, read once by each worker; None where it cannot be read, which is said once in the log."""
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as fault:
        log.warning("geoip_file_not_read", path=path, fault=str(fault))
        return None


def _name(part: Any) -> str:
    names = part.get("names") if isinstance(part, dict) else None
    if not isinstance(names, dict):
        return ""
    language = (translation.get_language() or "en").lower()
    kept = {str(tag).lower(): str(name) for tag, name in names.items()}
    wanted = (language, "zh-cn" if language.startswith("zh") else "", "pt-br" if language.startswith("pt") else "")
    return next((kept[tag] for tag in (*wanted, language.partition("-")[0], "en") if tag in kept), "")
