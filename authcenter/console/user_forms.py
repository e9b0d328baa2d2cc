"""The forms of a person. None has a password: an operator starts a reset and never chooses or sees one."""

from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from accounts.models import Role


class UserForm(forms.ModelForm):
    roles = forms.ModelMultipleChoiceField(
        Role.objects.all(),
        required=False,
        label=_("Roles"),
        help_text=_("What this person is to applications: they read it in tokens."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean_email(self) -> str:
        """The address that the account pages look for is lower case, and is verified for one person only."""
        email: str = self.cleaned_data["email"].strip().lower()
        others = EmailAddress.objects.filter(email__iexact=email, verified=True).exclude(user=self.instance.pk)
        if others.exists():
            raise forms.ValidationError(_("Somebody already has this e-mail address."))
        return email

    def clean_address(self) -> dict[str, Any]:
        address = self.cleaned_data.get("address") or {}
        if not isinstance(address, dict):
            raise forms.ValidationError(_('An object, such as {"locality": "Basel"}.'))
        return address


class NewUserForm(UserForm):
    send_mail = forms.BooleanField(
        label=_("Send a mail"),
        help_text=_("It tells how to choose a password. Without a password nobody can sign in."),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
    )


class EmailAddressForm(forms.ModelForm):
    def clean_verified(self) -> bool:
        verified: bool = self.cleaned_data["verified"]
        if verified and not self.instance.can_set_verified():
            raise forms.ValidationError(_("Somebody else has verified this address."))
        return verified


class EmailAddressFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        super().clean()
        for form in self.deleted_forms:
            if form.instance.primary:
                raise forms.ValidationError(_("The address that somebody signs in with cannot be deleted."))
