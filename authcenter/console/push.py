"""Push of revocations: where an API wants to be told, and what became of each message."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import StackedInline
from unfold.decorators import action, display

from authcenter.audit import events
from authcenter.console.confirm import confirmation, is_confirmed
from authcenter.console.record import ReadOnlyAdmin, list_link, moment
from authcenter.keys import vault
from authcenter.outbox import outbound, sending
from authcenter.outbox.models import Delivery
from authcenter.sessions.models import Receiver


class ReceiverForm(forms.ModelForm):
    new_secret = forms.CharField(
        label=_("secret"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Sent with each event as “Authorization: Bearer …”. Empty: as it is. A hyphen (-): none."),
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if fault := outbound.fault(url):
            raise forms.ValidationError(fault)
        return url

    def clean_new_secret(self) -> str:
        secret: str = self.cleaned_data["new_secret"]
        if not secret.isascii() or not secret.isprintable() or " " in secret:
            raise forms.ValidationError(_("Visible ASCII characters without spaces."))
        return secret

    def save(self, commit: bool = True) -> Receiver:
        secret = self.cleaned_data.get("new_secret")
        if secret:
            self.instance.secret = "" if secret == "-" else vault.encrypt(secret)
        receiver: Receiver = super().save(commit)
        return receiver


class ReceiverInline(StackedInline):
    model = Receiver
    form = ReceiverForm
    verbose_name = verbose_name_plural = _("Push")
    fields = ("url", "new_secret", "is_active", "state")
    readonly_fields = ("state",)
    extra = 0
    max_num = 1
    tab = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "url":
            options["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **options)

    @display(description=_("state"))
    def state(self, receiver: Receiver) -> Any:
        return state_of(receiver.api.identifier) if receiver.pk else "–"


def state_of(receiver: str) -> Any:
    """In words, with a link to the messages: when one last arrived, and what waits or was given up."""
    sent = Delivery.objects.filter(receiver=receiver)
    last = sent.filter(delivered__isnull=False).order_by("-delivered").values_list("delivered", flat=True).first()
    failing = sent.filter(next_at__isnull=False).exclude(last_error="").order_by("id").first()
    said = [str(_("last delivered %s") % f"{timezone.localtime(last):%Y-%m-%d %H:%M:%S}" if last else _("none yet"))]
    if failing is not None:
        said.append(str(_("failing: %s") % failing.last_error))
    if waiting := sent.filter(next_at__isnull=False).count():
        said.append(ngettext("%d waits", "%d wait", waiting) % waiting)
    if dead := sent.filter(given_up__isnull=False).count():
        said.append(ngettext("%d given up", "%d given up", dead) % dead)
    return list_link(Delivery, "; ".join(said), q=receiver)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("waiting")), ("failing", _("failing")), ("done", _("delivered")), ("dead", _("given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        conditions = {
            "waiting": Q(next_at__isnull=False),
            "failing": Q(next_at__isnull=False) & ~Q(last_error=""),
            "done": Q(delivered__isnull=False),
            "dead": Q(given_up__isnull=False),
        }
        return queryset.filter(conditions.get(str(self.value()), Q()))


class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "receiver", "status", "attempts", "made", "last_error")
    list_filter = (StateFilter, "kind")
    search_fields = ("receiver", "target", "last_error", "=sequence")
    search_help_text = _("API, address, error, or number of a revocation")
    ordering = ("-id",)
    unsearchable = ReadOnlyAdmin.unsearchable | {"message"}
    fields = (
        "kind",
        "receiver",
        "target",
        "sequence",
        "status_text",
        "attempts",
        "last_error",
        "created",
        "next_at",
        "delivered",
        "given_up",
    )
    actions = ("try_again", "drop")
    actions_detail = ("try_one_again",)

    @display(
        description=_("state"),
        label={"waiting": "info", "failing": "warning", "done": "success", "dead": "danger"},
    )
    def status(self, delivery: Delivery) -> tuple[str, Any]:
        if delivery.delivered:
            return "done", _("delivered")
        if delivery.given_up:
            return "dead", _("given up")
        return ("failing", _("failing")) if delivery.last_error else ("waiting", _("waiting"))

    @display(description=_("state"))
    def status_text(self, delivery: Delivery) -> str:
        return str(self.status(delivery)[1])

    @display(description=_("created"), ordering="created")
    def made(self, delivery: Delivery) -> str:
        return moment(delivery.created)

    def about(self, obj: Any) -> dict[str, Any]:
        return {"subject": obj.receiver}

    def has_try_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("outbox.change_delivery"))

    @admin.action(description=_("Try again now"), permissions=["try"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self._again(request, queryset)

    @action(description=_("Try again now"), url_path="again", permissions=["try"], icon="refresh")
    def try_one_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.found(request, object_id)
        if not is_confirmed(request):
            return confirmation(
                request,
                self,
                title=_("Try again now"),
                text=_("It is sent once more, unless it has arrived already."),
                press=_("Try again"),
                objects=[delivery],
                back=self.address_of(delivery),
            )
        self._again(request, Delivery.objects.filter(pk=delivery.pk))
        return redirect(self.address_of(delivery))

    @admin.action(description=_("Give up"), permissions=["try"])
    def drop(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        waiting = queryset.filter(next_at__isnull=False)
        if not is_confirmed(request):
            return confirmation(
                request,
                self,
                title=_("Give up deliveries"),
                text=_("They are not tried any more. The receiver learns of these revocations from the feed alone."),
                press=_("Give up"),
                objects=waiting,
            )
        now = timezone.now()
        count = waiting.update(given_up=now, next_at=None, last_error="given up by an operator")
        events.record(request, events.Kind.OPERATOR_CHANGE, actor=request.user.pk, act="gave up", deliveries=count)
        messages.success(request, ngettext("%d delivery given up.", "%d deliveries given up.", count) % count)
        return None

    def _again(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        """A dead letter begins a new day of attempts."""
        now = timezone.now()
        count = chosen.filter(delivered=None).update(next_at=now, given_up=None, created=now, attempts=0, claimed=None)
        sending.wake.set()
        events.record(request, events.Kind.OPERATOR_CHANGE, actor=request.user.pk, act="tried again", deliveries=count)
        messages.success(
            request, ngettext("%d delivery is tried again.", "%d deliveries are tried again.", count) % count
        )
