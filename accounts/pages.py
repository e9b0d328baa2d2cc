"""What every page needs to know."""

from datetime import datetime
from math import ceil
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from accounts import passkey_hint
from accounts.models import User
from accounts.sign_in import WAITING
from accounts.social.models import IdentityProvider
from authcenter.branding.current import brand


def site(request: HttpRequest) -> dict[str, Any]:
    """Template context: the installation's name, whether it is a demo, and which application sent the person here."""
    return {
        "site_name": brand().name,
        "demo": settings.DEMO,
        "issuer": settings.ISSUER,
        "asking": _asking(request),
        "providers": _providers,
        "passkey_first": passkey_hint.is_there(request),
        "passkey_rp": settings.ISSUER_HOST,
    }


def show(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A page of one's account, with times in one's own zone where the profile names one."""
    try:
        zone = ZoneInfo(getattr(request.user, "zoneinfo", "") or "UTC")
    except (KeyError, ValueError, OSError):  # the console takes any text
        zone = ZoneInfo("UTC")
    with timezone.override(zone):
        return render(request, template, context, status=status)


def too_many_requests(request: HttpRequest, wait: int) -> HttpResponse:
    """A 429 that says how long to wait (`wait` is in seconds), to people and to programs (RFC 6585 section 4)."""
    response = show(request, "429.html", {"minutes": max(1, ceil(wait / 60))}, status=429)
    response["Retry-After"] = str(max(1, wait))
    return response


def own_picture(user: User) -> str:
    """The address of a person's picture where it lies here, or nothing: no page makes a browser ask another site."""
    return user.picture if user.picture.startswith(f"{settings.ISSUER}/") else ""


def ago(when: datetime) -> str:
    """For example "3 days ago"; "0 minutes ago" would be an odd way to say now."""
    if (timezone.now() - when).total_seconds() < 120:
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(when, depth=1)}


def _providers() -> list[IdentityProvider]:
    """Those with a button for everybody. Asked for by templates that show them."""
    return list(IdentityProvider.objects.filter(is_active=True, is_shown=True, organisation=None))


def asking_at(request: HttpRequest, onward: str | None) -> dict[str, Any] | None:
    """Name and logo of the application whose request waits for this person, where `onward` leads back to it."""
    waiting = request.session.get(WAITING) or {}
    return waiting.get(asked_key(onward)) if isinstance(waiting, dict) else None


def asked_key(onward: str | None) -> str:
    """Key of the application's request that `onward` leads back to, or empty."""
    try:
        target = urlsplit(onward or "")
    except ValueError:
        return ""
    key = parse_qs(target.query).get("txn", [""])[0]
    return key if target.path == reverse("oauth-authorize") else ""


def _asking(request: HttpRequest) -> dict[str, Any] | None:
    try:
        return asking_at(request, request.POST.get("next") or request.GET.get("next"))
    except (ValueError, SuspiciousOperation, MultiPartParserError, APIException):
        return None  # this page may be the refusal of that very request
