"""Scopes: those of OpenID Connect and those of the APIs, what an application may ask for, and audiences."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from authcenter.oauth.errors import InvalidScopeError, InvalidTargetError
from authcenter.oauth.models import Application

OPENID, OFFLINE = "openid", "offline_access"
ROLES, GROUPS, ORGANIZATION = "roles", "groups", "organization"
NEVER_OPTIONAL = frozenset({OPENID, ORGANIZATION})
"""Nothing is left of a request without them: who she is, and whom she acts for."""

ORGANIZATION_CLAIMS = ("org_id", "org_name", "org_role")


@dataclass(frozen=True)
class IdentityScope:
    """OpenID Connect Core sections 5.4 and 11."""

    title: Any
    claims: tuple[str, ...]


IDENTITY: dict[str, IdentityScope] = {
    OPENID: IdentityScope(_("Know who you are here"), ("sub",)),
    "profile": IdentityScope(
        _("See your name and profile"),
        (
            "name",
            "family_name",
            "given_name",
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
            "updated_at",
        ),
    ),
    "email": IdentityScope(_("See your e-mail address"), ("email", "email_verified")),
    "address": IdentityScope(_("See your postal address"), ("address",)),
    "phone": IdentityScope(_("See your phone number"), ("phone_number", "phone_number_verified")),
    ROLES: IdentityScope(_("See your roles"), ("roles",)),
    GROUPS: IdentityScope(_("See the groups that you belong to"), ("groups",)),
    ORGANIZATION: IdentityScope(_("See which organisation you act for, and your role there"), ORGANIZATION_CLAIMS),
    OFFLINE: IdentityScope(_("Keep access when you are not using it"), ()),
}


def allowed(application: Application) -> dict[str, str]:
    """What this application may ask for: scope to API identifier; identity scopes have none."""
    identity = {name: "" for name in application.identity_scopes if name in IDENTITY}
    return {**identity, **application.api_scopes}


def checked(application: Application, scopes: Iterable[str]) -> list[str]:
    """The scopes without repetition, or `InvalidScopeError` where none is left or one is not for this application.

    `offline_access` is ignored where the application may not have it (OpenID Connect Core section 11).
    """
    may = allowed(application)
    asked = [scope for scope in dict.fromkeys(scopes) if scope != OFFLINE or scope in may]
    if not asked:
        raise InvalidScopeError(description="Missing scope parameter.")
    if any(scope not in may for scope in asked):
        raise InvalidScopeError(description="A scope is unknown or not available to this client.")
    return asked


def without_organization(scopes: Iterable[str]) -> list[str]:
    """For grants in which nobody could choose one. Raises `InvalidScopeError` where it was asked for."""
    asked = list(scopes)
    if ORGANIZATION in asked:
        raise InvalidScopeError(description="The scope organization needs the authorization code flow.")
    return asked


def targets(application: Application, resources: list[str]) -> list[str]:
    """The resources asked for (RFC 8707 section 2), or `InvalidTargetError` where one is not for this application."""
    known = {settings.OWN_API, *application.api_scopes.values()}
    if any(resource not in known for resource in resources):
        raise InvalidTargetError
    return list(dict.fromkeys(resources))


def audience(application: Application, scopes: Iterable[str], resources: list[str]) -> list[str]:
    """The `aud` of an access token (RFC 9068 section 3).

    What was asked for by `resource`; else AuthCenter's own API and each API that one of the scopes belongs to. Scope
    names are unique, so no scope is ambiguous among several audiences.
    """
    if resources:
        return resources
    of_scopes = (application.api_scopes.get(scope, "") for scope in scopes)
    return list(dict.fromkeys([settings.OWN_API, *filter(None, of_scopes)]))


def narrowed(application: Application, scopes: list[str], resources: list[str], asked: list[str]) -> list[str]:
    """The resources of a token request (RFC 8707 section 2.2): it may narrow what was granted, not widen it.

    Raises `InvalidTargetError`, also where what was granted is not for this application any more.
    """
    wanted = targets(application, asked or resources)
    granted = audience(application, scopes, resources)
    if any(resource not in granted for resource in wanted):
        raise InvalidTargetError
    return wanted


def for_resources(application: Application, scopes: Iterable[str], resources: list[str]) -> list[str]:
    """Of these scopes, those that the application may still have and that mean something at these resources.

    Identity scopes do everywhere. Raises `InvalidScopeError` where none is left.
    """
    may = allowed(application)
    left = [scope for scope in scopes if scope in may and (not resources or may[scope] in {"", *resources})]
    if not left:
        raise InvalidScopeError(description="No scope is left for this client at this resource.")
    return left
