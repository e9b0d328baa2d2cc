"""Organisations: their domains, members and invitations. Their own owners look after most of it themselves.

A verified domain lets the organisation's own sign-in vouch for addresses, so only a superuser marks one.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from accounts import organisations
from accounts.models import (
    IdentityProvider,
    LinkedIdentity,
    Membership,
    Organisation,
    OrganisationDomain,
    OrganisationInvitation,
    OrganisationLogo,
)
from accounts.organisation import OWNER
from authcenter.branding import pictures
from authcenter.console import long_lists, receipts
from authcenter.console.branding import LogoField
from authcenter.console.record import RecordAdmin, list_link
from authcenter.sessions.revocation import Kind, end_memberships


class DomainForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        """Who may not say that a domain is theirs does not say it of another name."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "name" in self.changed_data and "verified" not in self.fields:
            self.instance.verified = False
        return cleaned


class DomainInline(TabularInline):
    model = OrganisationDomain
    form = DomainForm
    fields = ("name", "verified")
    extra = 0
    per_page = 20  # the server takes at most 200 fields in a form
    hide_title = True

    def _may(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("accounts.change_organisation"))

    has_add_permission = _may
    has_change_permission = _may
    has_delete_permission = _may

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request) or bool(request.user.has_perm("accounts.view_organisation"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if request.user.is_superuser else ("verified",)


class InvitationForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"), max_length=254, widget=UnfoldAdminEmailInputWidget)
    role = forms.ChoiceField(label=_("Role"), initial=OWNER, widget=UnfoldAdminSelectWidget)

    def __init__(self, data: Any, organisation: Organisation) -> None:
        super().__init__(data)
        roles = self.fields["role"]
        assert isinstance(roles, forms.ChoiceField)
        roles.choices = [(role, role) for role in organisation.roles]


class OrganisationForm(forms.ModelForm):
    logo_upload = LogoField(
        label=_("Logo"),
        help_text=_("PNG, JPEG, WebP or GIF of at most one megabyte; square is best. Empty: the one that is there."),
    )
    no_logo = forms.BooleanField(label=_("No logo"), required=False, widget=UnfoldBooleanSwitchWidget)


class OrganisationAdmin(RecordAdmin):
    form = OrganisationForm
    list_display = ("name", "id", "members", "created")
    search_fields = ("name", "=id", "domains__name")
    search_help_text = _("Name, ID or domain")
    actions_detail = ("invite",)
    goes_along = (
        OrganisationLogo,
        Membership,
        OrganisationInvitation,
        OrganisationDomain,
        IdentityProvider,
        LinkedIdentity,
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "custom_roles", *(("logo_upload", "no_logo", "id", "access", "created") if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("id", "access", "created")

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [DomainInline] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organisation]:
        memberships = Membership.objects.filter(organisation=OuterRef("pk"))
        return super().get_queryset(request).annotate(members_count=long_lists.CountOf(memberships))

    @display(description=_("members"), ordering="members_count")
    def members(self, organisation: Any) -> str:
        return long_lists.told(organisation.members_count, long_lists.EACH)

    @display(description=_("people"))
    def access(self, organisation: Any) -> SafeString:
        count = int(organisation.members_count)
        waiting = long_lists.up_to(organisation.invitations.filter(accepted=None))
        members = long_lists.with_count(ngettext("%d member", "%d members", count), count, long_lists.EACH)
        invited = long_lists.with_count(ngettext("%d open invitation", "%d open invitations", waiting), waiting)
        links = [
            list_link(Membership, members, organisation__id__exact=organisation.pk),
            list_link(OrganisationInvitation, invited, organisation__id__exact=organisation.pk),
        ]
        return format_html_join(" · ", "{}", ((link,) for link in links))

    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            return
        if picture := form.cleaned_data.get("logo_upload"):
            OrganisationLogo.objects.update_or_create(organisation=obj, defaults={"picture": picture})
            Organisation.objects.filter(pk=obj.pk).update(logo_key=pictures.key_of(picture))
        elif form.cleaned_data.get("no_logo"):
            OrganisationLogo.objects.filter(organisation=obj).delete()
            Organisation.objects.filter(pk=obj.pk).update(logo_key="")

    def hit(self, objs: Iterable[Organisation]) -> list[str]:
        people = long_lists.up_to(Membership.objects.filter(organisation__in=[one.pk for one in objs]))
        said = ngettext("%d membership ends.", "%d memberships end.", people)
        return [
            long_lists.with_count(said, people),
            str(_("Tokens that applications got for these organisations are refused.")),
        ]

    def end_access(self, request: HttpRequest, obj: Organisation) -> None:
        organisations.end_all(request, obj)

    def has_invite_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(self.has_change_permission(request))

    @action(description=_("Invite"), url_path="invite", permissions=["invite"], icon="mail")
    def invite(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The first owner comes this way."""
        organisation: Organisation = self.found(request, object_id)
        if not self.has_change_permission(request, organisation):
            raise PermissionDenied
        form = InvitationForm(request.POST if request.method == "POST" else None, organisation)
        if form.is_valid():
            email = form.cleaned_data["email"].lower()
            organisations.invite(request, organisation, email, form.cleaned_data["role"])
            self.message_user(request, _("An invitation is on its way to %s.") % email)
            return redirect(self.address_of(organisation))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Invite to %s") % organisation,
            "form": form,
            "back": self.address_of(organisation),
        }
        return TemplateResponse(request, "console/invite.html", context)


class MembershipForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        organisation = cleaned.get("organisation") or getattr(self.instance, "organisation", None)
        role = cleaned.get("role")
        if organisation is not None and role and role not in organisation.roles:
            raise ValidationError({"role": _("One of: %s.") % ", ".join(organisation.roles)})
        return cleaned


class MembershipAdmin(RecordAdmin):
    list_display = ("user", "organisation", "role", "joined")
    list_filter = ("role",)
    list_select_related = ("user", "organisation")
    search_fields = ("user__email", "user__name", "organisation__name", "=organisation__id")
    indexed = ("pk",)
    autocomplete_fields = ("user", "organisation")
    fields = ("organisation", "user", "role", "joined")
    form = MembershipForm
    revoked_as = Kind.MEMBERSHIP

    def found_by_index(self, term: str) -> Q:
        named = long_lists.named_id(term) or Q(name__icontains=term)
        organisation_ids = list(Organisation.objects.filter(named).values_list("pk", flat=True)[: long_lists.EACH])
        return Q(organisation__in=organisation_ids) | long_lists.of_people(term)

    def about(self, obj: Membership) -> dict[str, Any]:
        return {"subject": obj.user_id}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organisation", "user", "joined") if obj else ("joined",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        ours = {"organisation__id__exact", "user__id__exact"}
        return lookup in ours or super().lookup_allowed(lookup, value, request)

    def hit(self, objs: Iterable[Membership]) -> list[str]:
        return [str(_("Tokens that applications got for this organisation are refused."))]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        membership = obj.pk
        self._delete(request, obj)
        receipts.told(request, _("%s has ended.") % obj, Kind.MEMBERSHIP, membership)

    def end_access(self, request: HttpRequest, obj: Membership) -> None:
        """Unlike an owner, an operator may remove the last owner."""
        end_memberships(obj.pk, reason="removed by an operator")


class OrganisationInvitationAdmin(RecordAdmin):
    """Sent from an organisation's page; here they are seen, and deleted: then the link works no more."""

    list_display = ("email", "organisation", "role", "created", "expires", "accepted")
    list_select_related = ("organisation",)
    search_fields = ("email", "organisation__name", "=organisation__id")
    fields = ("email", "organisation", "role", "invited_by", "created", "expires", "accepted")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "organisation__id__exact" or super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
