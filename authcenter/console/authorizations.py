"""What people granted to applications, and the families of refresh tokens that it bought: to see and to end."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from authcenter.audit import events
from authcenter.console import long_lists, receipts
from authcenter.console.confirm import confirmation, is_confirmed, report
from authcenter.console.operators import may_manage
from authcenter.console.record import ReadOnlyAdmin, list_link, moment
from authcenter.oauth.models import Application, Authorization, Family
from authcenter.oauth.withdrawal import end_family, withdraw
from authcenter.sessions.revocation import Kind


class LivingFilter(admin.SimpleListFilter):
    """The model's own end, by the name of its column."""

    title = _("state")
    parameter_name = "living"
    column = "withdrawn"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Alive")), ("no", _("Over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"yes", "no"}:
            return queryset.filter(**{f"{self.column}__isnull": self.value() == "yes"})
        return queryset


class FamilyLivingFilter(LivingFilter):
    column = "ended"


def _of_whom_or_what(term: str) -> Q:
    """By an id, by whose they are, or by the application: ids of it, as there are not many."""
    if by_id := long_lists.named_id(term):
        return by_id
    named = Application.objects.filter(Q(name__icontains=term) | Q(client_id=term)).order_by("name")
    return Q(application__in=list(named.values_list("pk", flat=True)[:100])) | long_lists.of_people(term)


class AuthorizationAdmin(ReadOnlyAdmin):
    list_display = ("person", "app", "state", "scope_names", "given", "used")
    list_filter = (LivingFilter, ("application", long_lists.UsedFilter))
    indexed = ("-granted",)
    list_select_related = ("user", "application")
    search_fields = ("user__email", "application__name", "application__client_id", "id__startswith")
    fieldsets = (
        (None, {"fields": ("user", "application", "state_text", "id")}),
        (_("What"), {"fields": ("scope_names", "api_names", "families")}),
        (_("When"), {"fields": ("granted", "updated", "last_used", "withdrawn", "withdrawn_by")}),
    )
    actions = ("withdraw_selected",)
    actions_detail = ("withdraw_one",)

    def found_by_index(self, term: str) -> Q:
        return _of_whom_or_what(term)

    @display(description=_("user"), ordering="user__email")
    def person(self, authorization: Authorization) -> str:
        return str(authorization.user)

    @display(description=_("application"), ordering="application__name")
    def app(self, authorization: Authorization) -> str:
        return str(authorization.application)

    @display(description=_("state"), label={"alive": "success", "over": "default"})
    def state(self, authorization: Authorization) -> tuple[str, Any]:
        return ("over", _("withdrawn")) if authorization.withdrawn else ("alive", _("alive"))

    @display(description=_("state"))
    def state_text(self, authorization: Authorization) -> str:
        return str(self.state(authorization)[1])

    @display(description=_("granted"), ordering="granted")
    def given(self, authorization: Authorization) -> str:
        return moment(authorization.granted)

    @display(description=_("last used"), ordering="last_used")
    def used(self, authorization: Authorization) -> str:
        return moment(authorization.last_used)

    @display(description=_("scopes"))
    def scope_names(self, authorization: Authorization) -> str:
        return " ".join(authorization.scopes)

    @display(description=_("APIs"))
    def api_names(self, authorization: Authorization) -> str:
        return " ".join(authorization.resources)

    @display(description=_("families"))
    def families(self, authorization: Authorization) -> str:
        count = Family.objects.filter(authorization=authorization).count()
        return list_link(Family, ngettext("%d family", "%d families", count) % count, authorization=authorization.pk)

    def has_withdraw_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("oauth.change_authorization"))

    @admin.action(description=_("Withdraw authorizations"), permissions=["withdraw"])
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> HttpResponse | None:
        authorizations = queryset.select_related("user", "application")
        if not is_confirmed(request):
            return self._ask(request, authorizations)
        _withdraw(request, authorizations)
        return None

    @action(
        description=_("Withdraw"),
        url_path="withdraw",
        permissions=["withdraw"],
        variant=ActionVariant.DANGER,
        icon="block",
    )
    def withdraw_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        authorization = self.found(request, object_id)
        if not is_confirmed(request):
            return self._ask(request, [authorization], back=self.address_of(authorization))
        _withdraw(request, [authorization])
        return redirect(self.address_of(authorization))

    def _ask(self, request: HttpRequest, authorizations: Iterable[Authorization], back: str = "") -> HttpResponse:
        return confirmation(
            request,
            self,
            title=_("Withdraw authorizations"),
            text=_("The applications lose access now, on every device, and must ask these people again."),
            press=_("Withdraw"),
            objects=authorizations,
            hit=receipts.of_authorizations(Authorization.objects.filter(pk__in=[one.pk for one in authorizations])),
            named=lambda one: f"{one.user} → {one.application}",
            back=back,
        )


def _withdraw(request: HttpRequest, authorizations: Iterable[Authorization]) -> None:
    done, kept = 0, 0
    for authorization in authorizations:
        with transaction.atomic():  # one by one, see `revocation.revoke`
            if not may_manage(request.user, authorization.user):
                kept += 1
            elif withdraw(authorization.pk, reason="withdrawn by an operator"):
                done += 1
                events.record(
                    request,
                    events.Kind.AUTHORIZATION_WITHDRAWN,
                    actor=request.user.pk,
                    subject=authorization.pk,
                    client_id=authorization.application.client_id,
                    user=authorization.user_id,
                )
    said = ngettext("%d authorization withdrawn.", "%d authorizations withdrawn.", done) % done
    report(request, said, kept, (Kind.AUTHORIZATION, [one.pk for one in authorizations]))


class FamilyAdmin(ReadOnlyAdmin):
    """Refresh grants. The token's hash and its encrypted successor are no business of operators."""

    list_display = ("person", "app", "state", "offline", "generation", "begun", "refreshed")
    list_filter = (FamilyLivingFilter, "offline", ("application", long_lists.UsedFilter))
    indexed = ("-created",)
    list_select_related = ("user", "application")
    search_fields = ("user__email", "application__name", "application__client_id", "id__startswith")
    fieldsets = (
        (None, {"fields": ("user", "application", "authorization", "session", "state_text", "id")}),
        (_("What"), {"fields": ("scope", "api_names", "offline", "generation", "methods", "acr")}),
        (
            _("When"),
            {"fields": ("auth_time", "created", "rotated", "expires", "absolute_expires", "ended", "ended_by")},
        ),
    )
    actions = ("end_selected",)
    actions_detail = ("end_one",)

    def found_by_index(self, term: str) -> Q:
        return _of_whom_or_what(term)

    @display(description=_("user"), ordering="user__email")
    def person(self, family: Family) -> str:
        return str(family.user)

    @display(description=_("application"), ordering="application__name")
    def app(self, family: Family) -> str:
        return str(family.application)

    @display(description=_("state"), label={"alive": "success", "over": "default"})
    def state(self, family: Family) -> tuple[str, Any]:
        now = timezone.now()
        if family.ended:
            return "over", _("ended")
        return ("alive", _("alive")) if now < min(family.expires, family.absolute_expires) else ("over", _("expired"))

    @display(description=_("state"))
    def state_text(self, family: Family) -> str:
        return str(self.state(family)[1])

    @display(description=_("created"), ordering="created")
    def begun(self, family: Family) -> str:
        return moment(family.created)

    @display(description=_("last refreshed"), ordering="rotated")
    def refreshed(self, family: Family) -> str:
        return moment(family.rotated)

    @display(description=_("APIs"))
    def api_names(self, family: Family) -> str:
        return " ".join(family.resource)

    @display(description=_("authentication methods"))
    def methods(self, family: Family) -> str:
        return ", ".join(family.amr)

    def has_end_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("oauth.change_family"))

    @admin.action(description=_("End families"), permissions=["end"])
    def end_selected(self, request: HttpRequest, queryset: QuerySet[Family]) -> HttpResponse | None:
        families = queryset.select_related("user", "application")
        if not is_confirmed(request):
            return self._ask(request, families)
        _end(request, families)
        return None

    @action(description=_("End"), url_path="end", permissions=["end"], variant=ActionVariant.DANGER, icon="block")
    def end_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        family = self.found(request, object_id)
        if not is_confirmed(request):
            return self._ask(request, [family], back=self.address_of(family))
        _end(request, [family])
        return redirect(self.address_of(family))

    def _ask(self, request: HttpRequest, families: Iterable[Family], back: str = "") -> HttpResponse:
        return confirmation(
            request,
            self,
            title=_("End families"),
            text=_("These refresh tokens, and the access tokens that they bought, are refused from now on."),
            press=_("End"),
            objects=families,
            hit=receipts.of_families(Family.objects.filter(pk__in=[one.pk for one in families])),
            named=lambda family: f"{family.user} → {family.application} ({family.pk})",
            back=back,
        )


def _end(request: HttpRequest, families: Iterable[Family]) -> None:
    done, kept = 0, 0
    for family in families:
        with transaction.atomic():  # one by one, see `revocation.revoke`
            if not may_manage(request.user, family.user):
                kept += 1
            elif end_family(family.pk, reason="ended by an operator"):
                done += 1
                events.record(
                    request,
                    events.Kind.TOKEN_REVOKED,
                    actor=request.user.pk,
                    subject=family.pk,
                    client_id=family.application.client_id,
                    user=family.user_id,
                )
    said = ngettext("%d family ended.", "%d families ended.", done) % done
    report(request, said, kept, (Kind.FAMILY, [one.pk for one in families]))
