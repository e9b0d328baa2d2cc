"""/accounts/social/: to a provider, and back from it."""

import uuid
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts import invitations, organisation_sign_in
from accounts.models import User
from accounts.pages import show, too_many_requests
from accounts.sign_in import current_session
from accounts.social import again, asking, joining, linked
from accounts.social.asking import Cancelled, Purpose
from accounts.social.identity import Identity, ProviderFault
from accounts.social.models import IdentityProvider, ProviderRequest
from authcenter import limits
from authcenter.audit import events


@require_POST
def begin(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Only a form of ours leads here (CSRF), so that no other site can begin anything in somebody's browser."""
    provider = _provider(pk)
    purpose = request.POST.get("purpose") or Purpose.SIGN_IN
    if purpose not in Purpose.values:
        raise Http404
    onward = request.POST.get("next", "")
    if not get_adapter(request).is_safe_url(onward):
        onward = ""
    if purpose == Purpose.SIGN_IN and request.user.is_authenticated:
        return redirect(onward or "account")
    if purpose != Purpose.SIGN_IN and not request.user.is_authenticated:
        return redirect("account_login")
    if purpose == Purpose.AGAIN and not again.offered(request):
        return redirect("account_reauthenticate")
    if purpose == Purpose.LINK and get_adapter(request).is_reauthentication_required(app="social"):
        raise ReauthenticationRequired
    if wait := limits.taken(limits.provider_requests(request)):
        events.record(request, events.Kind.LIMIT_REACHED, limit="provider_requests")
        return too_many_requests(request, wait)
    try:
        there = asking.address(
            request, provider, Purpose(purpose), onward, hint=request.POST.get("login_hint", "")[:254]
        )
    except ProviderFault as fault:
        return refused(request, provider, fault)
    return HttpResponseRedirect(there, status=303)


@csrf_exempt  # Apple's answer; it is not believed before the browser brings the state along itself
@require_http_methods(["GET", "POST"])
def callback(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    provider = _provider(pk)
    if request.method == "POST":
        query = asking.posted(provider, request.POST)
        return HttpResponseRedirect(f"{request.path}?{query}", status=303)
    try:
        asked, identity = asking.answered(request, provider)
        joining.judge(provider, identity)
        return _arrived(request, asked, identity)
    except Cancelled as cancelled:
        return _back(request, provider, cancelled.asked)  # type: ignore[attr-defined]
    except ProviderFault as fault:
        return refused(request, provider, fault)
    except joining.TakenByAnother:  # at this very moment
        return refused(request, provider, ProviderFault("Linked to another account."))


def _arrived(request: HttpRequest, asked: ProviderRequest, identity: Identity) -> HttpResponse:
    provider = asked.provider
    link = joining.known(provider, identity)
    if asked.purpose != Purpose.SIGN_IN:
        session = current_session(request)
        if session is None or session.pk != asked.session:
            raise ProviderFault("The sign-in that began this is over.")
        if asked.purpose == Purpose.AGAIN:
            return again.came_back(request, asked, identity, link)
        return linked.came_back(request, session.user, provider, identity)
    if request.user.is_authenticated:  # in another tab, meanwhile
        return redirect(asked.onward or "account")
    if link is not None:
        if not link.user.is_active:
            raise ProviderFault("The account is disabled.")
        link.shown_as = identity.shown_as
        return joining.let_in(request, link, asked.onward)
    if (owner := organisation_sign_in.owner_of(provider, identity)) is not None:
        return joining.let_in(request, joining.link(request, owner, provider, identity), asked.onward)
    if provider.organisation_id is None and settings.SIGN_UP == "closed":
        events.record(request, events.Kind.IDENTITY_REFUSED, provider=provider.name, reason="Sign-up is closed.")
        return invitations.closed(request)
    joining.remember(request, provider, identity, asked.onward)
    return redirect("social-finish")


def refused(request: HttpRequest, provider: IdentityProvider, fault: ProviderFault) -> HttpResponse:
    """What went wrong is for the operator: the person can do nothing about it but try again. Strangers may send
    answers that nobody asked for, and do not fill the log with them."""
    actor = request.user.pk if isinstance(request.user, User) else ""
    if not limits.taken(limits.provider_requests(request)):
        kind, told = events.Kind.IDENTITY_REFUSED, {"provider": provider.name, "reason": str(fault)}
        events.record(request, kind, actor=actor, subject=actor, **told)
    context: dict[str, Any] = {"provider": provider, "is_old": isinstance(fault, asking.NotAsked)}
    return show(request, "account/social/refused.html", context, status=403)


def _provider(pk: uuid.UUID) -> IdentityProvider:
    """One that is turned off is asked nothing and believed nothing, callbacks included."""
    provider = IdentityProvider.objects.filter(pk=pk, is_active=True).first()
    if provider is None:
        raise Http404
    return provider


def _back(request: HttpRequest, provider: IdentityProvider, asked: ProviderRequest) -> HttpResponse:
    messages.info(request, _("You did not continue with %(provider)s.") % {"provider": provider.name})
    if asked.purpose == Purpose.LINK:
        return redirect("socialaccount_connections")
    page = reverse("account-again" if asked.purpose == Purpose.AGAIN else "account_login")
    return redirect(f"{page}?{urlencode({'next': asked.onward})}" if asked.onward else page)
