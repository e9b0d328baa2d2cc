"""The second factors that a person has: an authenticator app, passkeys and security keys."""

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet

from accounts.models import User

KINDS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What is a second factor. Recovery codes stand in for one, and are none by themselves."""


def of(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=user, type__in=KINDS).order_by("created_at")


def has_any(user: User) -> bool:
    return of(user).exists()
