"""Where django-allauth asks us: sign-in and sign-out make and end `Session` rows, refusals are counted and recorded."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import (
    alerts,
    deletion,
    invitations,
    known_browsers,
    letters,
    organisation_sign_in,
    parked,
    signing_out,
)
from accounts.models import IdentityProvider, User
from accounts.remembering import is_remembered, keep_address
from accounts.sign_in import (
    ACR_TWO,
    SID,
    authentication,
    current_session,
    end_everything_else,
    forget_current_session,
    is_as_good_as,
    is_below_her_best,
    proved_again,
)
from authcenter import limits
from authcenter.audit import events
from authcenter.audit.address import client_address
from authcenter.sessions import participants
from authcenter.sessions.revocation import end_session
from authcenter.sessions.start import start_browser_session


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("E-mail address or password is wrong."),
        "incorrect_password": _("That is not your password."),
        "incorrect_code": _("That is not the code. Look again at the newest mail."),
        "too_many_login_attempts": _("Too many attempts. Begin again in a few minutes."),
    }

    is_again = False
    """Whether a password is asked of somebody who is in already, by whatever way she has to come."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_safe_url(self, url: str | None) -> bool:
        """A page of this server and of no other name that it answers to. `next=http://[` is no address at all, and what
        does not begin like one would be taken for the name of a view."""
        here = urlsplit(settings.ISSUER).netloc
        try:
            return (
                bool(url)
                and str(url).startswith(("/", settings.ISSUER))
                and url_has_allowed_host_and_scheme(url, allowed_hosts={here}, require_https=settings.SECURE)
            )
        except ValueError:
            return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """These are pages. The library's JSON answers would be a second door that nobody looks after."""
        return False

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """By way of the page that tells applications in the browser, where there are any. The library asks before it
        signs out, the console afterwards."""
        session = current_session(request)
        some = signing_out.waits(request) or (session is not None and participants.frames(session.pk))
        return reverse("account-signing-out" if some else signing_out.onward(request))

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return invitations.may_sign_up(request)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The one door for passwords: the sign-in page, signing in again, and `/api/token/`.

        An attempt is counted before it is judged, so that parallel guesses cannot slip past; a right one is given
        back. A disabled account is answered like a wrong password. Raises `ValidationError` over the limit, with
        code `too_many_login_attempts` and the seconds to wait in its `params`; and with code `organisation_sign_in`
        where people of the address's domain sign in elsewhere.
        """
        email = str(credentials.get("email") or credentials.get("username") or "")
        windows = limits.sign_in(request, email)
        if wait := limits.taken(windows):
            events.record(request, events.Kind.LIMIT_REACHED, limit="sign_in", email=email)
            raise too_many(wait)
        user = super().authenticate(request, **credentials)
        own = None if self.is_again else _only_way(email, user)
        if own is not None and not getattr(user, "is_staff", False):  # alike, whether there is such an account
            events.record(request, events.Kind.SIGN_IN_REFUSED, email=email, reason="organisation's only")
            raise organisation_sign_in.refusal(own)
        if user is None or not (user.is_active or _may_keep(request, user)):
            # Whom it concerns, so that she sees it among her activity. Asked for every address: time must not tell.
            whom = User.objects.filter(email=email.strip().lower()).values_list("pk", flat=True).first()
            events.record(request, events.Kind.SIGN_IN_REFUSED, subject=whom, email=email)
            return None
        limits.given_back(windows)
        return user

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **options: Any) -> HttpResponse | None:
        """An account that waits for its deletion goes on to the question whether to keep it (`DeletionStage`)."""
        assert isinstance(user, User)
        if not user.is_active and deletion.waits(user):
            return None
        response: HttpResponse | None = super().pre_login(request, user, **options)
        return response

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """The library's own counter is per process and not atomic; `authenticate` counts instead."""

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not from somebody who has just signed in, with a second factor if she has one; the library knows of signing
        in again only."""
        session = current_session(context.request)
        longest = timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
        if session is not None and timezone.now() - session.auth_time <= longest and not is_below_her_best(session):
            return False
        if session is not None and (is_below_her_best(session) or not get_reauthentication_flows(session.user)):
            # The library would let pass who has neither password nor factors, or has just given her password.
            raise ReauthenticationRequired
        return True

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        self.is_again = True
        if not super().reauthenticate(user, password):
            return False
        assert isinstance(user, User)
        proved_again(context.request, user)
        return True

    def get_login_stages(self) -> list[str]:
        """The library's, but for the second factor and what the policy asks for, which are ours."""
        stages: list[str] = super().get_login_stages()
        ours = "accounts.sign_in_stages"
        kept = [stage for stage in stages if not stage.startswith("allauth.mfa.stages.")]
        second = next((at for at, stage in enumerate(kept) if stage.startswith("allauth.mfa.")), len(kept))
        return [
            f"{ours}.FreshStage",
            *kept[:second],
            "accounts.organisation_sign_in.OrganisationStage",
            f"{ours}.SecondFactorStage",
            *kept[second:],
            f"{ours}.DeletionStage",
            f"{ours}.SetUpStage",
            "accounts.terms.TermsStage",
        ]

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """A second factor first, for who has one; nothing but that while this sign-in is weaker than it could be. Who
        has neither password nor factor proves herself at a provider, or reads a code in her mailbox."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not methods and user.is_authenticated:
            return [{"id": "again", "url": reverse("account-again"), "description": _("Sign in again")}]
        strong = [method for method in methods if str(method["id"]).startswith("mfa_")]
        session = current_session(context.request)
        if strong and session is not None and not is_as_good_as(session.acr, ACR_TWO):
            return strong
        return [*strong, *(method for method in methods if method not in strong)]

    @transaction.atomic
    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        assert isinstance(user, User)
        parked.make_room(request, user)
        super().login(request, user)
        how = authentication(request, user)
        if not how["amr"]:  # she has just chosen her password and proved her address: sign-up
            record_authentication(request, user, method="password")
            how = authentication(request, user)
        remember = is_remembered(request)
        session = start_browser_session(request, user, amr=how["amr"], acr=how["acr"], remember=remember)
        request.session[SID] = str(session.pk)
        parked.settle(request, remembered=remember)
        forget_current_session(request)
        request.user = user
        events.record(request, events.Kind.SIGNED_IN, actor=user.pk, subject=session.pk, amr=how["amr"])
        known_browsers.met(request, user, session)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **options: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **options)
        known_browsers.remember(request, response)
        session = current_session(request)
        if session is not None and session.remembered:
            keep_address(response, session.user.email)
        return response

    @transaction.atomic
    def logout(self, request: HttpRequest) -> None:
        session = current_session(request)
        hearers = participants.hearers(session.pk) if session else []
        parked.kept_over(request, lambda: super(AccountAdapter, self).logout(request))
        forget_current_session(request)
        if session is not None:
            signing_out.begin(request, str(session.pk), hearers)
        if session is not None and end_session(session.pk, reason="signed out"):
            events.record(request, events.Kind.SIGNED_OUT, actor=session.user_id, subject=session.pk)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """One column: a whole row would put back an epoch that somebody raises at this moment."""
        user.set_password(password)
        user.save(update_fields=["password"])

    @transaction.atomic
    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """A new address ends everything but this sign-in: whoever had the old mailbox could have reset the password."""
        whose = email_address.user_id
        before = User.objects.get(pk=whose)
        confirmed = bool(super().confirm_email(request, email_address))
        if confirmed:
            if before.email.lower() != email_address.email.lower():
                end_everything_else(request, before, reason="e-mail address changed")
            User.objects.filter(pk=whose).update(updated_at=timezone.now())  # the claim: her data have changed
            events.record(request, events.Kind.EMAIL_VERIFIED, actor=whose, subject=whose, email=email_address.email)
        return confirmed

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Each mail says from which device and when it was asked for. Its links lead to the issuer, whatever host the
        request named."""
        links = {
            "account/email/account_already_exists": "account_reset_password",
            "account/email/unknown_account": "account_signup",
            "account/email/provider_known": "account_login",
            "console/email/choose_password": "account_reset_password",
        }
        told = {**context, **letters.origin(_request())}
        if name := links.get(template_prefix):
            told["action_url"] = settings.ISSUER + reverse(name)
        person = context.get("user") or User.objects.filter(email=email.strip().lower()).first()
        alerts.send(template_prefix, email, told, person)

    def send_notification_mail(
        self, template_prefix: str, user: AbstractBaseUser, context: dict[str, Any] | None = None, email: str = ""
    ) -> None:
        """What the library tells of becomes an alert of ours where there is one."""
        assert isinstance(user, User)
        if not alerts.told_as(_request(), user, template_prefix, context or {}, email or ""):
            super().send_notification_mail(template_prefix, user, {"user": user, **(context or {})}, email or None)


def _only_way(email: str, user: AbstractBaseUser | None) -> IdentityProvider | None:
    """By what was typed, and by the account's own address, which a new one that is not proved yet stands beside."""
    own = organisation_sign_in.required_for(email)
    if own is None and isinstance(user, User) and user.email != email.strip().lower():
        own = organisation_sign_in.required_for(user.email)
    return own


def _may_keep(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Only on the sign-in page, which has a question for her: every other door is closed to her."""
    return request.path == reverse("account_login") and isinstance(user, User) and deletion.waits(user)


def too_many(wait: int) -> ValidationError:
    minutes = max(1, round(wait / 60))
    return ValidationError(
        ngettext(
            "Too many attempts. Wait a minute, then try again.",
            "Too many attempts. Wait %(minutes)s minutes, then try again.",
            minutes,
        )
        % {"minutes": minutes},
        code="too_many_login_attempts",
        params={"wait": wait},
    )


def _request() -> HttpRequest:
    return context.request
