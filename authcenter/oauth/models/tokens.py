"""Codes, device codes, families, and what else of the library we swap.

No row holds a code or a token in clear: `code`, `device_code` and `token_hash` are SHA-256. A JWT access token has no
row at all.
"""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)

from authcenter.ids import new_id
from authcenter.oauth.models.application import Application
from authcenter.oauth.models.authorization import Authorization
from authcenter.sessions.models import Session


class Grant(AbstractGrant):
    """An authorization code. The row stays, consumed, as long as what it bought can live: a replay finds its family."""

    code = models.CharField(max_length=64, unique=True, editable=False)
    code_challenge_method = models.CharField(max_length=10, blank=True, default="")
    redirect_uri_sent = models.BooleanField(default=True)
    nonce = models.TextField(blank=True, default="")
    asked_claims = models.JSONField(default=dict)
    """Names of single claims that were asked for and agreed to, by target: `userinfo`, `id_token`."""
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="codes")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="+")
    family = models.UUIDField(default=new_id, editable=False, db_index=True)
    membership = models.UUIDField(null=True, editable=False)
    """For whom she acts. No foreign key: what was made for a membership must not outlive it as made for nobody."""
    auth_time = models.DateTimeField()
    amr = models.JSONField(default=list)
    acr = models.CharField(max_length=64, blank=True)
    user_epoch = models.PositiveIntegerField()
    application_epoch = models.PositiveIntegerField()
    consumed = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractGrant.Meta):
        indexes = [models.Index(fields=["expires"], name="grant_by_end")]


class Family(AbstractRefreshToken):
    """What one code bought, through all its refreshes (claim `fid`): one row, whose generation each refresh raises."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    token = None
    token_checksum = None
    access_token = None
    token_family = None
    updated = None
    revoked = None

    application = models.ForeignKey(
        Application,
        on_delete=models.CASCADE,
        verbose_name=_("application"),
        db_index=False,  # see `family_by_application`
    )
    authorization = models.ForeignKey(
        Authorization, on_delete=models.CASCADE, related_name="families", verbose_name=_("authorization")
    )
    session = models.ForeignKey(
        Session, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("session")
    )
    offline = models.BooleanField(_("outlives the sign-in"), default=False)
    """`offline_access` was granted: an ordinary sign-out leaves it alone, and its tokens carry no `sid`."""
    scope = models.TextField(_("scope"), blank=True)
    resource = models.JSONField(_("APIs"), default=list)
    asked_claims = models.JSONField(_("single claims"), default=dict)
    membership = models.UUIDField(_("membership"), null=True, blank=True, editable=False)
    """As the code's."""
    auth_time = models.DateTimeField(_("authenticated"))
    amr = models.JSONField(_("authentication methods"), default=list)
    acr = models.CharField(_("authentication class"), max_length=64, blank=True)
    user_epoch = models.PositiveIntegerField()
    application_epoch = models.PositiveIntegerField()
    generation = models.PositiveIntegerField(_("generation"), default=1)
    token_hash = models.CharField(max_length=64, editable=False)
    successor = models.TextField(blank=True, default="", editable=False)
    """The present token, encrypted under a key derived from its predecessor: the retry window."""
    rotated = models.DateTimeField(_("last refreshed"), null=True, blank=True)
    expires = models.DateTimeField(_("expires unless refreshed"))
    """Never after `absolute_expires`; the moment of its end, where it was ended."""
    absolute_expires = models.DateTimeField(_("expires at the latest"))
    ended = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=40, blank=True)

    class Meta(AbstractRefreshToken.Meta):
        verbose_name = _("family")
        verbose_name_plural = _("families")
        ordering = ["-created"]
        unique_together = ()
        indexes = [
            models.Index(fields=["expires"], name="family_by_expiry"),
            models.Index(fields=["created"], name="family_by_date"),
            models.Index(fields=["application", "created", "id"], name="family_by_application"),
            models.Index(
                fields=["membership"], name="family_by_membership", condition=models.Q(membership__isnull=False)
            ),
            models.Index(fields=["created"], name="family_ended", condition=models.Q(ended__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.id)


class AccessToken(AbstractAccessToken):
    """An opaque access token, of an application that asks for them. A JWT has no row."""

    token = None
    token_checksum = None
    source_refresh_token = None
    id_token = None
    scope = None
    resource = None
    updated = None

    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    claims = models.JSONField(default=dict)
    """What the JWT in its place would say: so it stands on the same things, and is taken back by the same rows."""

    class Meta(AbstractAccessToken.Meta):
        indexes = [models.Index(fields=["expires"], name="access_token_by_end")]


class IDToken(AbstractIDToken):
    """Swapped so that no table of the library exists; ID tokens are not stored."""

    class Meta(AbstractIDToken.Meta):
        pass


class DeviceGrant(AbstractDeviceGrant):
    """A device code (RFC 8628). Redeemed, the row stays as long as what it bought can live: a replay finds its family.

    Pending: not `answered`. Denied: answered, without an authorization. Allowed, until `consumed`: with one.
    """

    client_id = None
    status = None
    last_checked = None
    is_expired = None

    device_code = models.CharField(max_length=64, editable=False)
    user_code = models.CharField(max_length=32, unique=True, null=True, blank=True, editable=False)
    """A MAC, as eight letters are too few to hide behind a hash. None once answered: the letters mean nothing then."""
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="device_codes")
    application_epoch = models.PositiveIntegerField()
    resource = models.JSONField(default=list)
    created = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=512, blank=True)
    """Of the device, when it asked: shown to whoever answers."""
    poll_after = models.FloatField(default=0)
    """Seconds since 1970; a poll before is too early. A number, so that one statement on any database adds to it."""
    expires = models.DateTimeField()
    """Of a redeemed code: when what it bought ends at the latest. The one instant after which the row may be swept."""

    answered = models.DateTimeField(null=True, blank=True)
    authorization = models.ForeignKey(Authorization, null=True, on_delete=models.CASCADE, related_name="device_codes")
    session = models.ForeignKey(Session, null=True, on_delete=models.CASCADE, related_name="+")
    family = models.UUIDField(default=new_id, editable=False)
    auth_time = models.DateTimeField(null=True)
    amr = models.JSONField(default=list)
    acr = models.CharField(max_length=64, blank=True)
    user_epoch = models.PositiveIntegerField(default=0)
    consumed = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractDeviceGrant.Meta):
        indexes = [models.Index(fields=["expires"], name="device_grant_by_end")]
