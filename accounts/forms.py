"""The forms of the account pages: django-allauth's, with what they lack."""

from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from allauth.account.forms import ChangePasswordForm as LibraryChangePasswordForm
from allauth.account.forms import ConfirmEmailVerificationCodeForm as LibraryVerificationCodeForm
from allauth.account.forms import ConfirmPasswordResetCodeForm as LibraryResetCodeForm
from allauth.account.forms import LoginForm, SignupForm
from allauth.account.forms import ResetPasswordKeyForm as LibraryNewPasswordForm
from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from allauth.account.internal.flows.password_reset_by_code import PASSWORD_RESET_VERIFICATION_SESSION_KEY
from allauth.core import context
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.adapter import too_many
from accounts.models import User
from accounts.sign_in import current_session
from authcenter import limits
from authcenter.audit import events
from authcenter.sessions.revocation import end_all_of_user, end_other_sessions


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        self.fields["login"].widget.attrs.update(
            {"autocomplete": "username", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        )
        self.fields["password"].help_text = ""
        _without_placeholders(self)
        self.fields["remember"].label = _("Keep me signed in for 30 days")
        asked = self.request.GET if self.request is not None else {}
        if hint := (asked.get("login_hint") or asked.get("login")):
            self.fields["login"].initial = hint[:254]
        first = "password" if self.fields["login"].initial else "login"
        self.fields[first].widget.attrs["autofocus"] = True

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> Any:
        # Before the session starts, so that it knows for how long it is meant. 0: until the browser closes.
        request.session.set_expiry(settings.SESSION_COOKIE_AGE if self.cleaned_data.get("remember") else 0)
        return super().login(request, redirect_url=redirect_url)


class SignUpForm(SignupForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail address")
        self.fields["email"].widget.attrs.update({"autocomplete": "username", "autofocus": True})
        _without_placeholders(self)
        self.fields["password1"].help_text = _("At least 10 characters. A few words that only you would put together.")

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])  # as long as for a new account: time must not tell
        return super().try_save(request)

    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        events.record(request, events.Kind.SIGNED_UP, actor=user.pk, subject=user.pk)
        return user


class ChangePasswordForm(LibraryChangePasswordForm):
    """Changing the password ends the person's other sign-ins; this one goes on."""

    def save(self) -> None:
        super().save()
        request = context.request
        session = current_session(request)
        ended = end_other_sessions(self.user.pk, but=session.pk if session else None, reason="password changed")
        events.record(
            request, events.Kind.PASSWORD_CHANGED, actor=self.user.pk, subject=self.user.pk, sessions_ended=ended
        )


class NewPasswordForm(LibraryNewPasswordForm):
    """A reset ends everything: whoever had the account may still hold its tokens."""

    def save(self) -> None:
        super().save()
        end_all_of_user(self.user.pk, reason="password reset")
        self.user.refresh_from_db(fields=["epoch"])
        events.record(context.request, events.Kind.PASSWORD_RESET, actor=self.user.pk, subject=self.user.pk)


class VerificationCodeForm(LibraryVerificationCodeForm):
    def clean_code(self) -> str:
        return _counted(EMAIL_VERIFICATION_CODE_SESSION_KEY, super().clean_code)


class ResetCodeForm(LibraryResetCodeForm):
    def clean_code(self) -> str:
        return _counted(PASSWORD_RESET_VERIFICATION_SESSION_KEY, super().clean_code)


def _without_placeholders(form: forms.Form) -> None:
    """Every field has a label; a placeholder says it again, in a colour that is hard to read."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


def _counted(state_key: str, judge: Callable[[], str]) -> str:
    """Count a mailed code's guess for its address before it is judged; the library counts for one browser only."""
    request = context.request
    email = str((request.session.get(state_key) or {}).get("email", ""))
    windows = limits.mailed_code(request, email)
    if wait := limits.taken(windows):
        events.record(request, events.Kind.LIMIT_REACHED, limit="mailed_code", email=email)
        raise too_many(wait)
    try:
        code = judge()
    except ValidationError:
        events.record(request, events.Kind.CODE_REFUSED, email=email)
        raise
    limits.given_back(windows)
    return code


class ProfileForm(forms.ModelForm):
    """What a person tells about herself; every application that may see her profile sees it."""

    class Meta:
        model = User
        fields = (
            "name",
            "given_name",
            "family_name",
            "preferred_username",
            "website",
            "zoneinfo",
            "locale",
            "phone_number",
        )
        help_texts = {
            "zoneinfo": _("For example Europe/Berlin."),
            "locale": _("For example en or pt-BR."),
        }

    def clean_zoneinfo(self) -> str:
        zone: str = self.cleaned_data["zoneinfo"]
        if zone and zone not in available_timezones():
            raise ValidationError(_("There is no time zone of this name."))
        return zone

    def save(self, commit: bool = True) -> User:
        if "phone_number" in self.changed_data:
            self.instance.phone_number_verified = False
        return super().save(commit)
