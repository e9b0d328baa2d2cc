"""A code by mail that one browser waits for: kept as a MAC, good for ten minutes and a few guesses."""

import hmac
import time
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.adapter import too_many
from authcenter import limits
from authcenter.audit import events
from authcenter.keys import vault

LIVES = 600
"""Seconds."""


def send(request: HttpRequest, purpose: str, email: str, template: str, **told: Any) -> None:
    """Mail a code for `purpose`, in place of an older one. Raises `ValidationError` where too many were sent."""
    if wait := limits.taken(limits.mailed_codes_sent(request, email)):
        events.record(request, events.Kind.LIMIT_REACHED, limit="mailed_codes_sent", email=email)
        raise too_many(wait)
    adapter = get_adapter(request)
    code = adapter.generate_email_verification_code()
    request.session[_key(purpose)] = {"email": email, "mac": _mac(purpose, code), "at": time.time()}
    adapter.send_mail(template, email, {"code": code, "email": email, **told})


def waits_for(request: HttpRequest, purpose: str) -> str:
    """The address that a code was mailed to, or nothing."""
    kept = request.session.get(_key(purpose)) or {}
    return str(kept.get("email", "")) if time.time() - kept.get("at", 0) < LIVES else ""


def forget(request: HttpRequest, purpose: str) -> None:
    request.session.pop(_key(purpose), None)


def proved(request: HttpRequest, purpose: str, typed: str) -> str:
    """The address that this code proves; the code is used up. Raises `ValidationError`. Guesses are counted for the
    address before they are judged, whatever browser they come from."""
    email = waits_for(request, purpose)
    if not email:
        raise ValidationError(_("That code is too old. Ask for a new one."))
    windows = limits.mailed_code(request, email)
    if wait := limits.taken(windows):
        events.record(request, events.Kind.LIMIT_REACHED, limit="mailed_code", email=email)
        raise too_many(wait)
    if not hmac.compare_digest(request.session[_key(purpose)]["mac"], _mac(purpose, typed)):
        events.record(request, events.Kind.CODE_REFUSED, email=email)
        raise ValidationError(_("That is not the code. Look again at the newest mail."))
    limits.given_back(windows)
    forget(request, purpose)
    return email


def _key(purpose: str) -> str:
    return f"mailed_code_{purpose}"


def _mac(purpose: str, code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign.isalnum())[:40]
    return vault.mac(plain.encode(), f"mailed code {purpose}").hex()
