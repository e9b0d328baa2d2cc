"""Response types and modes (OAuth 2.0 Multiple Response Type Encoding Practices; OAuth 2.0 Form Post Response Mode).

The code flow is the one that everybody has. Implicit and hybrid flows exist for those who must: an operator switches
them on for the installation (`LEGACY_FLOWS`) and for the application; otherwise they are unsupported and unadvertised.
"""

from django.conf import settings
from oauthlib.common import Request

from authcenter.oauth.errors import InvalidRequestError, UnauthorizedClientError, UnsupportedResponseTypeError
from authcenter.oauth.models import Application
from authcenter.oauth.parameters import Parameters

CODE = frozenset({"code"})
MODES = ("query", "fragment", "form_post")
_FLOWS: dict[str, tuple[str, ...]] = {
    "implicit": ("id_token", "id_token token"),
    "hybrid": ("code id_token", "code token", "code id_token token"),
}
ALL = ("code", *_FLOWS["implicit"], *_FLOWS["hybrid"])


def supported() -> list[str]:
    """What this installation answers to, for discovery."""
    return ["code", *(name for flow in settings.LEGACY_FLOWS for name in _FLOWS.get(flow, ()))]


def understood(request: Request, parameters: Parameters) -> None:
    """Note on the request what is wanted and how the answer goes, before anything may fail: errors go the same way."""
    types = frozenset((parameters.get("response_type") or "code").split(" "))
    mode = parameters.get("response_mode")
    usual = _allowed(types)[0] if _is_supported(types) else "query"
    request._types, request._mode = types, mode if mode in _allowed(types) else usual


def check(request: Request, parameters: Parameters) -> None:
    """Raises where the type or the mode is none that this application may ask for."""
    types: frozenset[str] = request.__dict__["_types"]
    application: Application = request.client
    if parameters.get("response_type") is None:
        raise InvalidRequestError(description="Missing response_type parameter.")
    if not _is_supported(types):
        raise UnsupportedResponseTypeError(request=request)
    if types not in [frozenset(name.split(" ")) for name in application.response_types]:
        raise UnauthorizedClientError(request=request)
    if "code" in types and not application.allows_grant_type("authorization_code"):
        raise UnauthorizedClientError(request=request)
    if parameters.get("response_mode") not in {None, *_allowed(types)}:
        raise InvalidRequestError(description="This response_mode is not supported.")
    if "id_token" in types and parameters.get("nonce") is None:
        raise InvalidRequestError(description="Missing nonce parameter.")
    if "id_token" in types and "openid" not in (parameters.get("scope") or "").split(" "):
        raise InvalidRequestError(description="An ID token needs the scope openid.")


def _is_supported(types: frozenset[str]) -> bool:
    return types in [frozenset(name.split(" ")) for name in supported()]


def _allowed(types: frozenset[str]) -> tuple[str, ...]:
    """Tokens are never put where servers and histories keep them: the query is for the code alone (section 5)."""
    return MODES if types == CODE else MODES[1:]
