"""/account/organisations/<id>/…: what owners and administrators do with members and invitations.

Everything is looked up below one's own membership, so the ids of others open nothing: 404, whether they exist or not.
Administrators neither make owners nor touch them.
"""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.core.validators import validate_email
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import organisations
from accounts.home import PER_PAGE, me
from accounts.models import Membership, OrganisationInvitation
from accounts.organisation import MEMBER, OWNER, role_in_words
from accounts.organisation_pages import mine
from accounts.organisations import LastOwner, NotPossible
from accounts.pages import show
from authcenter import limits
from authcenter.audit import events

MOST_AT_ONCE = 50


def managed(request: HttpRequest, organisation: str) -> Membership:
    """One's own membership where it gives rights over others; else 404."""
    membership = mine(request, organisation)
    if not membership.manages:
        raise Http404
    return membership


def roles_given_by(membership: Membership) -> list[tuple[str, str]]:
    names = [role for role in membership.organisation.roles if role != OWNER or membership.role == OWNER]
    return [(role, role_in_words(role)) for role in names]


class InvitationsForm(forms.Form):
    """Many addresses at once. Those that are no addresses are told one by one, and nothing is sent then."""

    emails = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        max_length=20_000,
        widget=forms.Textarea({"rows": 3, "autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("Several with spaces, commas or lines between them."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), initial=MEMBER)

    def __init__(self, data: Any, membership: Membership) -> None:
        super().__init__(data, initial={"role": MEMBER})
        self.membership = membership
        roles = self.fields["role"]
        assert isinstance(roles, forms.ChoiceField)
        roles.choices = roles_given_by(membership)

    def clean_emails(self) -> list[str]:
        words = re.split(r"[\s,;<>]+", self.cleaned_data["emails"].lower())
        addresses = list(dict.fromkeys(filter(None, words)))
        faults = [_("%(address)s is no e-mail address.") % {"address": one} for one in addresses if not _is_one(one)]
        if len(addresses) > MOST_AT_ONCE:
            most = ngettext("At most %(count)s address at once.", "At most %(count)s addresses at once.", MOST_AT_ONCE)
            faults = [most % {"count": MOST_AT_ONCE}]
        known = self.membership.organisation.memberships.filter(user__email__in=addresses)
        taken = [*known.values_list("user__email", flat=True)]
        if self.membership.role != OWNER:  # an owner asked them to be one, too
            to_be_owners = self.membership.organisation.invitations.filter(accepted=None, role=OWNER)
            taken += to_be_owners.filter(email__in=addresses).values_list("email", flat=True)
        faults += [_("%(address)s belongs to it already.") % {"address": email} for email in taken]
        if faults:
            raise ValidationError(faults[:MOST_AT_ONCE])
        return addresses


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"))

    def __init__(self, data: Any, membership: Membership, present: str) -> None:
        super().__init__(data, initial={"role": present})
        roles = self.fields["role"]
        assert isinstance(roles, forms.ChoiceField)
        roles.choices = roles_given_by(membership)


@login_required
@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, organisation: str) -> HttpResponse:
    """Who belongs to it, who is invited; POST invites."""
    membership = managed(request, organisation)
    form = InvitationsForm(request.POST if request.method == "POST" else None, membership)
    if form.is_valid():
        _invite(request, membership, form.cleaned_data["emails"], form.cleaned_data["role"])
        return redirect("account-organisation", organisation)
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    found = membership.organisation.memberships.select_related("user").order_by("user__email")
    if asked:
        found = found.filter(Q(user__email__icontains=asked) | Q(user__name__icontains=asked))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    waiting = membership.organisation.invitations.filter(accepted=None).order_by("-created")
    invited = Paginator(waiting, PER_PAGE).get_page(request.GET.get("invited"))
    context = {
        "organisation": membership.organisation,
        "form": form,
        "page": page,
        "q": asked,
        "members": [_described(one, membership) for one in page],
        "invited": invited,
        "invitations": [{"invitation": one, "role": role_in_words(one.role)} for one in invited],
        "here": "organisations",
    }
    return show(request, "account/home/organisations/members.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def member(request: HttpRequest, organisation: str, membership: UUID) -> HttpResponse:
    """One member: change the role, or remove."""
    own, found = _both(request, organisation, membership)
    form = RoleForm(request.POST if request.method == "POST" else None, own, found.role)
    if form.is_valid():
        try:
            organisations.change_role(request, found, form.cleaned_data["role"], by=own)
        except NotPossible:
            raise Http404 from None
        except LastOwner:
            messages.error(request, _("There would be no owner left. Make somebody else an owner first."))
            return redirect("account-organisation-member", organisation, membership)
        messages.success(request, _("The role is saved. Applications are told at their next refresh."))
        return redirect(*_after(request, own))
    context = {"organisation": own.organisation, "membership": found, "form": form, "here": "organisations"}
    return show(request, "account/home/organisations/member.html", context)


@login_required
@require_POST
def remove(request: HttpRequest, organisation: str, membership: UUID) -> HttpResponse:
    own, found = _both(request, organisation, membership)
    try:
        organisations.end(request, found, reason="removed from its organisation", by=own)
    except NotPossible:
        raise Http404 from None
    except LastOwner:
        messages.error(request, _("There would be no owner left. Make somebody else an owner first."))
        return redirect("account-organisation-member", organisation, membership)
    messages.success(request, _("%(person)s does not belong to it any more.") % {"person": found.user.email})
    return redirect(*_after(request, own))


@login_required
@require_POST
def invitation(request: HttpRequest, organisation: str, invitation: UUID) -> HttpResponse:
    """Cancel an invitation, or send it again with a new link."""
    own = managed(request, organisation)
    found = get_object_or_404(
        OrganisationInvitation.objects.select_related("organisation"),
        pk=invitation,
        organisation=own.organisation_id,
        accepted=None,
    )
    if found.role == OWNER and own.role != OWNER:
        raise Http404
    if "cancel" in request.POST:
        organisations.withdraw(request, found, act="invitation cancelled")
        messages.success(request, _("The invitation of %(address)s is cancelled.") % {"address": found.email})
    else:
        _invite(request, own, [found.email], found.role)
    return redirect("account-organisation", organisation)


def _both(request: HttpRequest, organisation: str, membership: UUID) -> tuple[Membership, Membership]:
    """One's own membership, and that of the member who is meant, whom one may touch."""
    own = managed(request, organisation)
    found = get_object_or_404(
        Membership.objects.select_related("organisation", "user"), pk=membership, organisation=own.organisation_id
    )
    if found.role == OWNER and own.role != OWNER:
        raise Http404
    return own, found


def _after(request: HttpRequest, own: Membership) -> tuple[str, ...]:
    """Whoever has just given up her own right is led to what is left to her."""
    still = Membership.objects.filter(pk=own.pk).first()
    if still is None or not still.manages:
        return ("account-organisations",)
    return ("account-organisation", own.organisation_id)


def _invite(request: HttpRequest, membership: Membership, emails: list[str], role: str) -> None:
    sent, refused = 0, []
    for email in emails:
        if limits.taken(limits.organisation_invitations(request, membership.organisation_id, me(request).pk, email)):
            refused.append(email)
            continue
        organisations.invite(request, membership.organisation, email, role)
        sent += 1
    if refused:
        events.record(request, events.Kind.LIMIT_REACHED, actor=me(request).pk, limit="organisation_invitations")
        messages.error(
            request, _("Too many invitations. Not sent, try later: %(addresses)s") % {"addresses": ", ".join(refused)}
        )
    if sent:
        said = ngettext("One invitation is sent.", "%(count)s invitations are sent.", sent)
        messages.success(request, said % {"count": sent})


def _described(one: Membership, own: Membership) -> dict[str, Any]:
    return {
        "membership": one,
        "role": role_in_words(one.role),
        "myself": one.pk == own.pk,
        "may_change": one.role != OWNER or own.role == OWNER,
    }


def _is_one(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return len(address) <= 254
