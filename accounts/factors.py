"""The second factors that a person has: an authenticator app, passkeys and security keys; what it means to get and to
lose one. Every way to add or remove one ends in `added` or `removed`.
"""

from collections.abc import Iterable
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import recovery_codes, trusted_browsers
from accounts.alerts import Alert, tell
from accounts.models import Passkey, RecoveryCode, User
from accounts.sign_in import ACR_ONE, ACR_PASSKEY, ACR_TWO, current_session, end_everything_else, proved_again
from authcenter.audit import events
from authcenter.sessions.revocation import end_all_of_user

TOTP, WEBAUTHN = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN
KINDS = (TOTP, WEBAUTHN)
"""What is a second factor. Recovery codes stand in for one, and are none by themselves."""


def of(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=user, type__in=KINDS).order_by("created_at")


def has_any(user: User) -> bool:
    return of(user).exists()


def kinds(user: User) -> set[str]:
    return {*of(user).order_by().values_list("type", flat=True)}


def best_acr(user: User) -> str:
    """The strongest class of sign-in that she can reach with what she has. Not every security key verifies its user."""
    if Passkey.objects.filter(authenticator__user=user, verifies=True).exists():
        return ACR_PASSKEY
    return ACR_TWO if has_any(user) else ACR_ONE


def name_of(factor: Authenticator) -> str:
    """In words, for people."""
    return _("Authenticator app") if factor.type == TOTP else str(factor.wrap().name)


@transaction.atomic
def added(request: HttpRequest, user: User, factor: Authenticator, **proof: Any) -> None:
    """Somebody has just added a factor and shown that it works: this sign-in counts it, trusted browsers show it next
    time. `proof` is what the library's record of it says more."""
    trusted_browsers.end(request, user)
    record_authentication(request, user, "mfa", id=factor.pk, type=factor.type, reauthenticated=True, **proof)
    events.record(request, events.Kind.FACTOR_ADDED, actor=user.pk, subject=user.pk, factor=factor.type)
    if current_session(request) is not None:
        proved_again(request, user)
    tell(request, user, Alert.FACTOR_ADDED, factor=name_of(factor))


@transaction.atomic
def removed(request: HttpRequest, user: User, factor: Authenticator) -> None:
    """Remove one of one's own factors. Everything but this sign-in ends; with the last one recovery codes go, too."""
    name = name_of(factor)
    factor.delete()
    if not has_any(user):
        RecoveryCode.objects.filter(user=user).delete()
    trusted_browsers.end(request, user)
    end_everything_else(request, user, reason="second factor removed")
    events.record(request, events.Kind.FACTOR_REMOVED, actor=user.pk, subject=user.pk, factor=factor.type)
    tell(request, user, Alert.FACTOR_REMOVED, factor=name)


@transaction.atomic
def reset(request: HttpRequest, user: User) -> None:
    """An operator takes all factors away from somebody who has lost them, recovery codes and trusted browsers too.
    Everything of hers ends."""
    had = list(of(user))
    Authenticator.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    trusted_browsers.end(request, user)
    end_all_of_user(user.pk, reason="second factors reset")
    for factor in had:
        events.record(request, events.Kind.FACTOR_REMOVED, actor=request.user.pk, subject=user.pk, factor=factor.type)
    names: Iterable[str] = (name_of(factor) for factor in had)
    tell(request, user, Alert.FACTOR_REMOVED, factor=", ".join(names))


@transaction.atomic
def new_recovery_codes(request: HttpRequest, user: User) -> list[str]:
    codes = recovery_codes.make(user)
    events.record(request, events.Kind.RECOVERY_CODES_MADE, actor=user.pk, subject=user.pk)
    tell(request, user, Alert.RECOVERY_CODES_MADE)
    return codes
