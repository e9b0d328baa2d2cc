"""Somebody new has come from a provider: her address, a code for it where nobody has proved it, and her account.

An account begins to be when its address is proved, never before; and the proof counts for the identity that waits in
this very browser, for no other.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import invitations
from accounts.pages import show
from accounts.social import codes, joining
from authcenter import limits

_PURPOSE = "newcomer"


class AddressForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(
            {"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false", "autofocus": True}
        ),
    )


@require_http_methods(["GET", "POST"])
def finish(request: HttpRequest) -> HttpResponse:
    """Asks for the address that nobody vouches for; otherwise straight on."""
    waits = joining.newcomer(request)
    if waits is None or request.user.is_authenticated:
        return redirect("account_login")
    if waits["proved"]:
        return _joined(request, waits)
    form = AddressForm(request.POST or None, initial={"email": waits["identity"].email})
    if request.method == "POST" and form.is_valid():
        try:
            codes.send(request, _PURPOSE, form.cleaned_data["email"], "account/email/email_confirmation_signup")
            return redirect("social-code")
        except ValidationError as error:
            form.add_error(None, error)
    return show(request, "account/social/finish.html", {**waits, "form": form})


@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    waits, email = joining.newcomer(request), codes.waits_for(request, _PURPOSE)
    if waits is None or waits["proved"] or not email:
        return redirect("social-finish")
    resends = request.POST.get("action") == "resend"
    form = CodeForm(request.POST if request.method == "POST" and not resends else None)
    try:
        if resends:
            codes.send(request, _PURPOSE, email, "account/email/email_confirmation_signup")
        elif form.is_valid():
            joining.proved(request, codes.proved(request, _PURPOSE, form.cleaned_data["code"]))
            return redirect("social-finish")
    except ValidationError as error:
        if form.is_bound:
            form.add_error("code", error)
        else:
            messages.error(request, error.messages[0])
    context = {"verify_form": form, "email": email, "can_resend": True, "cancel_url": reverse("social-finish")}
    return show(request, "account/social/code.html", context)


@require_safe
def has_account(request: HttpRequest) -> HttpResponse:
    """The address has an account: whoever proves that it is hers links the two."""
    waits = joining.newcomer(request)
    if waits is None or not waits["proved"]:
        return redirect("account_login")
    onward = {"next": reverse("social-link"), "login_hint": waits["proved"]}
    sign_in = f"{reverse('account_login')}?{urlencode(onward)}"
    return show(request, "account/social/known.html", {**waits, "sign_in_url": sign_in})


def _joined(request: HttpRequest, waits: dict[str, Any]) -> HttpResponse:
    """The account; where the address has one, the way to link them. Only who has proved the address learns which."""
    provider, email = waits["provider"], waits["proved"]
    if provider.organisation_id is None and not invitations.may_sign_up(request, email):
        return invitations.closed(request)
    if not joining.has_account(email):
        try:
            link = joining.sign_up(request, provider, waits["identity"], email)
        except invitations.Gone:
            return invitations.closed(request)
        except IntegrityError:  # a double click, or somebody with the same address at the same moment
            pass
        else:
            joining.forget(request)
            return joining.let_in(request, link, waits["onward"], is_new=True)
    if not limits.taken(limits.mailed_codes_sent(request, email)):
        told = {"provider": provider.name, "email": email}
        get_adapter(request).send_mail("account/email/provider_known", email, told)
    return redirect("social-known")
