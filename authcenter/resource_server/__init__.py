"""What an API needs to accept AuthCenter's tokens. Imports nothing of AuthCenter's other rooms.

`verifier`: the checks of RFC 9068 section 4, on keys and revocations that come from a source. `signature`: the checks
of the JWS below them (RFC 7515, RFC 8725). `drf`: authentication and permissions for Django REST framework; the core
needs only the standard library and joserfc.
"""

from authcenter.resource_server.errors import ExpiredToken, InvalidToken, MisusedToken, RevokedToken
from authcenter.resource_server.signature import JoseKey, KeySource
from authcenter.resource_server.verifier import RevocationSource, Token, Verifier

__all__ = [
    "ExpiredToken",
    "InvalidToken",
    "JoseKey",
    "KeySource",
    "MisusedToken",
    "RevocationSource",
    "RevokedToken",
    "Token",
    "Verifier",
]
