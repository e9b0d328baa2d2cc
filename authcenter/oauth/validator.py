"""The switchboard to the library: each hook is a line that calls the module which owns the rule.

One instance serves all threads, so nothing is kept on `self`. Every client parameter becomes an attribute of the
library's request: what is ours has a leading underscore and is read from its `__dict__`.
"""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request

from authcenter.oauth import id_token, redirects
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.errors import InvalidRequestError
from authcenter.oauth.grants import authorization_code, refresh_token
from authcenter.oauth.registration import DEVICE_CODE
from authcenter.oauth.registry import registry


class Validator(OAuth2Validator):
    # Clients
    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        return True  # public ones too: their method is "none", and `authenticate` sees that it is the registered one

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        request.client = request.__dict__["_authenticated"]
        request.client_id = request.client.client_id
        return True

    def validate_client_id(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> bool:
        request.client = request.__dict__.get("_application") or registry.application(client_id)
        return request.client is not None

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Request, *a: Any, **k: Any
    ) -> bool:
        return bool(client.allows_grant_type(grant_type))

    # The authorization request
    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Request, *a: Any, **k: Any
    ) -> bool:
        return response_type == "code"  # `response_types` has judged what was asked for

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        native = request.client.kind == request.client.Kind.NATIVE
        return redirects.matches(redirect_uri, request.client.redirect_uris.split(), native=native)

    def get_default_redirect_uri(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> str | None:
        if code := request.__dict__.get("_code"):
            return str(code.redirect_uri)
        registered = request.client.redirect_uris.split()
        return registered[0] if len(registered) == 1 else None

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        buys_a_code = "code" in request.__dict__.get("_types", {"code"})
        return buys_a_code and bool(request.client.require_pkce or request.client.is_public)

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        return []

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Request, *a: Any, **k: Any
    ) -> bool:
        request.scopes = scope_rules.checked(client, scopes)
        return True

    # `authorize` decides these, with the browser at hand; by the time the library asks, they hold.
    def validate_silent_login(self, request: Request) -> bool:
        return True

    def validate_silent_authorization(self, request: Request) -> bool:
        return True

    def validate_user_match(self, id_token_hint: Any, scopes: Any, claims: Any, request: Request) -> bool:
        return True

    def save_authorization_code(
        self, client_id: str, code: dict[str, str], request: Request, *args: Any, **kwargs: Any
    ) -> None:
        authorization_code.issue(request, code)

    # Authorization code
    def validate_code(
        self, client_id: str, code: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return authorization_code.read(code, request)

    def get_code_challenge(self, code: str, request: Request) -> str | None:
        return request.__dict__["_code"].code_challenge or None

    def get_code_challenge_method(self, code: str, request: Request) -> str | None:
        return request.__dict__["_code"].code_challenge_method or None

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Request, *a: Any, **k: Any
    ) -> bool:
        return authorization_code.redirect_uri_is_right(redirect_uri, request)

    def get_authorization_code_nonce(self, client_id: str, code: str, redirect_uri: str, request: Request) -> str:
        return str(request.__dict__["_code"].nonce)

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        pass  # consumed before anything was minted

    # Refresh
    def validate_refresh_token(self, token: str, client: Any, request: Request, *args: Any, **kwargs: Any) -> bool:
        return refresh_token.read(token, request)

    def get_original_scopes(self, token: str, request: Request, *args: Any, **kwargs: Any) -> str:
        return str(request.__dict__["_family"].scope)

    def rotate_refresh_token(self, request: Request) -> bool:
        return True

    def refresh_id_token(self, request: Request) -> bool:
        return True

    # Minting
    def get_id_token(self, token: dict[str, Any], token_handler: Any, request: Request) -> str:
        return id_token.mint(request.__dict__["_grounds"], token["access_token"])

    def save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        if request.grant_type not in {"authorization_code", DEVICE_CODE, "password"}:
            return
        if request.client.allows_grant_type("refresh_token"):
            refresh_token.start(request, token["refresh_token"])
        else:
            token.pop("refresh_token", None)

    # What no request may reach
    def validate_user(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def validate_bearer_token(self, *args: Any, **kwargs: Any) -> bool:
        raise InvalidRequestError(description="Tokens are verified by the resource server's own code.")

    def is_origin_allowed(self, client_id: str, origin: str, request: Request, *args: Any, **kwargs: Any) -> bool:
        return False  # `cross_origin` writes the headers, on every endpoint alike
