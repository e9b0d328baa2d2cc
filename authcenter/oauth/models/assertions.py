"""What is remembered of signed assertions (RFC 7521): whose are trusted, and which were used."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from authcenter.oauth.models.application import Application


class UsedAssertion(models.Model):
    """One `jti` that was used (RFC 7523 section 3): the row's being there first is the proof of a replay."""

    key = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of who made it and its `jti`."""
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class TrustedIssuer(models.Model):
    """Somebody else's server whose assertions about people buy tokens (RFC 7523 section 2.1)."""

    class Finds(models.TextChoices):
        SUBJECT = "sub", _("the subject is the person's ID here")
        EMAIL = "email", _("the claim email, verified by the issuer, is a verified address here")

    issuer = models.CharField(_("issuer"), max_length=255, unique=True, help_text=_("The claim iss, to the letter."))
    name = models.CharField(_("name"), max_length=100)
    jwks = models.JSONField(_("public keys (JWKS)"), null=True, blank=True)
    jwks_uri = models.URLField(_("address of the public keys"), max_length=2048, blank=True)
    finds_people_by = models.CharField(_("finds people by"), max_length=8, choices=Finds, default=Finds.SUBJECT)
    applications = models.ManyToManyField(
        Application, blank=True, related_name="trusted_issuers", verbose_name=_("applications that may present them")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("trusted issuer")
        verbose_name_plural = _("trusted issuers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if bool(self.jwks) == bool(self.jwks_uri):
            raise ValidationError({"jwks": _("Its public keys, or their address: one of the two.")})
