"""Django REST framework: bearer authentication (RFC 6750) and permissions by scope and by role.

    class OrdersAuthentication(BearerAuthentication):
        def verifier(self) -> Verifier: ...

    class OrdersView(APIView):
        authentication_classes = [OrdersAuthentication]
        permission_classes = [HasScope("orders:read")]

`request.auth` is the `Token`; `request.user` is what `principal` makes of it. A token is taken from the Authorization
header only: never from the URL, where it would end in logs and histories (RFC 9700 section 4.3.2).
"""

import time
from dataclasses import dataclass
from typing import Any

from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authcenter.resource_server.challenge import INVALID_TOKEN, challenge
from authcenter.resource_server.errors import InvalidToken, StaleView
from authcenter.resource_server.metadata import ProtectedResource
from authcenter.resource_server.verifier import Token, Verifier


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

    default_detail = INVALID_TOKEN
    default_code = "invalid_token"

    def __init__(self, realm: str, resource_metadata: str = "") -> None:
        super().__init__()
        self._challenge = challenge(
            realm, error=self.default_code, description=self.default_detail, resource_metadata=resource_metadata
        )

    @property
    def auth_header(self) -> str:
        return self._challenge

    @auth_header.setter
    def auth_header(self, value: str) -> None:
        """The framework offers the challenge of a request without credentials; this one knows better."""


class Unavailable(APIException):
    """503: this API has not heard of revocations for too long to accept the token. Nothing is wrong with it."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The access token cannot be checked now."
    default_code = "temporarily_unavailable"
    wait = 5
    """Seconds, for Retry-After."""


class InsufficientAuthentication(APIException):
    """401 `insufficient_user_authentication` (RFC 9470 section 3): sign in anew, or in a stronger way."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "A more recent or a stronger sign-in is needed."
    default_code = "insufficient_user_authentication"

    def __init__(self, realm: str, acr_values: str, max_age: int | None) -> None:
        super().__init__()
        self.auth_header = challenge(
            realm,
            error=self.default_code,
            description=self.default_detail,
            acr_values=acr_values,
            max_age=max_age,
        )


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
    metadata: ProtectedResource | None = None
    """Named in challenges, so that a client finds the issuer by itself (RFC 9728 section 5.1)."""

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
        except StaleView as error:
            self.refused(request, error)
            raise Unavailable from error
        except InvalidToken as error:
            self.refused(request, error)
            raise TokenRefused(self.realm, self._metadata_url) from error

    def authenticate_header(self, request: Request) -> str:
        return challenge(self.realm, resource_metadata=self._metadata_url)

    @property
    def _metadata_url(self) -> str:
        return self.metadata.url if self.metadata is not None else ""


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
                raise InsufficientScope(_realm(request), scopes)
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


def RequiresSignIn(*, acr_values: str = "", max_age: int | None = None) -> type[BasePermission]:
    """A permission class: the person signed in by one of `acr_values` (separated by spaces), at most `max_age` seconds
    ago; or the answer is 401 `insufficient_user_authentication` with what is wanted (RFC 9470 section 3).
    """

    class SignInPermission(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            if not isinstance(request.auth, Token):
                return False
            claims = request.auth.claims
            strong = not acr_values or claims.get("acr") in acr_values.split()
            recent = max_age is None or time.time() - int(claims.get("auth_time", 0)) <= max_age
            if not strong or not recent:
                raise InsufficientAuthentication(_realm(request), acr_values, max_age)
            return True

    return SignInPermission


def metadata_view(resource: ProtectedResource) -> Any:
    """A view for `resource.path`: the API's metadata (RFC 9728 section 3), open to everybody."""

    class ProtectedResourceView(APIView):
        authentication_classes = ()
        permission_classes = ()
        schema = None

        def get(self, request: Request) -> Response:
            headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
            return Response(resource.document(), headers=headers)

    return ProtectedResourceView.as_view()


def _realm(request: Request) -> str:
    return str(getattr(request.successful_authenticator, "realm", "api"))
