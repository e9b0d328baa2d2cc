"""The sidebar: people, applications, security; each line for who may see what it leads to."""

from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import (
    Deletion,
    IdentityProvider,
    Invitation,
    LinkedIdentity,
    Membership,
    Organisation,
    OrganisationInvitation,
    Role,
    Terms,
    TermsAcceptance,
    User,
)
from accounts.models import Group as PeopleGroup
from authcenter.audit.models import AuditEvent
from authcenter.branding.models import Branding
from authcenter.keys.models import Key
from authcenter.oauth.models import (
    API,
    Application,
    Authorization,
    Family,
    InitialAccessToken,
    Scope,
    TrustedIssuer,
)
from authcenter.outbox.models import Delivery
from authcenter.sessions.models import Revocation, Session

_GROUPS: tuple[tuple[Any, tuple[tuple[Any, str], ...]], ...] = (
    (
        _("People"),
        (
            (User, "person"),
            (Role, "badge"),
            (PeopleGroup, "groups"),
            (Organisation, "corporate_fare"),
            (Membership, "card_membership"),
            (OrganisationInvitation, "mail"),
            (Invitation, "person_add"),
            (Terms, "gavel"),
            (TermsAcceptance, "task_alt"),
            (Group, "shield_person"),
            (Session, "devices"),
            (IdentityProvider, "login"),
            (LinkedIdentity, "link"),
            (Deletion, "person_remove"),
        ),
    ),
    (
        _("Applications"),
        (
            (Application, "apps"),
            (Branding, "palette"),
            (API, "dns"),
            (Scope, "checklist"),
            (InitialAccessToken, "vpn_key"),
            (TrustedIssuer, "verified"),
            (Authorization, "handshake"),
            (Family, "sync"),
        ),
    ),
    (_("Security"), ((AuditEvent, "history"), (Key, "key"), (Revocation, "block"), (Delivery, "outbox"))),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """What unfold draws; named in the settings."""
    groups: list[dict[str, Any]] = [
        {"items": [{"title": _("Dashboard"), "icon": "dashboard", "link": reverse("admin:index")}]}
    ]
    for title, models in _GROUPS:
        items = [
            {"title": _capitalised(model), "icon": icon, "link": list_address(model)}
            for model, icon in models
            if may_view(request, model)
        ]
        groups.append({"title": title, "separator": True, "items": items})
    groups[-1]["items"].append({"title": _("Mails"), "icon": "drafts", "link": reverse("admin:mails")})
    return groups


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """The operator's own account, below the name."""
    return [{"title": _("Change password"), "link": reverse("account_change_password")}]


def may_view(request: HttpRequest, model: Any) -> bool:
    """As the lists themselves decide: who may change may see."""
    user: Any = request.user
    names = (f"{model._meta.app_label}.{act}_{model._meta.model_name}" for act in ("view", "change"))
    return any(user.has_perm(name) for name in names)


def list_address(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _capitalised(model: Any) -> str:
    name = str(model._meta.verbose_name_plural)
    return name[:1].upper() + name[1:]
