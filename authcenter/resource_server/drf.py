"""Django REST framework: bearer authentication (RFC 6750) and permissions by scope and by role.

    class OrdersAuthentication(BearerAuthentication):
        def verifier(self) -> Verifier: ...

    class OrdersView(APIView):
        authentication_classes = [OrdersAuthentication]
        permission_classes = [HasScope("orders:read")]

`request.auth` is the `Token`; `request.user` is what `principal` makes of it. A token is taken from the Authorization
header only: never from the URL, where it would end in logs and histories (RFC 9700 section 4.3.2).
"""

from dataclasses import dataclass
from typing import Any

from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from authcenter.resource_server.errors import InvalidToken
from authcenter.resource_server.verifier import Token, Verifier


def challenge(realm: str, *, error: str = "", description: str = "", scope: str = "") -> str:
    """The value of WWW-Authenticate (RFC 6750 section 3). Without credentials there is no error code."""
    parts = [f'Bearer realm="{realm}"']
    if error:
        parts += [f'error="{error}"', f'error_description="{description}"']
    if scope:
        parts.append(f'scope="{scope}"')
    return ", ".join(parts)


class MalformedRequest(APIException):
    """400 `invalid_request`: the header names the scheme but brings no token (RFC 6750 section 3.1)."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "The Authorization header is not one bearer token."
    default_code = "invalid_request"

    def __init__(self, realm: str) -> None:
        super().__init__()
        self.auth_header = challenge(realm, error=self.default_code, description=self.default_detail)


class TokenRefused(AuthenticationFailed):
    """401 `invalid_token`. One sentence whatever was wrong: the reason goes to the log (RFC 6750 section 3.1)."""

    default_detail = "The access token is not valid."
    default_code = "invalid_token"

    def __init__(self, realm: str) -> None:
        super().__init__()
        self._challenge = challenge(realm, error=self.default_code, description=self.default_detail)

    @property
    def auth_header(self) -> str:
        return self._challenge

    @auth_header.setter
    def auth_header(self, value: str) -> None:
        """The framework offers the challenge of a request without credentials; this one knows better."""


class InsufficientScope(PermissionDenied):
    """403 `insufficient_scope`, naming the scopes that are needed (RFC 6750 section 3.1)."""

    default_detail = "The access token does not carry the scope that this needs."
    default_code = "insufficient_scope"

    def __init__(self, realm: str, scopes: tuple[str, ...]) -> None:
        super().__init__()
        self.auth_header = challenge(
            realm, error=self.default_code, description=self.default_detail, scope=" ".join(scopes)
        )


@dataclass(frozen=True)
class Caller:
    """`request.user` of an API that keeps no users of its own: whoever the token speaks for."""

    subject: str
    client_id: str
    is_authenticated: bool = True
    is_anonymous: bool = False


class BearerAuthentication(BaseAuthentication):
    """Subclass it and say which `verifier` judges; override `principal` where the API has users of its own."""

    realm = "api"

    def verifier(self) -> Verifier:
        """The verifier for this API. Called once a request; make it once a process."""
        raise NotImplementedError

    def principal(self, request: Request, token: Token) -> Any:
        """Who the token speaks for: becomes `request.user`. May raise `InvalidToken`."""
        return Caller(token.subject, token.client_id)

    def refused(self, request: Request, error: InvalidToken) -> None:
        """Told of each refused token, before the answer. The place for a log line."""

    def credentials(self, request: Request) -> str | None:
        """The token of this request, or None where it brings none."""
        return bearer_token(request, self.realm)

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        credentials = self.credentials(request)
        if credentials is None:
            return None
        try:
            token = self.verifier().verify(credentials)
            return self.principal(request, token), token
        except InvalidToken as error:
            self.refused(request, error)
            raise TokenRefused(self.realm) from error

    def authenticate_header(self, request: Request) -> str:
        return challenge(self.realm)


def bearer_token(request: Request, realm: str) -> str | None:
    """The token in the Authorization header, or None where there is none or the scheme is another.

    The scheme has no case (RFC 9110 section 11.1). Raises `MalformedRequest` where no single token follows it.
    """
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    token: str = credentials.strip()
    if not token or " " in token:
        raise MalformedRequest(realm)
    return token


def HasScope(*scopes: str) -> type[BasePermission]:
    """A permission class: the token carries all of `scopes`, or the answer is 403 `insufficient_scope`.

    Raises instead of answering no, to send the challenge with it: combine it with `&`, not with `|`.
    """

    class HasScopePermission(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            if not isinstance(request.auth, Token):
                return False
            if not request.auth.scopes.issuperset(scopes):
                raise InsufficientScope(getattr(request.successful_authenticator, "realm", "api"), scopes)
            return True

    return HasScopePermission


def HasRole(*roles: str) -> type[BasePermission]:
    """A permission class: the token carries one of `roles`, or the answer is a plain 403.

    No challenge goes with it: a role is not something that an application could ask for.
    """

    class HasRolePermission(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            return isinstance(request.auth, Token) and not request.auth.roles.isdisjoint(roles)

    return HasRolePermission
