"""Groups of people: what a group is, and its members on a page of their own with search, for a group may be large.

No console right comes from these: `console/roles.py` has Django's groups, which carry those.
"""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from accounts.models import Group, Role, User
from authcenter.console import long_lists
from authcenter.console.operators import may_manage
from authcenter.console.record import RecordAdmin
from authcenter.sessions.revocation import end_access_tokens

PER_PAGE = 50
_MOST = 1000
"""Addresses that are added at once."""

END_TOKENS = _("End their access tokens now: applications come for new ones, which tell the change.")


class GroupForm(forms.ModelForm):
    roles = forms.ModelMultipleChoiceField(
        Role.objects.all(),
        required=False,
        label=_("Roles"),
        help_text=_("Every member has them."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    end_tokens = forms.BooleanField(
        label=_("At once"), required=False, help_text=END_TOKENS, widget=UnfoldBooleanSwitchWidget
    )


class GroupAdmin(RecordAdmin):
    list_display = ("name", "description", "people", "role_names", "second_factor")
    list_filter = ("second_factor", "roles")
    search_fields = ("name", "description")
    form = GroupForm
    actions_detail = ("members",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        usual = ("name", "description", "roles", "second_factor")
        return (*usual, "end_tokens", "people_link") if obj else usual

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """To lift the need of a second factor is for superusers: operators may be members."""
        fixed = ("people_link",) if obj else ()
        return fixed if request.user.is_superuser else (*fixed, "second_factor")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For the same reason."""
        lifts = obj is not None and obj.second_factor
        return bool(super().has_delete_permission(request, obj)) and (not lifts or request.user.is_superuser)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        members = Group.members.through.objects.filter(group=OuterRef("pk"))
        counted = super().get_queryset(request).annotate(members_count=long_lists.CountOf(members))
        return counted.prefetch_related("roles")

    @display(description=_("members"), ordering="members_count")
    def people(self, group: Any) -> str:
        return long_lists.told(group.members_count, long_lists.EACH)

    @display(description=_("members"))
    def people_link(self, group: Any) -> SafeString:
        count = int(group.members_count)
        text = long_lists.with_count(ngettext("%d member", "%d members", count), count, long_lists.EACH)
        return format_html('<a class="text-link" href="../members/">{}</a>', text)

    @display(description=_("roles"))
    def role_names(self, group: Group) -> str:
        return ", ".join(role.name for role in group.roles.all())

    def save_related(self, request: HttpRequest, form: forms.ModelForm, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change and form.cleaned_data.get("end_tokens"):
            self._end_tokens(request, form.instance.members.all())

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "members__id__exact" or super().lookup_allowed(lookup, value, request)

    # --- Members ---

    def has_members_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(self.has_view_permission(request))

    @action(description=_("Members"), url_path="members", permissions=["members"], icon="group")
    def members(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET lists and searches; POST adds whoever is named by address, or removes those that are ticked."""
        group: Group = self.found(request, object_id)
        may_change = self.has_change_permission(request, group)
        if request.method == "POST":
            if not may_change:
                raise PermissionDenied
            self._change_members(request, group)
            return redirect(request.get_full_path())
        asked = request.GET.get("q", "").replace("\x00", "").strip()[:200]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Members of %s") % group,
            "page": long_lists.BoundedPaginator(_members(group, asked), PER_PAGE).get_page(request.GET.get("p")),
            "q": asked,
            "may_change": may_change,
            "end_tokens": END_TOKENS,
            "back": self.address_of(group),
        }
        return TemplateResponse(request, "console/members.html", context)

    def _change_members(self, request: HttpRequest, group: Group) -> None:
        if "remove" in request.POST:
            ticked = [one for one in request.POST.getlist("member") if _is_uuid(one)]
            chosen, missing = _present(group, ticked)
        else:
            chosen, missing = _named(request.POST.get("add", ""))
        allowed = [person for person in chosen if may_manage(request.user, person)]
        with transaction.atomic():
            if "remove" in request.POST:
                group.members.remove(*allowed)
            else:
                group.members.add(*allowed)
            if allowed:
                act = "members removed" if "remove" in request.POST else "members added"
                self.record(request, group, act, people=[person.pk for person in allowed], count=len(allowed))
        _tell(request, len(allowed), len(chosen) - len(allowed), missing)
        if "end_tokens" in request.POST:
            self._end_tokens(request, User.objects.filter(pk__in=[person.pk for person in allowed]))

    def _end_tokens(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """One transaction a person, see `revocation.revoke`."""
        count = 0
        for person in people.values_list("pk", flat=True).order_by("pk").iterator():
            end_access_tokens(person, reason="roles changed by an operator")
            count += 1
        said = ngettext("Access tokens of %d person ended.", "Access tokens of %d people ended.", count) % count
        messages.success(request, said)


def _members(group: Group, asked: str) -> QuerySet[User]:
    """By address; of very many by id, for which there is an index, and found as people are."""
    if long_lists.up_to(group.members) == long_lists.MOST:
        found = group.members.filter(long_lists.of_people(asked, "pk")) if asked else group.members
        return found.order_by("pk")
    found = group.members.order_by("email")
    return found.filter(Q(email__icontains=asked) | Q(name__icontains=asked)) if asked else found


def _present(group: Group, ticked: list[str]) -> tuple[list[User], list[str]]:
    return list(group.members.filter(pk__in=ticked)), []


def _named(text: str) -> tuple[list[User], list[str]]:
    """People by their addresses, whatever stands between these; and the addresses that nobody has."""
    typed = re.split(r"[\s,;<>\x00]+", text.lower())
    addresses = list(dict.fromkeys(word for word in typed if "@" in word))[:_MOST]
    found = list(User.objects.filter(email__in=addresses))
    known = {person.email for person in found}
    return found, [address for address in addresses if address not in known]


def _tell(request: HttpRequest, done: int, kept: int, missing: list[str]) -> None:
    messages.success(request, ngettext("%d person changed.", "%d people changed.", done) % done)
    if kept:
        refused = ngettext(
            "%d was left alone: it concerns an operator, and only a superuser may do this.",
            "%d were left alone: they concern operators, and only a superuser may do this.",
            kept,
        )
        messages.error(request, refused % kept)
    if missing:
        messages.error(request, _("Nobody has these addresses: %s") % ", ".join(missing[:20]))


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None
