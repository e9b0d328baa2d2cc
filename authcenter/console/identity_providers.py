"""Other providers that people may sign in with. What is saved was tried: the discovery document is asked for first."""

from typing import Any

from django import forms
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.social import upstream
from accounts.social.identity import ProviderFault
from accounts.social.kinds import PRESETS, Kind
from accounts.social.models import IdentityProvider, LinkedIdentity
from authcenter.console import long_lists
from authcenter.console.record import ReadOnlyAdmin, RecordAdmin, moment
from authcenter.outbox import outbound

_DOMAIN = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}$"


class ProviderForm(forms.ModelForm):
    new_secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=4096,
        strip=True,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("The client secret, or Apple's private key (the .p8 file). Never shown again. Empty: as it is."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "issuer" in self.fields:
            self.fields["issuer"].required = False
            self.fields["issuer"].help_text = _(
                "The issuer, as its discovery document names it. Empty for Google, Apple, Facebook and github.com; for "
                "Microsoft https://login.microsoftonline.com/ with your tenant and /v2.0, or empty for everybody."
            )

    def clean_email_domains(self) -> str:
        domains = self.cleaned_data["email_domains"].lower().replace(",", " ").split()
        for domain in domains:
            forms.RegexField(_DOMAIN, error_messages={"invalid": _("A domain is such as example.com.")}).clean(domain)
        return " ".join(domains)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("required") and not cleaned.get("organisation"):
            self.add_error("required", _("It is the only way for people of an organisation: choose one."))
        kind = self.instance.kind if self.instance.pk and not self.instance._state.adding else cleaned.get("kind")
        if kind not in PRESETS or self.errors:
            return cleaned
        provider = self.instance
        if provider._state.adding:
            cleaned["issuer"] = provider.issuer = self._issuer(Kind(kind), cleaned.get("issuer", ""))
        provider.kind, provider.client_id = kind, cleaned["client_id"]
        self._judge_secret(Kind(kind), cleaned)
        if not self.errors and PRESETS[Kind(kind)].is_openid:
            self._try(provider)
        return cleaned

    def _issuer(self, kind: Kind, typed: str) -> str:
        preset = PRESETS[kind]
        issuer = preset.issuer if preset.is_fixed else typed.strip() or preset.issuer
        if not issuer:
            self.add_error("issuer", _("This kind needs an address."))
        elif fault := outbound.fault(issuer):
            self.add_error("issuer", fault)
        return issuer.rstrip("/") if kind == Kind.GITHUB else issuer

    def _judge_secret(self, kind: Kind, cleaned: dict[str, Any]) -> None:
        secret = cleaned.get("new_secret", "")
        if kind == Kind.APPLE:
            for name in ("team_id", "key_id"):
                if not cleaned.get(name):
                    self.add_error(name, _("Apple needs it."))
            if secret:
                try:
                    ECKey.import_key(secret)
                except (JoseError, ValueError):
                    self.add_error("new_secret", _("This is no private key such as Apple's .p8 files hold."))
        if not secret and not self.instance.secret and kind != Kind.OPENID:
            self.add_error("new_secret", _("This kind needs a secret."))

    def _try(self, provider: IdentityProvider) -> None:
        try:
            upstream.discovered(provider)
        except ProviderFault as fault:
            self.add_error("issuer" if "issuer" in self.fields else None, str(fault))

    def save(self, commit: bool = True) -> IdentityProvider:
        if secret := self.cleaned_data.get("new_secret"):
            self.instance.set_secret(secret)
        provider: IdentityProvider = super().save(commit)
        return provider


class IdentityProviderAdmin(RecordAdmin):
    """For superusers: who adds one can let it speak for anybody whose address it knows."""

    form = ProviderForm
    list_display = ("name", "kind", "issuer", "people", "is_active", "is_shown", "trusts_email", "position")
    list_filter = ("is_active", "kind", "is_shown", "trusts_email")
    search_fields = ("name", "issuer", "client_id", "email_domains")
    unsearchable = RecordAdmin.unsearchable | {"secret"}
    goes_along = (LinkedIdentity,)
    autocomplete_fields = ("organisation",)
    fieldsets = (
        (None, {"fields": ("kind", "name", "issuer", "redirect_uri", "client_id", "new_secret", "scopes")}),
        (_("Apple"), {"fields": ("team_id", "key_id"), "classes": ("collapse",)}),
        (_("Organisation"), {"fields": ("organisation", "required")}),
        (_("Who gets in"), {"fields": ("is_active", "is_shown", "position", "trusts_email", "email_domains")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdentityProvider]:
        linked = LinkedIdentity.objects.filter(provider=OuterRef("pk"))
        return super().get_queryset(request).annotate(people_count=long_lists.CountOf(linked))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What a provider said of its people counts for that provider: another one is another row."""
        return ("redirect_uri", "kind", "issuer") if obj else ("redirect_uri",)

    @display(description=_("people"), ordering="people_count")
    def people(self, provider: Any) -> str:
        return long_lists.told(provider.people_count, long_lists.EACH)

    @display(description=_("redirect URI"))
    def redirect_uri(self, provider: IdentityProvider) -> str:
        if provider._state.adding:
            return str(_("It is shown here after saving; register it at the provider then."))
        return format_html(
            '<code class="select-all">{}</code><div>{}</div>',
            provider.redirect_uri,
            _("Register exactly this address at the provider. Then try it: sign in with it in a private window."),
        )

    def hit(self, objs: Any) -> list[str]:
        count = long_lists.up_to(LinkedIdentity.objects.filter(provider__in=[obj.pk for obj in objs]))
        return [long_lists.with_count(str(_("Links of people that go with it: %d")), count)] if count else []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and form.cleaned_data.get("new_secret"):
            obj.save(update_fields=["secret"])

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """To its page, where the redirect URI stands."""
        super().response_add(request, obj, post_url_continue)  # says that it is saved
        return redirect(self.address_of(obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


class LinkedIdentityAdmin(ReadOnlyAdmin):
    """Who is who elsewhere. An operator may take a link away, and make none."""

    list_display = ("user", "provider", "shown_as", "made", "used")
    list_filter = ("provider",)
    search_fields = ("user__email", "shown_as", "subject")
    indexed = ("-pk",)
    list_select_related = ("user", "provider")
    fields = ("user", "provider", "subject", "shown_as", "linked", "last_used")

    def found_by_index(self, term: str) -> Q:
        """The index of subjects begins with their provider."""
        providers = list(IdentityProvider.objects.values_list("pk", flat=True))
        return Q(provider__in=providers, subject=term) | long_lists.of_people(term)

    @display(description=_("linked"), ordering="linked")
    def made(self, link: LinkedIdentity) -> str:
        return moment(link.linked)

    @display(description=_("last used"), ordering="last_used")
    def used(self, link: LinkedIdentity) -> str:
        return moment(link.last_used)

    def about(self, obj: Any) -> dict[str, Any]:
        return {"subject": obj.user_id}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("accounts.delete_linkedidentity"))
