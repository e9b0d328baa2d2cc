"""What every page needs to know."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse

from accounts.sign_in import WAITING


def site(request: HttpRequest) -> dict[str, Any]:
    """Template context: the installation's name, whether it is a demo, and which application sent the person here."""
    return {
        "site_name": settings.SITE_NAME,
        "demo": settings.DEMO,
        "issuer": settings.ISSUER,
        "asking": _asking(request),
    }


def _asking(request: HttpRequest) -> dict[str, Any] | None:
    """Name and logo of the application whose request waits for this person, where `next` leads back to it."""
    try:
        target = urlsplit(request.POST.get("next") or request.GET.get("next") or "")
    except (ValueError, SuspiciousOperation, MultiPartParserError):  # this page may be the refusal of that very request
        return None
    key = parse_qs(target.query).get("txn", [""])[0]
    if not key or target.path != reverse("oauth-authorize"):
        return None
    waiting = request.session.get(WAITING) or {}
    return waiting.get(key) if isinstance(waiting, dict) else None
