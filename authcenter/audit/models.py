"""The security log and the counters of refusals."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authcenter.ids import new_id


class AuditEvent(models.Model):
    """One security act or refusal. Append-only; holds no password, code, token or secret."""

    class Kind(models.TextChoices):
        SIGNED_UP = "signed_up", _("signed up")
        SIGNED_IN = "signed_in", _("signed in")
        SIGN_IN_REFUSED = "sign_in_refused", _("sign-in refused")
        REAUTHENTICATED = "reauthenticated", _("signed in again")
        SIGNED_OUT = "signed_out", _("signed out")
        EMAIL_VERIFIED = "email_verified", _("e-mail verified")
        CODE_REFUSED = "code_refused", _("code refused")
        PASSWORD_CHANGED = "password_changed", _("password changed")
        PASSWORD_RESET = "password_reset", _("password reset")
        FACTOR_ADDED = "factor_added", _("second factor added")
        FACTOR_REMOVED = "factor_removed", _("second factor removed")
        FACTOR_REFUSED = "factor_refused", _("second factor refused")
        RECOVERY_CODES_MADE = "recovery_codes_made", _("recovery codes made")
        RECOVERY_CODE_USED = "recovery_code_used", _("recovery code used")
        BROWSER_TRUSTED = "browser_trusted", _("browser trusted")
        TRUST_ENDED = "trust_ended", _("trust in browsers ended")
        IDENTITY_LINKED = "identity_linked", _("other account linked")
        IDENTITY_UNLINKED = "identity_unlinked", _("other account unlinked")
        IDENTITY_REFUSED = "identity_refused", _("sign-in by another account refused")
        INVITED = "invited", _("invited")
        INVITATION_ACCEPTED = "invitation_accepted", _("invitation accepted")
        TERMS_ACCEPTED = "terms_accepted", _("terms accepted")
        PROFILE_CHANGED = "profile_changed", _("profile changed")
        DATA_DOWNLOADED = "data_downloaded", _("data downloaded")
        DELETION_ASKED = "deletion_asked", _("deletion of an account asked for")
        DELETION_CANCELLED = "deletion_cancelled", _("deletion of an account cancelled")
        ACCOUNT_DELETED = "account_deleted", _("account deleted")
        NOT_ME = "not_me", _("a person said: that was not me")
        ORGANISATION_JOINED = "organisation_joined", _("organisation joined")
        ORGANISATION_LEFT = "organisation_left", _("organisation left")
        ORGANISATION_CHANGED = "organisation_changed", _("organisation changed")
        CONSENT_GIVEN = "consent_given", _("consent given")
        CONSENT_DENIED = "consent_denied", _("consent denied")
        AUTHORIZATION_REFUSED = "authorization_refused", _("authorization request refused")
        AUTHORIZATION_WITHDRAWN = "authorization_withdrawn", _("authorization withdrawn")
        CLIENT_REFUSED = "client_refused", _("application authentication refused")
        GRANT_REFUSED = "grant_refused", _("grant refused")
        CODE_REPLAYED = "code_replayed", _("authorization code replayed")
        DEVICE_CONNECTED = "device_connected", _("device connected")
        DEVICE_CODE_REPLAYED = "device_code_replayed", _("device code replayed")
        REFRESH_REPLAYED = "refresh_replayed", _("refresh token replayed")
        TOKEN_REVOKED = "token_revoked", _("token revoked")
        TOKEN_EXCHANGED = "token_exchanged", _("token exchanged")
        TOKEN_REFUSED = "token_refused", _("token refused")
        SESSION_REVOKED = "session_revoked", _("session revoked")
        USER_REVOKED = "user_revoked", _("everything of a user revoked")
        USER_DISABLED = "user_disabled", _("user disabled")
        APPLICATION_REVOKED = "application_revoked", _("everything of an application revoked")
        APPLICATION_CHANGED = "application_changed", _("application changed")
        APPLICATION_REGISTERED = "application_registered", _("application registered itself")
        REGISTRATION_REFUSED = "registration_refused", _("registration refused")
        SECRET_ROLLED = "secret_rolled", _("application secret rolled")
        KEY_ROTATED = "key_rotated", _("key rotated")
        KEY_REVOKED = "key_revoked", _("key revoked")
        DELIVERY_GIVEN_UP = "delivery_given_up", _("delivery given up")
        LIMIT_REACHED = "limit_reached", _("limit reached")
        OPERATOR_CHANGE = "operator_change", _("operator changed a record")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(default=timezone.now, verbose_name=_("time"))
    kind = models.CharField(max_length=40, choices=Kind, verbose_name=_("event"))
    actor = models.CharField(max_length=255, blank=True, verbose_name=_("actor"))
    """Who acted: a user's id, or `client:<client_id>` for an application, or empty for a stranger."""
    subject = models.CharField(max_length=255, blank=True, verbose_name=_("subject"))
    """Whom or what it concerns: a user's id, a session, an application."""
    client_id = models.CharField(max_length=255, blank=True, verbose_name=_("application"))
    address = models.CharField(max_length=45, blank=True, verbose_name=_("address"))
    user_agent = models.CharField(max_length=255, blank=True, verbose_name=_("user agent"))
    request_id = models.CharField(max_length=64, blank=True, verbose_name=_("request ID"))
    detail = models.JSONField(default=dict, blank=True, verbose_name=_("detail"))

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["-at"], name="audit_by_time"),
            models.Index(fields=["subject", "-at"], name="audit_by_subject"),
            models.Index(fields=["actor", "-at"], name="audit_by_actor"),
            models.Index(fields=["kind", "-at"], name="audit_by_kind"),
            models.Index(fields=["client_id", "-at"], name="audit_by_client"),
            models.Index(fields=["address", "-at"], name="audit_by_address"),
            models.Index(fields=["request_id"], name="audit_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M:%S}"


class Refusals(models.Model):
    """How often something was refused within the current window (`authcenter/limits.py` names the windows)."""

    key = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of the limit's name and what it counts, so that no address or account is stored in clear."""
    count = models.PositiveIntegerField()
    ends = models.DateTimeField()
    is_full = models.BooleanField(default=False)
    """It may be full: an exact answer is worth a statement."""

    class Meta:
        indexes = [
            models.Index(fields=["ends"], name="refusals_by_end"),
            models.Index(fields=["ends"], condition=models.Q(is_full=True), name="refusals_full"),
        ]

    def __str__(self) -> str:
        return self.key
