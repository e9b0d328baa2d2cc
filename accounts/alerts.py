"""Telling a person by mail what was done with the account, with a link that undoes: "That was not me".

`tell(request, user, Alert.X, …)` is called by the act, in its transaction; the mail goes when that is committed, so
nothing is told that did not happen. What a mail may say beside device, place and time stands at each alert.
"""

import hashlib
import secrets
from typing import Any

import structlog
from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.home_rows import Notice
from accounts.letters import compose, harmless, in_words_of, origin
from accounts.models import User

log = structlog.get_logger("accounts.alerts")


class Alert(models.TextChoices):
    NEW_DEVICE = "new_device", _("sign-in with a new device")
    """`amr`: how."""
    FACTOR_ADDED = "factor_added", _("sign-in method added")
    """`factor`: its name in words."""
    FACTOR_REMOVED = "factor_removed", _("sign-in method removed")
    """`factor`."""
    FACTOR_GUESSED = "factor_guessed", _("second factor guessed at")
    RECOVERY_CODE_USED = "recovery_code_used", _("recovery code used")
    """`left`: how many are left."""
    RECOVERY_CODES_MADE = "recovery_codes_made", _("recovery codes made")
    IDENTITY_LINKED = "identity_linked", _("other account linked")
    """`provider`: its name."""
    IDENTITY_UNLINKED = "identity_unlinked", _("other account unlinked")
    """`provider`."""
    NEW_APP = "new_app", _("app allowed")
    """`application`: its name."""
    PASSWORD_CHANGED = "password_changed", _("password changed")
    """`mail`: `password_set` or `password_reset` where it was that."""
    EMAIL_CHANGED = "email_changed", _("e-mail address changed")
    """`from_email`, `to_email`; goes to the old address (`to`)."""
    DELETION_ASKED = "deletion_asked", _("deletion of the account asked for")
    """`due`: when it happens."""


_OFF = {Alert.NEW_DEVICE: "told_of_sign_ins", Alert.NEW_APP: "told_of_apps"}
"""What a person may do without. Nobody turns off what tells of a changed password or method: a thief would."""

_LEADS_TO = {Alert.NEW_APP: "/account/apps/", Alert.DELETION_ASKED: "/accounts/login/"}
_NOT_NAMES = frozenset({"from_email", "to_email", "mail", "due", "left", "amr"})


def tell(request: HttpRequest, user: User, alert: Alert, *, to: str = "", **detail: Any) -> None:
    """Tell of an act once its transaction is committed; at once where there is none. Never raises for the mail.

    The same alert of one request is told once. Names that others chose (`factor`, `application`, …) may be anything.
    """
    told = request.__dict__.setdefault("_told", set())
    off = _OFF.get(alert)
    if (alert, user.pk) in told or (off and not getattr(user, off)):
        return
    told.add((alert, user.pk))
    where = origin(request)
    detail = {name: value if name in _NOT_NAMES else _said(value, user) for name, value in detail.items()}
    token = secrets.token_urlsafe(32)
    Notice.objects.create(
        user=user,
        alert=alert,
        token_hash=hash_of(token),
        at=where["at"],
        address=where["address"],
        user_agent=where["user_agent"],
        detail={name: value for name, value in detail.items() if isinstance(value, str | int | list)},
        expires=timezone.now() + settings.NOTICE_LIVES,
    )
    template = f"account/email/{detail.pop('mail', alert.value)}"
    context = {**where, **detail, "not_me_url": settings.ISSUER + reverse("account-not-me", args=[token])}
    if path := _LEADS_TO.get(alert):
        context["action_url"] = settings.ISSUER + path
    transaction.on_commit(lambda: send(template, to or user.email, context, user), robust=True)


def told_as(request: HttpRequest, user: User, template: str, context: dict[str, Any], to: str) -> bool:
    """Whether an alert tells what the library would tell by `template` (its name for a notice)."""
    name = template.rpartition("/")[2]
    match name:
        case "password_changed" | "password_set" | "password_reset":
            tell(request, user, Alert.PASSWORD_CHANGED, mail=name)
        case "email_changed":
            tell(request, user, Alert.EMAIL_CHANGED, to=to, **context)
        case "totp_activated":
            tell(request, user, Alert.FACTOR_ADDED, factor=_("authenticator app"))
        case "totp_deactivated":
            tell(request, user, Alert.FACTOR_REMOVED, factor=_("authenticator app"))
        case "webauthn_added":
            tell(request, user, Alert.FACTOR_ADDED, factor=_("passkey or security key"))
        case "webauthn_removed":
            tell(request, user, Alert.FACTOR_REMOVED, factor=_("passkey or security key"))
        case "recovery_codes_generated":
            tell(request, user, Alert.RECOVERY_CODES_MADE)
        case "account_connected":
            tell(request, user, Alert.IDENTITY_LINKED, provider=_provider(context))
        case "account_disconnected":
            tell(request, user, Alert.IDENTITY_UNLINKED, provider=_provider(context))
        case _:
            return False
    return True


def send(template: str, to: str, context: dict[str, Any], user: User | None) -> None:
    """Send one mail; a mail server that is down is told of in the log, and stops nobody."""
    try:
        compose(template, to, context, user).send()
    except OSError as fault:  # smtplib's errors are of this kind
        log.error("mail_not_sent", template=template, fault=str(fault)[:200])


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _said(value: Any, user: User) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    with in_words_of(user):  # it may be a lazy text
        return harmless(value)


def _provider(context: dict[str, Any]) -> str:
    return str(getattr(context.get("provider"), "name", ""))
