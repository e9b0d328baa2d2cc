"""Who comes back from a provider: somebody we know, somebody new, or somebody who has an account that knows nothing of
this provider. An address never joins an account: only who can sign in to an account links something to it.
"""

import time
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import EmailAddress, Login
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import alerts, invitations, organisation_sign_in
from accounts.models import Passkey, User
from accounts.remembering import remember as stay_signed_in
from accounts.social.identity import Identity, ProviderFault
from accounts.social.models import IdentityProvider, LinkedIdentity
from authcenter.audit import events

WAITS_FOR = 900
"""Seconds for which somebody new, or about to link, may take her time."""

_NEW = "provider_newcomer"
"""Key in the cookie session's data of who came back and is linked to nobody."""


class TakenByAnother(Exception):
    """This identity is another account's here."""


def known(provider: IdentityProvider, identity: Identity) -> LinkedIdentity | None:
    """The link of this very subject at this very provider."""
    rows = LinkedIdentity.objects.select_related("user", "provider")
    return rows.filter(provider=provider, subject=identity.subject).first()


def judge(provider: IdentityProvider, identity: Identity) -> None:
    """Raises `ProviderFault` where the row was turned off meanwhile, or admits certain domains only."""
    if not IdentityProvider.objects.filter(pk=provider.pk, is_active=True).exists():
        raise ProviderFault("The provider was turned off.")
    if provider.email_domains and not (identity.email_verified and provider.admits(identity.email)):
        raise ProviderFault("The address is of no domain that is admitted.")
    organisation_sign_in.judge(provider, identity)


def let_in(request: HttpRequest, link: LinkedIdentity, onward: str, *, is_new: bool = False) -> HttpResponse:
    """Signed in as far as the provider's word goes; what else the account asks for (a second factor) follows.

    Raises `ProviderFault` where it is the provider of an organisation and may not vouch for this account.
    """
    organisation_sign_in.arrived(request, link.provider, link.user)
    LinkedIdentity.objects.filter(pk=link.pk).update(last_used=timezone.now(), shown_as=link.shown_as)
    record_authentication(request, link.user, "socialaccount", provider=str(link.provider_id))
    stay_signed_in(request, False)  # nobody was asked
    return perform_login(request, Login(user=link.user, redirect_url=onward or None, signup=is_new))


def remember(request: HttpRequest, provider: IdentityProvider, identity: Identity, onward: str) -> None:
    """Keep who came back while she finishes signing up, or signs in to the account that she has."""
    fields = ("subject", "email", "email_verified", "name", "given_name", "family_name", "locale")
    kept: dict[str, Any] = {name: getattr(identity, name) for name in fields}
    request.session[_NEW] = {
        "provider": str(provider.pk),
        "identity": kept,
        "onward": onward,
        "proved": identity.email if _is_proved(provider, identity) else "",
        "at": time.time(),
    }


def _is_proved(provider: IdentityProvider, identity: Identity) -> bool:
    """An organisation's word for its own domain was judged already."""
    return identity.email_verified and (provider.trusts_email or provider.organisation_id is not None)


def newcomer(request: HttpRequest) -> dict[str, Any] | None:
    """Whoever waits in this browser: `provider`, `identity`, `onward`, and `proved`, the address that is hers. Nobody
    where the provider would not be believed any more."""
    kept = request.session.get(_NEW)
    if not kept or time.time() - kept["at"] > WAITS_FOR:
        return None
    provider = IdentityProvider.objects.filter(pk=kept["provider"]).first()
    if provider is None:
        return None
    identity = Identity(**kept["identity"])
    try:
        judge(provider, identity)
    except ProviderFault:
        return None
    return {**kept, "provider": provider, "identity": identity}


def proved(request: HttpRequest, email: str) -> None:
    """The address is that of whoever waits: she has read a code there, in this browser."""
    request.session[_NEW] = {**request.session[_NEW], "proved": email}


def forget(request: HttpRequest) -> None:
    request.session.pop(_NEW, None)


def has_account(email: str) -> bool:
    """Whether anybody has this address, verified or not."""
    with_it = Q(email=email.strip().lower())  # as every address is kept: an index of this has it
    return User.objects.filter(with_it).exists() or EmailAddress.objects.filter(with_it).exists()


@transaction.atomic
def sign_up(request: HttpRequest, provider: IdentityProvider, identity: Identity, email: str) -> LinkedIdentity:
    """An account with this address, which is proved. Raises `IntegrityError` where somebody has it, or this identity,
    and `invitations.Gone` where she has to be invited and is not.

    What the provider tells fills the profile once, here; nothing is taken from it later.
    """
    user = User.objects.create_user(
        email,
        name=identity.name,
        given_name=identity.given_name,
        family_name=identity.family_name,
        locale=identity.locale,
    )
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    invitations.accept(request, user, admitted=provider.organisation_id is not None)
    link = LinkedIdentity.objects.create(
        provider=provider, subject=identity.subject, user=user, shown_as=identity.shown_as
    )
    events.record(request, events.Kind.SIGNED_UP, actor=user.pk, subject=user.pk, provider=provider.name)
    events.record(request, events.Kind.IDENTITY_LINKED, actor=user.pk, subject=user.pk, provider=provider.name)
    return link


def link(request: HttpRequest, user: User, provider: IdentityProvider, identity: Identity) -> LinkedIdentity:
    """To the account of whoever is signed in, and has proved so a moment ago. Raises `TakenByAnother`."""
    try:
        with transaction.atomic():
            row, made = LinkedIdentity.objects.get_or_create(
                provider=provider,
                subject=identity.subject,
                defaults={"user": user, "shown_as": identity.shown_as},
            )
            if row.user_id != user.pk:
                raise TakenByAnother
            if made:
                events.record(request, events.Kind.IDENTITY_LINKED, actor=user.pk, subject=user.pk, **about(row))
                alerts.tell(request, user, alerts.Alert.IDENTITY_LINKED, provider=provider.name)
    except IntegrityError:  # at the same moment
        raise TakenByAnother from None
    return row


@transaction.atomic
def unlink(request: HttpRequest, user: User, row: LinkedIdentity) -> bool:
    """Whether it went; it stays where it is the last way in. The person's row is locked: of two at once one stays."""
    User.objects.select_for_update().get(pk=user.pk)
    if is_last_way_in(user, row):
        return False
    gone, _rows = LinkedIdentity.objects.filter(pk=row.pk, user=user).delete()
    if gone:
        events.record(request, events.Kind.IDENTITY_UNLINKED, actor=user.pk, subject=user.pk, **about(row))
        alerts.tell(request, user, alerts.Alert.IDENTITY_UNLINKED, provider=row.provider.name)
    return True


def is_last_way_in(user: User, row: LinkedIdentity) -> bool:
    """No password, no passkey and no other provider that is active."""
    if user.has_usable_password():
        return False
    if Passkey.objects.filter(authenticator__user=user, verifies=True, discoverable=True).exists():
        return False
    others = LinkedIdentity.objects.filter(user=user, provider__is_active=True).exclude(pk=row.pk)
    return not others.exists()


def about(row: LinkedIdentity) -> dict[str, str]:
    """What an audit event tells of a link."""
    return {"provider": row.provider.name, "identity": row.shown_as}
