"""JWT sessions: SimpleJWT's tokens, signed by the key ring, with one `Session` row a sign-in.

The library's refresh races and keeps raw tokens; here a refresh is one conditional update of the row's `refresh_jti`.
A refresh token that is not the present one is a replay: the session ends (RFC 9700 section 4.14.2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from authcenter.keys.ring import InvalidToken, ring
from authcenter.resource_server.verifier import RevocationSource, Verifier
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_session
from authcenter.sessions.view import follower

ACCESS_TYP = "session+jwt"
REFRESH_TYP = "session-refresh+jwt"
_TYPS = {"access": ACCESS_TYP, "refresh": REFRESH_TYP}
_Token = TypeVar("_Token", "SessionAccessToken", "SessionRefreshToken")


def verifier(*types: str, revocations: RevocationSource | None = None) -> Verifier:
    """Checks session tokens of these types; without `revocations` it knows nothing of what was taken back."""
    return Verifier(
        settings.ISSUER,
        settings.SESSION_AUDIENCE,
        keys=follower,
        revocations=revocations,
        types=types,
        requires=("sub", "sid", "jti", "token_use"),
    )


class SessionTokenBackend(TokenBackend):
    """What SimpleJWT asks to encode and decode: the ring signs, and each kind of token has its own `typ`."""

    def __init__(self) -> None:
        super().__init__("ES256", "", "", settings.SESSION_AUDIENCE, settings.ISSUER)
        self._verifier = verifier(ACCESS_TYP, REFRESH_TYP)

    def encode(self, payload: dict[str, Any]) -> str:
        claims = {**payload, "iss": settings.ISSUER, "aud": settings.SESSION_AUDIENCE}
        return ring.sign(claims, typ=_TYPS[str(payload.get("token_use"))], algorithm="ES256")

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims of a whole, unexpired session token; `verify` is SimpleJWT's and changes nothing here."""
        text = token.decode("ascii", "replace") if isinstance(token, bytes) else str(token)
        try:
            checked = self._verifier.verify(text)
        except InvalidToken as error:
            raise TokenBackendError("Token is invalid") from error
        if _TYPS.get(str(checked.claims["token_use"])) != checked.type:
            raise TokenBackendError("Token is invalid")
        return dict(checked.claims)


class SessionAccessToken(AccessToken):
    """Lives minutes; carries `sid` and the user's epoch (`uep`), so that ending either ends it."""


class SessionRefreshToken(RefreshToken):
    """Rotated at every use; its `jti` is the one that the session's row names."""

    access_token_class = SessionAccessToken


@dataclass(frozen=True)
class Pair:
    """What a sign-in or a refresh gives."""

    access: str
    refresh: str
    session: Session


def first_pair(session: Session, claims: dict[str, Any]) -> Pair:
    """The tokens of a session that was made a moment ago, in the same transaction."""
    refresh = _refresh_token(session)
    Session.objects.filter(pk=session.pk).update(refresh_jti=refresh["jti"])
    return Pair(str(_access_token(session, claims)), str(refresh), session)


def read_refresh_token(raw: str) -> SessionRefreshToken:
    """A whole, unexpired refresh token. Raises `TokenError`; knows nothing of replay yet."""
    return SessionRefreshToken(raw)  # type: ignore[arg-type]


def rotate(raw: str, claims_of: Callable[[Any], dict[str, Any]]) -> Pair:
    """Exchange a refresh token for the next pair: one conditional update decides who wins, before anything is minted.

    `claims_of(user)` tells the claims of the session's person. Raises `TokenError`; a replay ends the session, and
    the end is committed.
    """
    token = read_refresh_token(raw)
    with transaction.atomic():
        session = Session.objects.select_related("user").filter(pk=token["sid"]).first()
        if session is None or not session.is_alive or not session.user.is_active:
            raise TokenError("The session has ended.")
        if session.user.epoch != session.user_epoch:
            raise TokenError("The session has ended.")
        successor = _refresh_token(session)
        won = Session.objects.filter(pk=session.pk, refresh_jti=token["jti"], ended=None).update(
            refresh_jti=successor["jti"], last_seen=timezone.now()
        )
        if won:
            return Pair(str(_access_token(session, claims_of(session.user))), str(successor), session)
        ended = end_session(session.pk, reason="refresh replay")
    raise Replayed(session) if ended else TokenError("The session has ended.")


class Replayed(TokenError):
    """An older refresh token came back: somebody has a copy. The session is over."""

    def __init__(self, session: Session) -> None:
        super().__init__("The session has ended.")
        self.session = session


def _access_token(session: Session, claims: dict[str, Any]) -> SessionAccessToken:
    token = SessionAccessToken()
    token.payload.update(claims, **_claims(session))
    return _within(session, token)


def _refresh_token(session: Session) -> SessionRefreshToken:
    token = SessionRefreshToken()
    token.payload.update(_claims(session))
    return _within(session, token)


def _within(session: Session, token: _Token) -> _Token:
    """No token outlives its session."""
    token.payload["exp"] = min(int(token.payload["exp"]), int(session.expires.timestamp()))
    return token


def _claims(session: Session) -> dict[str, Any]:
    return {
        "sub": str(session.user_id),
        "sid": str(session.pk),
        "uep": session.user_epoch,
        "auth_time": int(session.auth_time.timestamp()),
        "amr": session.amr,
        "acr": session.acr,
    }
