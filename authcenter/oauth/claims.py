"""Claims about a person, by scope (OpenID Connect Core sections 5.1 and 5.4)."""

from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import QuerySet

from accounts.models import User
from authcenter.oauth import roles
from authcenter.oauth.scopes import IDENTITY, ORGANIZATION_CLAIMS


def about_person(user: User, scopes: Iterable[str], names: Iterable[str] = (), *, told_to: str) -> dict[str, Any]:
    """The claims of these scopes and of these names, without `sub`; what is unknown is left out (section 5.3.2).

    `told_to` is the client id of the application: it decides which roles and groups are told. Those of an organisation
    belong to a membership and not to the person (`membership`).
    """
    wanted = dict.fromkeys([*_of_scopes(scopes), *names])
    her_own = [name for name in wanted if name not in _APART]
    if her_own and (unread := user.get_deferred_fields() & _columns_of(her_own)):
        user.refresh_from_db(fields=unread)
    claims = {name: _claim(user, name) for name in her_own}
    known = {name: value for name, value in claims.items() if value not in ("", None, {})}
    return known | roles.told(told_to, user, wanted)


def with_person(rows: QuerySet[Any]) -> QuerySet[Any]:
    """These rows, in no order, with their `user`, and of her what is asked at each request; claims are read where they
    are told."""
    claims = (field.name for field in User._meta.concrete_fields if field.name not in {"id", "epoch", "is_active"})
    return rows.select_related("user").defer(*(f"user__{name}" for name in claims)).order_by()


def columns(scopes: Iterable[str]) -> tuple[str, ...]:
    """Those of a person's columns that `about_person` reads for these scopes, in one order."""
    return tuple(sorted(_columns_of(name for name in _of_scopes(scopes) if name not in _APART)))


_COLUMNS = {
    "name": ("name", "given_name", "family_name"),
    "email_verified": ("email",),
    "phone_number_verified": ("phone_number", "phone_number_verified"),
}
"""Of claims that are not just the column of their name."""

_APART = {"sub", *roles.NAMES, *ORGANIZATION_CLAIMS}


def _columns_of(names: Iterable[str]) -> set[str]:
    return {column for name in names for column in _COLUMNS.get(name, (name,))}


def _of_scopes(scopes: Iterable[str]) -> list[str]:
    return [name for scope in scopes if scope in IDENTITY for name in IDENTITY[scope].claims]


def _claim(user: User, name: str) -> Any:
    if name == "updated_at":
        return int(user.updated_at.timestamp())
    if name == "email_verified" and not hasattr(user, name):  # who looked the person up may know it already
        return EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()
    if name == "name":
        return user.name or " ".join(filter(None, [user.given_name, user.family_name]))
    if name == "phone_number_verified":
        return user.phone_number_verified if user.phone_number else None
    return getattr(user, name)
