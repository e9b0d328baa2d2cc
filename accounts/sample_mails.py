"""Every mail with sample data, for operators who look at what their people get. A test sees that none is missing."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from accounts import letters
from accounts.models import User

_CODE = {"code": "BCDF-GHJK"}
_ALERT = {"not_me": True}
_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"

SAMPLES: dict[str, dict[str, Any]] = {
    "account/email/email_confirmation_signup": _CODE,
    "account/email/email_confirmation": _CODE,
    "account/email/login_code": _CODE,
    "account/email/again_code": _CODE,
    "account/email/password_reset_code": _CODE,
    "account/email/account_already_exists": {"leads_to": "/accounts/password/reset/"},
    "account/email/unknown_account": {"leads_to": "/accounts/signup/"},
    "account/email/provider_known": {"provider": "GitHub", "leads_to": "/accounts/login/"},
    "account/email/invitation": {"inviter": "Ada Lovelace", "days": 7, "leads_to": "/accounts/signup/"},
    "account/email/organisation_invitation": {
        "inviter": "Ada Lovelace",
        "inviter_email": "ada@example.com",
        "organisation": "Analytical Engines",
        "leads_to": "/account/organisations/",
    },
    "account/email/new_device": _ALERT,
    "account/email/new_app": {"application": "Paint Shop", "leads_to": "/account/apps/", **_ALERT},
    "account/email/password_changed": _ALERT,
    "account/email/password_set": _ALERT,
    "account/email/password_reset": _ALERT,
    "account/email/email_changed": {"from_email": "old@example.com", "to_email": "new@example.com", **_ALERT},
    "account/email/email_confirm": {},
    "account/email/email_deleted": {"deleted_email": "old@example.com"},
    "account/email/factor_added": {"factor": "Blue key", **_ALERT},
    "account/email/factor_removed": {"factor": "Blue key", **_ALERT},
    "account/email/factor_guessed": _ALERT,
    "account/email/recovery_code_used": {"left": 7, **_ALERT},
    "account/email/recovery_codes_made": _ALERT,
    "account/email/identity_linked": {"provider": "GitHub", **_ALERT},
    "account/email/identity_unlinked": {"provider": "GitHub", **_ALERT},
    "account/email/deletion_asked": {"leads_to": "/accounts/login/", **_ALERT},
    "account/email/deletion_cancelled": {},
    "account/email/account_deleted": {},
    "console/email/choose_password": {"leads_to": "/accounts/password/reset/"},
}


def sample(template: str, to: str, language: str, zone: str) -> EmailMultiAlternatives:
    """One mail as a person with this language and time zone would get it. Its link “was not me” leads nowhere."""
    told: dict[str, Any] = {
        "user_agent": _AGENT,
        "address": "203.0.113.7",
        "at": timezone.now(),
        "due": timezone.now() + timedelta(days=settings.DELETION_GRACE_DAYS),
        **SAMPLES[template],
    }
    if template.endswith("account_deleted"):
        told |= {"user_agent": "", "address": "", "at": None}  # nobody is there when it happens
    if told.pop("not_me", False):
        told["not_me_url"] = f"{settings.ISSUER}/accounts/not-me/sample/"
    if leads_to := told.pop("leads_to", ""):
        told["action_url"] = settings.ISSUER + leads_to
    return letters.compose(template, to, told, User(locale=language, zoneinfo=zone))
