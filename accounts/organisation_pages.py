"""/account/organisations/: those one belongs to, and invitations to them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import invitations, organisations
from accounts.home import PER_PAGE, me
from accounts.models import Membership, OrganisationLogo
from accounts.organisation import role_in_words
from accounts.organisations import LastOwner, NotPossible
from accounts.pages import show


def mine(request: HttpRequest, organisation: str) -> Membership:
    """One's own membership. What is none of one's own is not there: 404, whether it exists or not."""
    found = Membership.objects.select_related("organisation", "user")
    return get_object_or_404(found, organisation=organisation, user=me(request).pk)


@login_required
@require_safe
def organisations_page(request: HttpRequest) -> HttpResponse:
    found = Membership.objects.filter(user=me(request).pk).select_related("organisation")
    page = Paginator(found.order_by("organisation__name"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "mine": [{"membership": one, "role": role_in_words(one.role)} for one in page],
        "invitations": [_described(one) for one in organisations.for_person(me(request))[:PER_PAGE]],
        "here": "organisations",
    }
    return show(request, "account/home/organisations/mine.html", context)


@login_required
@require_safe
def logo(request: HttpRequest, organisation: str) -> HttpResponse:
    """For its members. The address has a part that another picture has not, so a browser may keep it."""
    mine(request, organisation)
    found = get_object_or_404(OrganisationLogo, organisation=organisation)
    response = HttpResponse(bytes(found.picture), content_type="image/png")
    response["Cache-Control"] = "private, max-age=86400"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@login_required
@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest, organisation: str) -> HttpResponse:
    """GET says what will happen; POST does it."""
    membership = mine(request, organisation)
    context = {"membership": membership, "organisation": membership.organisation, "here": "organisations"}
    if request.method != "POST":
        return show(request, "account/home/organisations/leave.html", context)
    try:
        organisations.end(request, membership, reason="left by its person")
    except LastOwner:
        messages.error(request, _("You are the last owner. Make somebody else an owner first."))
        return redirect("account-organisations")
    messages.success(
        request, _("You do not belong to %(organisation)s any more.") % {"organisation": membership.organisation.name}
    )
    return redirect("account-organisations")


@require_safe
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link of a mail leads. Whoever has the mail may read it; to accept takes the address itself."""
    found = organisations.by_token(token)
    if found is None:
        return render(request, "account/invitation_over.html", status=404)
    user = request.user
    hers = user.is_authenticated and organisations.for_person(me(request)).filter(pk=found.pk).exists()
    context: dict[str, Any] = {**_described(found), "hers": hers, "stranger": not user.is_authenticated}
    if not user.is_authenticated:
        invitations.came(request, found.email)
    response = render(request, "account/invitation.html", context)
    response["Referrer-Policy"] = "no-referrer"  # the address of this page is the invitation
    return response


@login_required
@require_POST
def answer(request: HttpRequest, invitation: UUID) -> HttpResponse:
    if "decline" in request.POST:
        if not organisations.decline(request, me(request), invitation):
            raise Http404
        messages.success(request, _("The invitation is declined."))
        return redirect("account-organisations")
    try:
        joined = organisations.accept(request, me(request), invitation)
    except NotPossible:
        raise Http404 from None
    messages.success(request, _("You belong to %(organisation)s now.") % {"organisation": joined.organisation.name})
    return redirect("account-organisations")


def _described(invitation: Any) -> dict[str, Any]:
    return {
        "invitation": invitation,
        "organisation": invitation.organisation,
        "role": role_in_words(invitation.role),
        "inviter": invitation.invited_by.full_name if invitation.invited_by else "",
    }
