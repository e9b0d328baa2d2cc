"""Resource servers and their scopes."""

import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

scope_token = RegexValidator(
    r"^[\x21\x23-\x5B\x5D-\x7E]+\Z",
    _("A scope is made of visible ASCII characters without spaces, quotes, backslashes."),
)


def api_client_id() -> str:
    return f"api-{secrets.token_hex(8)}"


IDENTITY_SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")
"""OpenID Connect Core sections 5.4 and 11: no API may take one of these names, or it would shadow it."""


def not_an_identity_scope(name: str) -> None:
    if name.lower() in IDENTITY_SCOPES:
        raise ValidationError(_("OpenID Connect has a meaning for this name. Choose another, such as orders:read."))


class API(models.Model):
    """A resource server: its identifier is the `aud` of tokens for it (RFC 8707 section 2, RFC 9068 section 3)."""

    identifier = models.CharField(
        _("identifier"), max_length=255, unique=True, help_text=_("A URI: the audience of tokens for this API.")
    )
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=255, blank=True)
    client_id = models.CharField(
        _("client ID"), max_length=100, unique=True, default=api_client_id, help_text=_("To ask introspection.")
    )
    client_secret = models.CharField(_("client secret, hashed"), max_length=100, blank=True, editable=False)
    introspection_signed_response_alg = models.CharField(
        _("algorithm of signed introspection answers"),
        max_length=8,
        choices=[("RS256", "RS256"), ("ES256", "ES256")],
        default="RS256",  # RFC 9701 section 6
    )
    self_service = models.BooleanField(
        _("open to strangers"),
        default=False,
        help_text=_("Applications that register themselves may ask people for its scopes."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("API")
        verbose_name_plural = _("APIs")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Scope(models.Model):
    """What an application may ask for at an API. Names are unique, so a scope alone names its audience."""

    class Access(models.TextChoices):
        READ = "read", _("read")
        WRITE = "write", _("write")

    api = models.ForeignKey(API, on_delete=models.CASCADE, related_name="scopes", verbose_name=_("API"))
    name = models.CharField(_("scope"), max_length=100, unique=True, validators=[scope_token, not_an_identity_scope])
    title = models.CharField(_("title"), max_length=100, help_text=_("What people read on the consent page."))
    description = models.CharField(_("description"), max_length=255, blank=True)
    access = models.CharField(_("access"), max_length=8, choices=Access, default=Access.READ)
    sensitive = models.BooleanField(_("sensitive"), default=False, help_text=_("Marked on the consent page."))
    translations = models.JSONField(
        _("in other languages"),
        default=dict,
        blank=True,
        help_text=_("For example {“de”: {“title”: “…”, “description”: “…”}}, with straight quotes."),
    )

    class Meta:
        verbose_name = _("scope")
        verbose_name_plural = _("scopes")
        ordering = ["api", "name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        known = {code for code, _name in settings.LANGUAGES}
        given = self.translations
        if not isinstance(given, dict) or not all(
            language in known and isinstance(texts, dict) and all(_is_text(*pair) for pair in texts.items())
            for language, texts in given.items()
        ):
            raise ValidationError(
                {
                    "translations": _("For each language a title and a description. The languages are: %(languages)s.")
                    % {"languages": ", ".join(sorted(known))}
                }
            )

    @property
    def shown_title(self) -> str:
        """In the language of the page, where an operator wrote it."""
        return self._shown("title")

    @property
    def shown_description(self) -> str:
        return self._shown("description")

    def _shown(self, name: str) -> str:
        own = self.translations.get(translation.get_language() or "", {})
        return str(own.get(name) or getattr(self, name))


def _is_text(name: object, text: object) -> bool:
    return name in {"title", "description"} and isinstance(text, str) and len(text) <= 255
