"""What is to be told to other servers, written in the transaction of what it tells."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KEPT_DELIVERED = timedelta(days=1)
KEPT_DEAD = timedelta(days=30)


class Delivery(models.Model):
    """One message for one receiver. `next_at` is when it is due; empty once it was delivered or given up."""

    class Kind(models.TextChoices):
        REVOCATION = "revocation", _("revocation")
        LOGOUT = "logout", _("logout")
        TEST = "test", _("test")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    receiver = models.CharField(_("receiver"), max_length=255)
    """Its name for people, such as an API's identifier; deliveries to one receiver go one after the other."""
    target = models.CharField(_("address"), max_length=2048)
    message = models.JSONField(editable=False)
    """What is signed when it is sent (`sending.Message`)."""
    secret = models.TextField(blank=True, editable=False)
    """How the receiver knows us, encrypted; empty where it does not ask."""
    sequence = models.BigIntegerField(_("revocation"), null=True, blank=True)
    """The revocation that it tells of."""
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next attempt"), null=True, blank=True, default=timezone.now)
    claimed = models.DateTimeField(null=True, blank=True, editable=False)
    """Until when the worker that is sending it has it to itself."""
    last_error = models.CharField(_("last error"), max_length=255, blank=True)
    created = models.DateTimeField(_("created"), default=timezone.now)
    delivered = models.DateTimeField(_("delivered"), null=True, blank=True)
    given_up = models.DateTimeField(_("given up"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["next_at"], name="delivery_due", condition=Q(next_at__isnull=False)),
            models.Index(fields=["receiver", "-id"], name="delivery_by_receiver"),
            models.Index(fields=["sequence"], name="delivery_by_sequence", condition=Q(sequence__isnull=False)),
            models.Index(fields=["delivered"], name="delivery_done", condition=Q(delivered__isnull=False)),
            models.Index(fields=["given_up"], name="delivery_dead", condition=Q(given_up__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.receiver}"


def is_old(now: datetime) -> Q:
    """Delivered so long ago that it may be deleted."""
    return Q(delivered__lt=now - KEPT_DELIVERED)


def is_forgotten(now: datetime) -> Q:
    """Given up so long ago that nobody will try again."""
    return Q(given_up__lt=now - KEPT_DEAD)
