"""Who may have an account: invitations that an operator sends, the versions of the terms, and who accepted which."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import invitations
from accounts.models import Invitation, Terms, TermsAcceptance, User
from authcenter.console import long_lists
from authcenter.console.record import ReadOnlyAdmin, RecordAdmin

MOST = 200
"""Addresses in one form: each is a mail that this request sends."""


class NewInvitationsForm(forms.ModelForm):
    addresses = forms.CharField(
        label=_("E-mail addresses"),
        help_text=_("One a line. Each gets a mail with a link that is good for 14 days and works once."),
        widget=UnfoldAdminTextareaWidget,
        max_length=MOST * 256,
    )

    class Meta:
        model = Invitation
        fields = ()

    def clean_addresses(self) -> list[str]:
        lines = {line.strip().lower(): None for line in self.cleaned_data["addresses"].splitlines() if line.strip()}
        if len(lines) > MOST:
            raise ValidationError(
                ngettext("At most %(most)s address at a time.", "At most %(most)s addresses at a time.", MOST)
                % {"most": MOST}
            )
        for line in lines:
            try:
                validate_email(line)
            except ValidationError:
                raise ValidationError(_("“%(line)s” is no e-mail address.") % {"line": line[:100]}) from None
        known = User.objects.filter(email__in=lines).values_list("email", flat=True)
        if known:
            raise ValidationError(_("These have accounts already: %(known)s") % {"known": ", ".join(sorted(known))})
        return list(lines)


class InvitationAdmin(RecordAdmin):
    list_display = ("email", "invited_by", "created", "expires", "state")
    list_filter = ("created", "accepted")
    search_fields = ("email",)
    search_help_text = _("E-mail address")
    list_select_related = ("invited_by",)
    fields = ("email", "invited_by", "created", "expires", "accepted")
    unsearchable = RecordAdmin.unsearchable | {"token_hash"}

    @display(description=_("state"))
    def state(self, invitation: Invitation) -> Any:
        if invitation.accepted:
            return _("accepted")
        return _("open") if invitation.expires > timezone.now() else _("expired")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if obj is None:
            return NewInvitationsForm
        return super().get_form(request, obj, change, **options)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("addresses",) if obj is None else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Sent as it is; deleting it makes its link void."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        assert isinstance(request.user, User)
        made = invitations.invite_all(request, form.cleaned_data["addresses"], request.user)
        obj.pk, obj.email = made[0].pk, made[0].email
        form.instance = obj


class TermsAdmin(RecordAdmin):
    list_display = ("version", "published", "accepted_by")
    search_fields = ("version",)
    fields = ("version", "text", "address", "published")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Terms]:
        acceptances = TermsAcceptance.objects.filter(terms=OuterRef("pk"))
        return super().get_queryset(request).annotate(accepted_count=long_lists.CountOf(acceptances))

    @display(description=_("accepted by"), ordering="accepted_count")
    def accepted_by(self, terms: Any) -> str:
        return long_lists.told(terms.accepted_count, long_lists.EACH)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What somebody accepted stays what she accepted."""
        return self.fields if obj is not None and obj.acceptances.exists() else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and (obj is None or not obj.acceptances.exists())


class TermsAcceptanceAdmin(ReadOnlyAdmin):
    list_display = ("user", "terms", "at")
    list_filter = ("terms", "at")
    search_fields = ("user__email", "user__id__startswith")
    search_help_text = _("E-mail address or user ID")
    indexed = ("-pk",)
    list_select_related = ("user", "terms")

    def found_by_index(self, term: str) -> Q:
        return long_lists.of_people(term)
