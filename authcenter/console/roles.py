"""Roles, which applications read in tokens, and groups, which carry the rights of the console."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, Permission
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import Role
from authcenter.console.operators import shown_permissions
from authcenter.console.record import RecordAdmin


class PermissionsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, permission: Any) -> str:
        return str(_("%(record)s: %(act)s")) % {
            "record": permission.content_type.name,
            "act": permission.codename.partition("_")[0],
        }


class GroupForm(forms.ModelForm):
    permissions = PermissionsField(
        shown_permissions(),
        required=False,
        label=_("Permissions"),
        help_text=_("To change a session, an authorization or a family is to end it; to change a key is to rotate it."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean_permissions(self) -> list[Permission]:
        """What the form does not show stays as it is."""
        kept = self.instance.permissions.exclude(pk__in=shown_permissions()) if self.instance.pk else ()
        return [*self.cleaned_data["permissions"], *kept]


class RoleAdmin(RecordAdmin):
    list_display = ("name", "description", "people")
    search_fields = ("name", "description")
    fields = ("name", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        return super().get_queryset(request).annotate(people_count=Count("users"))

    @display(description=_("people"), ordering="people_count")
    def people(self, role: Any) -> int:
        return int(role.people_count)


class GroupAdmin(RecordAdmin):
    """For superusers alone: who may edit a group may give himself whatever its members may."""

    list_display = ("name", "members", "rights")
    search_fields = ("name",)
    fields = ("name", "permissions")
    form = GroupForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        counted = super().get_queryset(request)
        return counted.annotate(
            members_count=Count("user", distinct=True), rights_count=Count("permissions", distinct=True)
        )

    @display(description=_("members"), ordering="members_count")
    def members(self, group: Any) -> int:
        return int(group.members_count)

    @display(description=_("permissions"), ordering="rights_count")
    def rights(self, group: Any) -> int:
        return int(group.rights_count)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)
