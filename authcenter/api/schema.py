"""What the OpenAPI description says of every route: security schemes and problems."""

from typing import Any

from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from authcenter.api.authentication import (
    AccessTokenAuthentication,
    OwnAccountAuthentication,
    SessionTokenAuthentication,
)
from authcenter.api.problems import CONTENT_TYPE

_WHAT = {
    400: "The request is malformed or a field is wrong.",
    401: "No valid token or credentials; WWW-Authenticate says what is wanted (RFC 6750).",
    403: "The scope or role is missing, or the CSRF proof of a cookie.",
    404: "Not there, or not yours.",
    413: "The body is too large.",
    415: "Neither JSON nor a form.",
    429: "Too many attempts; Retry-After says how many seconds to wait.",
}


class FieldErrorSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON Pointer of the field.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]
    mfa_token = serializers.CharField(required=False, help_text="With `mfa_required`: what the second step sends back.")
    factors = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="With `mfa_required`: totp, webauthn, recovery_codes."
    )
    expires_in = serializers.IntegerField(required=False, help_text="With `mfa_required`: seconds.")


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """Error answers for `extend_schema(responses=…)`."""
    return {(status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, _WHAT[status]) for status in statuses}


def _bearer(description: str) -> dict[str, Any]:
    return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": description}


_SESSION = _bearer("The access token of a JWT session, from POST /api/token/.")
_ACCESS = _bearer("An OAuth access token (RFC 9068) for this API, from the token endpoint.")


class SessionTokenScheme(OpenApiAuthenticationExtension):
    target_class = SessionTokenAuthentication
    name = "sessionToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return _SESSION


class AccessTokenScheme(OpenApiAuthenticationExtension):
    target_class = AccessTokenAuthentication
    match_subclasses = True
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return _ACCESS


class OwnAccountScheme(OpenApiAuthenticationExtension):
    target_class = OwnAccountAuthentication
    name = ["sessionToken", "accessToken"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [_SESSION, _ACCESS]


for _class in (SessionTokenAuthentication, AccessTokenAuthentication, OwnAccountAuthentication):
    set_override(_class, "suppress_collision_warning", True)  # several classes, and subclasses, share a scheme
