"""/accounts/organisation/: from the address on the sign-in page straight to the sign-in of its organisation."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.organisation_sign_in import provider_for
from accounts.social.views import begin


@require_http_methods(["GET", "POST"])
def organisation_door(request: HttpRequest) -> HttpResponse:
    """The answer depends on the domain alone, so it tells nothing of accounts."""
    if request.method != "POST":
        return redirect("account_login")
    email = request.POST.get("login", "").strip()[:254]
    provider = provider_for(email)
    if provider is not None:
        form = request.POST.copy()
        form["login_hint"] = email
        form.pop("purpose", None)
        request.POST = form  # type: ignore[assignment]
        return begin(request, provider.pk)
    text = _("No organisation has its own sign-in for this address. Enter your work address, or sign in below.")
    messages.error(request, text)
    kept = {name: value for name, value in (("next", request.POST.get("next", "")), ("login_hint", email)) if value}
    return redirect(f"{reverse('account_login')}?{urlencode(kept)}")
