"""The forms of an application: the short one that makes it, with the defaults of its kind, and the full one."""

from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from authcenter.console.branding import LogoField
from authcenter.oauth import client_keys, response_types
from authcenter.oauth.models import Application, Scope
from authcenter.oauth.redirects import web_origins
from authcenter.oauth.registration import DEFAULTS, JWT_BEARER, TOKEN_EXCHANGE, new_application
from authcenter.oauth.scopes import IDENTITY, OPENID
from authcenter.outbox import outbound
from authcenter.sessions.revocation import LONGEST_ACCESS_TOKEN

_LINES = ("redirect_uris", "post_logout_redirect_uris", "allowed_origins")
_GRANTS = [
    *dict.fromkeys(grant for defaults in DEFAULTS.values() for grant in defaults["grant_types"]),
    *(TOKEN_EXCHANGE, JWT_BEARER, "password"),
]
_LEGACY = lazy(lambda name: _("%s (legacy: less safe, and off unless LEGACY_FLOWS allows it)") % name, str)
_LONGEST = int(LONGEST_ACCESS_TOKEN.total_seconds())


class ScopesField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, scope: Any) -> str:
        return f"{scope.api.name}: {scope.name} – {scope.title}"


class KeysField(forms.JSONField):
    """A JWK Set of public keys that are strong enough, or nothing: which reads "" here, not "null"."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=UnfoldAdminTextareaWidget, **options)

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)

    def clean(self, value: Any) -> dict[str, Any] | None:
        jwks: dict[str, Any] | None = super().clean(value)
        if jwks is not None and (why := client_keys.fault(jwks)):
            raise forms.ValidationError(why)
        return client_keys.cleaned(jwks) if jwks is not None else None


class ScopeNamesField(forms.CharField):
    """A list of scopes, typed as OAuth writes them: names with spaces between."""

    def prepare_value(self, value: Any) -> Any:
        return " ".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(" ".join(initial or []), data)

    def clean(self, value: Any) -> list[str]:
        names = list(dict.fromkeys(str(super().clean(value)).split()))
        known = {*IDENTITY, *Scope.objects.filter(name__in=names).values_list("name", flat=True)} - {OPENID}
        if unknown := [name for name in names if name not in known]:
            raise forms.ValidationError(_("No such scope: %(name)s.") % {"name": unknown[0]})
        return names


class ApplicationForm(forms.ModelForm):
    name = forms.CharField(max_length=255, label=_("Name"), widget=UnfoldAdminTextInputWidget)
    scopes = ScopesField(
        Scope.objects.select_related("api").order_by("api__name", "name"),
        required=False,
        label=_("API scopes it may ask for"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    grant_types = forms.MultipleChoiceField(
        choices=[
            (grant, _LEGACY(grant) if grant == "password" else grant.removeprefix("urn:ietf:params:oauth:grant-type:"))
            for grant in _GRANTS
        ],
        required=False,
        label=_("Grant types"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    client_jwks = KeysField(
        label=_("Public keys (JWKS)"),
        help_text=_("For private_key_jwt and signed requests: the keys, or their address."),
    )
    response_types = forms.MultipleChoiceField(
        choices=[(name, name if name == "code" else _LEGACY(name)) for name in response_types.ALL],
        required=False,
        label=_("Response types"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    identity_scopes = forms.MultipleChoiceField(
        choices=[(name, lazy(lambda n, s: f"{n} – {s.title}", str)(name, scope)) for name, scope in IDENTITY.items()],
        required=False,
        label=_("Identity scopes it may ask for"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    optional_scopes = ScopeNamesField(
        required=False,
        label=_("Optional scopes"),
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "Names with spaces between. People may leave these out: each is a check box on the consent page, and not "
            "ticked beforehand."
        ),
    )

    logo_upload = LogoField(
        label=_("New logo"), help_text=_("PNG, JPEG, WebP or GIF; takes the place of the address below.")
    )

    class Meta:
        widgets = {name: UnfoldAdminExpandableTextareaWidget for name in _LINES}
        help_texts = {
            "redirect_uris": _("One per line, exactly as the application sends it."),
            "post_logout_redirect_uris": _("One per line: where people may return to after signing out."),
            "allowed_origins": _("One per line: web origins whose scripts may call the token endpoint."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in _LINES:
            if name in cleaned:
                cleaned[name] = "\n".join(cleaned[name].split())
        return cleaned

    def _outbound(self, name: str) -> str:
        url: str = self.cleaned_data[name]
        if url and (why := outbound.fault(url)):
            raise forms.ValidationError(why)
        return url

    def clean_request_uris(self) -> list[str]:
        uris = self.cleaned_data["request_uris"] or []
        if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
            raise forms.ValidationError(_("A list of addresses, as JSON."))
        for uri in uris:
            if why := outbound.fault(uri.partition("#")[0]):
                raise forms.ValidationError(f"{uri}: {why}")
        return uris

    def clean_client_jwks_uri(self) -> str:
        return self._outbound("client_jwks_uri")

    def clean_backchannel_logout_uri(self) -> str:
        return self._outbound("backchannel_logout_uri")

    def clean_access_token_seconds(self) -> int | None:
        seconds: int | None = self.cleaned_data["access_token_seconds"]
        if seconds is not None and not 10 <= seconds <= _LONGEST:
            raise forms.ValidationError(_("Between 10 and %d seconds.") % _LONGEST)
        return seconds


class NewApplicationForm(ApplicationForm):
    """Kind, name and addresses; everything else as is safe for the kind."""

    kind = forms.ChoiceField(
        choices=Application.Kind.choices,
        initial=Application.Kind.WEB,
        label=_("Kind"),
        widget=UnfoldAdminRadioSelectWidget,
    )
    grant_types = None  # type: ignore[assignment]
    optional_scopes = None  # type: ignore[assignment]
    logo_upload = None  # type: ignore[assignment]
    identity_scopes = None  # type: ignore[assignment]
    client_jwks = None  # type: ignore[assignment]
    response_types = None  # type: ignore[assignment]
    secret = ""
    """The new secret, for the answer to this request alone."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        kind = cleaned.get("kind")
        if not kind:
            return cleaned
        self.instance, self.secret = new_application(kind, cleaned.get("name", ""))
        if kind == Application.Kind.SPA and not cleaned.get("allowed_origins"):
            cleaned["allowed_origins"] = "\n".join(web_origins(cleaned.get("redirect_uris", "").split()))
        return cleaned
