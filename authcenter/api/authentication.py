"""Who calls? One class for session tokens, one for OAuth access tokens; neither accepts the other's nor a third kind.

A token is checked against this process's view of the revocations, without a statement. `request.user` is fetched when
a view first looks at it, and that statement asks exactly: about the person, and about all that the token stands on.
"""

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.core.cache import cache as shared
from django.http import HttpResponse
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from accounts.models import User
from authcenter.api import cookies
from authcenter.api.metadata import OWN_RESOURCE
from authcenter.api.problems import REALM, CsrfFailed
from authcenter.audit import events
from authcenter.oauth import access_token, living
from authcenter.resource_server.drf import BearerAuthentication, TokenRefused, bearer_token
from authcenter.resource_server.errors import ExpiredToken, InvalidToken, RevokedToken
from authcenter.resource_server.signature import declared_header
from authcenter.resource_server.verifier import ACCESS_TOKEN, Token, Verifier
from authcenter.sessions import jwt
from authcenter.sessions.view import follower


class Person(SimpleLazyObject):
    """`request.user` where a token speaks for a person: a `User` for whoever looks, no statement for who does not.

    Looking raises `TokenRefused` where the person is gone or what the token stands on has just ended.
    """

    is_authenticated = True
    is_anonymous = False

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class Machine:
    """`request.user` where an application acts for itself."""

    client_id: str
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True

    @property
    def pk(self) -> str:
        return self.client_id


class _OurBearer(BearerAuthentication):
    realm = REALM

    def refused(self, request: Request, error: InvalidToken) -> None:
        record_refusal(request, error)

    def person(self, request: Request, token: Token) -> Person:
        return Person(lambda: self._living_person(request, token))

    def _living_person(self, request: Request, token: Token) -> User:
        user = living.person_behind(token.claims)
        if user is None:
            self.refused(request, RevokedToken("taken back, or the account is gone", token.claims))
            raise TokenRefused(self.realm)
        return user


class SessionTokenAuthentication(_OurBearer):
    """Session access tokens (`session+jwt`), from the header or else from the cookie; a cookie needs the CSRF proof."""

    def verifier(self) -> Verifier:
        return _session_verifier()

    def credentials(self, request: Request) -> str | None:
        token = super().credentials(request)
        if token is None and (token := cookies.access_token(request)):
            enforce_csrf(request)
        return token

    def principal(self, request: Request, token: Token) -> Person:
        return self.person(request, token)


class AccessTokenAuthentication(_OurBearer):
    """OAuth access tokens (RFC 9068, `at+jwt`) for one API; subclass it with another `audience` for another API.

    `request.user` is the person, or a `Machine` where an application acts for itself.
    """

    audience: str = settings.OWN_API

    def verifier(self) -> Verifier:
        return _access_verifier(self.audience)

    def principal(self, request: Request, token: Token) -> Person | Machine:
        return Machine(token.client_id) if living.is_machine(token.claims) else self.person(request, token)


class _OwnAccessTokens(AccessTokenAuthentication):
    metadata = OWN_RESOURCE


class OwnAccountAuthentication(BaseAuthentication):
    """Either kind, for one's own account. The declared type only chooses which class judges the token."""

    realm = REALM

    def authenticate(self, request: Request) -> tuple[Person | Machine, Token] | None:
        token = bearer_token(request, REALM)
        oauth = token is not None and (
            token.startswith(access_token.OPAQUE) or declared_header(token).type == ACCESS_TOKEN
        )
        return (_OwnAccessTokens() if oauth else SessionTokenAuthentication()).authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        return _OwnAccessTokens().authenticate_header(request)


def person_and_token(request: Request) -> tuple[User, Token]:
    """Of a request that a permission for people has let through."""
    assert isinstance(request.user, User) and isinstance(request.auth, Token)
    return request.user, request.auth


def enforce_csrf(request: Request) -> None:
    """Django's check, for requests whose credentials the browser adds by itself. Raises `CsrfFailed`."""
    check = CSRFCheck(lambda http: HttpResponse())
    check.process_request(request._request)
    if check.process_view(request._request, HttpResponse, (), {}):
        raise CsrfFailed


def record_refusal(request: Request, error: InvalidToken) -> None:
    """Audit a token that we signed and that was taken back or misused, once each. Garbage and old age make no row."""
    if error.claims is None or isinstance(error, ExpiredToken):
        return
    claims = error.claims
    if shared.add(f"token-refused-{str(claims.get('jti'))[:64]}", True, timeout=settings.ACCESS_TOKEN_SECONDS):
        events.record(
            request._request,
            events.Kind.TOKEN_REFUSED,
            subject=claims.get("sub"),
            client_id=str(claims.get("client_id", "")),
            reason=str(error),
            jti=claims.get("jti"),
        )


def session_person(token: str) -> User:
    """The person of a living session access token. Exact; one statement. Raises `InvalidToken`."""
    claims = jwt.verifier(jwt.ACCESS_TYP).verify(token).claims
    user = living.person_behind(claims)
    if user is None:
        raise RevokedToken("taken back, or the account is gone", claims)
    return user


@cache
def _session_verifier() -> Verifier:
    return jwt.verifier(jwt.ACCESS_TYP, revocations=follower)


@cache
def _access_verifier(audience: str) -> Verifier:
    opaque = access_token.OpaqueTokens()
    return Verifier(settings.ISSUER, audience, keys=follower, revocations=follower, introspection=opaque)
