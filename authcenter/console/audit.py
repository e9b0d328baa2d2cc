"""The security log, for everybody to read who may, and for nobody to change: superusers neither."""

from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from accounts.models import User
from authcenter.audit.models import AuditEvent
from authcenter.console.long_lists import LongChangeList
from authcenter.console.record import ReadOnlyAdmin, moment
from authcenter.oauth.models import Application


class _WithNames(LongChangeList):
    """Ids are what the log keeps, names are what people read: one statement a page tells them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = emails(id for event in self.result_list for id in (event.actor, event.subject))
        for event in self.result_list:
            event.names = names


class AuditAdmin(ReadOnlyAdmin):
    list_display = ("when", "what", "who", "whom", "client_id", "address")
    list_filter = (("kind", MultipleChoicesDropdownFilter), ("at", RangeDateTimeFilter))
    list_filter_submit = True
    search_fields = ("actor", "subject", "client_id", "address", "request_id")
    search_help_text = _("E-mail address, user ID, client ID, address or request ID")
    ordering = ("-at",)
    indexed = ("-at",)
    fields = (
        "when",
        "kind",
        "actor_text",
        "subject_text",
        "client_id",
        "address",
        "user_agent",
        "request_id",
        "details",
        "id",
    )
    actions = None

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[LongChangeList]:
        return _WithNames

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        event = super().get_object(request, object_id, from_field)
        if event is not None:
            event.names = emails([event.actor, event.subject])
        return event

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        if "@" in search_term:
            person = User.objects.filter(email=search_term.strip().replace("\x00", "").lower()).first()
            search_term = str(person.pk) if person else search_term
        return super().get_search_results(request, queryset, search_term)

    def found_by_index(self, term: str) -> Q:
        """The whole of what an event names; each of these columns has an index. A UUID is no client ID or address of
        ours, and is not looked for there: of a column with few values the planner expects many rows for any."""
        if Application.objects.filter(client_id=term).exists():
            return Q(client_id=term)  # alone: of the many that it may have, the index then gives them in order
        columns = ["actor", "subject", "request_id"]
        if not _is_uuid(term):
            columns += ["client_id", "address"]
        return reduce(or_, (Q(**{column: term}) for column in columns))

    @display(description=_("time"), ordering="at")
    def when(self, event: AuditEvent) -> str:
        return moment(event.at)

    @display(description=_("event"), ordering="kind", label={"refused": "warning", "revoked": "danger", "": "default"})
    def what(self, event: AuditEvent) -> tuple[str, str]:
        return _tone(event.kind), event.get_kind_display()

    @display(description=_("actor"))
    def who(self, event: Any) -> str:
        return _named(event, event.actor)

    @display(description=_("subject"))
    def whom(self, event: Any) -> str:
        return _named(event, event.subject)

    @display(description=_("actor"))
    def actor_text(self, event: Any) -> str:
        return _in_full(event, event.actor)

    @display(description=_("subject"))
    def subject_text(self, event: Any) -> str:
        return _in_full(event, event.subject)

    @display(description=_("detail"))
    def details(self, event: AuditEvent) -> SafeString:
        told = ((name, _listed(value)) for name, value in event.detail.items())
        rows = format_html_join("", "<div><strong>{}</strong>: {}</div>", told)
        return rows or format_html("{}", "–")


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _tone(kind: str) -> str:
    if kind.endswith(("_refused", "_replayed", "_denied")) or kind == AuditEvent.Kind.LIMIT_REACHED:
        return "refused"
    if kind.endswith(("_revoked", "_withdrawn", "_disabled")):
        return "revoked"
    return ""


def _named(event: Any, text: str) -> str:
    """For the list: a person's address, and of other ids as much as tells them apart."""
    name: str | None = event.names.get(text)
    return name or (f"{text[:13]}…" if len(text) > 32 else text)


def _in_full(event: Any, text: str) -> str:
    name = event.names.get(text)
    return f"{name} ({text})" if name else text


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def emails(ids: Any) -> dict[str, str]:
    """E-mail addresses of those ids that are people's."""
    people = {UUID(text) for text in ids if _is_uuid(text)}
    return {str(pk): email for pk, email in User.objects.filter(pk__in=people).values_list("pk", "email")}
