"""/accounts/not-me/<token>/: what a mail told of was not its reader. It ends things, and opens nothing.

Whoever reads somebody's mail has these links too. So none gives access, tells an address, or takes away a barrier:
the password stops working, everything ends, ways in that were added since are removed, and where a second factor may
be the thief's while no older one is left, the account is closed until an operator has looked.
"""

from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import deletion
from accounts.alerts import Alert, hash_of
from accounts.device import device_name
from accounts.home_rows import Notice
from accounts.letters import in_words_of
from accounts.models import LinkedIdentity, RecoveryCode, User
from accounts.pages import too_many_requests
from authcenter import limits
from authcenter.audit import events
from authcenter.audit.place import place_of
from authcenter.sessions.revocation import end_all_of_user

_BEFORE = timedelta(minutes=1)
"""What a mail tells of was written shortly before it."""


@require_http_methods(["GET", "HEAD", "POST"])
def not_me(request: HttpRequest, token: str) -> HttpResponse:
    """GET tells what happened; POST ends everything, once."""
    windows = limits.mailed_link(request)
    if wait := limits.reached(windows):
        return too_many_requests(request, wait)
    notice = _good(token)
    if notice is None:
        limits.refused(windows)
        return render(request, "account/not_me/over.html", status=404)
    user: User = notice.user
    if request.method != "POST":
        with in_words_of(user):
            return render(request, "account/not_me/ask.html", {**_shown(notice), "token": token})
    outcome = _end(request, notice)
    if outcome is None:  # pressed twice, at the same moment
        return render(request, "account/not_me/over.html", status=404)
    with in_words_of(user):
        return render(request, "account/not_me/done.html", {"closed": outcome == "closed"})


def _good(token: str) -> Notice | None:
    return (
        Notice.objects.select_related("user")
        .filter(token_hash=hash_of(token), used=None, expires__gt=timezone.now())
        .first()
    )


def _shown(notice: Notice) -> dict[str, object]:
    return {
        "what": Alert(notice.alert).label if notice.alert in Alert.values else "",
        "name": next((notice.detail[key] for key in ("factor", "application", "provider") if key in notice.detail), ""),
        "device": device_name(notice.user_agent),
        "place": place_of(notice.address),
        "address": notice.address,
        "at": notice.at,
    }


def _end(request: HttpRequest, notice: Notice) -> str | None:
    """`ended`, `closed` where the account is closed too, or None where somebody was quicker."""
    with transaction.atomic():
        # The person's row first, as everywhere (`revocation.revoke`); the link is used up before anything is done.
        user = User.objects.select_for_update().get(pk=notice.user_id)
        if not Notice.objects.filter(pk=notice.pk, used=None).update(used=timezone.now()):
            return None
        closed = _undo(user, notice)
        if _may_be_by_password(notice):
            user.set_unusable_password()
        stays = deletion.cancel(request, user)  # a thief may have asked for it
        user.is_active = (user.is_active or stays) and not closed
        user.save(update_fields=["password", "is_active"])
        end_all_of_user(user.pk, reason="that was not me")
        events.record(request, events.Kind.NOT_ME, subject=user.pk, alert=notice.alert, closed=closed)
        if closed:
            events.record(request, events.Kind.USER_DISABLED, subject=user.pk, reason="that was not me")
    return "closed" if closed else "ended"


def _may_be_by_password(notice: Notice) -> bool:
    """All that is done inside an account follows a sign-in, and that may have been by password."""
    amr = notice.detail.get("amr")
    return notice.alert != Alert.NEW_DEVICE or not isinstance(amr, list) or "pwd" in amr


def _undo(user: User, notice: Notice) -> bool:
    """Remove what was added since; True where that is not enough, and the account has to be closed."""
    since = notice.at - _BEFORE
    LinkedIdentity.objects.filter(user=user, linked__gte=since).delete()
    factors = Authenticator.objects.filter(user=user)
    newer = factors.filter(created_at__gte=since)
    # Sent to the old address: the new one is the thief's, and a new password would be mailed there.
    closed = bool(notice.alert == Alert.EMAIL_CHANGED)
    added = notice.alert == Alert.FACTOR_ADDED or newer.exists()
    if added and not factors.filter(created_at__lt=since).exists():
        return True  # its removal would leave the password alone as the barrier, for whoever reads the mail
    newer.delete()
    RecoveryCode.objects.filter(user=user, made__gte=since).delete()
    return closed
