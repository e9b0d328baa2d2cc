"""What an API needs to accept AuthCenter's tokens. Imports nothing of AuthCenter's other rooms.

    from authcenter.resource_server import InvalidToken, Verifier

    verifier = Verifier("https://id.example.com", "https://orders.example.com")
    token = verifier.verify(raw)

`verifier`: the checks of RFC 9068 section 4. `issuer`: keys, the feed of revocations and introspection over HTTP;
`view`: what is dead. `push`: revocations that are pushed. `drf`, `starlette`: authentication and permissions for these
frameworks. `metadata`: RFC 9728. The core needs only the standard library and joserfc.
"""

from authcenter.resource_server.errors import ExpiredToken, InvalidToken, MisusedToken, RevokedToken, StaleView
from authcenter.resource_server.http import Unreachable
from authcenter.resource_server.issuer import Issuer
from authcenter.resource_server.metadata import ProtectedResource
from authcenter.resource_server.push import PushReceiver
from authcenter.resource_server.signature import JoseKey, KeySource
from authcenter.resource_server.verifier import IntrospectionSource, RevocationSource, Token, Verifier

__all__ = [
    "ExpiredToken",
    "IntrospectionSource",
    "InvalidToken",
    "Issuer",
    "JoseKey",
    "KeySource",
    "MisusedToken",
    "ProtectedResource",
    "PushReceiver",
    "RevocationSource",
    "RevokedToken",
    "StaleView",
    "Token",
    "Unreachable",
    "Verifier",
]
