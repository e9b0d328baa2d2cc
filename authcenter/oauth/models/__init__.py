"""The six models of the library, swapped, and the two it lacks: `API` and `Authorization`."""

from authcenter.oauth.models.api import API, Scope
from authcenter.oauth.models.application import Application
from authcenter.oauth.models.authorization import Authorization
from authcenter.oauth.models.tokens import AccessToken, DeviceGrant, Family, Grant, IDToken

__all__ = [
    "API",
    "AccessToken",
    "Application",
    "Authorization",
    "DeviceGrant",
    "Family",
    "Grant",
    "IDToken",
    "Scope",
]
