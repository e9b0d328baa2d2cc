"""The library's server with the grants and response types that exist here, and nothing else.

Built once a process. The library parses authorization and token requests and runs the grants; the seams used are the
validator, the grant classes with their validators before and after, and the token generators.
"""

import functools
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from oauthlib.common import Request
from oauthlib.oauth2 import BearerToken

from authcenter.audit import events
from authcenter.oauth import access_token, clients
from authcenter.oauth.errors import InvalidRequestError, UnsupportedGrantTypeError
from authcenter.oauth.grants import authorization_code, client_credentials, refresh_token
from authcenter.oauth.grants.authorization_code import AuthorizationCodeGrant
from authcenter.oauth.grants.client_credentials import ClientCredentialsGrant
from authcenter.oauth.grants.device_code import DeviceCodeGrant
from authcenter.oauth.grants.jwt_bearer import JWTBearerGrant
from authcenter.oauth.grants.password import PasswordGrant
from authcenter.oauth.grants.refresh_token import RefreshTokenGrant
from authcenter.oauth.grants.token_exchange import TokenExchangeGrant
from authcenter.oauth.parameters import Parameters
from authcenter.oauth.registration import DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from authcenter.oauth.validator import Validator


def grant_types() -> list[str]:
    """What this installation answers to at the token endpoint; `implicit` has no token request."""
    usual = ["authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, TOKEN_EXCHANGE, JWT_BEARER]
    return [*usual, *(["password"] if "password" in settings.LEGACY_FLOWS else [])]


class Server:
    """Grants by their type, the one code flow, and the token handler that mints for all of them."""

    def __init__(self, validator: Validator) -> None:
        # `post_token` runs after the library's checks and before anything is minted.
        self.code = AuthorizationCodeGrant(validator, post_token=[authorization_code.consume])
        self.grants: dict[str, Any] = {
            "authorization_code": self.code,
            "refresh_token": RefreshTokenGrant(validator, post_token=[refresh_token.consume]),
            "client_credentials": ClientCredentialsGrant(validator, post_token=[client_credentials.allow]),
            DEVICE_CODE: DeviceCodeGrant(validator),
            TOKEN_EXCHANGE: TokenExchangeGrant(validator),
            JWT_BEARER: JWTBearerGrant(validator),
            "password": PasswordGrant(validator),
        }
        self.tokens = BearerToken(validator, _access_token, _lifetime, _refresh_token)

    def token_response(self, http: HttpRequest, parameters: Parameters) -> tuple[dict[str, str], str, int, Request]:
        """Headers, JSON body and status of a token request (RFC 6749 sections 5.1 and 5.2), and the request judged."""
        request = _request(http, parameters)
        if request.grant_type is None:
            raise InvalidRequestError(description="Missing grant_type parameter.")
        grant = self.grants.get(request.grant_type) if request.grant_type in grant_types() else None
        if grant is None:
            raise UnsupportedGrantTypeError(request=request)
        request.scopes = request.scope.split(" ") if request.scope else None
        request.response_type = request.state = None  # neither means anything here, and errors would repeat the latter
        # Before the grant's transaction: what is learnt here stays, whatever becomes of the grant.
        request._authenticated = clients.authenticate(http, parameters)
        headers, body, status = grant.create_token_response(request, self.tokens)
        return headers, body, status, request

    def authorization_request(self, http: HttpRequest, parameters: Parameters) -> Request:
        """An authorization request for `check` and `new_code`."""
        return _request(http, parameters)

    def check(self, request: Request) -> None:
        """Client, redirect URI, PKCE, scopes. Raises `FatalClientError` where no redirect is safe.

        Of response types the library knows one here; `response_types` judges what was asked for.
        """
        request.response_type = "code"
        self.code.validate_authorization_request(request)

    def new_code(self, request: Request) -> str:
        """A code, kept, after the person agreed."""
        code = self.code.create_authorization_code(request)
        self.code.request_validator.save_authorization_code(request.client_id, code, request)
        return str(code["code"])

    def access_token(self, request: Request) -> str:
        """What the authorization endpoint itself gives away, in the legacy flows."""
        return _access_token(request)


@functools.cache
def server() -> Server:
    """This process's server."""
    return Server(Validator())


class _Request(Request):
    """The library's request, of parameters that were read and judged already: it would read them once more."""

    duplicate_params: list[str] = []  # `parameters` has refused them

    def __init__(self, parameters: Parameters) -> None:
        self.uri, self.http_method = "", "POST"
        self.decoded_body = self.body = list(parameters.pairs)
        self.headers: dict[str, str] = {}
        self.oauth_params: list[Any] = []
        self.validator_log: dict[str, Any] = {}
        self._params = {**_NONE_SENT, **dict(parameters.pairs)}


_NONE_SENT: dict[str, Any] = Request("")._params
"""Each parameter that the library knows, so that it reads as None where it was not sent."""


def _request(http: HttpRequest, parameters: Parameters) -> Request:
    request = _Request(parameters)
    request._http, request._parameters, request._resources = http, parameters, parameters.all("resource")
    # The library reads these as attributes; without a value of ours, a parameter of that name would answer.
    request.client = request.user = request.scopes = request.extra_credentials = None
    return request


def _lifetime(request: Request) -> int:
    return access_token.expires_in(request.__dict__["_grounds"])


def _access_token(request: Request) -> str:
    token, claims = access_token.mint(request.__dict__["_grounds"])
    events.issued(
        request.__dict__["_http"],
        "access token",
        client_id=claims["client_id"],
        subject=claims["sub"],
        grant=request.grant_type,
        jti=claims["jti"],
        scope=claims["scope"],
        family=claims.get("fid"),
    )
    return token


def _refresh_token(request: Request) -> str:
    if successor := request.__dict__.get("_successor"):
        return str(successor)
    return refresh_token.new_token(request.__dict__["_grounds"].family, 1)
