"""The `claims` parameter (OpenID Connect Core section 5.5): single claims, for userinfo or for the ID token."""

import json
from dataclasses import dataclass, field
from typing import Any

from authcenter.oauth.errors import InvalidRequestError
from authcenter.oauth.models import Application
from authcenter.oauth.parameters import Parameters
from authcenter.oauth.scopes import IDENTITY, ORGANIZATION_CLAIMS

TARGETS = ("userinfo", "id_token")
_Wish = dict[str, Any]


@dataclass(frozen=True)
class ClaimsRequest:
    """What was asked, by target: claim name to `None` or `{"essential", "value", "values"}`."""

    userinfo: dict[str, _Wish | None] = field(default_factory=dict)
    id_token: dict[str, _Wish | None] = field(default_factory=dict)

    def names(self, application: Application) -> dict[str, list[str]]:
        """By target, the claims about the person that this application may have; others are ignored, as section 5.5
        wants it: whether a claim comes back is never an error."""
        return allowed_names(application, {target: sorted(getattr(self, target)) for target in TARGETS})

    @property
    def subject(self) -> str | None:
        """The one person who may answer (`sub` with a value), or None."""
        for wishes in (self.id_token, self.userinfo):
            value = (wishes.get("sub") or {}).get("value")
            if isinstance(value, str):
                return value
        return None

    @property
    def essential_acr(self) -> frozenset[str] | None:
        """Classes of which one must have been reached (section 5.5.1.1), or None where none must."""
        wish = self.id_token.get("acr")
        if not wish or wish.get("essential") is not True:
            return None
        values = wish.get("values", [wish.get("value")])
        named = frozenset(value for value in values if isinstance(value, str)) if isinstance(values, list) else None
        return named or None


def allowed_names(application: Application, asked: dict[str, list[str]]) -> dict[str, list[str]]:
    """Of single claims, those that the application may have now: an operator may have taken a scope from it since."""
    may = {name for scope in application.identity_scopes if scope in IDENTITY for name in IDENTITY[scope].claims}
    may -= {"sub", *ORGANIZATION_CLAIMS}  # an organisation is chosen by its scope
    found = {target: [name for name in names if name in may] for target, names in asked.items()}
    return {target: names for target, names in found.items() if names}


def parsed(parameters: Parameters) -> ClaimsRequest:
    """Raises `InvalidRequestError` where it is not what section 5.5 describes; unknown members are ignored."""
    text = parameters.get("claims")
    if text is None:
        return ClaimsRequest()
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequestError(description="The claims parameter is not JSON.") from None
    if not isinstance(asked, dict) or not all(_is_target(asked.get(target, {})) for target in TARGETS):
        raise InvalidRequestError(description="The claims parameter is not an object of objects.")
    return ClaimsRequest(**{target: asked.get(target, {}) for target in TARGETS})


def _is_target(value: Any) -> bool:
    return isinstance(value, dict) and all(wish is None or isinstance(wish, dict) for wish in value.values())
