"""The console: who may enter, by which door, and what it shows.

Its door is the sign-in page of everybody, so that no password-only way in exists beside it; a trusted browser is none
here. Nothing is discovered: what is not in the table below does not exist for operators.
"""

from functools import update_wrapper
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.sites import UnfoldAdminSite

from accounts import factors, policy
from accounts.models import (
    Deletion,
    IdentityProvider,
    Invitation,
    LinkedIdentity,
    Membership,
    Organisation,
    OrganisationInvitation,
    Role,
    Terms,
    TermsAcceptance,
    User,
)
from accounts.models import Group as PeopleGroup
from accounts.sign_in import ACR_TWO, current_session, is_as_good_as
from authcenter.audit.models import AuditEvent
from authcenter.branding.models import Branding
from authcenter.console import mails
from authcenter.console.admission import InvitationAdmin, TermsAcceptanceAdmin, TermsAdmin
from authcenter.console.apis import APIAdmin, ScopeAdmin
from authcenter.console.applications import ApplicationAdmin
from authcenter.console.audit import AuditAdmin
from authcenter.console.authorizations import AuthorizationAdmin, FamilyAdmin
from authcenter.console.branding import BrandingAdmin
from authcenter.console.deletions import DeletionAdmin
from authcenter.console.groups import GroupAdmin as PeopleGroupAdmin
from authcenter.console.identity_providers import IdentityProviderAdmin, LinkedIdentityAdmin
from authcenter.console.keys import KeyAdmin
from authcenter.console.organisations import MembershipAdmin, OrganisationAdmin, OrganisationInvitationAdmin
from authcenter.console.push import DeliveryAdmin
from authcenter.console.registrations import InitialAccessTokenAdmin, TrustedIssuerAdmin
from authcenter.console.revocations import RevocationAdmin
from authcenter.console.roles import GroupAdmin, RoleAdmin
from authcenter.console.sessions import SessionAdmin
from authcenter.console.users import UserAdmin
from authcenter.keys.models import Key
from authcenter.oauth.models import (
    API,
    Application,
    Authorization,
    Family,
    InitialAccessToken,
    Scope,
    TrustedIssuer,
)
from authcenter.outbox.models import Delivery
from authcenter.sessions.models import Revocation, Session


class ConsoleSite(UnfoldAdminSite):
    index_template = "console/index.html"
    index_title = _("Dashboard")

    def get_urls(self) -> list[Any]:
        return [*mails.addresses(self), *super().get_urls()]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A stranger is sent to sign in, and somebody who is no operator gets a plain refusal. An operator whose
        sign-in is old proves himself again: a remembered browser is worth less here than on his own pages."""
        guarded = super().admin_view(view, cacheable)

        def door(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            session = current_session(request)
            if session is not None and (onward := _first_to(request, session)):
                return onward
            return guarded(request, *args, **options)

        return update_wrapper(require_http_methods(["GET", "HEAD", "POST"])(door), view)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Never a form of its own, whatever the method."""
        onward = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(onward, allowed_hosts=None):
            onward = reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(onward, reverse("account_login"))
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect(onward)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Signs out of the account, session row and all; a mere link asks first, as the account page does."""
        if request.method != "POST":
            return redirect("account_logout")
        adapter = get_adapter(request)
        adapter.logout(request)
        return redirect(adapter.get_logout_redirect_url(request))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Only the account page ends the other sessions after a change."""
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("account_change_password")


def _first_to(request: HttpRequest, session: Session) -> HttpResponse | None:
    """What comes before the console: a second factor, where the operator has one or must have one, however the browser
    is trusted; and a sign-in that is not old. Raises what sends somebody to prove again who he is."""
    if not is_as_good_as(session.acr, ACR_TWO):
        if factors.has_any(session.user):
            raise ReauthenticationRequired
        if policy.needs_second_factor(session.user):
            return redirect_to_login(request.get_full_path(), reverse("second-factor-set-up"))
    if timezone.now() - session.auth_time > settings.CONSOLE_SIGN_IN:
        raise ReauthenticationRequired
    return None


site = ConsoleSite()

for model, model_admin in (
    (User, UserAdmin),
    (Deletion, DeletionAdmin),
    (Role, RoleAdmin),
    (PeopleGroup, PeopleGroupAdmin),
    (Organisation, OrganisationAdmin),
    (Membership, MembershipAdmin),
    (OrganisationInvitation, OrganisationInvitationAdmin),
    (Invitation, InvitationAdmin),
    (Terms, TermsAdmin),
    (TermsAcceptance, TermsAcceptanceAdmin),
    (Group, GroupAdmin),
    (IdentityProvider, IdentityProviderAdmin),
    (LinkedIdentity, LinkedIdentityAdmin),
    (Branding, BrandingAdmin),
    (Application, ApplicationAdmin),
    (API, APIAdmin),
    (Scope, ScopeAdmin),
    (InitialAccessToken, InitialAccessTokenAdmin),
    (TrustedIssuer, TrustedIssuerAdmin),
    (Authorization, AuthorizationAdmin),
    (Family, FamilyAdmin),
    (Session, SessionAdmin),
    (Revocation, RevocationAdmin),
    (Delivery, DeliveryAdmin),
    (Key, KeyAdmin),
    (AuditEvent, AuditAdmin),
):
    site.register(model, model_admin)
