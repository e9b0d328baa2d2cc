"""Branding: one record, with a check of the contrast, a logo that is drawn anew, and a preview before it is saved."""

import base64
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from authcenter.branding import current, pictures
from authcenter.branding.models import Branding
from authcenter.console.record import RecordAdmin


class LogoField(forms.FileField):
    """A picture, as the PNG that is kept of it; nothing where none was chosen."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=UnfoldAdminFileFieldWidget, **options)

    def clean(self, data: Any, initial: Any = None) -> bytes | None:
        sent = super().clean(data, initial)
        return pictures.redrawn(sent) if sent else None


class BrandingForm(forms.ModelForm):
    logo_upload = LogoField(
        label=_("Logo"),
        help_text=_("PNG, JPEG, WebP or GIF of at most one megabyte; wide or square. Empty: the one that is there."),
    )
    no_logo = forms.BooleanField(label=_("Go back to the sign of AuthCenter"), required=False)


class BrandingAdmin(RecordAdmin):
    form = BrandingForm
    change_form_template = "console/branding/change_form.html"
    fieldsets = (
        (None, {"fields": ("name", "logo_upload", "no_logo", ("accent", "accent_dark"))}),
        (_("Texts"), {"fields": ("headline", "sign_in_notice", "sign_up_notice", "footer", "translations")}),
        (_("Links"), {"fields": ("privacy_url", "terms_url", "help_url", "support_email")}),
    )

    def get_urls(self) -> Any:
        preview = path("preview/", self.admin_site.admin_view(self.preview), name="branding_preview")
        return [preview, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is nothing to choose from."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        exists = Branding.objects.filter(pk=1).exists()
        return redirect(
            reverse("admin:branding_branding_change", args=[1]) if exists else "admin:branding_branding_add"
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_add_permission(request)) and not Branding.objects.filter(pk=1).exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Branding, form: Any, change: bool) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)
        logo = form.cleaned_data["logo_upload"]
        if logo or form.cleaned_data["no_logo"]:
            key = pictures.key_of(logo) if logo else ""
            Branding.objects.filter(pk=1).update(logo=logo, logo_key=key)
        current.forget()

    def preview(self, request: HttpRequest) -> HttpResponse:
        """How the form, as it stands, would look; nothing is kept."""
        if not self.has_change_permission(request):
            return self.admin_site.login(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = self.get_form(request)(request.POST, request.FILES, instance=Branding.objects.filter(pk=1).first())
        if not form.is_valid():
            return render(request, "console/branding/faults.html", {"form": form}, status=400)
        logo = form.cleaned_data["logo_upload"]
        data = f"data:image/png;base64,{base64.b64encode(logo).decode()}" if logo else ""
        instead = {"logo": data} if logo or form.cleaned_data["no_logo"] else {}
        brand = current.of(form.instance, **instead)
        said = brand.texts(translation.get_language() or "")
        context = {"brand": brand, "said": said, "site_name": brand.name, "asking": None}
        return render(request, "console/branding/preview.html", context)
