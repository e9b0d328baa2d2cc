"""/account/data/: everything that is held of a person, as JSON; and deleting the account."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import deletion
from accounts.home import me
from accounts.models import (
    Group,
    KnownBrowser,
    LinkedIdentity,
    Notice,
    RecoveryCode,
    TermsAcceptance,
    TrustedBrowser,
    User,
)
from accounts.organisation import Membership
from accounts.pages import show
from accounts.remembering import forget_address, known_address
from accounts.signed_in_lately import signed_in_lately
from authcenter.audit import events
from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import Application, Authorization, Family
from authcenter.sessions.models import Session

FORMAT = "authcenter-account-data/1"
"""Raised when a part changes its meaning; new parts and fields may come with the same number (docs/account-data.md)."""

_Rows = Callable[[User], Any]


def _by_user(model: Any, *fields: str, **named: str) -> _Rows:
    """Columns of a person's rows: those that are named, so that a secret is never among them."""
    renamed = {name: F(path) for name, path in named.items()}
    return lambda user: model._default_manager.filter(user=user.pk).order_by("pk").values(*fields, **renamed).iterator()


@login_required
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    days = settings.DELETION_GRACE_DAYS
    context = {"here": "data", "days": days, "is_last": deletion.is_last_superuser(me(request))}
    return show(request, "account/home/data.html", context)


@signed_in_lately
@require_POST
def download(request: HttpRequest) -> HttpResponseBase:
    """The file is made while it is sent, row by row."""
    user = User.objects.get(pk=me(request).pk)
    events.record(request, events.Kind.DATA_DOWNLOADED, actor=user.pk, subject=user.pk)
    response = StreamingHttpResponse(written(user), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="account-{timezone.now():%Y-%m-%d}.json"'
    response["Cache-Control"] = "no-store"
    return response


@signed_in_lately
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    """GET says what will happen; POST closes the account, signs out everywhere and notes when it goes for good."""
    user = User.objects.get(pk=me(request).pk)
    if deletion.is_last_superuser(user):
        return redirect("account-data")
    if request.method != "POST":
        context = {
            "here": "data",
            "days": settings.DELETION_GRACE_DAYS,
            "apps": Authorization.objects.filter(user=user, withdrawn=None).count(),
            "own_apps": Application.objects.filter(user=user).count(),
            "organisations": Membership.objects.filter(user=user).select_related("organisation"),
        }
        return show(request, "account/home/delete.html", context)
    deletion.ask(request, user)
    get_adapter(request).logout(request)
    response = redirect("account-closed")
    if user.email == known_address(request):
        forget_address(response)
    return response


# --- What is held ---------------------------------------------------------------------------------------------

_PROFILE = [
    "id",
    "email",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "is_active",
    "is_staff",
    "date_joined",
    "last_login",
    "updated_at",
    "told_of_sign_ins",
    "told_of_apps",
]

PARTS: dict[str, _Rows] = {
    "email_addresses": _by_user(EmailAddress, "email", "verified", "primary"),
    "sign_ins": _by_user(
        Session,
        *("id", "kind", "amr", "acr", "auth_time", "created", "last_seen", "expires", "remembered"),
        *("address", "user_agent", "ended", "ended_by"),
    ),
    "known_browsers": _by_user(KnownBrowser, "last_seen"),
    "trusted_browsers": _by_user(TrustedBrowser, "created", "last_used", "expires", "address", "user_agent"),
    "sign_in_methods": lambda user: _methods(user),
    "recovery_codes": _by_user(RecoveryCode, "made", "used"),
    "linked_accounts": _by_user(
        LinkedIdentity, "subject", "shown_as", "linked", "last_used", provider_name="provider__name"
    ),
    "connected_apps": _by_user(
        Authorization,
        *("id", "scopes", "resources", "claims", "granted", "updated", "last_used", "withdrawn", "withdrawn_by"),
        app="application__name",
        client_id="application__client_id",
    ),
    "access_of_apps": _by_user(
        Family,
        *("created", "scope", "resource", "offline", "rotated", "expires", "ended", "ended_by"),
        client_id="application__client_id",
    ),
    "own_apps": _by_user(Application, "name", "client_id", "kind", "created"),
    "organisations": _by_user(Membership, "role", "joined", organisation_name="organisation__name"),
    "terms": _by_user(TermsAcceptance, "at", version="terms__version"),
    "mails_that_told": _by_user(Notice, "alert", "at", "address", "user_agent", "detail"),
    "events": lambda user: _events(user),
}


def written(user: User) -> Iterator[str]:
    """The file, piece by piece."""
    head = {"format": FORMAT, "issuer": settings.ISSUER, "made": timezone.now(), "profile": _profile(user)}
    yield _json(head)[:-2].rstrip()
    for name, rows in PARTS.items():
        yield f',\n  "{name}": ['
        for number, row in enumerate(rows(user)):
            yield ("," if number else "") + "\n    " + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        yield "\n  ]"
    yield "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def _profile(user: User) -> dict[str, Any]:
    profile = {name: getattr(user, name) for name in _PROFILE}
    profile["has_password"] = user.has_usable_password()
    profile["roles"] = list(user.roles.values_list("name", flat=True))
    profile["groups"] = list(Group.objects.filter(members=user).values_list("name", flat=True))
    return profile


def _methods(user: User) -> Iterator[dict[str, Any]]:
    """Their names, and nothing of what they prove by."""
    for row in Authenticator.objects.filter(user=user).order_by("pk"):
        name = row.data.get("name") if isinstance(row.data, dict) else None
        yield {
            "type": row.type,
            "name": name if isinstance(name, str) else "",
            "added": row.created_at,
            "last_used": row.last_used_at,
        }


def _events(user: User) -> Iterator[dict[str, Any]]:
    """What she did and what was done to her; where somebody else was who did it is not hers to know."""
    mine = str(user.pk)
    fields = ("at", "kind", "actor", "subject", "client_id", "address", "user_agent", "detail")
    for row in AuditEvent.objects.filter(Q(actor=mine) | Q(subject=mine)).order_by("at").values(*fields).iterator():
        yield row if row["actor"] in {"", mine} else {**row, "address": "", "user_agent": ""}
