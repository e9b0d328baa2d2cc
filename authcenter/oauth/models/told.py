"""Which roles and groups of people an application sees, and under which names."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from authcenter.oauth.models.application import Application


class ToldName(models.Model):
    """One role or one group that an application is told of, where a person has it and has granted the scope."""

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="told_names", verbose_name=_("application")
    )
    role = models.ForeignKey(
        "accounts.Role", null=True, blank=True, on_delete=models.CASCADE, related_name="told", verbose_name=_("role")
    )
    group = models.ForeignKey(
        "accounts.Group",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="told",
        verbose_name=_("group of people"),
    )
    told_as = models.CharField(
        _("told as"), max_length=128, blank=True, help_text=_("The name that the application knows. Empty: its own.")
    )

    class Meta:
        verbose_name = _("role or group that is told")
        verbose_name_plural = _("roles and groups that are told")
        ordering = ["application", "role__name", "group__name"]
        constraints = [
            models.CheckConstraint(
                name="told_role_or_group",
                condition=models.Q(role=None, group__isnull=False) | models.Q(role__isnull=False, group=None),
            ),
            models.UniqueConstraint(fields=["application", "role"], name="told_role_once"),
            models.UniqueConstraint(fields=["application", "group"], name="told_group_once"),
        ]

    def __str__(self) -> str:
        return self.told_as or str(self.role or self.group)

    def clean(self) -> None:
        if (self.role_id is None) == (self.group_id is None):
            raise ValidationError(_("Choose a role or a group, not both."))
