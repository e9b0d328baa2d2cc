"""What a request asks a person for, in words: on the consent page and on that of a device."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Membership, User
from accounts.organisation import role_in_words
from authcenter.oauth import roles
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.claims import about_person
from authcenter.oauth.granting import Wanted
from authcenter.oauth.models import API, Application, Authorization, Scope


def asked_for(user: User, application: Application, wanted: Wanted, living: Authorization | None) -> dict[str, Any]:
    """What the part of the page says that lists scopes: in groups what is new, apart what she granted before.

    What may be left out is a check box there, sent as `scope`.
    """
    had = set(living.scopes) if living else set()
    if living and not set(wanted.organisations) <= set(living.organisations):
        had -= {scope_rules.ORGANIZATION}  # it was another one
    described = _described(wanted, user, had, application)
    described += _single_claims(wanted, user, set(living.claims) if living else set(), application)
    groups: dict[str, list[dict[str, Any]]] = {}
    for scope in described:
        if scope["new"]:
            groups.setdefault(scope["group"], []).append(scope)
    return {
        "groups": [{"title": title, "scopes": scopes} for title, scopes in groups.items()],
        "granted": [scope for scope in described if not scope["new"]],
        "offline": scope_rules.OFFLINE in wanted.scopes and scope_rules.OFFLINE not in had,
        "offline_is_optional": scope_rules.OFFLINE in application.optional_scopes,
        "resources": API.objects.filter(identifier__in=wanted.resources),
    }


def _described(wanted: Wanted, user: User, had: set[str], application: Application) -> list[dict[str, Any]]:
    """Each scope in words, with exactly what is shared. `offline_access` has a sentence of its own on the page."""
    known = {scope.name: scope for scope in Scope.objects.filter(name__in=wanted.scopes).select_related("api")}
    optional = set(application.optional_scopes) - scope_rules.NEVER_OPTIONAL
    described = []
    for name in wanted.scopes:
        entry: dict[str, Any] = {"name": name, "new": name not in had, "description": "", "shared": ""}
        entry["optional"] = name in optional
        if name == scope_rules.OFFLINE:
            continue
        if name in known:
            scope = known[name]
            entry |= {
                "group": scope.api.name,
                "title": scope.shown_title,
                "description": scope.shown_description,
                "write": scope.access == Scope.Access.WRITE,
                "sensitive": scope.sensitive,
            }
        else:
            entry |= {
                "group": _("Your identity"),
                "title": scope_rules.IDENTITY[name].title,
                "shared": _shared(user, name, application, wanted.membership),
                "write": False,
                "sensitive": False,
            }
        described.append(entry)
    return described


def _single_claims(wanted: Wanted, user: User, had: set[str], application: Application) -> list[dict[str, Any]]:
    """Claims that no scope of this request brings along, each by the name of its field."""
    of_scopes = {name for scope in wanted.scopes if scope in scope_rules.IDENTITY for name in _claims_of(scope)}
    values = about_person(user, (), wanted.claim_names, told_to=application.client_id)
    return [
        {
            "name": name,
            "new": name not in had,
            "group": _("Your identity"),
            "title": _("See your %s") % _title(name),
            "description": "",
            "shared": _in_words(values.get(name)),
            "write": False,
            "sensitive": False,
        }
        for name in wanted.claim_names
        if name not in of_scopes
    ]


def _claims_of(scope: str) -> tuple[str, ...]:
    return scope_rules.IDENTITY[scope].claims


def _title(claim: str) -> str:
    known = {field.name: field for field in User._meta.get_fields()}
    return str(getattr(known.get(claim), "verbose_name", "") or claim.replace("_", " "))


def _in_words(value: Any) -> str:
    """What is told, where it reads as it is: a text; or a list, which may be empty."""
    if isinstance(value, list):
        return ", ".join(value) or _("none at present")
    return value if isinstance(value, str) else ""


def _shared(user: User, scope: str, application: Application, membership: Membership | None) -> str:
    if scope == scope_rules.ORGANIZATION:
        return f"{membership.organisation} · {role_in_words(membership.role)}" if membership else ""
    claims = about_person(user, [scope], told_to=application.client_id)
    if scope in roles.NAMES:
        return _in_words(claims[scope])
    if scope == "profile":
        return ", ".join(
            str(claims[name]) for name in ("name", "preferred_username", "locale", "zoneinfo") if name in claims
        )
    if scope == "address":
        return str(claims.get("address", {}).get("formatted", "")) if isinstance(claims.get("address"), dict) else ""
    return str(claims.get({"email": "email", "phone": "phone_number"}.get(scope, ""), ""))
