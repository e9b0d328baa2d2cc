"""The closed list of protocol errors: the library's, and the few that it lacks. The public sentence is fixed here.

Each is raised anywhere below an endpoint; the endpoint decides whether the answer is a page, a redirect or JSON.
"""

from typing import Any

from django.http import JsonResponse
from oauthlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    ConsentRequired,
    FatalClientError,
    InvalidClientIdError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidRequestFatalError,
    InvalidScopeError,
    LoginRequired,
    OAuth2Error,
    ServerError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
    UnsupportedResponseTypeError,
)
from oauthlib.oauth2.rfc6749.errors import InvalidClientError as LibraryInvalidClientError
from oauthlib.oauth2.rfc8628.errors import AuthorizationPendingError, ExpiredTokenError, SlowDownError
from oauthlib.openid.connect.core.exceptions import AccountSelectionRequired, InteractionRequired

__all__ = [
    "AccessDeniedError",
    "AccountSelectionRequired",
    "AuthorizationPendingError",
    "ConsentRequired",
    "ExpiredTokenError",
    "FatalClientError",
    "InteractionRequired",
    "InvalidClientError",
    "InvalidClientIdError",
    "InvalidClientMetadata",
    "InvalidGrantError",
    "InvalidRedirectUri",
    "InvalidRequestError",
    "InvalidRequestFatalError",
    "InvalidRequestObject",
    "InvalidRequestUri",
    "InvalidScopeError",
    "InvalidTargetError",
    "InvalidToken",
    "LoginRequired",
    "MethodNotAllowed",
    "NotFound",
    "OAuth2Error",
    "RegistrationNotSupported",
    "RequestNotSupported",
    "RequestUriNotSupported",
    "ServerError",
    "SlowDownError",
    "TooManyRefusals",
    "UnauthorizedClientError",
    "UnmetAuthenticationRequirements",
    "UnsupportedGrantTypeError",
    "UnsupportedResponseTypeError",
    "json_error",
]


class InvalidClientError(LibraryInvalidClientError):
    """RFC 6749 section 5.2: a 401 names the scheme that the client may use, which is Basic and not Bearer."""

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Basic realm="AuthCenter", charset="UTF-8"'}


class InvalidTargetError(OAuth2Error):
    """RFC 8707 section 2: the resource is unknown, malformed or not for this application."""

    error = "invalid_target"
    description = "The requested resource is unknown or not available to this client."


class RequestNotSupported(OAuth2Error):
    """OpenID Connect Core section 3.1.2.6."""

    error = "request_not_supported"
    description = "Request objects are taken from clients with registered keys only."


class RequestUriNotSupported(OAuth2Error):
    """OpenID Connect Core section 3.1.2.6."""

    error = "request_uri_not_supported"
    description = "The request_uri parameter is taken from clients that registered theirs only."


class InvalidRequestObject(OAuth2Error):
    """RFC 9101 section 7, OpenID Connect Core section 3.1.2.6."""

    error = "invalid_request_object"
    description = "The request object is not one that this client signed for this server, or not good now."


class InvalidRequestUri(OAuth2Error):
    """RFC 9101 section 7, OpenID Connect Core section 3.1.2.6."""

    error = "invalid_request_uri"
    description = "The request_uri is not registered, or no request object was found there."


class RegistrationNotSupported(OAuth2Error):
    """OpenID Connect Core section 3.1.2.6."""

    error = "registration_not_supported"
    description = "The registration parameter is not supported."


class UnmetAuthenticationRequirements(OAuth2Error):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0."""

    error = "unmet_authentication_requirements"
    description = "The person cannot sign in in the way that is asked for."


class InvalidRedirectUri(OAuth2Error):
    """RFC 7591 section 3.2.2."""

    error = "invalid_redirect_uri"


class InvalidClientMetadata(OAuth2Error):
    """RFC 7591 section 3.2.2."""

    error = "invalid_client_metadata"


class InvalidToken(OAuth2Error):
    """RFC 6750 section 3.1, for the tokens that registration asks for."""

    error = "invalid_token"
    status_code = 401

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": f'Bearer realm="AuthCenter", error="{self.error}"'}


class NotFound(OAuth2Error):
    """The endpoint is switched off."""

    error = "not_found"
    status_code = 404


class MethodNotAllowed(OAuth2Error):
    """The endpoint takes other methods."""

    error = "invalid_request"
    status_code = 405

    def __init__(self, allow: str = "POST") -> None:
        super().__init__(description=f"This endpoint takes {allow} requests only.")
        self.allow = allow

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": self.allow}


class TooManyRefusals(OAuth2Error):
    """RFC 6585 section 4. `wait` is in seconds."""

    error = "temporarily_unavailable"
    description = "Too many refused attempts. Wait before you try again."
    status_code = 429

    def __init__(self, wait: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wait = max(1, wait)

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.wait)}


def json_error(error: OAuth2Error) -> JsonResponse:
    """RFC 6749 section 5.2: status, `error`, `error_description`, and the headers that belong to the error."""
    return JsonResponse(
        {"error": error.error, "error_description": error.description or error.error},
        status=error.status_code,
        headers={**error.headers, "Cache-Control": "no-store", "Pragma": "no-cache"},
    )
