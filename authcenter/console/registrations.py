"""Who may bring applications and assertions along: initial access tokens, and issuers that are trusted."""

import secrets
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from authcenter.console.application_forms import KeysField
from authcenter.console.confirm import secret_page
from authcenter.console.record import RecordAdmin
from authcenter.oauth.models import Application, InitialAccessToken
from authcenter.oauth.registration import hashed
from authcenter.outbox import outbound


class InitialAccessTokenAdmin(RecordAdmin):
    """Made here, shown once, used up at /oauth/register."""

    list_display = ("name", "uses_left", "expires", "created")
    list_filter = ("expires",)
    search_fields = ("name",)
    fields = ("name", "uses_left", "expires", "created")
    readonly_fields = ("created",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"uses_left": 1, "expires": timezone.now() + timedelta(days=7)}

    def save_model(self, request: HttpRequest, obj: InitialAccessToken, form: Any, change: bool) -> None:
        if not change:
            obj.plain = secrets.token_urlsafe(32)  # type: ignore[attr-defined]  # for `response_add`, no column
            obj.token_hash = hashed(obj.plain)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return secret_page(
            request,
            self,
            title=_("Initial access token"),
            name=str(obj),
            client_id=f"{settings.ISSUER}/oauth/register",
            secret=obj.plain,
            onward=self.address_of(obj),
        )


class TrustedIssuerForm(forms.ModelForm):
    jwks = KeysField(label=_("Public keys (JWKS)"))
    applications = forms.ModelMultipleChoiceField(
        Application.objects.filter(client_type=Application.CLIENT_CONFIDENTIAL).order_by("name"),
        required=False,
        label=_("Applications that may present its assertions"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean_jwks_uri(self) -> str:
        url: str = self.cleaned_data["jwks_uri"]
        if url and (why := outbound.fault(url)):
            raise forms.ValidationError(why)
        return url


class TrustedIssuerAdmin(RecordAdmin):
    """For superusers: who adds one can let it speak for anybody."""

    form = TrustedIssuerForm
    list_display = ("name", "issuer", "finds_people_by", "is_active")
    list_filter = ("is_active", "finds_people_by")
    search_fields = ("name", "issuer")
    fields = ("name", "issuer", "is_active", "finds_people_by", "jwks", "jwks_uri", "applications")

    def _is_superuser(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_superuser(request)
