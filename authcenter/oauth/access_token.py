"""Access tokens: JWTs (RFC 9068), or opaque ones for applications that ask for them.

No row is kept of a JWT: what can end it is in its claims. An opaque one has a row, by its hash, with the same claims.

`sid`, `gid`, `fid` name the session, authorization and family that they stand on; `uep` and `aep` are the epochs of
user and application when they were made.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from authcenter.keys.ring import ring
from authcenter.oauth import roles
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.claims_request import allowed_names
from authcenter.oauth.models import AccessToken, Application, DeviceGrant, Family, Grant
from authcenter.oauth.registration import hashed
from authcenter.oauth.subjects import subject_of
from authcenter.resource_server.errors import InvalidToken
from authcenter.resource_server.signature import signed_claims
from authcenter.resource_server.verifier import Checked, instants
from authcenter.sessions.revocation import LONGEST_ACCESS_TOKEN
from authcenter.sessions.view import follower

TYP = "at+jwt"
OPAQUE = "oat_"
_EPOCHS = {"uep", "aep"}
_LONGEST = int(LONGEST_ACCESS_TOKEN.total_seconds())


@dataclass
class Grounds:
    """What tokens are minted from: the rows that a code or refresh token stands on, or a machine's own right."""

    application: Application
    scopes: list[str]
    resources: list[str] = field(default_factory=list)
    user: Any = None
    authorization: UUID | None = None
    family: UUID | None = None
    session: UUID | None = None
    offline: bool = False
    auth_time: datetime | None = None
    amr: list[str] = field(default_factory=list)
    acr: str = ""
    user_epoch: int = 0
    application_epoch: int = 0
    nonce: str = ""
    claims: dict[str, list[str]] = field(default_factory=dict)
    """Single claims that were asked for and agreed to, by target (`claims_request`)."""
    granted_scope: str = ""
    granted_resources: list[str] = field(default_factory=list)
    """What was granted as a whole, of which `scopes` and `resources` may be a part: what a family begins with."""
    until: int | None = None
    """When a token must end at the latest (epoch seconds): an exchanged one with that which it was made from."""
    acts_for: dict[str, str] = field(default_factory=dict)
    """Claims of the membership that it is for, where an organisation was asked for (`acting_for`)."""
    actor: dict[str, Any] | None = None
    """Claim `act` (RFC 8693 section 4.1)."""
    via: list[tuple[str, int]] = field(default_factory=list)
    """Client IDs and epochs of the applications whose tokens were exchanged for it: it dies with each of them, too."""

    @classmethod
    def of(
        cls, row: Grant | DeviceGrant | Family, *, scopes: list[str], resources: list[str], **more: Any
    ) -> "Grounds":
        """What a code's or a family's row remembers of the person, the sign-in and the epochs."""
        return cls(
            scopes=scopes,
            resources=resources,
            granted_scope=row.scope,
            granted_resources=row.resource or [],
            user=row.user,
            authorization=row.authorization_id,
            session=row.session_id,
            auth_time=row.auth_time,
            amr=row.amr,
            acr=row.acr,
            claims=allowed_names(more["application"], getattr(row, "asked_claims", {})),
            user_epoch=row.user_epoch,
            application_epoch=row.application_epoch,
            **more,
        )


def lifetime(application: Application) -> int:
    """Seconds that its access tokens live: never longer than revocations are kept."""
    wanted = application.access_token_seconds or settings.ACCESS_TOKEN_SECONDS
    return min(wanted, _LONGEST)


def expires_in(grounds: Grounds) -> int:
    """Seconds that a token minted now lives."""
    usual = lifetime(grounds.application)
    return usual if grounds.until is None else max(1, min(usual, grounds.until - int(time.time())))


def mint(grounds: Grounds) -> tuple[str, dict[str, Any]]:
    """A token and its claims. An opaque one is written in the caller's transaction."""
    application, now = grounds.application, int(time.time())
    audience = scope_rules.audience(application, grounds.scopes, grounds.resources)
    claims: dict[str, Any] = {
        "iss": settings.ISSUER,
        "sub": subject_of(application, grounds.user) if grounds.user is not None else application.client_id,
        "aud": audience[0] if len(audience) == 1 else audience,
        "client_id": application.client_id,
        "iat": now,
        "exp": now + expires_in(grounds),
        "jti": secrets.token_urlsafe(16),
        "scope": " ".join(grounds.scopes),
        "aep": grounds.application_epoch,
    }
    if grounds.user is not None:
        claims |= _of_person(grounds) | roles.told(application.client_id, grounds.user, grounds.scopes)
    if grounds.actor is not None:
        claims["act"] = grounds.actor
    if grounds.via:
        claims["via"] = grounds.via
    if names := grounds.claims.get("userinfo"):
        claims["userinfo_claims"] = names
    if application.access_token_format == Application.TokenFormat.OPAQUE:
        return _opaque(grounds, claims), claims
    return ring.sign(claims, typ=TYP, algorithm=application.access_token_signed_response_alg), claims


def _of_person(grounds: Grounds) -> dict[str, Any]:
    """What ends it, and how she signed in, where she did that here."""
    claims: dict[str, Any] = {"gid": str(grounds.authorization), "uep": grounds.user_epoch}
    if grounds.family is not None:
        claims["fid"] = str(grounds.family)
    if grounds.auth_time is not None:
        claims |= {"auth_time": int(grounds.auth_time.timestamp()), "amr": grounds.amr, "acr": grounds.acr}
    if grounds.session is not None and not grounds.offline:
        claims["sid"] = str(grounds.session)
    return claims | grounds.acts_for


def read(token: str) -> Mapping[str, Any]:
    """The claims of a whole, unexpired access token of ours, for any audience; those of a JWT with `kid`, the key that
    signed it. Raises `InvalidToken`.

    Says nothing about revocation: `authcenter.oauth.living` does.
    """
    claims: Mapping[str, Any] | None
    if token.startswith(OPAQUE):
        claims = _kept(token)
        if claims is None:
            raise InvalidToken("no such opaque token")
        return _checked(claims)
    claims = _seen.get(token)
    if claims is None:
        signed = signed_claims(token, follower, types=[TYP])
        claims = _checked({**signed.claims, "kid": signed.key_id})
        _seen.put(token, claims)
    elif follower.key(claims["kid"]) is None:
        raise InvalidToken("the key was taken back")
    else:
        instants(claims)
    return claims


_seen: Checked[Mapping[str, Any]] = Checked(5_000)
"""What is asked about is often asked about again."""


def _checked(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    if claims.get("iss") != settings.ISSUER:
        raise InvalidToken("by another issuer")
    if not isinstance(claims.get("sub"), str) or not isinstance(claims.get("client_id"), str):
        raise InvalidToken("a claim that RFC 9068 section 2.2 requires is missing")
    if not all(type(claims[name]) is int for name in _EPOCHS & claims.keys()):
        raise InvalidToken("an epoch is no number")
    instants(claims)
    return claims


class OpaqueTokens:
    """An `IntrospectionSource` in process, so that our own APIs judge opaque tokens as any API would by asking."""

    can_introspect = True

    def introspect(self, token: str) -> Mapping[str, Any] | None:
        """The claims of an opaque token that nothing has taken back, as far as this process knows; one statement."""
        claims = _kept(token) if token.startswith(OPAQUE) else None
        return None if claims is None or follower.is_revoked(claims) else claims


def _opaque(grounds: Grounds, claims: dict[str, Any]) -> str:
    token = OPAQUE + secrets.token_urlsafe(32)
    AccessToken.objects.create(
        token_hash=hashed(token),
        claims=claims,
        user=grounds.user,
        application=grounds.application,
        expires=datetime.fromtimestamp(claims["exp"], UTC),
    )
    return token


def _kept(token: str) -> dict[str, Any] | None:
    return AccessToken.objects.filter(token_hash=hashed(token)).values_list("claims", flat=True).first()
