"""Where django-allauth asks us: sign-in and sign-out make and end `Session` rows, refusals are counted and recorded."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.core import context
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.device import device_name
from accounts.models import User
from accounts.sign_in import SID, authentication, current_session, forget_current_session
from authcenter import limits
from authcenter.audit import events
from authcenter.audit.address import client_address
from authcenter.sessions.models import Session
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

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_safe_url(self, url: str | None) -> bool:
        """`next=http://[` is no address at all, and no server error."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The one door for passwords: the sign-in page, signing in again, and `/api/token/`.

        An attempt is counted before it is judged, so that parallel guesses cannot slip past; a right one is given
        back. A disabled account is answered like a wrong password. Raises `ValidationError` over the limit, with
        code `too_many_login_attempts` and the seconds to wait in its `params`.
        """
        email = str(credentials.get("email") or credentials.get("username") or "")
        windows = limits.sign_in(request, email)
        if wait := limits.taken(windows):
            events.record(request, events.Kind.LIMIT_REACHED, limit="sign_in", email=email)
            raise too_many(wait)
        user = super().authenticate(request, **credentials)
        if user is None or not user.is_active:
            events.record(request, events.Kind.SIGN_IN_REFUSED, subject=user.pk if user else "", email=email)
            return None
        limits.given_back(windows)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """The library's own counter is per process and not atomic; `authenticate` counts instead."""

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        if not super().reauthenticate(user, password):
            return False
        request = context.request
        if (session := current_session(request)) is not None:
            Session.objects.filter(pk=session.pk).update(auth_time=timezone.now())
            events.record(request, events.Kind.REAUTHENTICATED, actor=user.pk, subject=session.pk)
        return True

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        assert isinstance(user, User)
        super().login(request, user)
        how = authentication(request, user)
        if not how["amr"]:  # she has just chosen her password and proved her address: sign-up
            record_authentication(request, user, method="password")
            how = authentication(request, user)
        remember = not request.session.get_expire_at_browser_close()
        session = start_browser_session(request, user, amr=how["amr"], acr=how["acr"], remember=remember)
        request.session[SID] = str(session.pk)
        forget_current_session(request)
        request.user = user
        events.record(request, events.Kind.SIGNED_IN, actor=user.pk, subject=session.pk, amr=how["amr"])

    def logout(self, request: HttpRequest) -> None:
        session = current_session(request)
        super().logout(request)
        forget_current_session(request)
        if session is not None and end_session(session.pk, reason="signed out"):
            events.record(request, events.Kind.SIGNED_OUT, actor=session.user_id, subject=session.pk)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        confirmed = bool(super().confirm_email(request, email_address))
        if confirmed:
            events.record(
                request, events.Kind.EMAIL_VERIFIED, actor=email_address.user_id, subject=email_address.user_id
            )
        return confirmed

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Each mail says from which device and when it was asked for."""
        request = _request()
        told = {
            "device": device_name(request.META.get("HTTP_USER_AGENT", "")),
            "address": client_address(request),
            "at": timezone.now(),
            "site": settings.SITE_NAME,
            "issuer": settings.ISSUER,
            **context,
        }
        super().send_mail(template_prefix, email, told)


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
