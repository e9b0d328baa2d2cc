"""What happens to organisations: people join, leave, are invited and removed, and change their role.

Each act is one transaction with its audit event. A membership that ends writes one revocation: every token that was
made for it (claim `mid`) is refused from then on, and no refresh token of it works (`oauth/acting_for.py`).
"""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import alerts
from accounts.letters import harmless, origin
from accounts.models import Membership, Organisation, OrganisationInvitation, User
from accounts.organisation import MEMBER, OWNER
from authcenter.audit import events
from authcenter.sessions.revocation import end_memberships

LIVES = timedelta(days=7)


class LastOwner(Exception):
    """Nobody would be left who may make another one."""


class NotPossible(Exception):
    """An invitation or a right that does not stand any more, or is somebody else's."""


def join(
    request: HttpRequest, organisation: Organisation, user: User, role: str, *, way: str, actor: User | None = None
) -> Membership:
    """Whoever belongs already stays what she is. `way` is how it came: invitation, provider, operator."""
    try:
        with transaction.atomic():
            made = Membership.objects.create(organisation=organisation, user=user, role=role)
            _record(request, events.Kind.ORGANISATION_JOINED, made, actor, role=role, way=way)
            return made
    except IntegrityError:  # a double click, or two ways at once
        return Membership.objects.get(organisation=organisation, user=user)


def end(request: HttpRequest, membership: Membership, *, reason: str, by: Membership | None = None) -> bool:
    """Leave, or be removed `by` somebody. True where it was there. Raises `LastOwner`, `NotPossible`."""
    with transaction.atomic():
        _lock(membership.organisation_id)
        found = Membership.objects.filter(pk=membership.pk).first()
        if found is None:
            return False
        _guard_right(by, found)
        _guard_last_owner(found)
        found.delete()
        end_memberships(membership.pk, reason=reason)
        _record(request, events.Kind.ORGANISATION_LEFT, membership, reason=reason)
    return True


def change_role(request: HttpRequest, membership: Membership, role: str, *, by: Membership) -> None:
    """Tokens tell it from their next refresh on. Raises `LastOwner`, `NotPossible`."""
    with transaction.atomic():
        _lock(membership.organisation_id)
        found = Membership.objects.filter(pk=membership.pk).first()
        if found is None or found.role == role:
            return
        _guard_right(by, found, role)
        if role != OWNER:
            _guard_last_owner(found)
        Membership.objects.filter(pk=found.pk).update(role=role)
        _record(request, events.Kind.ORGANISATION_CHANGED, found, role=role, was=found.role)


def end_all(request: HttpRequest, organisation: Organisation) -> None:
    """Before an organisation is deleted: everything that stands on its memberships, in the caller's transaction."""
    _lock(organisation.pk)
    end_memberships(*organisation.memberships.values_list("pk", flat=True), reason="organisation deleted")


# --- Invitations ---


def invite(request: HttpRequest, organisation: Organisation, email: str, role: str) -> OrganisationInvitation:
    """A new invitation, or the open one of this address anew with a new link; the mail goes after the commit."""
    email, token = email.strip().lower(), secrets.token_urlsafe(32)
    fields = {
        "role": role,
        "token_hash": alerts.hash_of(token),
        "invited_by": request.user,
        "created": timezone.now(),
        "expires": timezone.now() + LIVES,
    }
    with transaction.atomic():
        _lock(organisation.pk)
        open_one = organisation.invitations.filter(email__iexact=email, accepted=None).first()
        if open_one is not None:
            OrganisationInvitation.objects.filter(pk=open_one.pk).update(**fields)
        made = open_one or OrganisationInvitation.objects.create(organisation=organisation, email=email, **fields)
        events.record(
            request,
            events.Kind.INVITED,
            actor=request.user.pk,
            subject=organisation.pk,
            organisation=organisation.name,
            email=email,
            role=role,
        )
        _send(request, organisation, email, role, token)
    return made


def _send(request: HttpRequest, organisation: Organisation, email: str, role: str, token: str) -> None:
    inviter = request.user
    assert isinstance(inviter, User)
    told = {
        **origin(request),
        "organisation": harmless(organisation.name),
        "inviter": harmless(inviter.full_name),
        "inviter_email": inviter.email,
        "role": role,
        "action_url": settings.ISSUER + reverse("account-invitation", args=[token]),
    }
    known = User.objects.filter(email=email).first()
    transaction.on_commit(lambda: alerts.send("account/email/organisation_invitation", email, told, known), robust=True)


def open_invitations() -> QuerySet[OrganisationInvitation]:
    found = OrganisationInvitation.objects.filter(accepted=None, expires__gt=timezone.now())
    return found.select_related("organisation", "invited_by")


def by_token(token: str) -> OrganisationInvitation | None:
    return open_invitations().filter(token_hash=alerts.hash_of(token)).first()


def for_person(user: User) -> QuerySet[OrganisationInvitation]:
    """Open invitations to the addresses that she has proved to be hers."""
    hers = EmailAddress.objects.filter(user=user, verified=True).values(lower=Lower("email"))
    return open_invitations().annotate(lower=Lower("email")).filter(lower__in=hers)


def is_invited(email: str) -> bool:
    """Whether an organisation waits for this address: it may sign up where only those who are invited may."""
    return open_invitations().filter(email__iexact=email.strip()).exists()


def accept(request: HttpRequest, user: User, invitation: UUID) -> Membership:
    """Join by an invitation to an address of hers. Exactly one request gets through. Raises `NotPossible`."""
    with transaction.atomic():
        found = for_person(user).filter(pk=invitation).first()
        if found is None:
            raise NotPossible
        standing = OrganisationInvitation.objects.filter(pk=found.pk, accepted=None, expires__gt=timezone.now())
        if not standing.update(accepted=timezone.now()):
            raise NotPossible
        role = found.role if found.role in found.organisation.roles else MEMBER  # it was taken off the list since
        joined = join(request, found.organisation, user, role, way="invitation")
        _record(request, events.Kind.INVITATION_ACCEPTED, joined, email=found.email)
    return joined


def decline(request: HttpRequest, user: User, invitation: UUID) -> bool:
    """Say no to an invitation to an address of hers. True where it was open."""
    found = for_person(user).filter(pk=invitation).first()
    return found is not None and withdraw(request, found, act="invitation declined")


def withdraw(request: HttpRequest, invitation: OrganisationInvitation, *, act: str) -> bool:
    """Its link works no more. True where it was open."""
    with transaction.atomic():
        gone, _rows = OrganisationInvitation.objects.filter(pk=invitation.pk, accepted=None).delete()
        if gone:
            events.record(
                request,
                events.Kind.ORGANISATION_CHANGED,
                actor=request.user.pk,
                subject=invitation.organisation_id,
                organisation=invitation.organisation.name,
                act=act,
                email=invitation.email,
            )
    return bool(gone)


def _lock(organisation: str) -> None:
    """One act on the members of an organisation at a time: two owners who leave at once must not both be let go."""
    Organisation.objects.select_for_update().filter(pk=organisation).first()


def _guard_right(by: Membership | None, membership: Membership, role: str = "") -> None:
    """As things are under the lock: who acts still may, and touches or makes an owner only as one."""
    if by is None:
        return
    own = Membership.objects.filter(pk=by.pk).first()
    if own is None or not own.manages or (OWNER in {membership.role, role} and own.role != OWNER):
        raise NotPossible


def _guard_last_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(organisation=membership.organisation_id, role=OWNER)
    if membership.role == OWNER and not owners.exclude(pk=membership.pk).exists():
        raise LastOwner


def _record(
    request: HttpRequest, kind: events.Kind, membership: Membership, actor: User | None = None, **detail: Any
) -> None:
    organisation = membership.organisation
    events.record(
        request,
        kind,
        actor=actor.pk if actor else request.user.pk or membership.user_id,
        subject=membership.user_id,
        organisation=organisation.name,
        org_id=organisation.pk,
        **detail,
    )
