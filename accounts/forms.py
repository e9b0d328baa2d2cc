"""Forms of signing in and up, of one's address and profile: django-allauth's, with what they lack."""

import re
from typing import Any
from zoneinfo import available_timezones

from allauth.account.forms import AddEmailForm, LoginForm, SignupForm
from allauth.account.forms import ConfirmEmailVerificationCodeForm as LibraryVerificationCodeForm
from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from allauth.core import context
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts import invitations, parked, terms
from accounts.fields import PASSWORD_RULE, code_field, counted_code, email_field, plain
from accounts.models import User
from accounts.remembering import known_address, remember
from authcenter.audit import events


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        self.fields["login"].widget.attrs.update(
            {"autocomplete": "username webauthn", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        )
        self.fields["password"].help_text = ""
        plain(self)
        self.fields["remember"].label = _("Keep me signed in for 30 days")
        asked = self.request.GET if self.request is not None else {}
        known = known_address(self.request) if self.request is not None else ""
        if hint := (asked.get("login_hint") or asked.get("login") or known):
            self.fields["login"].initial = hint[:254]
            self.fields["remember"].initial = hint == known
        known = self.fields["login"].initial or self.data.get("login")  # after a refusal the password is typed again
        first = "password" if known else "login"
        self.fields[first].widget.attrs["autofocus"] = True

    def full_clean(self) -> None:
        """What concerns both fields is told of each (aria-describedby), and the password is the one to type again."""
        super().full_clean()
        if self.is_bound and self.non_field_errors():
            for name in ("login", "password"):
                self.fields[name].widget.attrs["aria-describedby"] = "form-errors"
            self.fields["password"].widget.attrs["aria-invalid"] = "true"

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> Any:
        remember(request, self.cleaned_data["remember"])
        response = super().login(request, redirect_url=redirect_url)
        parked.settle(request, remembered=self.cleaned_data["remember"])  # the library knows of one account only
        return response


class SignUpForm(SignupForm):
    account_already_exists: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        email_field(self)
        self.fields["email"].widget.attrs["autocomplete"] = "username"
        if "password1" in self.fields:
            self.fields["password1"].help_text = PASSWORD_RULE
        if invited := invitations.address(context.request):
            self.fields["email"].initial, self.fields["email"].disabled = invited, True
        # Who signs up with a passkey is asked afterwards, before her sign-in is whole.
        self.terms_now = None if self.by_passkey else terms.current()
        if self.terms_now is not None:
            self.fields["terms"] = forms.BooleanField(
                error_messages={"required": _("An account needs your consent to the terms.")}
            )

    def clean_terms(self) -> bool:
        """A version that was published after this page was shown was not read."""
        assert self.terms_now is not None
        if self.data.get("terms_version") != str(self.terms_now.pk):
            raise ValidationError(_("The terms have changed. Read them again, please."))
        return bool(self.cleaned_data["terms"])

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            make_password(self.cleaned_data.get("password1"))  # as long as for a new account: time must not tell
            return super().try_save(request)
        try:
            return super().try_save(request)
        except invitations.Gone:
            return None, redirect("account_signup")
        except IntegrityError:  # a double click, or somebody with the same address at the same moment: theirs counts
            self.account_already_exists = True
            return super().try_save(request)

    @transaction.atomic
    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        events.record(request, events.Kind.SIGNED_UP, actor=user.pk, subject=user.pk)
        invitations.accept(request, user)
        if self.terms_now is not None:
            terms.accept(request, user, self.terms_now)
        return user


class NewAddressForm(AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        email_field(self)
        self.fields["email"].label = _("New e-mail address")


class VerificationCodeForm(LibraryVerificationCodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code_field(self)

    def clean_code(self) -> str:
        return counted_code(EMAIL_VERIFICATION_CODE_SESSION_KEY, super().clean_code)


class ProfileForm(forms.ModelForm):
    """What a person tells about herself; every application that may see her profile sees it."""

    website = forms.URLField(
        label=_("Website"),
        required=False,
        max_length=200,
        assume_scheme="https",
        widget=forms.URLInput({"autocomplete": "url"}),
    )

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
        # What a field is for, so that a browser can fill it in and show it in symbols (WCAG 1.3.5).
        widgets = {
            "name": forms.TextInput({"autocomplete": "name"}),
            "given_name": forms.TextInput({"autocomplete": "given-name"}),
            "family_name": forms.TextInput({"autocomplete": "family-name"}),
            "preferred_username": forms.TextInput({"autocomplete": "nickname"}),
            "locale": forms.TextInput({"autocomplete": "language"}),
            "phone_number": forms.TelInput({"autocomplete": "tel"}),
        }
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
