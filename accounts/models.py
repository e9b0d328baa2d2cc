"""People. The columns are the standard claims of OpenID Connect Core section 5.1."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admission import Invitation, Terms, TermsAcceptance
from accounts.factor_rows import HalfSignIn, RecoveryCode, TotpStep, TrustedBrowser
from accounts.home_rows import Deletion, KnownBrowser, Notice, Picture
from accounts.organisation import (
    Membership,
    Organisation,
    OrganisationDomain,
    OrganisationInvitation,
    OrganisationLogo,
)
from accounts.social.models import IdentityProvider, LinkedIdentity, ProviderRequest

__all__ = [
    "Deletion",
    "Group",
    "HalfSignIn",
    "IdentityProvider",
    "Invitation",
    "KnownBrowser",
    "LinkedIdentity",
    "Membership",
    "Notice",
    "Organisation",
    "OrganisationDomain",
    "OrganisationInvitation",
    "OrganisationLogo",
    "Picture",
    "ProviderRequest",
    "RecoveryCode",
    "Role",
    "Terms",
    "TermsAcceptance",
    "TotpStep",
    "TrustedBrowser",
    "User",
]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class Role(models.Model):
    """What a person is to applications (claim `roles`); the console's own permissions are Django's."""

    name = models.SlugField(max_length=64, unique=True, verbose_name=_("name"))
    description = models.CharField(max_length=255, blank=True, verbose_name=_("description"))

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Group(models.Model):
    """People who belong together (claim `groups`). No console right comes from it: those are Django's groups."""

    name = models.SlugField(max_length=64, unique=True, verbose_name=_("name"))
    description = models.CharField(max_length=255, blank=True, verbose_name=_("description"))
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="member_of", verbose_name=_("members")
    )
    roles = models.ManyToManyField(
        Role, blank=True, related_name="given_by", verbose_name=_("roles"), help_text=_("Every member has them.")
    )
    second_factor = models.BooleanField(
        _("second factor"), default=False, help_text=_("Members have to sign in with two factors.")
    )

    class Meta:
        verbose_name = _("group of people")
        verbose_name_plural = _("groups of people")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `id` is the `sub` of every token and is never given to anybody else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    epoch = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text=_("Raised by “revoke everything”: tokens and sessions of a lower epoch are dead."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("operator"), default=False, help_text=_("May enter the console."))
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)
    roles = models.ManyToManyField(Role, blank=True, related_name="users", verbose_name=_("roles"))

    name = models.CharField(_("full name"), max_length=255, blank=True)
    given_name = models.CharField(_("given name"), max_length=255, blank=True)
    family_name = models.CharField(_("family name"), max_length=255, blank=True)
    middle_name = models.CharField(_("middle name"), max_length=255, blank=True)
    nickname = models.CharField(_("nickname"), max_length=255, blank=True)
    preferred_username = models.CharField(_("preferred user name"), max_length=255, blank=True)
    profile = models.URLField(_("profile page"), blank=True)
    picture = models.URLField(_("picture"), blank=True)
    website = models.URLField(_("website"), blank=True)
    gender = models.CharField(_("gender"), max_length=64, blank=True)
    birthdate = models.CharField(_("birth date"), max_length=10, blank=True, help_text=_("YYYY-MM-DD"))
    zoneinfo = models.CharField(_("time zone"), max_length=64, blank=True)
    locale = models.CharField(_("language"), max_length=35, blank=True)
    phone_number = models.CharField(_("phone number"), max_length=32, blank=True)
    phone_number_verified = models.BooleanField(_("phone number verified"), default=False)
    address = models.JSONField(_("address"), default=dict, blank=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    told_of_sign_ins = models.BooleanField(_("a mail for each new device"), default=True)
    told_of_apps = models.BooleanField(_("a mail for each new app"), default=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["email"]
        indexes = [
            models.Index(fields=["email"], name="user_by_email"),  # the library signs in by the column as it stands
            models.Index(fields=["email"], name="user_by_email_start", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["date_joined"], name="user_by_date"),
            models.Index(
                fields=["email"], name="user_operators", condition=models.Q(is_staff=True) | models.Q(is_superuser=True)
            ),
            models.Index(fields=["email"], name="user_disabled", condition=models.Q(is_active=False)),
            # and `user_by_words`, on PostgreSQL: migrations/0011
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique_without_case",
                violation_error_message=_("Somebody already has this e-mail address."),
            )
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()  # as `create_user` keeps it and as signing in looks it up

    @property
    def full_name(self) -> str:
        """What a person is called on pages: the full name, its parts, or the e-mail address."""
        return self.name or " ".join(filter(None, [self.given_name, self.family_name])) or self.email

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.given_name or self.nickname or self.full_name


class Passkey(models.Model):
    """What is kept of a passkey or security key, beside the library's row for it: the public half, and what each use
    is held against (Web Authentication Level 3 section 4, credential record)."""

    authenticator = models.OneToOneField(
        "mfa.Authenticator", on_delete=models.CASCADE, primary_key=True, related_name="passkey"
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    """SHA-256 of the credential's id: nobody else may register the same."""
    credential_id = models.BinaryField()
    public_key = models.BinaryField()
    """COSE, as it came."""
    sign_count = models.PositiveBigIntegerField(default=0)
    """Of authenticators that count: the last seen. A lower or equal one is a copy's."""
    verifies = models.BooleanField()
    """It asked for a finger, face or PIN when it was added."""
    discoverable = models.BooleanField()
    """It may be found without an e-mail address."""
    backup_eligible = models.BooleanField()
    """It may be synced to other devices. This never changes."""
    backed_up = models.BooleanField()
    aaguid = models.UUIDField()
    """The make of what holds it; zeros where that is not told."""
    transports = models.JSONField(default=list)

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")

    def __str__(self) -> str:
        return str(self.authenticator)

    @property
    def signs_in(self) -> bool:
        """Whether it suffices alone; any other is a second factor only."""
        return self.verifies and self.discoverable
