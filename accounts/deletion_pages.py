"""/accounts/deletion/: whoever signs in while the account waits for its deletion is asked whether to keep it."""

from allauth.account.internal.decorators import login_stage_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import deletion
from accounts.home_rows import Deletion
from accounts.letters import zone_of
from accounts.sign_in_stages import DeletionStage


@login_stage_required(stage=DeletionStage.key, redirect_urlname="account_login")
@require_http_methods(["GET", "HEAD", "POST"])
def keep_account(request: HttpRequest) -> HttpResponse:
    stage = request._login_stage  # type: ignore[attr-defined]
    user = stage.login.user
    row = Deletion.objects.filter(user=user).first()
    if stage.is_void or row is None:  # changed meanwhile: begin again
        return stage.abort()
    if request.method != "POST":
        with timezone.override(zone_of(user)):
            return render(request, "account/deletion/keep.html", {"due": row.due, "email": user.email})
    if "keep" not in request.POST or not deletion.cancel(request, user):
        stage.abort()
        return redirect("account-closed")
    stage.renew()
    return stage.exit()


@require_safe
def closed(request: HttpRequest) -> HttpResponse:
    """The last page after asking for the deletion. It says nothing of whom."""
    return render(request, "account/deletion/closed.html")
