"""The form that finds what to revoke, by whatever name an operator has of it."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts.models import User
from authcenter.keys.models import Key
from authcenter.keys.ring import InvalidToken
from authcenter.oauth import access_token
from authcenter.oauth.models import Application, Authorization, Family
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import Kind

ACTS: dict[str, tuple[Any, str]] = {
    Kind.USER: (User, "accounts_user_revoke_one"),
    Kind.APPLICATION: (Application, "oauth_application_revoke_one"),
    Kind.SESSION: (Session, "signins_session_end_one"),
    Kind.AUTHORIZATION: (Authorization, "oauth_authorization_withdraw_one"),
    Kind.FAMILY: (Family, "oauth_family_end_one"),
    Kind.KEY: (Key, "keys_key_revoke_one"),
}
"""Each kind's own page, which says what will be hit, asks, and ends it by the one function that does."""


_KINDS = [(kind, label) for kind, label in Kind.choices if kind in ACTS or kind == Kind.TOKEN]
"""A membership ends where it is kept: on the pages of its organisation."""


class RevocationForm(forms.Form):
    """Finds what is meant. `found` is the record, or the `jti` of a token."""

    found: Any = None

    kind = forms.ChoiceField(label=_("kind"), choices=_KINDS, widget=UnfoldAdminSelectWidget)
    what = forms.CharField(
        label=_("which"),
        max_length=20_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "A person: e-mail address or ID. An application: client ID or name. A session, authorization, family or "
            "key: its ID. A token: the token itself, which is not kept, or its jti."
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        kind, what = cleaned.get("kind"), str(cleaned.get("what", "")).strip()
        if kind and what:
            self.found = _token_named(what) if kind == Kind.TOKEN else _record_named(kind, what)
        return cleaned


def _record_named(kind: str, what: str) -> Any:
    model: Any = ACTS[kind][0]
    if kind == Kind.USER and "@" in what:
        found = model.objects.filter(email=what.lower())
    elif kind == Kind.APPLICATION:
        found = model.objects.filter(client_id=what) or model.objects.filter(name__iexact=what)
    elif kind == Kind.KEY:
        found = model.objects.filter(kid__startswith=what)
    else:
        try:
            found = model.objects.filter(pk=UUID(what))
        except ValueError:
            raise ValidationError(
                {"what": _("This is no ID: 32 hexadecimal digits, with or without hyphens.")}
            ) from None
    match list(found[:2]):
        case [one]:
            return one
        case []:
            raise ValidationError({"what": _("There is none of this name or ID.")})
        case _:
            raise ValidationError({"what": _("There are several of this name. Give the ID.")})


def _token_named(what: str) -> str:
    """Its `jti`. A whole token must be one of ours that is still good for something."""
    if "." not in what and not what.startswith(access_token.OPAQUE):
        if len(what) > 64 or not what.isascii() or not what.isprintable() or " " in what:
            raise ValidationError({"what": _("This is neither a token nor a jti.")})
        return what
    try:
        return str(access_token.read(what)["jti"])
    except InvalidToken as error:
        raise ValidationError({"what": _("This is no access token of ours that could be used: %s") % error}) from None
