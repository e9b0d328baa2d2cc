"""/account/security/passkeys/: one's own passkeys and security keys."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from fido2.utils import websafe_encode

from accounts import passkey_hint, passkeys, recovery_codes, webauthn
from accounts.challenges import Ceremony
from accounts.factor_pages import must_keep
from accounts.home import me
from accounts.models import Passkey, User
from accounts.pages import ago, show
from accounts.passkey_enrolment import made
from accounts.signed_in_lately import signed_in_lately


class NameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=passkeys.LONGEST_NAME,
        help_text=gettext_lazy("Only you see it. For example where you keep this passkey."),
    )


def section(user: User) -> dict[str, object]:
    """What the security page shows of passkeys."""
    return {"passkeys": [_told(passkey) for passkey in passkeys.of(user)]}


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    user = me(request)
    mine = list(passkeys.of(user))
    context = {
        "passkeys": [_told(passkey) for passkey in mine],
        "full": len(mine) >= passkeys.MOST,
        "rp_id": webauthn.relying_party(),
        "handle": websafe_encode(webauthn.user_handle(user)),
        "accepted": " ".join(websafe_encode(bytes(passkey.credential_id)) for passkey in mine),
        "here": "security",
    }
    return show(request, "account/home/passkeys.html", context)


@require_safe
@signed_in_lately
def add_options(request: HttpRequest) -> HttpResponse:
    return JsonResponse(webauthn.to_create(request, Ceremony.ADD, me(request), alone=False))


@sensitive_post_parameters("credential")
@require_http_methods(["GET", "POST"])
@signed_in_lately
def add(request: HttpRequest) -> HttpResponse:
    user, error = me(request), ""
    if request.method == "POST":
        try:
            passkey = made(request, Ceremony.ADD, user, alone=False)
        except ValidationError as refusal:
            error = refusal.messages[0]
        else:
            response = redirect("account-passkey-name", passkey.pk)
            if passkey.signs_in:
                passkey_hint.remember(response)
            return response
    return show(request, "account/home/passkey_add.html", {"error": error, "here": "security"})


@login_required
@require_http_methods(["GET", "POST"])
def name(request: HttpRequest, pk: int) -> HttpResponse:
    """A new one's name is suggested, any one's may be changed."""
    passkey = get_object_or_404(passkeys.of(me(request)), pk=pk)
    form = NameForm(request.POST or None, initial={"name": str(passkey)})
    if request.method == "POST" and form.is_valid():
        passkeys.renamed(passkey, form.cleaned_data["name"])
        messages.success(request, _("The name is saved."))
        return redirect("account-passkeys" if recovery_codes.left(me(request)) else "mfa_view_recovery_codes")
    context = {"form": form, "passkey": _told(passkey), "here": "security"}
    return show(request, "account/home/passkey_name.html", context)


@signed_in_lately
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    user = me(request)
    passkey = get_object_or_404(passkeys.of(user), pk=pk)
    if request.method == "POST" and not must_keep(request):
        try:
            passkeys.removed(request, user, passkey)
        except passkeys.LastWayIn:
            pass  # the page says why
        else:
            messages.success(request, _("The passkey is removed. Your other browsers and apps are signed out."))
            return redirect("account-passkeys")
    context = {
        "passkey": _told(passkey),
        "must_keep": must_keep(request),
        "last_way_in": passkeys.is_last_way_in(user, passkey),
        "here": "security",
    }
    return show(request, "account/home/passkey_remove.html", context)


def _told(passkey: Passkey) -> dict[str, object]:
    authenticator = passkey.authenticator
    return {
        "pk": passkey.pk,
        "name": str(passkey),
        "kind": passkeys.kind(passkey),
        "signs_in": passkey.signs_in,
        "synced": passkey.backed_up,
        "added": authenticator.created_at,
        "used": ago(authenticator.last_used_at) if authenticator.last_used_at else "",
    }
