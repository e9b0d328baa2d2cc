"""/accounts/2fa/set-up/: a second factor for who must have one and has none.

It is either the last step of a sign-in that the policy does not let pass without (`SetUpStage`), or a step of somebody
who is signed in and whom an application or the console sent here. An authenticator app, then recovery codes, then on.
"""

from typing import Any, cast

from allauth.account.stages import LoginStageController
from allauth.account.utils import get_login_redirect_url, get_next_redirect_url
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import factors, recovery_codes
from accounts.factor_pages import NewAppForm, app_context, codes_context
from accounts.home import me
from accounts.models import User
from accounts.pages import asking_at, show
from accounts.second_factor_pages import cancelled
from accounts.sign_in_stages import SetUpStage
from accounts.signed_in_lately import check_signed_in_lately


@never_cache
@require_http_methods(["GET", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    stage: SetUpStage | None = None
    if request.user.is_authenticated:
        user, onward = me(request), get_next_redirect_url(request) or ""
        if "done" not in request.POST or not factors.has_any(user):  # the last button gives nothing away
            check_signed_in_lately(request)
    else:
        stage = cast("SetUpStage | None", LoginStageController.enter(request, SetUpStage.key))
        if stage is None:
            return redirect("account_login")
        user, onward = stage.login.user, stage.login.redirect_url or ""
        if "cancel" in request.POST or stage.is_void:
            return cancelled(request, stage)
    context: dict[str, Any] = {
        "who": user,
        "asking": asking_at(request, onward),
        "signing_in": stage is not None,
        "redirect_field_value": "" if stage else onward,
    }
    if not factors.has_any(user):
        return _first(request, user, context)
    if "done" in request.POST or (request.method == "GET" and recovery_codes.left(user) and not stage):
        return stage.exit() if stage else redirect(get_login_redirect_url(request))
    made = factors.new_recovery_codes(request, user) if "make" in request.POST else []
    return show(request, "account/second_factor_codes.html", {**context, **codes_context(user, made)})


def _first(request: HttpRequest, user: User, context: dict[str, Any]) -> HttpResponse:
    form = NewAppForm(request, user)
    if form.is_bound and form.is_valid():
        onward = context["redirect_field_value"]
        return redirect(reverse("second-factor-set-up") + (f"?{urlencode({'next': onward})}" if onward else ""))
    return show(request, "account/second_factor_set_up.html", {**context, **app_context(request, user), "form": form})
