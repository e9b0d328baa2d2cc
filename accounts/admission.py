"""Tables of who may have an account here: invitations, and the terms that people accept."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

INVITED_FOR = timedelta(days=14)


def end_of_invitation() -> datetime:
    return timezone.now() + INVITED_FOR


class Invitation(models.Model):
    """An address that may sign up. The token is in its mail alone, and proves the mailbox."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("invited by")
    )
    created = models.DateTimeField(_("sent"), default=timezone.now, editable=False)
    expires = models.DateTimeField(_("expires"), default=end_of_invitation)
    accepted = models.DateTimeField(_("accepted"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created"]
        indexes = [models.Index(Lower("email"), name="invited_address")]

    def __str__(self) -> str:
        return self.email


class Terms(models.Model):
    """One version of the terms. The newest that is published is asked of everybody."""

    version = models.CharField(_("version"), max_length=64, unique=True, help_text=_("For example 2026-11."))
    text = models.TextField(_("text"), blank=True, help_text=_("Shown as it is; an empty line begins a paragraph."))
    address = models.URLField(_("address"), blank=True, help_text=_("Where the text is, instead of the text itself."))
    published = models.DateTimeField(
        _("published"),
        null=True,
        blank=True,
        help_text=_("From then on everybody is asked at the next sign-in. Empty: a draft."),
    )

    class Meta:
        verbose_name = _("version of the terms")
        verbose_name_plural = _("versions of the terms")
        ordering = [models.F("published").desc(nulls_first=True)]

    def __str__(self) -> str:
        return self.version

    def clean(self) -> None:
        super().clean()
        if bool(self.text.strip()) == bool(self.address):
            raise ValidationError(_("Give either the text or its address."))


class TermsAcceptance(models.Model):
    """Who accepted which version, and when."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terms_accepted", verbose_name=_("user")
    )
    terms = models.ForeignKey(Terms, on_delete=models.PROTECT, related_name="acceptances", verbose_name=_("version"))
    at = models.DateTimeField(_("accepted"), default=timezone.now)

    class Meta:
        verbose_name = _("acceptance of the terms")
        verbose_name_plural = _("acceptances of the terms")
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["user", "terms"], name="terms_accepted_once")]

    def __str__(self) -> str:
        return f"{self.user} → {self.terms}"
