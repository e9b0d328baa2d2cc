"""The forms of a person. None has a password: an operator starts a reset and never chooses or sees one."""

from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.contrib.auth.models import Group
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from accounts.models import Role
from authcenter.console.operators import may_manage

_LONGEST_ADDRESS = 4000


class PostalAddressField(forms.JSONField):
    """JSON that a parser, a database and a page can take; what was typed comes back as it was typed."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > _LONGEST_ADDRESS:
            raise forms.ValidationError(_("This is too long."))
        try:
            return super().to_python(value)
        except (ValueError, RecursionError) as fault:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from fault

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial if self.disabled else InvalidJSONInput(data or "")


class UserForm(forms.ModelForm):
    roles = forms.ModelMultipleChoiceField(
        Role.objects.all(),
        required=False,
        label=_("Roles"),
        help_text=_("What this person is to applications: they read it in tokens."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    end_tokens = forms.BooleanField(
        label=_("At once"),
        required=False,
        help_text=_("End this person's access tokens now: applications come for new ones, which tell the change."),
        widget=UnfoldBooleanSwitchWidget,
    )

    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        required=False,
        label=_("Groups"),
        help_text=_("What an operator may do in the console."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean_email(self) -> str:
        """The address that the account pages look for is lower case, and is verified for one person only."""
        email: str = self.cleaned_data["email"].strip().lower()
        others = EmailAddress.objects.filter(email=email, verified=True).exclude(user=self.instance.pk)
        if others.exists():
            raise forms.ValidationError(_("Somebody already has this e-mail address."))
        return email

    def clean_address(self) -> dict[str, Any]:
        address = self.cleaned_data.get("address") or {}
        if not isinstance(address, dict) or not all(map(_is_text, [*address, *address.values()])):
            raise forms.ValidationError(_('An object of texts, such as {"locality": "Basel"}.'))
        return address


class NewUserForm(UserForm):
    end_tokens = None  # type: ignore[assignment]
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


class EmailAddressInline(TabularInline):
    """allauth's addresses: an operator may mark one as verified and delete a spare one."""

    model = EmailAddress
    form = EmailAddressForm
    formset = EmailAddressFormSet
    fields = ("email", "verified", "primary")
    readonly_fields = ("email", "primary")
    extra = 0
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


def _is_text(value: Any) -> bool:
    """No NUL and no half of a pair: neither is in any text that a database or a page takes."""
    return isinstance(value, str) and "\x00" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
