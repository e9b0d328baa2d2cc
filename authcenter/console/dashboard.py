"""The first page: how many are here, what was refused lately, how old the keys are."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from authcenter.audit.models import AuditEvent
from authcenter.console import long_lists
from authcenter.console.long_lists import CountOf, briefly, roughly, told, up_to
from authcenter.console.navigation import list_address, may_view
from authcenter.console.sessions import alive
from authcenter.keys.models import Key
from authcenter.oauth.models import Application, Authorization
from authcenter.sessions.models import Session

_REFUSALS = (
    AuditEvent.Kind.SIGN_IN_REFUSED,
    AuditEvent.Kind.CODE_REFUSED,
    AuditEvent.Kind.AUTHORIZATION_REFUSED,
    AuditEvent.Kind.CLIENT_REFUSED,
    AuditEvent.Kind.GRANT_REFUSED,
    AuditEvent.Kind.CODE_REPLAYED,
    AuditEvent.Kind.REFRESH_REPLAYED,
    AuditEvent.Kind.TOKEN_REFUSED,
    AuditEvent.Kind.LIMIT_REACHED,
    AuditEvent.Kind.NOT_ME,
)


def environment(request: HttpRequest) -> list[Any] | None:
    """The mark in the header that tells a demo from the real thing."""
    return [_("Demo"), "warning"] if settings.DEMO else None


def style_sheet(request: HttpRequest) -> str:
    return static("css/console.css")


def icon(request: HttpRequest) -> str:
    return static("img/icon.svg")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold adds to the index; each part for who may see its list."""
    since = timezone.now() - timedelta(hours=24)
    context["cards"] = _cards(request, since)
    if may_view(request, AuditEvent):
        context["refusals"] = _refusals(since)
        context["latest"] = AuditEvent.objects.order_by("-at")[:8]
        context["audit_address"] = list_address(AuditEvent)
    if may_view(request, Key):
        context["keys"] = Key.objects.exclude(state=Key.State.REVOKED).order_by("algorithm", "state")
        context["keys_address"] = list_address(Key)
    context["version"] = settings.VERSION
    context["issuer"] = settings.ISSUER
    return context


def _cards(request: HttpRequest, since: Any) -> list[dict[str, Any]]:
    refused = AuditEvent.objects.filter(kind=AuditEvent.Kind.SIGN_IN_REFUSED, at__gte=since)
    offered = (
        (User, _("Active people"), roughly, User.objects.filter(is_active=True), ""),
        (Session, _("Living sessions"), briefly, Session.objects.filter(alive()), "?alive=yes"),
        (
            Application,
            _("Active applications"),
            _up_to,
            Application.objects.filter(is_active=True),
            "?is_active__exact=1",
        ),
        (Authorization, _("Authorizations"), roughly, Authorization.objects.filter(withdrawn=None), "?living=yes"),
        (AuditEvent, _("Refused sign-ins, 24 hours"), _up_to, refused, f"?kind__in={AuditEvent.Kind.SIGN_IN_REFUSED}"),
    )
    return [
        {"title": title, "count": counted(rows), "address": list_address(model) + query}
        for model, title, counted, rows, query in offered
        if may_view(request, model)
    ]


def _up_to(rows: QuerySet[Any]) -> str:
    return told(up_to(rows))


def _refusals(since: Any) -> list[dict[str, Any]]:
    """The kinds that there were, the most frequent first: one statement, in which each count ends at `MOST`."""
    of_kind = {kind: AuditEvent.objects.filter(kind=kind, at__gte=since) for kind in _REFUSALS}
    counts = {kind.value: CountOf(rows, most=long_lists.MOST) for kind, rows in of_kind.items()}
    rows: list[Any] = list(AuditEvent.objects.order_by().values(**counts)[:1])  # none where no event is
    return [
        {"kind": kind, "title": AuditEvent.Kind(kind).label, "count": told(count)}
        for kind, count in sorted(rows[0].items() if rows else (), key=lambda item: -item[1])
        if count
    ]
