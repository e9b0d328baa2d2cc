"""What `Inside` can do: each function runs in the server's Django and returns what JSON can carry."""

import json
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session as CookieSession
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from authcenter.audit.models import AuditEvent
from authcenter.keys import rotation, vault
from authcenter.keys.models import Key
from authcenter.oauth.models import (
    API,
    AccessToken,
    Application,
    Authorization,
    DeviceGrant,
    Family,
    Grant,
    InitialAccessToken,
    Logo,
    Scope,
    TrustedIssuer,
)
from authcenter.oauth.registration import hashed, new_application, set_new_secret
from authcenter.server.sweeping import sweep
from authcenter.sessions import revocation
from authcenter.sessions.cookie_store import SessionStore
from authcenter.sessions.models import Session
from tests.oauth import flow

_passwords: dict[str, str] = {}


def person(email: str, password: str, **fields: Any) -> dict[str, str]:
    """A person with a verified address."""
    if password not in _passwords:
        _passwords[password] = make_password(password)  # slow by intention: once is enough
    user = User.objects.create(email=email, password=_passwords[password], **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return {"email": email, "id": str(user.pk)}


def api(identifier: str, name: str, scopes: dict[str, dict[str, Any]]) -> dict[str, str]:
    made = API(identifier=identifier, name=name)
    secret = set_new_secret(made)
    made.save()
    for scope, fields in scopes.items():
        Scope.objects.create(api=made, name=scope, **fields)
    return {"identifier": identifier, "client_id": made.client_id, "secret": secret}


def application(kind: str, name: str, scopes: list[str], check: bool = True, **fields: Any) -> dict[str, Any]:
    """An application with the defaults of its kind; unchecked where a form would not let it through."""
    row, secret = new_application(kind, name, **fields)
    if check:
        row.full_clean()
    row.save()
    row.scopes.set(Scope.objects.filter(name__in=scopes))
    return {
        "client_id": row.client_id,
        "token_endpoint_auth_method": row.token_endpoint_auth_method,
        "redirect_uris": row.redirect_uris,
        "secret": secret,
    }


def stored() -> dict[str, int]:
    """How many rows there are of all that a refusal must not touch."""
    return {
        **flow.stored(),
        "device codes": DeviceGrant.objects.count(),
        "device codes answered": DeviceGrant.objects.exclude(answered=None).count(),
        "device codes consumed": DeviceGrant.objects.exclude(consumed=None).count(),
        "opaque tokens": AccessToken.objects.count(),
        "people": User.objects.count(),
        "logos": Logo.objects.count(),
    }


def events(request_id: str) -> list[dict[str, Any]]:
    """The audit log of one request."""
    lately = timezone.now() - timedelta(minutes=5)  # there is an index by time, and none by request
    found = AuditEvent.objects.filter(at__gt=lately, request_id=request_id).order_by("at")
    return [{"kind": event.kind, "client_id": event.client_id, "detail": event.detail} for event in found]


def audit_text() -> str:
    """All that the audit log says, to look for what it must not say."""
    rows = AuditEvent.objects.values_list("kind", "actor", "subject", "client_id", "detail")
    return "\n".join(str(row) for row in rows)


# --- What operators and people do elsewhere ---------------------------------------------------------------------


def disable(person: str) -> None:
    """The account alone: what stands on it must notice without any revocation."""
    User.objects.filter(pk=person).update(is_active=False)


def enable(person: str) -> None:
    User.objects.filter(pk=person).update(is_active=True)


def delete(person: str) -> None:
    revocation.end_all_of_user(person, reason="account deleted")  # type: ignore[arg-type]
    User.objects.get(pk=person).delete()


def end_all_of_user(person: str) -> None:
    revocation.end_all_of_user(person, reason="operator")  # type: ignore[arg-type]


def end_session(session: str) -> None:
    revocation.end_session(session, reason="operator")


def activate(client_id: str, active: bool) -> None:
    Application.objects.filter(client_id=client_id).update(is_active=active)


def end_all_of_application(client_id: str) -> None:
    revocation.end_all_of_application(client_id, reason="operator")


def token_format(client_id: str, form: str) -> None:
    Application.objects.filter(client_id=client_id).update(access_token_format=form)


def authorizations(person: str, client_id: str) -> list[dict[str, Any]]:
    """Living ones."""
    found = Authorization.objects.filter(user=person, application__client_id=client_id, withdrawn=None)
    return [{"id": str(row.pk), "scopes": row.scopes} for row in found]


# --- Who registers, and who vouches for others ------------------------------------------------------------------


def initial_access_token(token: str, uses: int = 1, days: int = 1) -> None:
    until = timezone.now() + timedelta(days=days)
    InitialAccessToken.objects.create(name="Ops", token_hash=hashed(token), uses_left=uses, expires=until)


def registration(client_id: str) -> dict[str, Any]:
    """The whole row of an application, and its number in addresses."""
    row = Application.objects.filter(client_id=client_id)
    return {**row.values()[0], "scope names": list(row[0].scopes.values_list("name", flat=True))}


def represent(client_id: str, identifier: str) -> None:
    """This application is the server of that API."""
    Application.objects.filter(client_id=client_id).update(represents=API.objects.get(identifier=identifier))


def trust(issuer: str, jwks: dict[str, Any], client_ids: list[str], **fields: Any) -> None:
    made = TrustedIssuer(issuer=issuer, name=issuer, jwks=jwks, **fields)
    made.full_clean()
    made.save()
    made.applications.set(Application.objects.filter(client_id__in=client_ids))


def sweep_after(client_ids: list[str], days: int) -> list[str]:
    """What is left of these applications when they are so many days old and everything has been swept."""
    found = Application.objects.filter(client_id__in=client_ids)
    found.update(created=timezone.now() - timedelta(days=days))
    list(sweep(gently=False))
    return list(found.values_list("client_id", flat=True))


# --- Time -------------------------------------------------------------------------------------------------------


def age_code(code: str, seconds: int) -> None:
    """As if this authorization code had been given out so many seconds earlier."""
    Grant.objects.filter(code=hashed(code)).update(expires=F("expires") - timedelta(seconds=seconds))


def age_device_code(code: str, seconds: int) -> None:
    row = DeviceGrant.objects.get(device_code=hashed(code))
    row.expires -= timedelta(seconds=seconds)
    row.created -= timedelta(seconds=seconds)
    row.poll_after -= seconds
    row.save()


def device_row(code: str) -> dict[str, Any]:
    row = DeviceGrant.objects.get(device_code=hashed(code))
    return {
        "interval": row.interval,
        "answered": row.answered is not None,
        "consumed": row.consumed is not None,
        "device_code": row.device_code,
        "user_code": row.user_code,
    }


def age_family(person: str, seconds: int) -> None:
    """As if this person's applications had last been here so many seconds earlier; sessions, too."""
    by = timedelta(seconds=seconds)
    moved = ("expires", "absolute_expires", "rotated", "auth_time", "created")
    Family.objects.filter(user=person).update(**{name: F(name) - by for name in moved})


def age_sign_in(person: str, seconds: int) -> None:
    """As if this person had signed in so many seconds earlier, in every browser."""
    for session in Session.objects.filter(user=person):
        session.auth_time -= timedelta(seconds=seconds)
        session.created -= timedelta(seconds=seconds)
        session.save()
    for row in CookieSession.objects.all():
        kept = SessionStore().decode(row.session_data)
        if kept.get("_auth_user_id") != person:
            continue
        kept["account_authentication_methods"] = [
            {**entry, "at": entry["at"] - seconds} for entry in kept["account_authentication_methods"]
        ]
        row.session_data = SessionStore().encode(kept)
        row.save()


def generations(person: str) -> list[int]:
    """Of this person's living families."""
    return list(Family.objects.filter(user=person, ended=None).values_list("generation", flat=True))


# --- Keys -------------------------------------------------------------------------------------------------------


def private_keys() -> dict[str, Any]:
    """The server's own signing keys, by algorithm: the worst tokens are those with a good signature."""
    return {
        row.algorithm: json.loads(vault.decrypt(row.private_key)) for row in Key.objects.filter(state=Key.State.ACTIVE)
    }


def revoked_key() -> Any:
    """A private key that was published and then given up as compromised."""
    key = Key.objects.get(state=Key.State.NEXT, algorithm="ES256")
    rotation.revoke_key(key.kid)
    revocation.revoke(revocation.Kind.KEY, key.kid, reason="compromised")
    return json.loads(vault.decrypt(key.private_key))
