"""Forms that change, set and reset a password, what each of these ends, and a rule for passwords."""

from typing import Any

from allauth.account.forms import ChangePasswordForm as LibraryChangePasswordForm
from allauth.account.forms import ConfirmPasswordResetCodeForm as LibraryResetCodeForm
from allauth.account.forms import ReauthenticateForm, ResetPasswordForm
from allauth.account.forms import ResetPasswordKeyForm as LibraryNewPasswordForm
from allauth.account.forms import SetPasswordForm as LibrarySetPasswordForm
from allauth.account.internal.flows.password_reset_by_code import PASSWORD_RESET_VERIFICATION_SESSION_KEY
from allauth.core import context
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from accounts.adapter import AccountAdapter
from accounts.fields import code_field, counted_code, email_field, new_password, plain
from accounts.models import User
from accounts.sign_in import as_it_is, end_everything_else
from authcenter.audit import events
from authcenter.sessions.revocation import end_all_of_user


class NotBlank:
    """A validator: ten spaces are long enough and on no list of common passwords."""

    def validate(self, password: str, user: object = None) -> None:
        if not password.strip():
            raise ValidationError(_("A password of nothing but spaces is too easy to guess."), code="password_blank")

    def get_help_text(self) -> str:
        return ""


class SignInAgainForm(ReauthenticateForm):
    """`AccountAdapter.reauthenticate` judges."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain(self)
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs["autofocus"] = True


class ChangePasswordForm(LibraryChangePasswordForm):
    """Changing the password ends everything of the person's but this sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        new_password(self)

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
        new_password(self)

    @transaction.atomic
    def save(self) -> None:
        super().save()
        _others_end(context.request, self.user)


class ResetForm(ResetPasswordForm):
    """Asks for a code by mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        email_field(self)

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = super().save(request, **kwargs)
        if self.users:
            state = request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
            request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY] = {**state, "account": as_it_is(self.users[0])}
        return email


class ResetCodeForm(LibraryResetCodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code_field(self)

    def clean_code(self) -> str:
        return counted_code(PASSWORD_RESET_VERIFICATION_SESSION_KEY, super().clean_code)


class NewPasswordForm(LibraryNewPasswordForm):
    """A reset ends everything: whoever had the account may still hold its tokens."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        new_password(self)

    def clean(self) -> Any:
        state = context.request.session.get(PASSWORD_RESET_VERIFICATION_SESSION_KEY) or {}
        if not constant_time_compare(state.get("account", ""), as_it_is(self.user)):
            raise ValidationError(_("The account has changed since you asked. Ask for a new code."), code="stale")
        return super().clean()

    @transaction.atomic
    def save(self) -> None:
        super().save()
        end_all_of_user(self.user.pk, reason="password reset")
        self.user.refresh_from_db(fields=["epoch"])
        events.record(context.request, events.Kind.PASSWORD_RESET, actor=self.user.pk, subject=self.user.pk)


def _others_end(request: HttpRequest, user: User) -> None:
    ended = end_everything_else(request, user, reason="password changed")
    events.record(request, events.Kind.PASSWORD_CHANGED, actor=user.pk, subject=user.pk, sessions_ended=ended)
