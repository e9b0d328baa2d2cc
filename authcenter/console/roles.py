"""Roles, which applications read in tokens, and groups, which carry the rights of the console."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, Permission
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import Group as GroupOfPeople
from accounts.models import Role, User
from authcenter.console import long_lists
from authcenter.console.operators import shown_permissions
from authcenter.console.record import RecordAdmin, list_link


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
    list_display = ("name", "description", "people", "by_groups")
    search_fields = ("name", "description")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "description", "who") if obj else ("name", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("who",) if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        directly = User.roles.through.objects.filter(role=OuterRef("pk"))
        by_groups = GroupOfPeople.members.through.objects.filter(group__roles=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                people_count=long_lists.CountOf(directly),
                by_groups_count=long_lists.CountOf(by_groups, "user"),
                by_groups_seen=long_lists.CountOf(by_groups),
            )
        )

    @display(description=_("people by groups"), ordering="by_groups_count")
    def by_groups(self, role: Any) -> str:
        """Each once, of those that were looked at."""
        is_cut = role.by_groups_seen >= long_lists.EACH
        return long_lists.told(role.by_groups_count, role.by_groups_count if is_cut else None)

    @display(description=_("who has it"))
    def who(self, role: Any) -> SafeString:
        """Directly, and through which groups; each leads to its list."""
        count = int(role.people_count)
        said = ngettext("%d person directly", "%d people directly", count)
        directly = long_lists.with_count(said, count, long_lists.EACH)
        lines = [list_link(User, directly, roles__id__exact=role.pk)]
        members = GroupOfPeople.members.through.objects.filter(group=OuterRef("pk"))
        for group in role.given_by.annotate(members_count=long_lists.CountOf(members)).order_by("name"):
            count = group.members_count
            said = ngettext("%(count)d person by the group %(group)s", "%(count)d people by the group %(group)s", count)
            address = reverse("admin:accounts_group_members", args=[group.pk])
            named = said.replace("%(count)d", long_lists.told(count, long_lists.EACH)) % {"group": group}
            lines.append(format_html('<a class="text-link" href="{}">{}</a>', address, named))
        return format_html_join("", "<div>{}</div>", ((line,) for line in lines))

    @display(description=_("people"), ordering="people_count")
    def people(self, role: Any) -> str:
        return long_lists.told(role.people_count, long_lists.EACH)


class GroupAdmin(RecordAdmin):
    """For superusers alone: who may edit a group may give himself whatever its members may."""

    list_display = ("name", "members", "rights")
    search_fields = ("name",)
    fields = ("name", "permissions")
    form = GroupForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        members = User.groups.through.objects.filter(group=OuterRef("pk"))
        rights = Group.permissions.through.objects.filter(group=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(members_count=long_lists.CountOf(members), rights_count=long_lists.CountOf(rights))
        )

    @display(description=_("members"), ordering="members_count")
    def members(self, group: Any) -> str:
        return long_lists.told(group.members_count, long_lists.EACH)

    @display(description=_("permissions"), ordering="rights_count")
    def rights(self, group: Any) -> int:
        return int(group.rights_count)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)
