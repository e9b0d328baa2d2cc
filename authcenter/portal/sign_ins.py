"""/account/sessions/: where a person is signed in, how, and what applications got through it; and ending that."""

import uuid
from collections.abc import Iterable
from typing import Any

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
from accounts.home import me
from accounts.pages import ago, show
from accounts.sign_in import ACR_PASSKEY, current_session, end_everything_else
from authcenter.audit import events
from authcenter.audit.place import place_of
from authcenter.oauth.models import Application, DeviceGrant, Grant
from authcenter.sessions.living import living_sessions
from authcenter.sessions.models import Participant, Session
from authcenter.sessions.revocation import end_session

PER_PAGE = 10
_LONGEST_SEARCH = 100
_PROOFS = {
    "pwd": gettext_lazy("password"),
    "otp": gettext_lazy("code"),
    "pop": gettext_lazy("passkey or security key"),
    "hwk": gettext_lazy("passkey or security key"),
    "swk": gettext_lazy("passkey or security key"),
    "kba": gettext_lazy("recovery code"),
    "fed": gettext_lazy("another account"),
}
"""What `amr` says (RFC 8176), for people; `mfa` and `user` say nothing more."""


@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    here = current_session(request)
    others = living_sessions(me(request)).exclude(pk__in=[here.pk] if here else [])
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:_LONGEST_SEARCH]
    if asked:
        others = others.filter(Q(user_agent__icontains=asked) | Q(address__startswith=asked))
    shown = Paginator(others, PER_PAGE).get_page(request.GET.get("page"))
    used = _applications([session.pk for session in shown] + ([here.pk] if here else []))
    context = {
        "current": _described(here, used) if here and not asked else None,
        "page": shown,
        "others": [_described(session, used) for session in shown],
        "q": asked,
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


def _described(session: Session, used: dict[uuid.UUID, list[str]]) -> dict[str, Any]:
    return {
        "session": session,
        "device": device_name(session.user_agent),
        "icon": device_icon(session.user_agent),
        "place": place_of(session.address),
        "seen": ago(session.last_seen),
        "proofs": in_words(session),
        "applications": used.get(session.pk, []),
    }


def in_words(session: Session) -> list[str]:
    """How a person proved who she was, each once."""
    said = [str(_PROOFS[method]) for method in session.amr if method in _PROOFS]
    if session.acr == ACR_PASSKEY:
        said = [_("passkey")]
    return list(dict.fromkeys(said))


def _applications(among: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """Names of the applications that a sign-in was used for: by its codes, its device codes, and those that asked to
    hear of its end. Three statements, however many."""
    wanted = list(among)
    pairs: set[tuple[uuid.UUID, str]] = set()
    for model in (Grant, DeviceGrant):
        pairs |= {*model.objects.filter(session__in=wanted).values_list("session", "application__name").distinct()}
    joined = list(Participant.objects.filter(session__in=wanted).values_list("session", "client_id"))
    names = dict(
        Application.objects.filter(client_id__in={client for _sid, client in joined}).values_list("client_id", "name")
    )
    pairs |= {(sid, names[client]) for sid, client in joined if client in names}
    found: dict[uuid.UUID, list[str]] = {}
    for sid, name in sorted(pairs, key=lambda pair: pair[1].lower()):
        found.setdefault(sid, []).append(name)
    return found
