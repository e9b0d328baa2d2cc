"""Revocations that are pushed: Security Event Tokens (RFC 8417) at an address of the API (RFC 8935).

    receiver = PushReceiver(issuer, "https://orders.example.com", secret=os.environ["PUSH_SECRET"])
    status, body = receiver.receive(request.body, request.headers.get("Authorization", ""))

What is pushed counts at once; the feed is asked at once too, so that nothing hangs on a push that got lost.
"""

import hmac
import json
from typing import Any

from authcenter.resource_server.errors import InvalidToken, MisusedToken
from authcenter.resource_server.issuer import Issuer
from authcenter.resource_server.signature import signed_claims

EVENT_TOKEN = "secevent+jwt"
REVOCATION_EVENT = "urn:authcenter:event:revocation"
"""Its members are those of an entry of the feed: `kind`, `id`, and `epoch` of a user or application."""

Refusal = dict[str, str]


class PushReceiver:
    """Takes pushed revocations for one API. `secret`, where there is one, is expected as `Authorization: Bearer`."""

    def __init__(self, issuer: Issuer, audience: str, *, secret: str = "") -> None:
        self._issuer, self._audience = issuer, audience
        self._authorization = f"Bearer {secret}" if secret else ""

    def receive(self, body: bytes, authorization: str = "") -> tuple[int, Refusal | None]:
        """Status and JSON body of the answer: 202 and none, or 400 with `err` and `description` (RFC 8935 section 2.4).

        An event of another kind is taken and changes nothing.
        """
        if self._authorization and not hmac.compare_digest(authorization.encode(), self._authorization.encode()):
            return _refused("authentication_failed", "The Authorization header is not the one agreed upon.")
        try:
            claims = signed_claims(body.decode("ascii", "replace"), self._issuer, types=[EVENT_TOKEN]).claims
        except MisusedToken as error:
            return _refused("invalid_request", str(error))
        except InvalidToken as error:
            return _refused("invalid_key", str(error))
        if claims.get("iss") != self._issuer.url:
            return _refused("invalid_issuer", "It is another issuer's.")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            return _refused("invalid_audience", "It is for another API.")
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(claims.get("jti"), str):
            return _refused("invalid_request", "It has no events or no jti (RFC 8417 section 2.2).")
        event = events.get(REVOCATION_EVENT)
        if event is not None and not self._take(event):
            return _refused("invalid_request", "The event names no kind and id.")
        return 202, None

    def _take(self, event: Any) -> bool:
        kind, id, epoch = (event.get(name) if isinstance(event, dict) else None for name in ("kind", "id", "epoch"))
        if not isinstance(kind, str) or not isinstance(id, str) or not (epoch is None or type(epoch) is int):
            return False
        self._issuer.view.add(kind, id, epoch)
        self._issuer.hurry()
        return True


def _refused(error: str, description: str) -> tuple[int, Refusal]:
    return 400, {"err": error, "description": description}


def as_json(body: Refusal | None) -> bytes:
    """The body to send, as application/json; empty with 202."""
    return json.dumps(body).encode() if body is not None else b""
