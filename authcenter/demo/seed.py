"""Seeding the demo: people, applications and an API with random passwords and secrets, made once.

The file `demo.json` and the database must agree, and either may be lost. One rule heals both: if the file's demo API
is in this database, the file belongs to it, and rows that exist are left alone, however they were edited. If not (one
of them is new, or from elsewhere), every sample row takes the file's values, or new ones where there is no file.
When the issuer has changed since, for example with PORT, addresses that began with the old one follow.
"""

import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from accounts.models import Membership, Organisation, Role, User
from authcenter.demo import data_file, samples
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.models import API, Application, Scope
from authcenter.oauth.models.api import api_client_id
from authcenter.oauth.own_api import ensure_own_api
from authcenter.oauth.registration import hashed, new_application, new_client_id
from authcenter.sessions.revocation import end_all_of_user

_ADDRESSES = (
    "redirect_uris",
    "post_logout_redirect_uris",
    "allowed_origins",
    "logo_uri",
    "client_uri",
    "policy_uri",
    "tos_uri",
)


def seed() -> dict[str, Any]:
    """Make what is missing and return the content of `demo.json`. Harmless to repeat, and quick then."""
    known = data_file.read()
    with transaction.atomic():
        belongs = known is not None and API.objects.filter(client_id=known["apis"]["demo"]["client_id"]).exists()
        was_at = known["issuer"] if known else settings.ISSUER
        data = _for_this_issuer(known or _new_credentials())
        ensure_own_api()
        _ensure_api(data["apis"]["demo"], keep=belongs)
        for key, sample in samples.APPLICATIONS.items():
            _ensure_application(sample, data["applications"][key], keep=belongs, was_at=was_at)
        for key, fields in samples.PEOPLE.items():
            _ensure_person(fields, *samples.ROLES[key], data["people"][key]["password"], keep=belongs)
        _ensure_organisation(keep=belongs)
        if data != known:
            data_file.write(data)  # before the commit: a file without its rows heals, secrets without a file are lost
    return data


def _new_credentials() -> dict[str, Any]:
    applications = {}
    for key in samples.APPLICATIONS:
        applications[key] = {"client_id": new_client_id()}
        if key in {"web", "machine"}:
            applications[key]["client_secret"] = secrets.token_urlsafe(32)
    return {
        "people": {key: {"password": _new_password()} for key in samples.PEOPLE},
        "applications": applications,
        "apis": {"demo": {"client_id": api_client_id(), "client_secret": secrets.token_urlsafe(32)}},
    }


def _for_this_issuer(known: dict[str, Any]) -> dict[str, Any]:
    """The same credentials with the addresses of today, in the shape that the contract promises."""
    issuer = settings.ISSUER
    return {
        "issuer": issuer,
        "people": {
            key: {"email": fields["email"], "password": known["people"][key]["password"]}
            for key, fields in samples.PEOPLE.items()
        },
        "applications": {
            key: {
                **{
                    name: known["applications"][key][name]
                    for name in _CREDENTIALS
                    if name in known["applications"][key]
                },
                "redirect_uris": [issuer + path for path in sample.redirect_paths],
            }
            for key, sample in samples.APPLICATIONS.items()
        },
        "apis": {
            "demo": {
                "identifier": f"{issuer}/demo/api",
                **{name: known["apis"]["demo"][name] for name in _CREDENTIALS},
                "scopes": list(samples.API_SCOPES),
                "url": f"{issuer}/demo/api/orders/",
            }
        },
    }


_CREDENTIALS = ("client_id", "client_secret")


def _ensure_api(data: dict[str, Any], *, keep: bool) -> None:
    found = API.objects.filter(client_id=data["client_id"]).first() or API.objects.filter(name=samples.API_NAME).first()
    api = found or API(name=samples.API_NAME, description=samples.API_DESCRIPTION)
    if not (found and keep):
        api.client_id, api.client_secret = data["client_id"], hashed(data["client_secret"])
    if not (found and keep) or api.identifier != data["identifier"]:
        api.identifier = data["identifier"]
        api.save()
    for name, texts in samples.API_SCOPES.items():
        Scope.objects.get_or_create(name=name, defaults={"api": api, **texts})


def _ensure_application(sample: samples.Sample, data: dict[str, Any], *, keep: bool, was_at: str) -> None:
    found = (
        Application.objects.filter(client_id=data["client_id"]).first()
        or Application.objects.filter(name=sample.name, publisher=samples.PUBLISHER, kind=sample.kind).first()
    )
    if found and keep:
        if was_at != settings.ISSUER:
            _follow(found, was_at)
        return
    application = found or new_application(sample.kind, sample.name)[0]
    for name, value in sample.fields(settings.ISSUER).items():
        setattr(application, name, value)
    if scope_rules.OPENID in application.identity_scopes:
        asked = [scope_rules.ROLES, scope_rules.GROUPS, scope_rules.ORGANIZATION]
        application.identity_scopes = list(dict.fromkeys([*application.identity_scopes, *asked]))
        application.all_roles = application.all_groups = True
    application.client_id = data["client_id"]
    if secret := data.get("client_secret"):
        application.client_secret = hashed(secret)
    application.full_clean(exclude=["client_secret"])
    application.save()
    application.scopes.set(Scope.objects.filter(name__in=sample.scopes))


def _follow(application: Application, was_at: str) -> None:
    """Addresses that began with the old issuer begin with the new one; those that somebody added stay."""
    for name in _ADDRESSES:
        words = getattr(application, name).split()
        moved = [
            settings.ISSUER + word[len(was_at) :] if word == was_at or word.startswith(was_at + "/") else word
            for word in words
        ]
        setattr(application, name, "\n".join(moved))
    application.save(update_fields=list(_ADDRESSES))


def _ensure_person(fields: dict[str, Any], role: str, about_role: str, password: str, *, keep: bool) -> None:
    user = User.objects.filter(email=fields["email"]).first()
    if user and keep:
        return
    if user:
        user.set_password(password)
        user.save(update_fields=["password"])
        end_all_of_user(user.pk, reason="password changed")
    else:
        user = User.objects.create_user(password=password, **fields)
    user.roles.add(Role.objects.get_or_create(name=role, defaults={"description": about_role})[0])
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})


def _ensure_organisation(*, keep: bool) -> None:
    if keep:
        return
    organisation = Organisation.objects.filter(name=samples.ORGANISATION).first()
    organisation = organisation or Organisation.objects.create(name=samples.ORGANISATION)
    for key, role in samples.MEMBERS.items():
        person = User.objects.get(email=samples.PEOPLE[key]["email"])
        Membership.objects.get_or_create(organisation=organisation, user=person, defaults={"role": role})


def _new_password() -> str:
    """75 random bits in syllables, for it is typed from a terminal."""
    syllables = [f"{consonant}{vowel}" for consonant in "bdfghjklmnprstvz" for vowel in "aeiou"]
    return "-".join("".join(secrets.choice(syllables) for _ in range(3)) for _ in range(4))
