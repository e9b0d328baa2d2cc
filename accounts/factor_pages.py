"""/account/security/…: setting up and removing an authenticator app, recovery codes, trusted browsers."""

from typing import Any
from urllib.parse import quote

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import factors, policy, recovery_codes, totp, trusted_browsers
from accounts.adapter import too_many
from accounts.device import device_name
from accounts.fields import OnceInput
from accounts.home import me
from accounts.models import User
from accounts.pages import ago, show
from accounts.signed_in_lately import signed_in_lately
from authcenter import limits


class NewAppForm(forms.Form):
    """The first code of an authenticator app. A right one makes it the person's."""

    code = forms.CharField(
        max_length=12,
        label=gettext_lazy("Code from the app"),
        widget=OnceInput(
            {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false", "maxlength": "12"}
        ),
    )

    def __init__(self, request: HttpRequest, user: User) -> None:
        super().__init__(request.POST if "code" in request.POST else None)
        self.request, self.user = request, user

    def clean_code(self) -> str:
        code: str = "".join(self.cleaned_data["code"].split())
        windows = limits.second_factor(self.request, self.user.pk)
        if wait := limits.taken(windows):
            raise too_many(wait)
        made = totp.enrolled(self.request, self.user, code)
        if made is None:
            raise ValidationError(_("That is not the code. Look at the app again: it changes every 30 seconds."))
        limits.given_back(windows)
        factors.added(self.request, self.user, made)
        return code


@signed_in_lately
@never_cache
@require_http_methods(["GET", "POST"])
def add_app(request: HttpRequest) -> HttpResponse:
    user = me(request)
    if factors.TOTP in factors.kinds(user):
        return redirect("account-security")
    form = NewAppForm(request, user)
    if form.is_bound and form.is_valid():
        messages.success(request, _("Your authenticator app is set up. From now on you are asked for its code."))
        return redirect("account-security" if recovery_codes.left(user) else "mfa_view_recovery_codes")
    context = {**app_context(request, user), "form": form, "here": "security"}
    return show(request, "account/home/add_app.html", context)


def app_context(request: HttpRequest, user: User) -> dict[str, Any]:
    """What the part of a page shows that hands a seed to an app."""
    seed = totp.begun(request, user)
    address = totp.address(user, seed)
    return {"totp_address": address, "totp_picture": totp.picture(address), "totp_seed": totp.in_groups(seed)}


@signed_in_lately
@require_http_methods(["GET", "POST"])
def remove_app(request: HttpRequest) -> HttpResponse:
    found = get_object_or_404(Authenticator, user=me(request).pk, type=factors.TOTP)
    if request.method != "POST":
        context = {"here": "security", "is_last": factors.of(me(request)).count() == 1, "kept": must_keep(request)}
        return show(request, "account/home/remove_app_factor.html", context)
    if must_keep(request):
        return redirect("mfa_deactivate_totp")
    factors.removed(request, me(request), found)
    messages.success(request, _("Your authenticator app is removed. Everything but this sign-in has ended."))
    return redirect("account-security")


def must_keep(request: HttpRequest) -> bool:
    """Whether this is the last second factor of somebody who must have one: another one comes first, then."""
    user = me(request)
    return factors.of(user).count() < 2 and policy.needs_second_factor(user)


@signed_in_lately
@never_cache
@require_http_methods(["GET", "POST"])
def codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes are in the answer to the very POST that made them, and nowhere else."""
    user = me(request)
    if not factors.has_any(user):
        messages.warning(request, _("Recovery codes stand in for a second factor. Set one up first."))
        return redirect("account-security")
    made = factors.new_recovery_codes(request, user) if request.method == "POST" else []
    context = {**codes_context(user, made), "here": "security"}
    return show(request, "account/home/recovery_codes.html", context)


def codes_context(user: User, made: list[str]) -> dict[str, Any]:
    """What the part of a page shows that tells new codes, and how many are left where there are none to tell."""
    text = "\n".join([f"{settings.SITE_NAME}: {user.email}", settings.ISSUER, "", *made, ""])
    return {
        "codes": made,
        "codes_text": text,
        "codes_file": f"data:text/plain;charset=utf-8,{quote(text)}",
        "codes_left": recovery_codes.left(user),
        "codes_count": recovery_codes.COUNT,
    }


@signed_in_lately
@require_POST
def end_trust(request: HttpRequest) -> HttpResponse:
    """In one browser (`browser`) or in all."""
    user, which = me(request), request.POST.get("browser", "")
    found = {"pk": int(which)} if which.isdecimal() and len(which) < 19 else {}
    count = trusted_browsers.end(request, user, **found) if found or "all" in request.POST else 0
    messages.success(
        request,
        ngettext("%(count)s browser is trusted no more.", "%(count)s browsers are trusted no more.", count)
        % {"count": count},
    )
    return redirect("account-security")


def section(user: User) -> dict[str, Any]:
    """What the sections of the security page show."""
    app = factors.of(user).filter(type=factors.TOTP).first()
    browsers = [
        {"row": row, "device": device_name(row.user_agent), "seen": ago(row.last_used)}
        for row in trusted_browsers.living(user)
    ]
    return {
        "app": app,
        "app_used": ago(app.last_used_at) if app and app.last_used_at else "",
        "has_factor": factors.has_any(user),
        "needs_factor": policy.needs_second_factor(user),
        "codes_left": recovery_codes.left(user),
        "codes_count": recovery_codes.COUNT,
        "browsers": browsers,
    }
