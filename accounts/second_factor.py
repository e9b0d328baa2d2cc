"""Proving a second factor by a code: of an authenticator app, or a recovery code. Every door asks here.

A guess is counted before it is judged, for the person and apart from passwords, so that neither parallel guesses nor
new sessions nor other addresses get more of them.
"""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import factors, recovery_codes, totp
from accounts.adapter import too_many
from accounts.alerts import Alert, tell
from accounts.models import User
from authcenter import limits
from authcenter.audit import events

RECOVERY = "recovery_codes"
_TOLD_EVERY = 900


def ways(user: User) -> list[str]:
    """How she can prove it, best first: `webauthn`, `totp`, `recovery_codes`."""
    had = factors.kinds(user)
    if not had:
        return []
    found = [str(kind) for kind in (factors.TOTP, factors.WEBAUTHN) if kind in had]
    return [*found, RECOVERY] if recovery_codes.left(user) else found


def prove(request: HttpRequest, user: User, code: str) -> str:
    """The kind of factor whose code this is: `totp` or `recovery_codes`. The code is used up.

    Raises `ValidationError`: of code `incorrect_code`, or over the limit as `accounts.adapter.too_many`.
    """
    windows = limits.second_factor(request, user.pk)
    if wait := limits.taken(windows):
        events.record(request, events.Kind.LIMIT_REACHED, subject=user.pk, limit="second_factor")
        if cache.add(f"second-factor-guessed-{user.pk}", True, timeout=_TOLD_EVERY):
            tell(request, user, Alert.FACTOR_GUESSED)
        raise too_many(wait)
    kind = _kind_of(request, user, code)
    if kind is None:
        events.record(request, events.Kind.FACTOR_REFUSED, subject=user.pk)
        raise ValidationError(_("That is not the code, or it was used before."), code="incorrect_code")
    limits.given_back(windows)
    return kind


def note(request: HttpRequest, user: User, kind: str, **more: Any) -> None:
    """Count what was proved for the sign-in of this browser."""
    record_authentication(request, user, "mfa", type=kind, **more)


def _kind_of(request: HttpRequest, user: User, code: str) -> str | None:
    code = "".join(letter for letter in code.upper() if letter.isalnum())
    if code.isdecimal():
        found = totp.proved(user, code)
        if found is None:
            return None
        type(found).objects.filter(pk=found.pk).update(last_used_at=timezone.now())  # it may be removed just now
        return str(factors.TOTP)
    if not factors.has_any(user) or not recovery_codes.use(user, code):
        return None
    left = recovery_codes.left(user)
    events.record(request, events.Kind.RECOVERY_CODE_USED, actor=user.pk, subject=user.pk, left=left)
    tell(request, user, Alert.RECOVERY_CODE_USED, left=left)
    return RECOVERY
