"""/accounts/…: where a passkey opens something. Signing in with it alone, as a second factor, and signing in again.

Each door is two addresses: options for the browser (JSON), and the form that carries its answer. The form is an
ordinary one, so that what follows (an application's redirect, a further step) is an ordinary page.
"""

from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import perform_login
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.account.utils import get_login_redirect_url, get_next_redirect_url, passthrough_next_redirect_url
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import passkey_hint, passkeys, webauthn
from accounts.adapter import too_many
from accounts.challenges import Ceremony
from accounts.home import me
from accounts.models import User
from accounts.remembering import remember
from accounts.second_factor_pages import cancelled
from accounts.sign_in import proved_again
from accounts.sign_in_stages import SecondFactorStage
from authcenter import limits
from authcenter.audit import events

_second_factor_stage = login_stage_required(stage=SecondFactorStage.key, redirect_urlname="account_login")


@require_safe
@ensure_csrf_cookie
def sign_in_options(request: HttpRequest) -> HttpResponse:
    """For everybody the same but the challenge: no account is named, so nothing is told about any."""
    return JsonResponse(webauthn.to_get(request, Ceremony.SIGN_IN))


@sensitive_post_parameters("credential")
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(get_login_redirect_url(request))
    try:
        passkey, _verified = judged(request, Ceremony.SIGN_IN)
    except ValidationError as refusal:
        messages.error(request, refusal.messages[0], extra_tags=refusal.code or "")
        return redirect(passthrough_next_redirect_url(request, reverse("account_login"), "next"))
    user: User = passkey.authenticator.user
    clear_login(request)  # of a sign-in that was begun and left
    remember(request, bool(request.POST.get("remember")))
    login = Login(user=user, redirect_url=get_next_redirect_url(request))
    passkeys.used(request, passkey, verified=True)
    response: HttpResponse = perform_login(request, login)
    passkey_hint.remember(response)
    return response


@require_safe
@_second_factor_stage
def second_factor_options(request: HttpRequest) -> HttpResponse:
    return JsonResponse(webauthn.to_get(request, Ceremony.SECOND_FACTOR, _waiting(request)))


@sensitive_post_parameters("credential")
@require_POST
@_second_factor_stage
def second_factor(request: HttpRequest) -> HttpResponse:
    """Of the person whose password or code was right a moment ago."""
    stage: SecondFactorStage = request._login_stage  # type: ignore[attr-defined]
    if stage.is_void:
        return cancelled(request, stage)
    try:
        passkey, verified = judged(request, Ceremony.SECOND_FACTOR, _waiting(request))
    except ValidationError as refusal:
        messages.error(request, refusal.messages[0])
        return redirect("mfa_authenticate")
    passkeys.used(request, passkey, verified=verified)
    response: HttpResponse = stage.exit()
    return response


@require_safe
@login_required
def again_options(request: HttpRequest) -> HttpResponse:
    return JsonResponse(webauthn.to_get(request, Ceremony.AGAIN, me(request)))


@sensitive_post_parameters("credential")
@require_http_methods(["GET", "POST"])
@login_required
def again(request: HttpRequest) -> HttpResponse:
    """The page is the one for all second factors; here is where its answer goes."""
    user, here = me(request), f"{reverse('mfa_reauthenticate')}?way=webauthn"
    if request.method != "POST":
        return redirect(passthrough_next_redirect_url(request, here, "next"))
    try:
        passkey, verified = judged(request, Ceremony.AGAIN, user)
    except ValidationError as refusal:
        messages.error(request, refusal.messages[0])
        return redirect(passthrough_next_redirect_url(request, here, "next"))
    passkeys.used(request, passkey, verified=verified, again=True)
    proved_again(request, user)
    onward: HttpResponse | None = resume_request(request)
    return onward or redirect(get_login_redirect_url(request))


def judged(request: HttpRequest, ceremony: Ceremony, user: User | None = None) -> tuple[Any, bool]:
    """The passkey that answered, and whether it verified its user. Counted before it is judged.

    Raises `ValidationError` with what the person is told, which is the same for every fault but one: where the passkey
    is not known here, its holder may be told to offer it no more (code `unknown-passkey`).
    """
    windows = limits.passkey(request, user.pk if user is not None else "")
    if wait := limits.taken(windows):
        events.record(request, events.Kind.LIMIT_REACHED, subject=user.pk if user is not None else "", limit="passkey")
        raise too_many(wait)
    try:
        passkey, verified = webauthn.asserted(request, ceremony, request.POST.get("credential", ""), user)
    except webauthn.Refused as refusal:
        whom = user or (refusal.passkey.authenticator.user if refusal.passkey is not None else None)
        kind = events.Kind.SIGN_IN_REFUSED if ceremony == Ceremony.SIGN_IN else events.Kind.FACTOR_REFUSED
        events.record(
            request, kind, subject=whom.pk if whom is not None else "", method="passkey", reason=refusal.reason
        )
        raise ValidationError(
            _("That did not work. Try again, or sign in another way."),
            code="unknown-passkey" if refusal.reason == "unknown" else "refused",
        ) from None
    limits.given_back(windows)
    return passkey, verified


def _waiting(request: HttpRequest) -> User:
    """Who has shown one factor; `login_stage_required` has seen to it."""
    user: User = request._login_stage.login.user  # type: ignore[attr-defined]
    return user
