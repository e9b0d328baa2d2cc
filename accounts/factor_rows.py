"""What is kept about second factors beside the library's `Authenticator`: what is used up, whom to trust, who waits."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TotpStep(models.Model):
    """The newest 30-second step whose code was used: nor it nor an older one counts again (RFC 6238, 5.2)."""

    authenticator = models.OneToOneField(
        "mfa.Authenticator", on_delete=models.CASCADE, primary_key=True, related_name="totp_step"
    )
    step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.step)


class RecoveryCode(models.Model):
    """One of ten codes that stand in for a second factor that is lost. Hashed like a password; good once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    letter = models.CharField(max_length=1)
    """The code's first letter, by which it is found, so that one guess costs one hash. It adds no strength."""
    hash = models.CharField(max_length=256)
    made = models.DateTimeField(default=timezone.now)
    used = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "letter"], name="recovery_code_by_letter")]

    def __str__(self) -> str:
        return f"{self.letter}…"


class TrustedBrowser(models.Model):
    """A browser that need not show a second factor for a while. Its cookie holds a secret; the hash of it is here.

    Trust is worth what the person's epoch was: whatever ends her sign-ins ends it, too.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trusted_browsers")
    user_epoch = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(default=timezone.now, verbose_name=_("trusted"))
    last_used = models.DateTimeField(default=timezone.now, verbose_name=_("last used"))
    expires = models.DateTimeField(verbose_name=_("expires"))
    address = models.CharField(max_length=45, blank=True, verbose_name=_("address"))
    user_agent = models.CharField(max_length=512, blank=True, verbose_name=_("user agent"))

    class Meta:
        verbose_name = _("trusted browser")
        verbose_name_plural = _("trusted browsers")
        ordering = ["-last_used"]
        indexes = [models.Index(fields=["expires"], name="trusted_browser_by_end")]

    def __str__(self) -> str:
        return f"{self.user_agent[:40]}"


class HalfSignIn(models.Model):
    """An app's sign-in that waits for the second factor: what `mfa_token` of `/api/token/` stands for. Good once."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    account = models.CharField(max_length=64)
    """Password, address and epoch as they were (`sign_in.as_it_is`)."""
    attempts = models.PositiveSmallIntegerField(default=0)
    expires = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires"], name="half_sign_in_by_end")]

    def __str__(self) -> str:
        return f"{self.digest[:8]}…"
