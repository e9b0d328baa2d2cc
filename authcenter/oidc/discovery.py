"""/.well-known/openid-configuration (OpenID Connect Discovery section 4) and /.well-known/oauth-authorization-server
(RFC 8414). One document under both names, made once a process, true to what is really supported.
"""

import functools
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.sign_in import ACRS
from authcenter.keys.ring import ALGORITHMS
from authcenter.oauth import client_keys, response_types
from authcenter.oauth.authorization_request import PROMPTS
from authcenter.oauth.models import Application
from authcenter.oauth.scopes import IDENTITY
from authcenter.oauth.server import grant_types


@require_safe
def discovery(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(_body(), "application/json")
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _body() -> bytes:
    """Written once, for as long as the document is the same object."""
    global _written
    document = metadata()
    if _written[0] is not document:
        _written = document, json.dumps(document).encode()
    return _written[1]


_written: tuple[dict[str, Any], bytes] = {}, b""


@functools.cache
def metadata() -> dict[str, Any]:
    def at(name: str) -> str:
        return settings.ISSUER + reverse(name)

    every_method = Application.AuthMethod.values
    confidential = [method for method in every_method if method != Application.AuthMethod.NONE]
    of_assertions = ["HS256", *client_keys.ALGORITHMS]
    offered: dict[str, Any] = {"registration_endpoint": at("oauth-register")} if settings.REGISTRATION != "off" else {}
    if settings.CLIENT_ID_METADATA_DOCUMENTS:
        offered["client_id_metadata_document_supported"] = True
    return {
        **offered,
        "issuer": settings.ISSUER,
        "authorization_endpoint": at("oauth-authorize"),
        "token_endpoint": at("oauth-token"),
        "userinfo_endpoint": at("oidc-userinfo"),
        "jwks_uri": at("jwks"),
        "revocation_endpoint": at("oauth-revoke"),
        "introspection_endpoint": at("oauth-introspect"),
        "device_authorization_endpoint": at("oauth-device"),
        "pushed_authorization_request_endpoint": at("oauth-par"),
        "require_pushed_authorization_requests": False,
        "end_session_endpoint": at("oidc-end-session"),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "scopes_supported": list(IDENTITY),
        "response_types_supported": response_types.supported(),
        "response_modes_supported": list(response_types.MODES),
        "grant_types_supported": [*grant_types(), *_implicit()],
        "subject_types_supported": Application.SubjectType.values,
        "acr_values_supported": list(ACRS),
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": every_method,
        "token_endpoint_auth_signing_alg_values_supported": of_assertions,
        "revocation_endpoint_auth_methods_supported": every_method,
        "revocation_endpoint_auth_signing_alg_values_supported": of_assertions,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": of_assertions,
        "introspection_signing_alg_values_supported": list(ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": list(PROMPTS),
        "claim_types_supported": ["normal"],
        "claims_supported": [
            *dict.fromkeys(name for scope in IDENTITY.values() for name in scope.claims),
            *("iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash", "c_hash"),
        ],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": list(client_keys.ALGORITHMS),
        "ui_locales_supported": [_tag(code) for code, _name in settings.LANGUAGES],
    }


def _tag(code: str) -> str:
    """As BCP 47 likes them written: a script as in `zh-Hans`, a region as in `pt-BR`."""
    language, _hyphen, more = code.partition("-")
    return f"{language}-{more.title() if len(more) == 4 else more.upper()}" if more else language


def _implicit() -> list[str]:
    """A grant type by name alone: its tokens come from the authorization endpoint."""
    return ["implicit"] if {"implicit", "hybrid"} & {*settings.LEGACY_FLOWS} else []
