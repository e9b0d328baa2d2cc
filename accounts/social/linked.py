"""/account/security/linked/: the other accounts that one may sign in with."""

from allauth.account.models import EmailAddress
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.home import me
from accounts.models import User
from accounts.organisation import domain_of
from accounts.organisation_sign_in import may_vouch_for
from accounts.pages import show
from accounts.sign_in import end_everything_else
from accounts.social import joining
from accounts.social.identity import Identity
from accounts.social.models import IdentityProvider, LinkedIdentity
from accounts.social.recent import recent_sign_in
from authcenter.audit import events


def linked_to(user: User) -> list[LinkedIdentity]:
    return list(LinkedIdentity.objects.filter(user=user).select_related("provider"))


@login_required
@require_safe
def linked(request: HttpRequest) -> HttpResponse:
    rows = linked_to(me(request))
    own = Q(organisation__domains__name=domain_of(me(request).email), organisation__domains__verified=True)
    shown = IdentityProvider.objects.filter(Q(is_shown=True, organisation=None) | own, is_active=True).distinct()
    response = show(request, "account/home/linked.html", {"rows": rows, "offered": shown, "here": "security"})
    # The form that links leads to the provider, and Chromium applies form-action to that redirect too.
    response._csp_replace = {"form-action": None}  # type: ignore[attr-defined]
    return response


@login_required
@require_http_methods(["GET", "POST"])
@recent_sign_in
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    user = me(request)
    row = get_object_or_404(LinkedIdentity.objects.select_related("provider"), pk=pk, user=user)
    if request.method == "POST":
        with transaction.atomic():
            gone = joining.unlink(request, user, row)
            if gone:  # whoever came in by it is out
                end_everything_else(request, user, reason="linked account removed")
        if gone:
            messages.success(request, _("%(provider)s is not linked any more.") % {"provider": row.provider.name})
            return redirect("socialaccount_connections")
    context = {"row": row, "is_last": joining.is_last_way_in(user, row), "here": "security"}
    return show(request, "account/home/unlink.html", context)


def came_back(request: HttpRequest, user: User, provider: IdentityProvider, identity: Identity) -> HttpResponse:
    """From the provider, to link what is there to the account that began it."""
    person = me(request)
    assert person == user
    _link(request, provider, identity)
    return redirect("socialaccount_connections")


def _link(request: HttpRequest, provider: IdentityProvider, identity: Identity) -> bool:
    user = me(request)
    told = {"provider": provider.name, "identity": identity.shown_as}
    if not may_vouch_for(provider, user):
        reason = "The account has an address of another domain."
        events.record(request, events.Kind.IDENTITY_REFUSED, actor=user.pk, subject=user.pk, reason=reason, **told)
        messages.error(
            request,
            _("%(provider)s is for accounts with an address of its organisation.") % {"provider": provider.name},
        )
        return False
    try:
        joining.link(request, user, provider, identity)
    except joining.TakenByAnother:
        reason = "Linked to another account."
        events.record(request, events.Kind.IDENTITY_REFUSED, actor=user.pk, subject=user.pk, reason=reason, **told)
        messages.error(
            request, _("This %(provider)s account belongs to another account here.") % {"provider": provider.name}
        )
        return False
    messages.success(request, _("From now on you can sign in with %(provider)s, too.") % {"provider": provider.name})
    return True


@login_required
@require_http_methods(["GET", "POST"])
@recent_sign_in
def link_newcomer(request: HttpRequest) -> HttpResponse:
    """Somebody came from a provider with the address of an account, and has now signed in to that account."""
    waits = joining.newcomer(request)
    if waits is None or not waits["proved"]:
        return redirect("socialaccount_connections")
    user = me(request)
    is_hers = EmailAddress.objects.filter(user=user, email__iexact=waits["proved"], verified=True).exists()
    if request.method == "POST" and is_hers:
        joining.forget(request)
        _link(request, waits["provider"], waits["identity"])
        return redirect(waits["onward"] or "socialaccount_connections")
    if request.method == "POST":
        joining.forget(request)
        return redirect("account")
    return show(request, "account/social/link.html", {**waits, "is_hers": is_hers})
