"""grant_type=client_credentials (RFC 6749 section 4.4). No row is written; no refresh token, no ID token."""

from oauthlib.common import Request
from oauthlib.oauth2 import ClientCredentialsGrant as LibraryGrant

from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.errors import InvalidScopeError, UnauthorizedClientError


class ClientCredentialsGrant(LibraryGrant):
    """The library's grant; nothing is added to it."""


def allow(request: Request) -> None:
    """Only API scopes that an operator gave this application. There is no default: it must say which."""
    if request.client.is_public:  # RFC 6749 section 4.4: "MUST only be used by confidential clients"
        raise UnauthorizedClientError(request=request)
    asked = request.scopes or []
    if not asked or any(scope not in request.client.api_scopes for scope in asked):
        raise InvalidScopeError(
            request=request, description="A scope is missing, unknown or not available to this client."
        )
    resources = scope_rules.targets(request.client, request.__dict__["_resources"])
    request.scopes = scope_rules.for_resources(request.client, dict.fromkeys(asked), resources)
    request._grounds = Grounds(
        application=request.client,
        scopes=request.scopes,
        resources=resources,
        application_epoch=request.client.epoch,
    )
