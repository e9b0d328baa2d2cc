"""An organisation's own sign-in: an identity provider that it brings, for the domains that are proved to be its own.

Such a provider may vouch for addresses of those domains and for nobody else: neither for another address that it names,
nor for an account with another address that was linked to it once. Whoever comes by it belongs to the organisation.
Where the operator says so, people of those domains sign in by it alone; operators of the console keep their own way, so
that a provider that fails locks nobody out who could mend it.
"""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.account.stages import LoginStage
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts import organisations
from accounts.models import IdentityProvider, OrganisationDomain, User
from accounts.organisation import MEMBER, domain_of
from accounts.social.identity import Identity, ProviderFault
from authcenter.audit import events

REFUSED = "organisation_sign_in"
"""Code of the `ValidationError` where a password is not taken because of this."""


def provider_for(email: str) -> IdentityProvider | None:
    """The provider of the organisation whose proved domain this address is of; one statement."""
    domain = domain_of(email)
    if not domain:
        return None
    found = IdentityProvider.objects.filter(
        is_active=True, organisation__domains__name=domain, organisation__domains__verified=True
    )
    return found.select_related("organisation").order_by("-required", "position", "name").first()


def required_for(email: str) -> IdentityProvider | None:
    """The same, where people of this domain may sign in by it alone."""
    found = provider_for(email)
    return found if found is not None and found.required else None


def any_is_there() -> bool:
    """Whether the sign-in page offers it. Asked for by the template."""
    return IdentityProvider.objects.filter(is_active=True, organisation__isnull=False).exists()


def shown(request: HttpRequest, typed: str) -> IdentityProvider | None:
    """What the sign-in page shows first: the organisation that the application named, or that of the address."""
    named = request.GET.get("organization", "")
    if named and named.isascii() and named.isprintable() and len(named) <= 32:
        of_it = IdentityProvider.objects.filter(is_active=True, organisation=named)
        if (found := of_it.select_related("organisation").order_by("position", "name").first()) is not None:
            return found
    return provider_for(typed) if typed else None


def has_proved(provider: IdentityProvider, email: str) -> bool:
    """Whether this provider's organisation may speak for this address."""
    domain = domain_of(email)
    proved = OrganisationDomain.objects.filter(organisation=provider.organisation_id, verified=True, name=domain)
    return bool(domain) and proved.exists()


def judge(provider: IdentityProvider, identity: Identity) -> None:
    """Raises `ProviderFault` where an organisation's provider names an address that it may not vouch for."""
    if provider.organisation_id is None:
        return
    if not identity.email_verified or not has_proved(provider, identity.email):
        raise ProviderFault("The address is not verified, or of no domain that is proved to be the organisation's.")


def may_vouch_for(provider: IdentityProvider, user: User) -> bool:
    """An account of another address stays its person's own, though she linked the two."""
    return provider.organisation_id is None or has_proved(provider, user.email)


def owner_of(provider: IdentityProvider, identity: Identity) -> User | None:
    """The account that has the address, and is linked by that alone: the organisation gives and takes mailboxes of its
    domain anyway. Never an operator of the console, and no account that has not proved the address."""
    if provider.organisation_id is None:
        return None
    hers = EmailAddress.objects.filter(email=identity.email.lower(), verified=True).select_related("user").first()
    user: User | None = hers.user if hers is not None else None
    if user is None or not user.is_active or user.is_staff or user.email.lower() != identity.email.lower():
        return None
    return user


def arrived(request: HttpRequest, provider: IdentityProvider, user: User) -> None:
    """She belongs to it from now on, if she did not. Raises `ProviderFault` where it may not speak for her."""
    if not may_vouch_for(provider, user):
        raise ProviderFault("The account has an address of another domain.")
    if provider.organisation is not None:
        organisations.join(request, provider.organisation, user, MEMBER, way="provider", actor=user)


def refusal(provider: IdentityProvider) -> ValidationError:
    text = _("People of %(organisation)s sign in with the organisation's own sign-in. Use the button for it.")
    return ValidationError(text % {"organisation": provider.organisation}, code=REFUSED)


class OrganisationStage(LoginStage):
    """Whatever door she came by: not past the sign-in of her organisation, where that is the only one."""

    key = "organisation"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        user: Any = self.login.user
        if user is None or user.is_staff:
            return None, True
        provider = required_for(user.email)
        if provider is None or self._came_by(provider):
            return None, True
        events.record(
            self.request, events.Kind.SIGN_IN_REFUSED, subject=user.pk, email=user.email, reason="organisation's only"
        )
        messages.error(self.request, refusal(provider).messages[0])
        onward = {"next": self.login.redirect_url} if self.login.redirect_url else {}
        query = {**onward, "organization": provider.organisation_id, "login_hint": user.email}
        return redirect(f"{reverse('account_login')}?{urlencode(query)}"), False

    def _came_by(self, provider: IdentityProvider) -> bool:
        records: list[dict[str, Any]] = get_authentication_records(self.request, self.login.user)
        used = {record.get("provider") for record in records if record.get("method") == "socialaccount"}
        siblings = IdentityProvider.objects.filter(organisation=provider.organisation_id, is_active=True)
        return any(str(pk) in used for pk in siblings.values_list("pk", flat=True))
