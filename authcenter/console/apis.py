"""APIs and their scopes; the secret that an API asks introspection with is shown once."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import StackedInline
from unfold.decorators import action, display

from authcenter.audit import events
from authcenter.console import receipts
from authcenter.console.confirm import confirmation, is_confirmed, secret_page
from authcenter.console.push import ReceiverInline
from authcenter.console.record import RecordAdmin
from authcenter.oauth import own_api
from authcenter.oauth.models import API, Application, Scope
from authcenter.oauth.registration import set_new_secret
from authcenter.oauth.scopes import IDENTITY
from authcenter.sessions.models import Receiver
from authcenter.sessions.push import changed as push_changed
from authcenter.sessions.push import gone as push_gone
from authcenter.sessions.push import send_test
from authcenter.sessions.revocation import Kind, end_all_of_application


class APIForm(forms.ModelForm):
    def clean_identifier(self) -> str:
        """RFC 8707 section 2: an absolute URI without a fragment."""
        identifier: str = self.cleaned_data["identifier"]
        try:
            scheme = urlsplit(identifier).scheme
        except ValueError:
            scheme = ""
        if not scheme or "#" in identifier or not identifier.isascii() or any(map(str.isspace, identifier)):
            raise forms.ValidationError(_("An absolute URI without a fragment, such as https://api.example.com."))
        return identifier


class ScopeForm(forms.ModelForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk and "name" in self.fields:
            self.fields["name"].disabled = True  # tokens and consents carry it

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name in IDENTITY:
            raise forms.ValidationError(_("This name belongs to OpenID Connect."))
        return name


class ScopeInline(StackedInline):
    model = Scope
    form = ScopeForm
    fields = (("name", "title"), ("access", "sensitive"), "description")
    extra = 0
    per_page = 20  # the server takes at most 200 fields in a form
    tab = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if _is_own(obj) else ()  # our code asks for these names

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and not _is_own(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_own(obj)


class APIAdmin(RecordAdmin):
    list_display = ("name", "identifier", "client_id", "is_active", "scope_count", "created")
    list_filter = ("is_active",)
    search_fields = ("name", "identifier", "client_id", "scopes__name")
    form = APIForm
    inlines = (ScopeInline, ReceiverInline)
    add_fieldsets = ((None, {"fields": ("name", "identifier", "description")}),)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "identifier",
                    "description",
                    "self_service",
                    "is_active",
                    "ends",
                    "client_id",
                    "introspection_signed_response_alg",
                    "created",
                )
            },
        ),
    )
    actions_detail = ("roll_secret", "test_push")

    def get_inlines(self, request: HttpRequest, obj: Any) -> tuple[Any, ...]:
        """Whom to tell of revocations is asked once there is an API."""
        return self.inlines if obj is not None else (ScopeInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[API]:
        return super().get_queryset(request).annotate(scopes_count=Count("scopes", distinct=True))

    @display(description=_("scopes"), ordering="scopes_count")
    def scope_count(self, api: Any) -> int:
        return int(api.scopes_count)

    def about(self, obj: Any) -> dict[str, Any]:
        return {"subject": obj.identifier, "client_id": obj.client_id}

    def hit(self, objs: Iterable[API]) -> list[str]:
        return receipts.of_applications(_who_may_ask(Scope.objects.filter(api__in=[api.pk for api in objs])))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if _is_own(obj):
            return ("identifier", "is_active", "ends", "client_id", "created")  # it follows the issuer
        fixed = ("ends", "client_id", "created")
        return fixed if obj is None else ("identifier", *fixed)  # tokens, applications and messages carry it

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_own(obj)

    def has_roll_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        api = self.get_object(request, object_id) if object_id else None
        return self.has_change_permission(request, api) and not _is_own(api)

    def save_model(self, request: HttpRequest, obj: API, form: Any, change: bool) -> None:
        if change and "is_active" in form.changed_data and not obj.is_active:
            _end_all(request, obj, obj.scopes.all(), "API disabled by an operator")
        if not change:
            obj.new_secret = set_new_secret(obj)  # type: ignore[attr-defined]  # for `response_add`, no column
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data:
            push_changed(obj.identifier)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._show(request, obj, obj.new_secret)

    def end_access(self, request: HttpRequest, obj: API) -> None:
        """Tokens for it belong to the applications that could ask for its scopes: they must get new ones."""
        _end_all(request, obj, obj.scopes.all(), "API deleted by an operator")
        push_gone(obj.identifier)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        going = [scope.instance.pk for scope in formset.deleted_forms if scope.instance.pk]
        if going:
            _end_all(request, form.instance, Scope.objects.filter(pk__in=going), "scope deleted by an operator")
        super().save_formset(request, form, formset, change)
        if formset.model is Receiver and formset.has_changed():
            push_changed(form.instance.identifier)

    @action(description=_("Roll secret"), url_path="roll-secret", permissions=["roll"], icon="autorenew")
    def roll_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        api: API = self.found(request, object_id)
        if not self.has_change_permission(request, api) or _is_own(api):
            raise PermissionDenied
        if not is_confirmed(request):
            return confirmation(
                request,
                self,
                title=_("Roll the secret"),
                text=_("The present secret is refused at once. The new one is shown once, on the next page."),
                press=_("Roll"),
                objects=[api],
                back=self.address_of(api),
            )
        with transaction.atomic():
            secret = set_new_secret(api)
            api.save(update_fields=["client_secret"])
            events.record(request, events.Kind.SECRET_ROLLED, actor=request.user.pk, **self.about(api))
        return self._show(request, api, secret)

    @action(description=_("Test push"), url_path="test-push", permissions=["test_push"], icon="send")
    def test_push(self, request: HttpRequest, object_id: str) -> HttpResponse:
        api: API = self.found(request, object_id)
        receiver = Receiver.objects.filter(api=api).select_related("api").first()
        if receiver is None:
            messages.error(request, _("This API has no address for push yet: add it below, and save."))
            return redirect(self.address_of(api))
        if not is_confirmed(request):
            return confirmation(
                request,
                self,
                title=_("Test push"),
                text=_("A signed test event, which revokes nothing, is sent now. You see what the receiver answers."),
                press=_("Send"),
                objects=[receiver.url],
                back=self.address_of(api),
            )
        taken, said = send_test(receiver)
        events.record(
            request,
            events.Kind.OPERATOR_CHANGE,
            actor=request.user.pk,
            **self.about(api),
            act="tested push",
            taken=taken,
        )
        if taken:
            messages.success(request, _("The receiver took the event: %s") % said)
        else:
            messages.error(request, _("The receiver did not take the event: %s") % said)
        return redirect(self.address_of(api))

    def has_test_push_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("signins.change_receiver"))

    def _show(self, request: HttpRequest, api: API, secret: str) -> HttpResponse:
        return secret_page(
            request,
            self,
            title=_("Introspection secret"),
            name=api.name,
            client_id=api.client_id,
            secret=secret,
            onward=self.address_of(api),
        )


class ScopeAdmin(RecordAdmin):
    """To find a scope among many. Its name and API are fixed: tokens and consents carry them."""

    list_display = ("name", "api", "title", "access", "sensitive", "users")
    list_filter = ("api", "access", "sensitive")
    list_select_related = ("api",)
    search_fields = ("name", "title", "description")
    fields = ("api", "name", "title", "description", "access", "sensitive")
    readonly_fields = ("api", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scope]:
        return super().get_queryset(request).annotate(application_count=Count("applications"))

    @display(description=_("applications"), ordering="application_count")
    def users(self, scope: Any) -> int:
        return int(scope.application_count)

    def about(self, obj: Any) -> dict[str, Any]:
        return {"subject": obj.name}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not those of our own API: our code asks for them."""
        return super().has_delete_permission(request, obj) and not (obj is not None and _is_own(obj.api))

    def hit(self, objs: Iterable[Scope]) -> list[str]:
        return receipts.of_applications(_who_may_ask(Scope.objects.filter(pk__in=[scope.pk for scope in objs])))

    def end_access(self, request: HttpRequest, obj: Scope) -> None:
        _end_all(request, obj.api, Scope.objects.filter(pk=obj.pk), "scope deleted by an operator")


def _end_all(request: HttpRequest, api: API, scopes: QuerySet[Scope], reason: str) -> None:
    """Tokens carry names of scopes until they expire: the applications that could ask for these must get new ones."""
    # All of them first, in their order: see `revocation.revoke`.
    ended = [one.client_id for one in _who_may_ask(scopes).order_by("pk").select_for_update()]
    for client_id in ended:
        end_all_of_application(client_id, reason=reason)
        events.record(
            request,
            events.Kind.APPLICATION_REVOKED,
            actor=request.user.pk,
            subject=client_id,
            client_id=client_id,
            reason=reason,
            api=api.identifier,
        )
    if ended:
        said = ngettext("Everything of %d application ended.", "Everything of %d applications ended.", len(ended))
        receipts.told_many(request, said % len(ended), Kind.APPLICATION)


def _who_may_ask(scopes: QuerySet[Scope]) -> QuerySet[Application]:
    return Application.objects.filter(pk__in=Application.objects.filter(scopes__in=scopes).values("pk"))


def _is_own(api: API | None) -> bool:
    return api is not None and api.client_id == own_api.CLIENT_ID
