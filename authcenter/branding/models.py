"""What this installation looks like and says: one row, edited in the console."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from authcenter.branding import colours

TEXTS = ("headline", "sign_in_notice", "sign_up_notice", "footer")
"""What may be said in several languages."""


def accent_fault(accent: str, theme: colours.Theme) -> str:
    """Why a colour cannot be the accent of a theme, with the nearest that can; empty where it can."""
    if not colours.is_colour(accent):
        return gettext("A colour is written like #1f54c9.")
    ratio = colours.worst_contrast(accent, theme)
    if ratio >= colours.ENOUGH:
        return ""
    return gettext(
        "Text in this colour has a contrast of %(ratio)s to 1, and %(enough)s is needed to read it. The nearest colour "
        "that has it is %(nearest)s."
    ) % {"ratio": f"{ratio:.1f}", "enough": colours.ENOUGH, "nearest": colours.nearest(accent, theme)}


class Branding(models.Model):
    """Empty fields are as if there were no row."""

    name = models.CharField(_("name"), max_length=60, blank=True, help_text=_("Empty: what SITE_NAME says."))
    logo = models.BinaryField(null=True, blank=True, editable=False)
    logo_key = models.CharField(max_length=12, blank=True, editable=False)
    accent = models.CharField(
        _("accent colour"),
        max_length=7,
        blank=True,
        help_text=_("Of buttons and links, such as #1f54c9. Its contrast is checked when you save."),
    )
    accent_dark = models.CharField(
        _("accent colour on dark"), max_length=7, blank=True, help_text=_("Empty: made from the other one.")
    )
    headline = models.CharField(
        _("headline of the sign-in page"), max_length=80, blank=True, help_text=_("Empty: “Sign in”.")
    )
    sign_in_notice = models.CharField(_("notice on the sign-in page"), max_length=400, blank=True)
    sign_up_notice = models.CharField(_("notice on the sign-up page"), max_length=400, blank=True)
    footer = models.CharField(_("line at the foot of pages"), max_length=200, blank=True)
    translations = models.JSONField(
        _("in other languages"),
        default=dict,
        blank=True,
        help_text=_("For example {“de”: {“headline”: “…”, “footer”: “…”}}, with straight quotes."),
    )
    privacy_url = models.URLField(_("privacy policy"), blank=True)
    terms_url = models.URLField(_("terms"), blank=True)
    help_url = models.URLField(_("help"), blank=True)
    support_email = models.EmailField(_("support"), blank=True, help_text=_("An e-mail address, shown as a link."))

    class Meta:
        verbose_name = _("branding")
        verbose_name_plural = _("branding")

    def __str__(self) -> str:
        return self.name or settings.SITE_NAME

    def clean(self) -> None:
        self.accent, self.accent_dark = self.accent.strip().lower(), self.accent_dark.strip().lower()
        faults: dict[str, Any] = {}
        if self.accent and (why := accent_fault(self.accent, "light")):
            faults["accent"] = why
        if self.accent_dark and (why := accent_fault(self.accent_dark, "dark")):
            faults["accent_dark"] = why
        if why := _translations_fault(self.translations):
            faults["translations"] = why
        if faults:
            raise ValidationError(faults)


def _translations_fault(given: Any) -> str:
    known = {code for code, _name in settings.LANGUAGES}
    longest = {column.name: column.max_length or 0 for column in Branding._meta.concrete_fields if column.name in TEXTS}
    if isinstance(given, dict) and all(
        language in known
        and isinstance(texts, dict)
        and all(
            name in longest and isinstance(text, str) and len(text) <= longest[name] for name, text in texts.items()
        )
        for language, texts in given.items()
    ):
        return ""
    return gettext("For each language some of: %(texts)s. The languages are: %(languages)s.") % {
        "texts": ", ".join(TEXTS),
        "languages": ", ".join(sorted(known)),
    }
