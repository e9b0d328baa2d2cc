"""What a person granted to an application: the "grant" that people see under "connected apps"."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authcenter.ids import new_id
from authcenter.oauth.models.application import Application


class Authorization(models.Model):
    """Claim `gid`. Spans devices and sign-ins; a withdrawn one is never revived, a new grant is a new row."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="authorizations", verbose_name=_("user")
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.CASCADE,
        related_name="authorizations",
        verbose_name=_("application"),
        db_index=False,  # see `authorization_by_application`
    )
    scopes = models.JSONField(_("scopes"), default=list)
    resources = models.JSONField(_("APIs"), default=list)
    declined = models.JSONField(_("optional scopes left out"), default=list, blank=True)
    claims = models.JSONField(_("single claims"), default=list)
    """Of the person, asked for by name beside the scopes (OpenID Connect Core section 5.5)."""
    organisations = models.JSONField(_("organisations"), default=list, editable=False)
    """Ids of those that she agreed to be seen as a member of."""
    granted = models.DateTimeField(_("granted"), default=timezone.now)
    updated = models.DateTimeField(_("last extended"), default=timezone.now)
    last_used = models.DateTimeField(_("last used"), default=timezone.now)
    withdrawn = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    withdrawn_by = models.CharField(_("withdrawn by"), max_length=40, blank=True)

    is_new = False
    """Whether this very request made it, and did not extend it; no column."""

    class Meta:
        verbose_name = _("authorization")
        verbose_name_plural = _("authorizations")
        ordering = ["-last_used"]
        indexes = [
            models.Index(fields=["granted"], name="authorization_by_date"),
            # All that a list of one application's asks for, in its order, and all that a count of the living ones does.
            models.Index(fields=["application", "granted", "id", "withdrawn"], name="authorization_by_application"),
            models.Index(
                fields=["granted"], name="authorization_withdrawn", condition=models.Q(withdrawn__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "application"],
                condition=models.Q(withdrawn=None),
                name="authorization_one_living_per_user_and_application",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.application_id}"

    @property
    def left_out(self) -> set[str]:
        """What she said no to, as far as it may still be left out: not asked for again, and not granted."""
        if self.application.skip_authorization:
            return set()
        return set(self.declined) & set(self.application.optional_scopes)
