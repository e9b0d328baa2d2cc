"""The six models of the library, swapped, and those it lacks."""

from authcenter.oauth.models.api import API, Scope
from authcenter.oauth.models.application import Application
from authcenter.oauth.models.assertions import TrustedIssuer, UsedAssertion
from authcenter.oauth.models.authorization import Authorization
from authcenter.oauth.models.initial_access_token import InitialAccessToken
from authcenter.oauth.models.logo import Logo
from authcenter.oauth.models.pushed import PushedRequest
from authcenter.oauth.models.tokens import AccessToken, DeviceGrant, Family, Grant, IDToken
from authcenter.oauth.models.told import ToldName

__all__ = [
    "API",
    "AccessToken",
    "Application",
    "Authorization",
    "DeviceGrant",
    "Family",
    "Grant",
    "IDToken",
    "InitialAccessToken",
    "Logo",
    "PushedRequest",
    "Scope",
    "ToldName",
    "TrustedIssuer",
    "UsedAssertion",
]
