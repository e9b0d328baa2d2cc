"""Codes of authenticator apps (RFC 6238): SHA-1, six digits, steps of 30 seconds, one step of tolerance to either side.

Each code is good once, also in two requests at once: a conditional update of the newest step that was used decides.
"""

import base64
import time
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

import qrcode
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from qrcode.image.pil import PilImage

from accounts.models import TotpStep, User
from authcenter.keys import vault

STEP = 30
"""Seconds."""

TOLERANCE = 1
_BEGUN = "totp"
_SECONDS = 1800


def begun(request: HttpRequest, user: User) -> str:
    """The seed of the enrolment that goes on in this browser; a new one where none does. Encrypted in the session."""
    kept: dict[str, Any] = request.session.get(_BEGUN) or {}
    if kept.get("user") == str(user.pk) and kept.get("at", 0) > time.time() - _SECONDS:
        return vault.decrypt(kept["seed"])
    seed = generate_totp_secret()
    request.session[_BEGUN] = {"user": str(user.pk), "at": time.time(), "seed": vault.encrypt(seed)}
    return seed


def enrolled(request: HttpRequest, user: User, code: str) -> Authenticator | None:
    """The authenticator of the seed that was begun, where `code` shows that an app has it. The code is used up.

    None for a wrong code, and where another tab was quicker.
    """
    seed = begun(request, user)
    step = _step_of(seed, code)
    if step is None:
        return None
    try:
        with transaction.atomic():
            made = Authenticator.objects.create(
                user=user, type=Authenticator.Type.TOTP, data={"secret": vault.encrypt(seed)}
            )
            TotpStep.objects.create(authenticator=made, step=step)
    except IntegrityError:
        return None
    request.session.pop(_BEGUN, None)
    return made


def proved(user: User, code: str) -> Authenticator | None:
    """The person's authenticator where this is its code and was not used before. It is used up."""
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if found is None:
        return None
    step = _step_of(vault.decrypt(found.data["secret"]), code)
    if step is None:
        return None
    won = TotpStep.objects.filter(authenticator=found, step__lt=step).update(step=step)
    return found if won else None


def address(user: User, seed: str) -> str:
    """`otpauth:` address, which authenticator apps read."""
    label = quote(f"{settings.SITE_NAME}:{user.email}")
    return f"otpauth://totp/{label}?{urlencode({'secret': seed, 'issuer': settings.SITE_NAME}, quote_via=quote)}"


def picture(text: str) -> str:
    """A QR code as the address of an image: black on white with its quiet zone of four modules, in dark mode too.

    One pixel a module, which the style sheet enlarges: a tenth of the bytes that a drawing of the same takes.
    """
    drawn = BytesIO()
    qrcode.make(text, image_factory=PilImage, border=4, box_size=1).save(drawn, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(drawn.getvalue()).decode()


def in_groups(seed: str) -> str:
    """As people type it."""
    return " ".join(seed[at : at + 4] for at in range(0, len(seed), 4))


def _step_of(seed: str, code: str) -> int | None:
    """Which step's code this is. Every one is looked at: time must not tell."""
    now, found = int(time.time()) // STEP, None
    for step in range(now - TOLERANCE, now + TOLERANCE + 1):
        if constant_time_compare(format_hotp_value(hotp_value(seed, step)), code):
            found = step
    return found
