"""What an operator hands to who may register applications (RFC 7591 section 3)."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class InitialAccessToken(models.Model):
    """Shown once, kept as a hash, good for so many registrations."""

    name = models.CharField(_("name"), max_length=100, help_text=_("Who holds it."))
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    uses_left = models.PositiveIntegerField(_("registrations left"), default=1)
    expires = models.DateTimeField(_("expires"))
    created = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("initial access token")
        verbose_name_plural = _("initial access tokens")
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name
