"""/account/: one's own profile, sign-ins and security. Connected apps are in `authcenter/portal/`."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.device import device_icon, device_name
from accounts.forms import ProfileForm
from accounts.models import User
from accounts.pages import ago, show
from accounts.sign_in import current_session, end_everything_else
from authcenter.audit import events
from authcenter.audit.models import AuditEvent
from authcenter.sessions.living import living_sessions
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_session

PER_PAGE = 20
_TOLD = {
    events.Kind.SIGNED_IN: gettext_lazy("Signed in"),
    events.Kind.SIGN_IN_REFUSED: gettext_lazy("Sign-in refused"),
    events.Kind.REAUTHENTICATED: gettext_lazy("Signed in again"),
    events.Kind.SIGNED_OUT: gettext_lazy("Signed out"),
    events.Kind.PASSWORD_CHANGED: gettext_lazy("Password changed"),
    events.Kind.PASSWORD_RESET: gettext_lazy("Password reset"),
    events.Kind.EMAIL_VERIFIED: gettext_lazy("E-mail address confirmed"),
    events.Kind.CONSENT_GIVEN: gettext_lazy("App allowed"),
    events.Kind.DEVICE_CONNECTED: gettext_lazy("Device connected"),
    events.Kind.AUTHORIZATION_WITHDRAWN: gettext_lazy("App removed"),
    events.Kind.SESSION_REVOKED: gettext_lazy("Another sign-in ended"),
    events.Kind.USER_REVOKED: gettext_lazy("Signed out everywhere"),
    events.Kind.REFRESH_REPLAYED: gettext_lazy("A copied token came back: its access ended"),
}


def me(request: HttpRequest) -> User:
    """Whoever `login_required` has let through."""
    assert isinstance(request.user, User)
    return request.user


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = User.objects.get(pk=me(request).pk)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your profile is saved."))
        return redirect("account")
    return show(request, "account/home/profile.html", {"form": form, "here": "profile"})


def recent_activity(request: HttpRequest) -> dict[str, object]:
    """What a person did and what was refused, found by her as actor or as subject: `page` and `told`."""
    mine = str(me(request).pk)
    found = AuditEvent.objects.filter(Q(actor=mine) | Q(subject=mine), kind__in=_TOLD)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "told": [_told(event) for event in page]}


@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    here = current_session(request)
    others = living_sessions(me(request)).exclude(pk__in=[here.pk] if here else [])
    shown = Paginator(others, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "current": _described(here) if here else None,
        "page": shown,
        "others": [_described(session) for session in shown],
        "here": "sessions",
    }
    return show(request, "account/home/sessions.html", context)


@login_required
@require_POST
def end_one(request: HttpRequest, session: str) -> HttpResponse:
    found = get_object_or_404(Session, pk=session, user=me(request).pk)
    with transaction.atomic():
        if end_session(found.pk, reason="signed out by its person"):
            events.record(request, events.Kind.SESSION_REVOKED, actor=me(request).pk, subject=found.pk)
    messages.success(request, _("%(device)s is signed out.") % {"device": device_name(found.user_agent)})
    return redirect("account-sessions")


@login_required
@require_http_methods(["GET", "POST"])
def end_others(request: HttpRequest) -> HttpResponse:
    """Every other browser and app; applications too, as a copied token of theirs must not outlive this."""
    if request.method != "POST":
        return show(request, "account/home/end_others.html", {"here": "sessions"})
    user = me(request)
    with transaction.atomic():
        count = end_everything_else(request, user, reason="signed out by its person")
        events.record(request, events.Kind.SESSION_REVOKED, actor=user.pk, subject=user.pk, count=count)
    messages.success(
        request,
        ngettext("One other sign-in is over.", "%(count)s other sign-ins are over.", count) % {"count": count}
        if count
        else _("There was no other sign-in."),
    )
    return redirect("account-sessions")


def _told(event: AuditEvent) -> dict[str, object]:
    return {
        "words": _TOLD[events.Kind(event.kind)],
        "application": event.detail.get("application") or event.client_id,
        "at": event.at,
        "address": event.address,
    }


def _described(session: Session) -> dict[str, object]:
    return {
        "session": session,
        "device": device_name(session.user_agent),
        "icon": device_icon(session.user_agent),
        "seen": ago(session.last_seen),
    }
