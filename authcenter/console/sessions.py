"""Sign-in sessions, to see and to end."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.device import device_name
from authcenter.audit import events
from authcenter.console import long_lists, receipts
from authcenter.console.alive import alive
from authcenter.console.confirm import confirmation, is_confirmed, report
from authcenter.console.operators import may_manage
from authcenter.console.record import ReadOnlyAdmin, moment
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import Kind, end_session

REASON = "ended by an operator"


class AliveFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "alive"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Alive")), ("no", _("Over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        if self.value() == "yes":
            return queryset.filter(alive())
        if self.value() == "no":
            return queryset.exclude(alive())
        return queryset


class SessionAdmin(ReadOnlyAdmin):
    list_display = ("person", "state", "kind", "methods", "device", "address", "begun", "seen")
    list_filter = (AliveFilter, "kind", "remembered")
    list_select_related = ("user",)
    search_fields = ("user__email", "address", "id__startswith")
    ordering = ("-last_seen",)
    indexed = ("-created",)
    fieldsets = (
        (None, {"fields": ("user", "state_text", "id")}),
        (_("How"), {"fields": ("kind", "methods", "acr", "auth_time", "remembered")}),
        (_("Where"), {"fields": ("address", "user_agent")}),
        (_("When"), {"fields": ("created", "last_seen", "expires", "idle_seconds", "ended", "ended_by")}),
    )
    actions = ("end_selected",)
    actions_detail = ("end_one",)

    @display(description=_("user"), ordering="user__email")
    def person(self, session: Session) -> str:
        return str(session.user)

    @display(description=_("state"), label={"alive": "success", "over": "default"})
    def state(self, session: Session) -> tuple[str, Any]:
        return ("alive", _("alive")) if session.is_alive else ("over", _("over"))

    @display(description=_("state"))
    def state_text(self, session: Session) -> str:
        return str(self.state(session)[1])

    def found_by_index(self, term: str) -> Q:
        return long_lists.named_id(term) or Q(address=term) | long_lists.of_people(term)

    @display(description=_("signed in"), ordering="created")
    def begun(self, session: Session) -> str:
        return moment(session.created)

    @display(description=_("last seen"), ordering="last_seen")
    def seen(self, session: Session) -> str:
        return moment(session.last_seen)

    @display(description=_("authentication methods"))
    def methods(self, session: Session) -> str:
        return ", ".join(session.amr)

    @display(description=_("device"))
    def device(self, session: Session) -> str:
        return device_name(session.user_agent)

    def has_end_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("signins.change_session"))

    @admin.action(description=_("End sessions"), permissions=["end"])
    def end_selected(self, request: HttpRequest, queryset: QuerySet[Session]) -> HttpResponse | None:
        sessions = queryset.select_related("user")
        if not is_confirmed(request):
            return _ask(request, self, sessions)
        _end(request, sessions)
        return None

    @action(
        description=_("End session"), url_path="end", permissions=["end"], variant=ActionVariant.DANGER, icon="logout"
    )
    def end_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        session = self.found(request, object_id)
        if not is_confirmed(request):
            return _ask(request, self, [session], back=self.address_of(session))
        _end(request, [session])
        return redirect(self.address_of(session))


def _ask(request: HttpRequest, model_admin: Any, sessions: Iterable[Session], back: str = "") -> HttpResponse:
    return confirmation(
        request,
        model_admin,
        title=_("End sessions"),
        text=_("These devices are signed out now; their tokens are refused, save those that outlive a sign-out."),
        press=_("End"),
        objects=sessions,
        hit=receipts.of_sessions(Session.objects.filter(pk__in=[session.pk for session in sessions])),
        named=lambda session: f"{session.user} · {session.get_kind_display()} · {session.address}",
        back=back,
    )


def _end(request: HttpRequest, sessions: Iterable[Session]) -> None:
    ended, kept = 0, 0
    for session in sessions:
        with transaction.atomic():  # one by one, see `revocation.revoke`
            if not may_manage(request.user, session.user):
                kept += 1
            elif end_session(session.pk, reason=REASON):
                ended += 1
                events.record(
                    request,
                    events.Kind.SESSION_REVOKED,
                    actor=request.user.pk,
                    subject=session.pk,
                    user=session.user_id,
                )
    done = ngettext("%d session ended.", "%d sessions ended.", ended) % ended
    report(request, done, kept, (Kind.SESSION, [session.pk for session in sessions]))
