"""Applications: made with the safe defaults of their kind; the secret shown once; everything taken back by one click.

A first-party application gets codes without asking anybody. So only a superuser makes one, and changes what belongs
to one: otherwise an operator could point its redirect URI at himself and become whoever follows a link.
"""

import copy
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from authcenter.audit import events
from authcenter.audit.models import AuditEvent
from authcenter.console import long_lists, receipts
from authcenter.console.application_fields import FIXED, NEW, WHOLE
from authcenter.console.application_forms import ApplicationForm, NewApplicationForm
from authcenter.console.confirm import confirmation, is_confirmed, report, secret_page
from authcenter.console.push import state_of
from authcenter.console.record import RecordAdmin, list_link
from authcenter.console.told_names import ToldNameInline
from authcenter.oauth import logos
from authcenter.oauth.models import Application, Authorization, Family, ToldName
from authcenter.oauth.registration import JWT_BEARER, TOKEN_EXCHANGE, set_new_secret
from authcenter.sessions import participants
from authcenter.sessions.revocation import Kind, end_all_of_application


class ApplicationAdmin(RecordAdmin):
    list_display = ("name", "kind", "client_id", "is_active", "skip_authorization", "is_reviewed", "people", "created")
    list_filter = ("kind", "origin", "is_active", "skip_authorization", "is_reviewed", "require_pkce")
    search_fields = ("name", "client_id", "publisher", "redirect_uris")
    ordering = ("name",)
    add_fieldsets = NEW
    fieldsets = WHOLE
    actions = ("revoke_selected",)
    actions_detail = ("roll_secret", "revoke_one")
    goes_along = (Authorization, Family, ToldName)
    revoked_as = Kind.APPLICATION

    def about(self, obj: Any) -> dict[str, Any]:
        return {"subject": obj.client_id, "client_id": obj.client_id}

    def hit(self, objs: Iterable[Application]) -> list[str]:
        return receipts.of_applications(Application.objects.filter(pk__in=[one.pk for one in objs]))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Application]:
        living = Authorization.objects.filter(application=OuterRef("pk"), withdrawn=None)
        return super().get_queryset(request).annotate(people_count=long_lists.CountOf(living))

    @display(description=_("people"), ordering="people_count")
    def people(self, application: Any) -> str:
        return long_lists.told(application.people_count, long_lists.EACH)

    @display(description=_("secret"))
    def secret_made(self, application: Application) -> str:
        if application.is_public:
            return str(_("None: a public application cannot keep one."))
        if application.secret_rolled is None:
            return str(_("Set"))
        made = f"{application.secret_rolled:%Y-%m-%d %H:%M}"
        return str(_("Made %s. It was shown then, and cannot be shown again.") % made)

    @display(description=_("logout tokens"))
    def logout_state(self, application: Application) -> Any:
        return state_of(application.client_id) if application.backchannel_logout_uri else "–"

    @display(description=_("software"))
    def software(self, application: Application) -> str:
        return " ".join(filter(None, (application.software_id, application.software_version))) or "–"

    @display(description=_("in use"))
    def access(self, application: Application) -> SafeString:
        granted = long_lists.up_to(Authorization.objects.filter(application=application, withdrawn=None))
        links = [
            list_link(
                Authorization,
                long_lists.with_count(ngettext("%d authorization", "%d authorizations", granted), granted),
                application=application.pk,
                living="yes",
            ),
            list_link(AuditEvent, _("Events"), q=application.client_id),
        ]
        return format_html_join(" · ", "{}", ((link,) for link in links))

    # --- What an operator may touch ---

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change(request, obj)

    def has_revoke_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """To end access is always allowed to who may change applications, of a first-party one too."""
        return bool(super().has_change_permission(request))

    def has_roll_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        application = self.get_object(request, object_id) if object_id else None
        return self.has_change_permission(request, application) and not (application and application.is_public)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return FIXED if request.user.is_superuser else (*FIXED, "skip_authorization", "represents", "exchange")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change, form=ApplicationForm if obj else NewApplicationForm, **options)
        grants = form.base_fields.get("grant_types")
        if grants is not None and not request.user.is_superuser:
            own = copy.deepcopy(grants)  # the field is every form's, also of superusers who come later
            own.choices = [choice for choice in grants.choices if choice[0] not in _BEYOND]
            form.base_fields["grant_types"] = own
        return form

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [ToldNameInline] if obj else []

    # --- Saving ---

    def save_model(self, request: HttpRequest, obj: Application, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            obj.new_secret = form.secret
            return
        if picture := form.cleaned_data.get("logo_upload"):
            logos.keep(obj, picture)
        if {"is_active", "backchannel_logout_uri"} & {*form.changed_data}:
            participants.changed(obj)
        if "is_active" in form.changed_data and not obj.is_active:
            _end_all(request, obj, "disabled by an operator")
            self._told(request, obj)
        legacy = {*obj.response_types} - {"code"} | {*obj.grant_types} & {"password"}
        if {"grant_types", "response_types"} & {*form.changed_data} and legacy:
            messages.warning(
                request,
                _("Legacy flows are on for %(name)s: %(flows)s. Move it to the code flow with PKCE when it can.")
                % {"name": obj, "flows": ", ".join(sorted(legacy))},
            )
        if "require_pkce" in form.changed_data and not obj.require_pkce:
            messages.warning(
                request,
                _("PKCE is off for %s: a stolen authorization code is worth more. Turn it on again when it can.") % obj,
            )

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        if obj.new_secret:
            return self._show(request, obj, obj.new_secret)
        messages.success(request, _("%s is made. Everything else is set as is safe for its kind.") % obj)
        return redirect(self.address_of(obj))

    def end_access(self, request: HttpRequest, obj: Application) -> None:
        obj.is_active = False
        participants.changed(obj)
        _end_all(request, obj, "deleted by an operator")

    # --- Actions ---

    @action(description=_("Roll secret"), url_path="roll-secret", permissions=["roll"], icon="autorenew")
    def roll_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        application: Application = self.found(request, object_id)
        if not self.has_change_permission(request, application) or application.is_public:
            raise PermissionDenied
        if not is_confirmed(request):
            return confirmation(
                request,
                self,
                title=_("Roll the secret"),
                text=_("The present secret is refused at once. The new one is shown once, on the next page."),
                press=_("Roll"),
                objects=[application],
                options=[("leaked", _("The present one leaked: end all its tokens too."))],
                hit=[_("If it leaked: %s") % line for line in self.hit([application])],
                back=self.address_of(application),
            )
        with transaction.atomic():
            secret = set_new_secret(application)
            application.save(update_fields=["client_secret", "readable_secret", "secret_rolled"])
            leaked = "leaked" in request.POST
            if leaked:  # what looks after the registration lay beside it
                application.registration_token = ""
                application.save(update_fields=["registration_token"])
            events.record(
                request, events.Kind.SECRET_ROLLED, actor=request.user.pk, **self.about(application), leaked=leaked
            )
            if leaked:
                _end_all(request, application, "secret leaked")
                self._told(request, application)
        return self._show(request, application, secret)

    @action(
        description=_("Revoke everything"),
        url_path="revoke",
        permissions=["revoke"],
        variant=ActionVariant.DANGER,
        icon="block",
    )
    def revoke_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        application = self.found(request, object_id)
        if not is_confirmed(request):
            return self._ask_to_revoke(request, [application], back=self.address_of(application))
        with transaction.atomic():
            _end_all(request, application, "revoked by an operator")
        self._told(request, application)
        return redirect(self.address_of(application))

    @admin.action(description=_("Revoke everything"), permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Application]) -> HttpResponse | None:
        if not is_confirmed(request):
            return self._ask_to_revoke(request, queryset)
        done = 0
        for application in queryset:
            with transaction.atomic():  # one by one, see `revocation.revoke`
                _end_all(request, application, "revoked by an operator")
                done += 1
        ended = ngettext("Everything of %d application ended.", "Everything of %d applications ended.", done)
        report(request, ended % done, 0, (Kind.APPLICATION, [one.client_id for one in queryset]))
        return None

    def _ask_to_revoke(self, request: HttpRequest, applications: Any, back: str = "") -> HttpResponse:
        return confirmation(
            request,
            self,
            title=_("Revoke everything"),
            text=_("Every token of these applications, for every person, is refused from now on. Consents stay."),
            press=_("Revoke"),
            objects=applications,
            hit=self.hit(applications),
            back=back,
        )

    def _told(self, request: HttpRequest, application: Application) -> None:
        receipts.told(request, _("Everything of %s ended.") % application, Kind.APPLICATION, application.client_id)

    def _show(self, request: HttpRequest, application: Application, secret: str) -> HttpResponse:
        return secret_page(
            request,
            self,
            title=_("Client secret"),
            name=str(application),
            client_id=application.client_id,
            secret=secret,
            onward=self.address_of(application),
        )


def _may_change(request: HttpRequest, application: Application | None) -> bool:
    """What is first-party, or was trusted beyond what people consent to, is for superusers: whoever rolls its secret is
    that application."""
    if request.user.is_superuser or application is None:
        return True
    beyond = application.represents_id is not None or bool(_BEYOND & {*application.grant_types})
    return not application.skip_authorization and not beyond and not application.trusted_issuers.exists()


_BEYOND = frozenset({TOKEN_EXCHANGE, JWT_BEARER, "password"})
"""Grant types that only a superuser switches on: they get round the person's own consent or sign-in."""


def _end_all(request: HttpRequest, application: Application, reason: str) -> None:
    end_all_of_application(application.client_id, reason=reason)
    events.record(
        request,
        events.Kind.APPLICATION_REVOKED,
        actor=request.user.pk,
        subject=application.client_id,
        client_id=application.client_id,
        reason=reason,
    )
