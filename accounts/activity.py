"""/account/activity/: what was done with one's account and what was refused, in plain words.

A row of the security log is a person's where she acted or where it is about her. Words are for people; the log's own
names are for operators.
"""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.device import device_icon, device_name
from accounts.home import me
from accounts.models import User
from accounts.pages import show
from authcenter.audit.events import Kind
from authcenter.audit.models import AuditEvent
from authcenter.audit.place import place_of

PER_PAGE = 30
RECENT = 5

_SIGN_INS = {
    Kind.SIGNED_UP: _("Account made"),
    Kind.SIGNED_IN: _("Signed in"),
    Kind.REAUTHENTICATED: _("Signed in again"),
    Kind.SIGNED_OUT: _("Signed out"),
    Kind.SESSION_REVOKED: _("Another sign-in ended"),
    Kind.USER_REVOKED: _("Signed out everywhere"),
    Kind.BROWSER_TRUSTED: _("Browser trusted"),
    Kind.TRUST_ENDED: _("Trust in browsers ended"),
    Kind.NOT_ME: _("You said: that was not me"),
}
_REFUSED = {
    Kind.SIGN_IN_REFUSED: _("Sign-in refused"),
    Kind.CODE_REFUSED: _("Wrong code from a mail"),
    Kind.FACTOR_REFUSED: _("Second factor refused"),
    Kind.IDENTITY_REFUSED: _("Sign-in with another account refused"),
    Kind.LIMIT_REACHED: _("Too many attempts"),
    Kind.REFRESH_REPLAYED: _("A copied token came back: its access ended"),
}
_CHANGES = {
    Kind.PASSWORD_CHANGED: _("Password changed"),
    Kind.PASSWORD_RESET: _("Password reset"),
    Kind.EMAIL_VERIFIED: _("E-mail address confirmed"),
    Kind.PROFILE_CHANGED: _("Profile changed"),
    Kind.FACTOR_ADDED: _("Sign-in method added"),
    Kind.FACTOR_REMOVED: _("Sign-in method removed"),
    Kind.RECOVERY_CODES_MADE: _("Recovery codes made"),
    Kind.RECOVERY_CODE_USED: _("Recovery code used"),
    Kind.IDENTITY_LINKED: _("Other account linked"),
    Kind.IDENTITY_UNLINKED: _("Other account unlinked"),
    Kind.INVITATION_ACCEPTED: _("Invitation accepted"),
    Kind.TERMS_ACCEPTED: _("Terms accepted"),
    Kind.ORGANISATION_JOINED: _("Organisation joined"),
    Kind.ORGANISATION_LEFT: _("Organisation left"),
    Kind.DATA_DOWNLOADED: _("Your data downloaded"),
    Kind.DELETION_ASKED: _("Deletion of the account asked for"),
    Kind.DELETION_CANCELLED: _("Deletion of the account cancelled"),
    Kind.USER_DISABLED: _("Account closed"),
}
_APPS = {
    Kind.CONSENT_GIVEN: _("App allowed"),
    Kind.CONSENT_DENIED: _("App refused"),
    Kind.DEVICE_CONNECTED: _("Device connected"),
    Kind.AUTHORIZATION_WITHDRAWN: _("App removed"),
}
_GROUPS: dict[str, tuple[Any, dict[Kind, Any]]] = {
    "sign-ins": (_("Sign-ins"), _SIGN_INS),
    "refused": (_("Refused"), _REFUSED),
    "changes": (_("Changes"), _CHANGES),
    "apps": (_("Apps"), _APPS),
}
_TOLD: dict[Kind, Any] = {**_SIGN_INS, **_REFUSED, **_CHANGES, **_APPS}
_DAYS = {"1": _("Last 24 hours"), "7": _("Last 7 days"), "30": _("Last 30 days")}


@login_required
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    kind, days = request.GET.get("kind", ""), request.GET.get("days", "")
    found = of(me(request), _GROUPS[kind][1] if kind in _GROUPS else _TOLD)
    if days in _DAYS:
        found = found.filter(at__gte=timezone.now() - timedelta(days=int(days)))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "told": [told(event, me(request)) for event in page],
        "kinds": [(name, title) for name, (title, _kinds) in _GROUPS.items()],
        "kind": kind if kind in _GROUPS else "",
        "spans": list(_DAYS.items()),
        "days": days if days in _DAYS else "",
        "here": "activity",
    }
    return show(request, "account/home/activity.html", context)


_FACTORS = {"totp": _("authenticator app"), "webauthn": _("passkey or security key")}


def recent_activity(request: HttpRequest) -> dict[str, object]:
    """The newest few, for the security page: `told`."""
    return {"told": [told(event, me(request)) for event in of(me(request), _TOLD)[:RECENT]]}


def of(user: User, kinds: Any) -> QuerySet[AuditEvent]:
    mine = str(user.pk)
    return AuditEvent.objects.filter(Q(actor=mine) | Q(subject=mine), kind__in=list(kinds))


def told(event: AuditEvent, user: User) -> dict[str, object]:
    """One event in words, as the pages show it: without where another person was who did it."""
    kind = Kind(event.kind)
    address, agent = (event.address, event.user_agent) if event.actor in {"", str(user.pk)} else ("", "")
    detail = event.detail if isinstance(event.detail, dict) else {}
    return {
        "words": _TOLD[kind],
        "what": _FACTORS.get(str(detail.get("factor")))
        or next((detail[name] for name in ("application", "factor", "provider") if detail.get(name)), "")
        or event.client_id,
        "refused": kind in _REFUSED,
        "at": event.at,
        "address": address,
        "place": place_of(address),
        "device": device_name(agent) if agent else "",
        "icon": device_icon(agent),
    }
