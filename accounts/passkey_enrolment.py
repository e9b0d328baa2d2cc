"""/accounts/…: a first passkey on the way in: of who signs up with one, and of who must set up a second factor."""

from typing import cast

from allauth.account.internal.decorators import login_stage_required
from allauth.account.stages import LoginStage, LoginStageController
from allauth.account.utils import passthrough_next_redirect_url
from allauth.mfa.webauthn.stages import PasskeySignupStage
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import factors, passkey_hint, passkeys, webauthn
from accounts.challenges import Ceremony
from accounts.home import me
from accounts.models import Passkey, User
from accounts.second_factor_pages import cancelled
from accounts.sign_in_stages import SetUpStage
from accounts.signed_in_lately import check_signed_in_lately
from authcenter.audit import events

_signing_up = login_stage_required(stage=PasskeySignupStage.key, redirect_urlname="account_signup")


@require_safe
@_signing_up
def sign_up_options(request: HttpRequest) -> HttpResponse:
    return JsonResponse(webauthn.to_create(request, Ceremony.SIGN_UP, _stage(request).login.user, alone=True))


@sensitive_post_parameters("credential")
@require_http_methods(["GET", "POST"])
@_signing_up
def sign_up(request: HttpRequest) -> HttpResponse:
    """The address is proved; a passkey takes the place of a password."""
    stage, error = _stage(request), ""
    user: User = stage.login.user
    if request.method == "POST":
        try:
            made(request, Ceremony.SIGN_UP, user, alone=True)
        except ValidationError as refusal:
            error = refusal.messages[0]
        else:
            response: HttpResponse = stage.exit()
            passkey_hint.remember(response)
            return response
    return render(request, "account/passkey_sign_up.html", {"error": error, "email": user.email})


@require_safe
def set_up_options(request: HttpRequest) -> HttpResponse:
    user, _stage_of_hers = _who_sets_up(request)
    if user is None:
        raise PermissionDenied
    return JsonResponse(webauthn.to_create(request, Ceremony.ADD, user, alone=False))


@sensitive_post_parameters("credential")
@require_POST
def set_up(request: HttpRequest) -> HttpResponse:
    """A passkey instead of an authenticator app, on the page where one must set up either. That page goes on."""
    user, stage = _who_sets_up(request)
    page = passthrough_next_redirect_url(request, reverse("second-factor-set-up"), "next")
    if user is None:
        return redirect("account_login")
    if stage is not None and stage.is_void:
        return cancelled(request, stage)
    if not factors.has_any(user):
        try:
            made(request, Ceremony.ADD, user, alone=False)
        except ValidationError as refusal:
            messages.error(request, refusal.messages[0])
    return redirect(page)


def made(request: HttpRequest, ceremony: Ceremony, user: User, *, alone: bool) -> Passkey:
    """Judge a new credential and keep it. Raises `ValidationError` with what the person is told."""
    try:
        credential = webauthn.registered(request, ceremony, user, request.POST.get("credential", ""), alone=alone)
        return passkeys.added(request, user, credential)
    except passkeys.TooMany:
        raise ValidationError(_("You have as many passkeys as one may have. Remove one first.")) from None
    except webauthn.Refused as refusal:
        events.record(request, events.Kind.FACTOR_REFUSED, subject=user.pk, method="new passkey", reason=refusal.reason)
        raise ValidationError(_("That passkey could not be added. Try again, or use another one.")) from None


def _stage(request: HttpRequest) -> LoginStage:
    """`login_stage_required` has seen to it."""
    return request._login_stage  # type: ignore[attr-defined]


def _who_sets_up(request: HttpRequest) -> tuple[User | None, SetUpStage | None]:
    """Somebody who is signed in, and lately; or who would be, if she had a second factor."""
    if request.user.is_authenticated:
        check_signed_in_lately(request)
        return me(request), None
    stage = cast("SetUpStage | None", LoginStageController.enter(request, SetUpStage.key))
    return (stage.login.user, stage) if stage is not None else (None, None)
