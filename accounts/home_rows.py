"""Tables of one's own account: what was told by mail, known browsers, pictures, and deletions that wait."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """A mail that told of an act and carries a link "was not me". Only the link's hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    alert = models.CharField(max_length=32)
    """A member of `accounts.alerts.Alert`."""
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    at = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=512, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    """What the mail said beside device, place and time: no secret."""
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["expires"], name="notice_by_end")]

    def __str__(self) -> str:
        return f"{self.alert} {self.id}"


class KnownBrowser(models.Model):
    """A browser that a person has signed in with: it carries a cookie, of which this is the hash for this person."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="known_browsers")
    cookie_hash = models.CharField(max_length=64, editable=False)
    last_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "cookie_hash"], name="known_browser_once")]
        indexes = [models.Index(fields=["last_seen"], name="known_browser_by_use")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.cookie_hash[:8]}"


class Picture(models.Model):
    """A person's picture, made anew from what she uploaded: 256 pixels square, without anything else in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    """Unguessable, and a new one for each upload: it stands in the picture's address."""
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_picture")
    image = models.BinaryField()
    content_type = models.CharField(max_length=32)
    uploaded = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.id)


class Deletion(models.Model):
    """A person has asked to be deleted, and still may change her mind."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="deletion", verbose_name=_("user")
    )
    asked = models.DateTimeField(_("asked for"), default=timezone.now)
    due = models.DateTimeField(_("deleted after"))

    class Meta:
        verbose_name = _("deletion that waits")
        verbose_name_plural = _("deletions that wait")
        ordering = ["due"]
        indexes = [models.Index(fields=["due"], name="deletion_by_due")]

    def __str__(self) -> str:
        return str(self.user)
