"""Claims about a person, by scope (OpenID Connect Core sections 5.1 and 5.4)."""

from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress

from accounts.models import User
from authcenter.oauth.scopes import IDENTITY


def about_person(user: User, scopes: Iterable[str]) -> dict[str, Any]:
    """`sub` and the claims of these scopes; what is unknown is left out (section 5.3.2)."""
    claims: dict[str, Any] = {"sub": str(user.pk)}
    for scope in scopes:
        for name in IDENTITY[scope].claims if scope in IDENTITY else ():
            value = _claim(user, name)
            if value not in ("", None, {}):
                claims[name] = value
    return claims


def _claim(user: User, name: str) -> Any:
    if name == "sub":
        return str(user.pk)
    if name == "updated_at":
        return int(user.updated_at.timestamp())
    if name == "email_verified" and not hasattr(user, name):  # who looked the person up may know it already
        return EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()
    if name == "name":
        return user.name or " ".join(filter(None, [user.given_name, user.family_name]))
    if name == "phone_number_verified":
        return user.phone_number_verified if user.phone_number else None
    return getattr(user, name)
