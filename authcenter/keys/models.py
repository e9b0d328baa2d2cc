"""The signing keys. Private halves are encrypted at rest; the ring (`ring.py`) holds the parsed keys in memory."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Key(models.Model):
    """One signing key. `next` is published but does not sign yet, so that verifiers know it before its first use."""

    class State(models.TextChoices):
        NEXT = "next", _("next")
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")
        REVOKED = "revoked", _("revoked")

    kid = models.CharField(max_length=64, primary_key=True, verbose_name=_("key ID"))
    algorithm = models.CharField(max_length=8, verbose_name=_("algorithm"))
    state = models.CharField(max_length=8, choices=State, default=State.NEXT, verbose_name=_("state"))
    public_jwk = models.JSONField(verbose_name=_("public key"))
    private_key = models.TextField(verbose_name=_("private key, encrypted"))
    created = models.DateTimeField(default=timezone.now, verbose_name=_("created"))
    activated = models.DateTimeField(null=True, blank=True, verbose_name=_("active since"))
    retired = models.DateTimeField(null=True, blank=True, verbose_name=_("retired"))
    revoked = models.DateTimeField(null=True, blank=True, verbose_name=_("revoked"))

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ["algorithm", "-created"]
        constraints = [
            models.UniqueConstraint(
                fields=["algorithm"], condition=models.Q(state="active"), name="keys_one_active_per_algorithm"
            ),
            models.UniqueConstraint(
                fields=["algorithm"], condition=models.Q(state="next"), name="keys_one_next_per_algorithm"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} {self.kid[:8]}"
