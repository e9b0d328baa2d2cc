"""Revocations: the list, the receipt of each, and the page that finds what to revoke."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts.models import User
from authcenter.audit import events
from authcenter.audit.models import AuditEvent
from authcenter.console import receipts
from authcenter.console.audit import emails
from authcenter.console.confirm import confirmation, is_confirmed
from authcenter.console.long_lists import LongChangeList
from authcenter.console.record import ReadOnlyAdmin, list_link, moment
from authcenter.console.revocation_forms import ACTS, RevocationForm
from authcenter.oauth.models import Application
from authcenter.outbox.models import Delivery
from authcenter.sessions.models import Revocation
from authcenter.sessions.revocation import Kind, revoke

_ENDING = [
    *(events.Kind.TOKEN_REVOKED, events.Kind.SESSION_REVOKED, events.Kind.USER_REVOKED, events.Kind.USER_DISABLED),
    *(events.Kind.APPLICATION_REVOKED, events.Kind.KEY_REVOKED, events.Kind.AUTHORIZATION_WITHDRAWN),
    *(events.Kind.PASSWORD_CHANGED, events.Kind.PASSWORD_RESET, events.Kind.SIGNED_OUT),
]
_AFTER = timedelta(seconds=10)
"""An act writes its event right after the revocation, in one transaction: the first of these within this time."""


class _WithNames(LongChangeList):
    """Ids are what is kept, names are what people read: two statements a page tell them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = _names(self.result_list)
        for revocation in self.result_list:
            revocation.names = names


def _names(revocations: Any) -> dict[str, str]:
    users, applications = [], []
    for revocation in revocations:
        if revocation.kind == Kind.USER:
            users.append(revocation.subject)
        elif revocation.kind == Kind.APPLICATION:
            applications.append(revocation.subject)
    named = Application.objects.filter(client_id__in=applications).values_list("client_id", "name")
    return emails(users) | dict(named)


class RevocationAdmin(ReadOnlyAdmin):
    list_display = ("sequence", "kind", "whom", "epoch", "reason", "at", "until")
    list_filter = ("kind", "reason", ("created", RangeDateTimeFilter))
    list_filter_submit = True
    search_fields = ("=subject", "subject__startswith", "reason")
    search_help_text = _("E-mail address, client ID, ID or reason")
    ordering = ("-sequence",)
    fieldsets = (
        (None, {"fields": ("sequence", "kind", "subject_text", "epoch", "reason", "at", "by")}),
        (_("Who knows"), {"fields": ("here", "followers", "receivers")}),
        (_("What is left"), {"fields": ("tokens", "until")}),
    )
    actions = None

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[LongChangeList]:
        return _WithNames

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Revocation], search_term: str
    ) -> tuple[QuerySet[Revocation], bool]:
        if "@" in search_term:
            person = User.objects.filter(email=search_term.strip().replace("\x00", "").lower()).first()
            search_term = str(person.pk) if person else search_term
        return super().get_search_results(request, queryset, search_term)

    @display(description=_("subject"), ordering="subject")
    def whom(self, revocation: Any) -> str:
        return revocation.names.get(revocation.subject) or revocation.subject

    @display(description=_("subject"))
    def subject_text(self, revocation: Revocation) -> SafeString | str:
        name = _names([revocation]).get(revocation.subject, "")
        model = ACTS[revocation.kind][0] if revocation.kind in ACTS else None
        if model is None:
            return revocation.subject
        by = {"client_id": revocation.subject} if model is Application else {"pk": revocation.subject}
        there = model.objects.filter(**by).first()
        if there is None:
            return format_html("{} ({})", name or revocation.subject, _("not there any more"))
        opts = model._meta
        address = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[there.pk])
        return format_html('<a class="text-link" href="{}">{}</a>', address, name or revocation.subject)

    @display(description=_("created"), ordering="created")
    def at(self, revocation: Revocation) -> str:
        return moment(revocation.created)

    @display(description=_("may be swept after"), ordering="expires")
    def until(self, revocation: Revocation) -> str:
        return moment(revocation.expires)

    @display(description=_("by whom"))
    def by(self, revocation: Revocation) -> SafeString:
        made = revocation.created
        told = AuditEvent.objects.filter(subject=revocation.subject, at__range=(made, made + _AFTER), kind__in=_ENDING)
        event = told.exclude(actor="").order_by("at").first()
        rest = list_link(AuditEvent, _("Events about it"), q=revocation.subject)
        if event is None:
            return rest
        address = reverse("admin:audit_auditevent_change", args=[event.pk])
        name = emails([event.actor]).get(event.actor, event.actor)
        return format_html('<a class="text-link" href="{}">{}</a> · {}', address, name, rest)

    @display(description=_("this server"))
    def here(self, revocation: Revocation) -> str:
        return str(
            _("Refused in every worker of every node within 0.3 seconds; refresh, codes, introspection at once.")
        )

    @display(description=_("APIs that follow the feed"))
    def followers(self, revocation: Revocation) -> str:
        return str(_("Refused within 2 seconds where the feed is reached."))

    @display(description=_("push receivers"))
    def receivers(self, revocation: Revocation) -> SafeString | str:
        told = Delivery.objects.filter(sequence=revocation.sequence).order_by("receiver")
        rows = format_html_join("", "<div>{}: {}</div>", ((one.receiver, _acknowledged(one)) for one in told[:50]))
        return rows or str(_("None was told: no API has asked for it, or its messages are swept."))

    @display(description=_("access tokens"))
    def tokens(self, revocation: Revocation) -> SafeString:
        return format_html(
            "{} {}", _("The last one that it concerns runs out by itself at"), moment(revocation.last_token_expires)
        )

    # --- Revoking something ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("signins.add_revocation"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if is_confirmed(request) and request.POST.get("jti"):
            return self._revoke_token(request, request.POST["jti"][:64])
        form = RevocationForm(request.POST if request.method == "POST" else None, initial={"kind": Kind.USER})
        if form.is_valid():
            kind = form.cleaned_data["kind"]
            if kind == Kind.TOKEN:
                return self._ask_about_token(request, form.found)
            return redirect(f"admin:{ACTS[kind][1]}", object_id=form.found.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Revoke something"),
            "form": form,
        }
        status = 200 if request.method != "POST" else 400
        return TemplateResponse(request, "console/revoke.html", context, status=status)

    def _ask_about_token(self, request: HttpRequest, jti: str) -> HttpResponse:
        return confirmation(
            request,
            self,
            title=_("Revoke a token"),
            text=_(
                "This one access token is refused from now on. A refresh token beside it gets the next: end its family."
            ),
            press=_("Revoke"),
            objects=[jti],
            hit=receipts.of_everything(),
            carried=[("jti", jti)],
            back=reverse("admin:signins_revocation_changelist"),
        )

    def _revoke_token(self, request: HttpRequest, jti: str) -> HttpResponse:
        with transaction.atomic():
            revoke(Kind.TOKEN, jti, reason="revoked by an operator")
            events.record(request, events.Kind.TOKEN_REVOKED, actor=request.user.pk, subject=jti)
        receipts.told(request, str(_("The token is revoked.")), Kind.TOKEN, jti)
        return redirect("admin:signins_revocation_changelist")


def _acknowledged(delivery: Delivery) -> SafeString | str:
    if delivery.delivered:
        return format_html("{} {}", _("acknowledged"), moment(delivery.delivered))
    if delivery.given_up:
        return format_html("{}: {}", _("given up"), delivery.last_error)
    return format_html("{} {}", _("not yet"), delivery.last_error)
