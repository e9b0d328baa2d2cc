"""Other providers of identity, whom people know there, and what was asked of a provider a moment ago."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authcenter.keys import vault


class IdentityProvider(models.Model):
    """Where else people may prove who they are. Kind and address stay as they were made: what a provider says of its
    people is worth something at that address only."""

    class Kind(models.TextChoices):
        OPENID = "openid", _("OpenID Connect")
        GOOGLE = "google", "Google"
        MICROSOFT = "microsoft", "Microsoft"
        APPLE = "apple", "Apple"
        GITHUB = "github", "GitHub"
        FACEBOOK = "facebook", "Facebook"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.OPENID)
    name = models.CharField(_("name"), max_length=60, help_text=_("The button says “Continue with” and this name."))
    issuer = models.CharField(
        _("address"),
        max_length=255,
        help_text=_("The issuer, as its discovery document names it. For a GitHub of your own, the address of that."),
    )
    client_id = models.CharField(_("client ID"), max_length=255)
    secret = models.TextField(blank=True, editable=False)
    """The client secret, or Apple's private key; encrypted (`authcenter/keys/vault.py`)."""
    team_id = models.CharField(_("team ID"), max_length=32, blank=True, help_text=_("Apple only."))
    key_id = models.CharField(_("key ID"), max_length=32, blank=True, help_text=_("Apple only."))
    scopes = models.CharField(
        _("scopes"), max_length=255, blank=True, help_text=_("Separated by spaces. Empty: what the kind needs.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Turned off, nobody signs in by it any more, from this moment on.")
    )
    is_shown = models.BooleanField(_("shown"), default=True, help_text=_("Has a button on the sign-in page."))
    position = models.PositiveSmallIntegerField(_("position"), default=0, help_text=_("Lower ones come first."))
    trusts_email = models.BooleanField(
        _("trust its verified addresses"),
        default=False,
        help_text=_(
            "An address that it calls verified needs no code by mail. Only for a provider that proves addresses as "
            "carefully as this server does."
        ),
    )
    email_domains = models.CharField(
        _("e-mail domains"),
        max_length=1000,
        blank=True,
        help_text=_("Separated by spaces. Where there are some, only verified addresses in them get in."),
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="providers",
        verbose_name=_("organisation"),
        help_text=_("Whose own sign-in it is: it vouches for addresses of its verified domains, and for no others."),
    )
    required = models.BooleanField(
        _("the only way"),
        default=False,
        help_text=_("People of those domains sign in by it alone, but for operators of the console."),
    )
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("identity provider")
        verbose_name_plural = _("identity providers")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def redirect_uri(self) -> str:
        """One for each row, so that no answer of one provider can pass for another's (RFC 9700 section 4.4.2)."""
        return settings.ISSUER + reverse("social-callback", args=[self.pk])

    @property
    def plain_secret(self) -> str:
        return vault.decrypt(self.secret) if self.secret else ""

    def set_secret(self, secret: str) -> None:
        self.secret = vault.encrypt(secret) if secret else ""

    def admits(self, email: str) -> bool:
        """Whether an address, which the provider calls verified, is of a domain that may come in."""
        domains = self.email_domains.lower().split()
        return not domains or email.rpartition("@")[2].lower() in domains


class LinkedIdentity(models.Model):
    """A person as one provider knows her: found by provider and subject, by nothing that can change (OpenID Connect
    Core section 5.7)."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, verbose_name=_("identity provider"))
    subject = models.CharField(_("subject"), max_length=300)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities", verbose_name=_("user")
    )
    shown_as = models.CharField(_("shown as"), max_length=255, blank=True)
    """The address or name that the provider told last. For reading only."""
    linked = models.DateTimeField(_("linked"), default=timezone.now)
    last_used = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("linked account")
        verbose_name_plural = _("linked accounts")
        ordering = ["linked"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "subject"], name="one_person_for_a_subject")
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.shown_as or self.subject}"


class ProviderRequest(models.Model):
    """An authorization request of ours that waits for its answer. It is deleted by the answer, before anything is made
    of that; the state is kept as a hash only, and code verifier and nonce derive from it."""

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in"
        LINK = "link"
        AGAIN = "again"

    state_hash = models.CharField(max_length=64, primary_key=True)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE)
    browser = models.CharField(max_length=64)
    """SHA-256 of a random value in the session of the browser that began."""
    purpose = models.CharField(max_length=8, choices=Purpose)
    session = models.UUIDField(null=True)
    """The sign-in that began it, where it is to link or to sign in again."""
    onward = models.TextField(blank=True)
    told = models.JSONField(default=dict)
    """What Apple posts along with its answer: a name, at the first time only."""
    begun = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.purpose} {self.provider_id}"
