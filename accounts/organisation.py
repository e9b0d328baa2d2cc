"""Organisations: whom people belong to, as what, and who is invited (`accounts/organisations.py` has the acts)."""

import re
import secrets
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

OWNER, ADMIN, MEMBER = "owner", "admin", "member"
_ROLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def new_organisation_id() -> str:
    """Stable and random: applications keep it, and nobody guesses another's."""
    return "org_" + "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(16))


def invitation_end() -> datetime:
    return timezone.now() + timedelta(days=7)


def is_role_name(name: str) -> bool:
    return _ROLE.fullmatch(name) is not None


def role_in_words(role: str) -> str:
    """What people read; a role that the organisation made itself has the name that it was given."""
    known = {
        OWNER: pgettext("role in an organisation", "Owner"),
        ADMIN: pgettext("role in an organisation", "Administrator"),
        MEMBER: pgettext("role in an organisation", "Member"),
    }
    return known.get(role, role)


def domain_of(email: str) -> str:
    """As `OrganisationDomain` keeps it; empty where there is none."""
    try:
        domain = email.rpartition("@")[2].strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    return domain if domain.isprintable() else ""  # PostgreSQL fails at a NUL


class Organisation(models.Model):
    """Its `id` is claim `org_id`."""

    id = models.CharField(primary_key=True, max_length=32, default=new_organisation_id, editable=False)
    name = models.CharField(_("name"), max_length=100)
    custom_roles = models.JSONField(
        _("further roles"),
        default=list,
        blank=True,
        help_text=_("Beside owner, admin and member: names that its applications know. They give no right here."),
    )
    logo_key = models.CharField(max_length=12, blank=True, editable=False)
    """Part of its logo's address; empty where it has none."""
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def roles(self) -> list[str]:
        return [OWNER, ADMIN, MEMBER, *(name for name in self.custom_roles if name not in {OWNER, ADMIN, MEMBER})]

    def clean(self) -> None:
        names = self.custom_roles or []
        if not isinstance(names, list) or len(names) > 50 or not all(isinstance(name, str) for name in names):
            raise ValidationError({"custom_roles": _("A list of at most 50 names, as JSON.")})
        for name in names:
            if not is_role_name(name):
                raise ValidationError({"custom_roles": _("%s: small letters, digits, - and _ only.") % name})
        self.custom_roles = list(dict.fromkeys(names))


class OrganisationLogo(models.Model):
    """A PNG, apart from the row that each token request of a member reads."""

    organisation = models.OneToOneField(
        Organisation, primary_key=True, on_delete=models.CASCADE, related_name="logo", verbose_name=_("organisation")
    )
    picture = models.BinaryField()

    def __str__(self) -> str:
        return str(self.organisation)


class OrganisationDomain(models.Model):
    """A domain that an organisation says is its own. Nothing rests on it until it is verified."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="domains", verbose_name=_("organisation")
    )
    name = models.CharField(_("domain"), max_length=253)
    verified = models.BooleanField(
        _("verified"),
        default=False,
        help_text=_("You have seen that it is theirs. Their own sign-in may then vouch for every address of it."),
    )

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="domain_once_an_organisation"),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(verified=True),
                name="domain_verified_once",
                violation_error_message=_("This domain is verified for another organisation."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            self.name = self.name.strip().rstrip(".").encode("idna").decode("ascii").lower()
        except UnicodeError:
            raise ValidationError({"name": _("This is no domain.")}) from None
        labels = self.name.split(".")
        if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
            raise ValidationError({"name": _("This is no domain.")})


class Membership(models.Model):
    """One person in one organisation, in one role. A new one after the end of an old one is another (claim `mid`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("organisation")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=64, default=MEMBER)
    joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["user__email"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="membership_once"),
        ]
        indexes = [models.Index(fields=["organisation", "role"], name="membership_role")]

    def __str__(self) -> str:
        return f"{self.user} · {self.organisation}"

    @property
    def manages(self) -> bool:
        """Whether the role gives rights over other members."""
        return self.role in {OWNER, ADMIN}


class OrganisationInvitation(models.Model):
    """An address that is asked to join. The token is in its mail alone; accepting it needs the address, verified."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="invitations", verbose_name=_("organisation")
    )
    email = models.EmailField(_("e-mail address"), max_length=254)
    role = models.CharField(_("role"), max_length=64, default=MEMBER)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("invited by")
    )
    created = models.DateTimeField(_("sent"), default=timezone.now, editable=False)
    expires = models.DateTimeField(_("expires"), default=invitation_end)
    accepted = models.DateTimeField(_("accepted"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("invitation to an organisation")
        verbose_name_plural = _("invitations to organisations")
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(
                "organisation", Lower("email"), condition=models.Q(accepted=None), name="invitation_open_once"
            )
        ]
        indexes = [models.Index(Lower("email"), name="invitation_by_address")]

    def __str__(self) -> str:
        return f"{self.email} → {self.organisation}"
