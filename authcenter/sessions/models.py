"""Sign-in sessions, and the revocations that end what they and others bought."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authcenter.ids import new_id


class Session(models.Model):
    """One sign-in of one person on one device, by browser or by API (claim `sid`)."""

    class Kind(models.TextChoices):
        BROWSER = "browser", _("browser")
        API = "api", _("app")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins", verbose_name=_("user")
    )
    user_epoch = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=8, choices=Kind, verbose_name=_("kind"))
    amr = models.JSONField(default=list, verbose_name=_("authentication methods"))
    acr = models.CharField(max_length=64, blank=True, verbose_name=_("authentication class"))
    auth_time = models.DateTimeField(default=timezone.now, verbose_name=_("authenticated"))
    created = models.DateTimeField(default=timezone.now, verbose_name=_("signed in"))
    last_seen = models.DateTimeField(default=timezone.now, verbose_name=_("last seen"))
    expires = models.DateTimeField(verbose_name=_("expires"))
    idle_seconds = models.PositiveIntegerField(verbose_name=_("may idle for, seconds"))
    remembered = models.BooleanField(default=False, verbose_name=_("remembered"))
    address = models.CharField(max_length=45, blank=True, verbose_name=_("address"))
    user_agent = models.CharField(max_length=512, blank=True, verbose_name=_("user agent"))
    refresh_jti = models.CharField(max_length=64, blank=True, editable=False)
    """`jti` of the one session refresh token that is good now; rotation is one conditional update of it."""
    ended = models.DateTimeField(null=True, blank=True, verbose_name=_("ended"))
    ended_by = models.CharField(max_length=40, blank=True, verbose_name=_("ended by"))

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-last_seen"]
        indexes = [
            models.Index(fields=["expires"], name="session_by_end"),
            models.Index(fields=["created"], name="session_by_date"),
            models.Index(fields=["address"], name="session_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.id)[:13]}"

    @property
    def is_alive(self) -> bool:
        """Neither ended nor too old nor idle for too long, by the clock of this server."""
        now = timezone.now()
        idle = (now - self.last_seen).total_seconds()
        return self.ended is None and now < self.expires and idle < self.idle_seconds


class Revocation(models.Model):
    """A session, authorization, family, membership, key or token is dead; or a user or application is at epoch N.

    Such ids are never used again, so no clock is compared. The row may go when every token it concerns has expired.
    """

    class Kind(models.TextChoices):
        SESSION = "session", _("session")
        AUTHORIZATION = "authorization", _("authorization")
        FAMILY = "family", _("family")
        MEMBERSHIP = "membership", _("membership")
        KEY = "key", _("key")
        TOKEN = "token", _("token")
        USER = "user", _("user")
        APPLICATION = "application", _("application")

    sequence = models.BigIntegerField(primary_key=True, verbose_name=_("sequence"))
    kind = models.CharField(max_length=16, choices=Kind, verbose_name=_("kind"))
    subject = models.CharField(max_length=255, verbose_name=_("subject"))
    epoch = models.PositiveIntegerField(null=True, blank=True, verbose_name=_("epoch"))
    reason = models.CharField(max_length=40, blank=True, verbose_name=_("reason"))
    created = models.DateTimeField(default=timezone.now, verbose_name=_("created"))
    last_token_expires = models.DateTimeField(null=True, verbose_name=_("last access token ends"))
    """When the last access token that it could concern ran out, by the lives of tokens at the time of the act."""
    expires = models.DateTimeField(verbose_name=_("may be swept after"))

    class Meta:
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")
        ordering = ["-sequence"]
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="revocation_once")]
        indexes = [models.Index(fields=["expires"], name="revocation_by_end")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class PairwiseSubject(models.Model):
    """What a person is called in one sector (OpenID Connect Core section 8): random, so nobody can compute it.

    Here, as taking back everything of a person must name her by each name that her tokens carry.
    """

    subject = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pairwise_subjects")
    sector = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "sector"], name="pairwise_once_a_sector")]

    def __str__(self) -> str:
        return f"{self.subject} at {self.sector}"


class Participant(models.Model):
    """An application that a person signed in to within a session, and that wants to be told when that ends.

    No foreign keys: it is written beside each code, and swept by its own end before the session goes.
    """

    session = models.UUIDField()
    client_id = models.CharField(max_length=255)
    subject = models.UUIDField()
    """`sub` of the person for that application."""
    expires = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "client_id"], name="participant_once")]
        indexes = [models.Index(fields=["expires"], name="participant_by_end")]

    def __str__(self) -> str:
        return f"{self.client_id} in {self.session}"


class Feed(models.Model):
    """One row: the feed's identity and the last sequence number given out.

    Numbers are taken under this row's lock in the transaction of the act itself, so none appears late or is skipped.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    feed = models.UUIDField(default=uuid.uuid4, editable=False)
    sequence = models.BigIntegerField(default=0)
    swept_at = models.DateTimeField(null=True, editable=False)
    """The time that sweeping last went by (`server/sweeping.py`): no clock may run ahead of it by a leap."""

    def __str__(self) -> str:
        return str(self.feed)


class RegistryState(models.Model):
    """One row, whose stamp becomes another random one with each change to an application, an API, a scope, or to which
    scopes an application may ask for. Triggers of the database write it, whoever makes the change
    (`authcenter/oauth/migrations/0013_registry_triggers.py`). Random, as a number would come again after a rollback.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    stamp = models.UUIDField(default=uuid.uuid4, editable=False)

    def __str__(self) -> str:
        return str(self.stamp)


class Receiver(models.Model):
    """Where an API wants to be told of each revocation at once (RFC 8935)."""

    api = models.OneToOneField("oauth.API", on_delete=models.CASCADE, related_name="receiver", verbose_name=_("API"))
    url = models.URLField(
        _("address"), max_length=2048, help_text=_("Each revocation is sent there by POST, as a signed token.")
    )
    secret = models.TextField(_("secret"), blank=True, editable=False)
    """Encrypted: it is sent with each event, as `Authorization: Bearer`."""
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("push receiver")
        verbose_name_plural = _("push receivers")

    def __str__(self) -> str:
        return self.url
