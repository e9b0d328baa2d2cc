"""Signing in again for people without password and factors: at the provider, or by a code to their mailbox.

A provider's word counts where it says when the person proved herself there (`auth_time`), and that was after we asked:
others answer for whoever sits at a browser that they know (OpenID Connect Core sections 3.1.2.1 and 5.1).
"""

from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows import reauthentication
from allauth.account.internal.flows.login import record_authentication
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.adapter import AccountAdapter
from accounts.home import me
from accounts.organisation_sign_in import may_vouch_for
from accounts.pages import show
from accounts.sign_in import proved_again
from accounts.social import codes
from accounts.social.id_token import LEEWAY
from accounts.social.identity import Identity, ProviderFault
from accounts.social.kinds import preset
from accounts.social.models import LinkedIdentity, ProviderRequest
from accounts.social.newcomers import CodeForm

_PURPOSE = "again"


@login_required
@require_http_methods(["GET", "POST"])
def again(request: HttpRequest) -> HttpResponse:
    user, onward = me(request), _onward(request)
    if not offered(request):
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': onward})}")
    form = CodeForm(request.POST if "code" in request.POST else None)
    try:
        if request.POST.get("action") == "send":
            codes.send(request, _PURPOSE, user.email, "account/email/again_code")
        elif form.is_valid():
            codes.proved(request, _PURPOSE, form.cleaned_data["code"])
            return _proved(request, onward, "code")
    except ValidationError as error:
        if form.is_bound:
            form.add_error("code", error)
        else:
            messages.error(request, error.messages[0])
    context: dict[str, Any] = {
        "form": form,
        "waits": codes.waits_for(request, _PURPOSE) == user.email,
        "rows": [row for row in _active(user) if preset(row.provider).is_openid],
        "redirect_field_value": onward,
    }
    return show(request, "account/again.html", context)


def offered(request: HttpRequest) -> bool:
    """To nobody who has a password or a factor: those are asked for."""
    return any(way["id"] == "again" for way in AccountAdapter(request).get_reauthentication_methods(me(request)))


def came_back(
    request: HttpRequest, asked: ProviderRequest, identity: Identity, link: LinkedIdentity | None
) -> HttpResponse:
    """From the provider. Raises `ProviderFault` where somebody else came back."""
    user = me(request)
    if link is None or link.user_id != user.pk:
        raise ProviderFault("Another account came back than the one that is signed in.")
    if not may_vouch_for(asked.provider, user):
        raise ProviderFault("The account has an address of another domain.")
    if identity.auth_time is None or identity.auth_time < asked.begun.timestamp() - LEEWAY:
        messages.info(
            request,
            _("%(provider)s did not ask who you are. Let us mail you a code.") % {"provider": asked.provider.name},
        )
        return redirect(f"{reverse('account-again')}?{urlencode({'next': asked.onward})}")
    return _proved(request, asked.onward, "socialaccount", provider=str(asked.provider_id))


def _proved(request: HttpRequest, onward: str, method: str, **more: str) -> HttpResponse:
    record_authentication(request, me(request), method, reauthenticated=True, **more)
    proved_again(request, me(request))
    request.GET = QueryDict(urlencode({"next": onward}))  # where the library looks for what waits
    request.POST = QueryDict("")
    return reauthentication.resume_request(request) or redirect("account")


def _onward(request: HttpRequest) -> str:
    onward = request.POST.get("next") or request.GET.get("next") or ""
    return onward if AccountAdapter(request).is_safe_url(onward) else ""


def _active(user: Any) -> list[LinkedIdentity]:
    rows = LinkedIdentity.objects.filter(user=user, provider__is_active=True).select_related("provider")
    return [row for row in rows if may_vouch_for(row.provider, user)]
