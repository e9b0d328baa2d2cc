"""Making applications: safe defaults for each kind, and secrets that are shown once and kept as SHA-256.

Secrets are 256 random bits, so one SHA-256 is enough; a slow hash would cost 200 ms in every token request.
"""

import hashlib
import secrets
from typing import Any

from django.utils import timezone

from authcenter.keys import vault
from authcenter.oauth.models import API, Application

_CODE, _REFRESH = "authorization_code", "refresh_token"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_IDENTITY = ["openid", "profile", "email", "address", "phone"]

DEFAULTS: dict[str, dict[str, Any]] = {
    Application.Kind.WEB: {
        "client_type": Application.CLIENT_CONFIDENTIAL,
        "token_endpoint_auth_method": Application.AuthMethod.BASIC,
        "grant_types": [_CODE, _REFRESH],
        "identity_scopes": [*_IDENTITY, "offline_access"],
    },
    Application.Kind.SPA: {
        "client_type": Application.CLIENT_PUBLIC,
        "token_endpoint_auth_method": Application.AuthMethod.NONE,
        "grant_types": [_CODE, _REFRESH],
        "identity_scopes": _IDENTITY,
    },
    Application.Kind.NATIVE: {
        "client_type": Application.CLIENT_PUBLIC,
        "token_endpoint_auth_method": Application.AuthMethod.NONE,
        "grant_types": [_CODE, _REFRESH],
        "identity_scopes": [*_IDENTITY, "offline_access"],
    },
    Application.Kind.MACHINE: {
        "client_type": Application.CLIENT_CONFIDENTIAL,
        "token_endpoint_auth_method": Application.AuthMethod.BASIC,
        "grant_types": ["client_credentials"],
        "identity_scopes": [],
    },
    Application.Kind.DEVICE: {
        "client_type": Application.CLIENT_PUBLIC,
        "token_endpoint_auth_method": Application.AuthMethod.NONE,
        "grant_types": [DEVICE_CODE, _REFRESH],
        "identity_scopes": [*_IDENTITY, "offline_access"],
    },
}
"""What an application of each kind may do unless an operator says otherwise."""


def new_application(kind: str, name: str, **fields: Any) -> tuple[Application, str]:
    """An unsaved application with the defaults of its kind, and its secret (empty for a public one), shown once."""
    application = Application(
        **{"kind": kind, "name": name, "client_id": new_client_id(), "require_pkce": True, **DEFAULTS[kind], **fields}
    )
    return application, set_new_secret(application) if application.has_a_secret else ""


def set_new_secret(application: Application | API) -> str:
    """Give it a new secret and return that; the caller saves. The old one is refused from then on."""
    secret = secrets.token_urlsafe(32)
    application.client_secret = hashed(secret)
    if isinstance(application, Application):
        mac = application.token_endpoint_auth_method == Application.AuthMethod.SECRET_JWT
        application.readable_secret = vault.encrypt(secret) if mac else ""
        application.secret_rolled = timezone.now()
    return secret


def new_client_id() -> str:
    return secrets.token_urlsafe(16).replace("_", "a").replace("-", "b")


def hashed(secret: str) -> str:
    """How secrets, codes and refresh tokens are kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
