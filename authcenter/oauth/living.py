"""Is what a token stands on still alive? Exact, and one statement, whoever asks: userinfo, introspection, our API."""

import functools
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, UUIDField

from accounts.models import User
from authcenter.oauth.models import Application
from authcenter.oauth.subjects import named
from authcenter.prepared import Prepared, Slot
from authcenter.sessions.models import Revocation
from authcenter.sessions.view import SLOTS, about, bound, named_in

_verified = EmailAddress.objects.filter(user=OuterRef("pk"), email__iexact=OuterRef("email"), verified=True)


def person_behind(claims: Mapping[str, Any], columns: tuple[str, ...] | None = None) -> User | None:
    """The active person of a token of theirs that nothing has taken back, or None.

    With it come `email_verified`, and `userinfo_algorithm` of the application; and of her own columns all, or those
    that are named: to read one that was not costs a statement.
    """
    try:
        subject = UUID(str(claims.get("sub")))
    except ValueError:
        return None
    user: Any
    if "via" in claims:
        user = _person(subject, claims).first()
    else:
        user = _prepared_person(named_in(claims), columns).first(subject=subject, **bound(claims))
    if user is None or user.token_is_revoked or user.epoch > claims.get("uep", -1):
        return None
    found: User = user
    return found


def is_machine(claims: Mapping[str, Any]) -> bool:
    """Whether the token is an application's own: RFC 9068 section 2.2, `sub` is then the client id."""
    return "gid" not in claims and "sid" not in claims and claims.get("sub") == claims.get("client_id")


def is_alive(claims: Mapping[str, Any]) -> bool:
    """Whether a token with these claims may still be used."""
    if not is_machine(claims):
        return person_behind(claims, ()) is not None
    return _prepared_machine(named_in(claims)).first(**bound(claims)) is not None


def _person(subject: UUID | Slot, claims: Mapping[str, Any]) -> QuerySet[User]:
    return User.objects.filter(named(subject), _by_an_active_application(claims), is_active=True).annotate(
        token_is_revoked=Exists(Revocation.objects.filter(about(claims))),
        email_verified=Exists(_verified),
        userinfo_algorithm=_of_application(claims, "userinfo_signed_response_alg"),
    )


def _of_application(claims: Mapping[str, Any], column: str) -> Subquery:
    return Subquery(Application.objects.filter(client_id=claims.get("client_id", "")).values(column)[:1])


def _by_an_active_application(claims: Mapping[str, Any]) -> Q | Exists:
    """A session's token names no application; one that was disabled or deleted is not there to hold tokens."""
    if "client_id" not in claims:
        return Q()
    return Exists(Application.objects.filter(client_id=claims["client_id"], is_active=True))


@functools.lru_cache(maxsize=64)
def _prepared_person(names: tuple[str, ...], columns: tuple[str, ...] | None) -> Prepared:
    def query() -> QuerySet[User]:
        people = _person(Slot("subject", UUIDField()), {name: SLOTS[name] for name in names})
        return people if columns is None else people.only("epoch", *columns)

    return Prepared(query)


@functools.lru_cache(maxsize=64)
def _prepared_machine(names: tuple[str, ...]) -> Prepared:
    def query() -> QuerySet[Any]:
        revoked = Exists(Revocation.objects.filter(about({name: SLOTS[name] for name in names})))
        living = Application.objects.filter(
            ~revoked, client_id=SLOTS["client_id"], is_active=True, epoch__lte=SLOTS["aep"]
        )
        return living.order_by().values_list("pk")

    return Prepared(query)
