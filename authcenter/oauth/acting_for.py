"""Whom a person acts for at an application: one of her organisations (parameter and scope `organization`).

The application names it (`organization=<org_id>`), or asks with the scope alone, and the person chooses where she
belongs to several. Codes and families keep the membership, not the organisation: a person who comes back after she was
removed has another, and what was made for the old one stays dead. Tokens carry it as `mid`, which a revocation names.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from oauthlib.common import Request

from accounts.models import Membership, User
from authcenter.oauth.errors import AccessDeniedError, InvalidScopeError
from authcenter.oauth.pending import Pending
from authcenter.oauth.scopes import ORGANIZATION, ORGANIZATION_CLAIMS, allowed

_LONGEST = 32


class Undecided(Exception):
    """She belongs to several, and nobody has said which: the page asks (`oauth/organisation_page.py`)."""


def asked_for(request: Request, org_id: str | None) -> str:
    """The organisation that a request names, or "". To name one is to ask for the scope. Raises `InvalidScopeError`."""
    if not org_id:
        return ""
    if ORGANIZATION not in request.scopes:
        if ORGANIZATION not in allowed(request.client):
            raise InvalidScopeError(description="This client may not ask for an organization.")
        request.scopes = [*request.scopes, ORGANIZATION]
    return org_id


def chosen(user: User, scopes: Collection[str], org_id: str, waiting: Pending | None) -> Membership | None:
    """The membership that this request is about; None where it asks for none. At most one statement.

    Raises `AccessDeniedError` where she is no member: one answer, whether that organisation exists or not. Raises
    `Undecided` where she has to choose.
    """
    if ORGANIZATION not in scopes:
        return None
    wanted = org_id or choice_of(user, waiting)
    found = of_person(user)
    if wanted:
        named = found.filter(organisation=wanted).first() if _could_be_one(wanted) else None
        if named is None and org_id:
            raise AccessDeniedError(description="The person does not belong to this organization.")
        if named is not None:
            return named
    first = list(found[:2])
    if not first:
        raise AccessDeniedError(description="The person belongs to no organization.")
    if len(first) > 1:
        raise Undecided
    return first[0]


def of_person(user: User) -> Any:
    return Membership.objects.filter(user=user).select_related("organisation").order_by("organisation__name")


def choose(user: User, membership: Membership, waiting: Pending) -> None:
    """Remember the answer; it is this person's and counts for nobody else who goes on with the request.

    What the consent page asked for another organisation is asked anew.
    """
    waiting.shown_to, waiting.consented = "", False
    waiting.organisation = f"{user.pk} {membership.organisation_id}"


def choice_of(user: User, waiting: Pending | None) -> str:
    whose, _space, org_id = (waiting.organisation if waiting else "").partition(" ")
    return org_id if whose == str(user.pk) else ""


def living(membership: UUID | None, user: User) -> Membership | None:
    """What a code or family was made for, if it still stands; one statement, and none where it is for nobody."""
    if membership is None:
        return None
    return Membership.objects.filter(pk=membership, user=user).select_related("organisation").first()


def claims_of(membership: Membership | None, scopes: Collection[str]) -> dict[str, str]:
    """What tokens carry: `mid` always, so that the end of the membership ends them; the rest with the scope."""
    if membership is None:
        return {}
    told = told_of(membership) if ORGANIZATION in scopes else {}
    return {"mid": str(membership.pk), **told}


def told_of(membership: Membership) -> dict[str, str]:
    values = (membership.organisation_id, membership.organisation.name, membership.role)
    return dict(zip(ORGANIZATION_CLAIMS, values, strict=True))


def at_userinfo(claims: Any, scopes: Collection[str], user: User) -> dict[str, str]:
    """The claims as they are now, for the membership that a token was made for."""
    if ORGANIZATION not in scopes or not isinstance(claims.get("mid"), str):
        return {}
    membership = living(UUID(claims["mid"]), user)
    return told_of(membership) if membership else {}


def _could_be_one(org_id: str) -> bool:
    return len(org_id) <= _LONGEST and org_id.isascii() and org_id.isprintable()
