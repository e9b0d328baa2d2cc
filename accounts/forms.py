"""The forms of the account pages: django-allauth's, with what they lack."""

import re
from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from allauth.account.forms import AddEmailForm, LoginForm, ResetPasswordForm, SignupForm
from allauth.account.forms import ChangePasswordForm as LibraryChangePasswordForm
from allauth.account.forms import ConfirmEmailVerificationCodeForm as LibraryVerificationCodeForm
from allauth.account.forms import ConfirmPasswordResetCodeForm as LibraryResetCodeForm
from allauth.account.forms import ResetPasswordKeyForm as LibraryNewPasswordForm
from allauth.account.forms import SetPasswordForm as LibrarySetPasswordForm
from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from allauth.account.internal.flows.password_reset_by_code import PASSWORD_RESET_VERIFICATION_SESSION_KEY
from allauth.core import context
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.adapter import AccountAdapter, too_many
from accounts.models import User
from accounts.sign_in import current_session
from authcenter import limits
from authcenter.audit import events
from authcenter.sessions.revocation import end_all_of_user, end_other_sessions

LONGEST_PASSWORD = 1024
PASSWORD_RULE = _("At least 10 characters. A few words that only you would put together.")


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        self.fields["login"].widget.attrs.update(
            {"autocomplete": "username", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        )
        self.fields["password"].help_text = ""
        _plain(self)
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
        _email_field(self)
        self.fields["email"].widget.attrs["autocomplete"] = "username"
        self.fields["password1"].help_text = PASSWORD_RULE

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plainer(self)

    def clean_oldpassword(self) -> str:
        """Judged at the door that counts: a borrowed browser must not be a place to guess at."""
        password: str = self.cleaned_data["oldpassword"]
        adapter = AccountAdapter(context.request)
        if adapter.authenticate(context.request, email=self.user.email, password=password) != self.user:
            raise adapter.validation_error("incorrect_password")
        return password

    @transaction.atomic
    def save(self) -> None:
        super().save()
        _others_end(context.request, self.user)


class SetPasswordForm(LibrarySetPasswordForm):
    """The first password of somebody who had none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plainer(self)

    @transaction.atomic
    def save(self) -> None:
        super().save()
        _others_end(context.request, self.user)


class ResetForm(ResetPasswordForm):
    """Asks for a code by mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _email_field(self)

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = super().save(request, **kwargs)
        if self.users:
            state = request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
            request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY] = {**state, "account": _as_it_is(self.users[0])}
        return email


class NewPasswordForm(LibraryNewPasswordForm):
    """A reset ends everything: whoever had the account may still hold its tokens."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plainer(self)

    def clean(self) -> Any:
        state = context.request.session.get(PASSWORD_RESET_VERIFICATION_SESSION_KEY) or {}
        if not constant_time_compare(state.get("account", ""), _as_it_is(self.user)):
            raise ValidationError(_("The account has changed since you asked. Ask for a new code."), code="stale")
        return super().clean()

    @transaction.atomic
    def save(self) -> None:
        super().save()
        end_all_of_user(self.user.pk, reason="password reset")
        self.user.refresh_from_db(fields=["epoch"])
        events.record(context.request, events.Kind.PASSWORD_RESET, actor=self.user.pk, subject=self.user.pk)


def _others_end(request: HttpRequest, user: User) -> None:
    session = current_session(request)
    ended = end_other_sessions(user.pk, but=session.pk if session else None, reason="password changed")
    events.record(request, events.Kind.PASSWORD_CHANGED, actor=user.pk, subject=user.pk, sessions_ended=ended)


def _as_it_is(user: User) -> str:
    """Password, address and epoch in one value: a reset that was asked for before one of them changed is void."""
    value = f"{user.password}\n{user.email}\n{user.epoch}\n{user.is_active}"
    return salted_hmac("accounts.forms.reset", value, algorithm="sha256").hexdigest()


class NewAddressForm(AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _email_field(self)
        self.fields["email"].label = _("New e-mail address")


class VerificationCodeForm(LibraryVerificationCodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code_field(self)

    def clean_code(self) -> str:
        return _counted(EMAIL_VERIFICATION_CODE_SESSION_KEY, super().clean_code)


class ResetCodeForm(LibraryResetCodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code_field(self)

    def clean_code(self) -> str:
        return _counted(PASSWORD_RESET_VERIFICATION_SESSION_KEY, super().clean_code)


def _plain(form: forms.Form) -> None:
    """Every field has a label; a placeholder says it again, in a colour that is hard to read."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
        if isinstance(field.widget, forms.PasswordInput):
            # Refused before it is hashed. No `maxlength` in the page: it would cut what is pasted, and say nothing.
            field.validators.append(MaxLengthValidator(LONGEST_PASSWORD))


def _email_field(form: forms.Form) -> None:
    _plain(form)
    form.fields["email"].label = _("E-mail address")
    form.fields["email"].widget.attrs.update({"autofocus": True, "autocapitalize": "none", "spellcheck": "false"})


def _code_field(form: forms.Form) -> None:
    _plain(form)
    form.fields["code"].widget.attrs.update({"autofocus": True, "autocapitalize": "characters", "spellcheck": "false"})


def _plainer(form: forms.Form) -> None:
    """Labels as the sign-up page has them; the rule for a new password as one sentence."""
    _plain(form)
    labels = {
        "oldpassword": _("Present password"),
        "password1": _("New password"),
        "password2": _("New password again"),
    }
    for name, label in labels.items():
        if name in form.fields:
            form.fields[name].label = label
            form.fields[name].help_text = ""
    form.fields["password1"].help_text = PASSWORD_RULE
    form.fields[next(iter(form.fields))].widget.attrs["autofocus"] = True


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

    website = forms.URLField(label=_("Website"), required=False, max_length=200, assume_scheme="https")

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

    def clean_locale(self) -> str:
        tag: str = self.cleaned_data["locale"]
        if tag and not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", tag):  # the shape of BCP 47
            raise ValidationError(_("That is no language, such as en or pt-BR."))
        return tag

    def clean_zoneinfo(self) -> str:
        zone: str = self.cleaned_data["zoneinfo"]
        if zone and zone not in available_timezones():
            raise ValidationError(_("There is no time zone of this name."))
        return zone

    def save(self, commit: bool = True) -> User:
        """What was changed and nothing else: a whole row would put back an epoch that somebody raises just now."""
        changed = [*self.changed_data, "updated_at"]
        if "phone_number" in changed:
            self.instance.phone_number_verified = False
            changed.append("phone_number_verified")
        self.instance.save(update_fields=changed)
        return self.instance
