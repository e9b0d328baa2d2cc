"""/accounts/2fa/: the second step of signing in, and the same when somebody who is signed in proves it again."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.account.internal.stagekit import clear_login
from allauth.account.utils import get_login_redirect_url, get_next_redirect_url
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import factors, recovery_codes, second_factor, trusted_browsers
from accounts.fields import OnceInput
from accounts.home import me
from accounts.models import User
from accounts.pages import asking_at, show
from accounts.sign_in import proved_again
from accounts.sign_in_stages import SecondFactorStage


class CodeForm(forms.Form):
    """One field for either kind of code. What is right is used up when the form is judged."""

    code = forms.CharField(max_length=40, label=gettext_lazy("Code from your authenticator app"))
    trust = forms.BooleanField(required=False, label=gettext_lazy("Trust this browser for 14 days"))

    def __init__(self, request: HttpRequest, user: User, way: str) -> None:
        super().__init__(request.POST if "code" in request.POST else None)
        self.request, self.user = request, user
        field, attrs = self.fields["code"], {"autofocus": True, "spellcheck": "false"}
        if way == second_factor.RECOVERY:
            field.label = _("Recovery code")
            field.help_text = _("Twelve letters, with or without the dashes. Each code is good once.")
            attrs |= {"autocomplete": "off", "autocapitalize": "characters", "maxlength": "24"}
        else:
            attrs |= {"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": "12"}
        field.widget = OnceInput(attrs)

    def clean_code(self) -> str:
        return second_factor.prove(self.request, self.user, self.cleaned_data["code"])


@login_stage_required(stage=SecondFactorStage.key, redirect_urlname="account_login")
@require_http_methods(["GET", "POST"])
def at_sign_in(request: HttpRequest) -> HttpResponse:
    """The browser is a stranger until the code is right: what waits is in its session (`sign_in_stages`)."""
    stage: SecondFactorStage = request._login_stage  # type: ignore[attr-defined]
    user: User = stage.login.user
    if "cancel" in request.POST or stage.is_void:
        return cancelled(request, stage)
    way = _way(request, user)
    form = CodeForm(request, user, way)
    if form.is_bound and form.is_valid():
        second_factor.note(request, user, form.cleaned_data["code"])
        response: HttpResponse = stage.exit()
        if form.cleaned_data["trust"] and form.cleaned_data["code"] != second_factor.RECOVERY:
            trusted_browsers.trust(request, user, response)
        return response
    return _page(request, user, way, form, asking=asking_at(request, stage.login.redirect_url), signing_in=True)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def again(request: HttpRequest) -> HttpResponse:
    """Somebody who is signed in proves a factor: to go on to what asked for it, on the page or in an application."""
    user = me(request)
    methods = get_adapter(request).get_reauthentication_methods(user)
    if not second_factor.ways(user):
        onward = methods[0]["url"] if methods else reverse("account")
        return redirect(f"{onward}?{urlencode({'next': get_next_redirect_url(request) or ''})}")
    way = _way(request, user)
    form = CodeForm(request, user, way)
    if form.is_bound and form.is_valid():
        second_factor.note(request, user, form.cleaned_data["code"], reauthenticated=True)
        proved_again(request, user)
        response: HttpResponse | None = resume_request(request)
        return response or redirect(get_login_redirect_url(request))
    password = next((method["url"] for method in methods if method["id"] == "reauthenticate"), "")
    return _page(request, user, way, form, password_url=password)


def cancelled(request: HttpRequest, stage: Any) -> HttpResponse:
    """Back to the sign-in page, on the same way. Says so where it was not the person who cancelled."""
    if "cancel" not in request.POST:
        messages.warning(request, _("The account has changed in the meantime. Sign in again."))
    onward = stage.login.redirect_url
    clear_login(request)
    query = f"?{urlencode({'next': onward})}" if onward else ""
    return redirect(reverse("account_login") + query)


def _way(request: HttpRequest, user: User) -> str:
    """The way that was chosen, where she has it; the best that she has, otherwise."""
    had = second_factor.ways(user)
    chosen = (request.POST.get("way") or request.GET.get("way") or "").strip()
    return chosen if chosen in had else had[0] if had else ""


def _page(request: HttpRequest, user: User, way: str, form: CodeForm, **more: Any) -> HttpResponse:
    had = second_factor.ways(user)
    context = {
        "form": form,
        "who": user,
        "way": way,
        "has_app": factors.TOTP in had,
        "has_passkey": factors.WEBAUTHN in had,
        "codes_left": recovery_codes.left(user),
        "redirect_field_value": get_next_redirect_url(request) or "",
        **more,
    }
    return show(request, "account/second_factor.html", context)
