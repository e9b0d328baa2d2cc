"""Asking the issuer about a token (RFC 7662), with the API's own credentials: some at once, none while it is silent."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, urlencode

from authcenter.resource_server.http import Connection, Unreachable
from authcenter.resource_server.published_keys import ASK_AGAIN, PublishedKeys

_MOST_KEPT = 10_000


class Introspection:
    """An `IntrospectionSource` over HTTP. An answer is kept for `kept_for` seconds. Safe for threads."""

    def __init__(
        self, keys: PublishedKeys, lines: Sequence[Connection], client_id: str, client_secret: str, kept_for: float
    ) -> None:
        self._keys, self._lines, self._kept_for = keys, lines, kept_for
        self._credentials = _basic(client_id, client_secret) if client_id else ""
        self._failed_at = float("-inf")
        self._kept: dict[bytes, tuple[float, Mapping[str, Any] | None]] = {}

    def new_process(self) -> None:
        """After a fork: the connections are the parent's."""
        for line in self._lines:
            line.forget()

    @property
    def can_introspect(self) -> bool:
        """Whether this API has credentials to ask with."""
        return bool(self._credentials)

    def introspect(self, token: str) -> Mapping[str, Any] | None:
        """What introspection says of an active token (section 2.2), or None where it is not active.

        Raises `Unreachable`.
        """
        name = hashlib.blake2b(token.encode(), digest_size=16).digest()
        kept = self._kept.get(name)
        if kept is not None and time.monotonic() - kept[0] < self._kept_for:
            return kept[1]
        asked_at = time.monotonic()
        found = self._asked(token)
        if len(self._kept) >= _MOST_KEPT:
            self._kept = {}
        self._kept[name] = (asked_at, found)
        return found

    def _asked(self, token: str) -> Mapping[str, Any] | None:
        if time.monotonic() - self._failed_at < ASK_AGAIN:
            raise Unreachable("introspection did not answer a moment ago")
        headers = {
            "Authorization": self._credentials,
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        where, body = self._keys.endpoint("introspection_endpoint", "/oauth/introspect"), urlencode({"token": token})
        line = next((line for line in self._lines if not line.is_busy), self._lines[0])
        try:
            answer = line.ask("POST", where, headers, body.encode())
        except Unreachable:
            self._failed_at = time.monotonic()
            raise
        try:
            said = json.loads(answer.body)
            if answer.status != 200 or not isinstance(said["active"], bool):
                raise Unreachable(f"introspection answered {answer.status}")
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable("introspection answered no JSON object with `active`") from error
        return said if said["active"] else None


def _basic(client_id: str, client_secret: str) -> str:
    """RFC 6749 section 2.3.1: both are form-encoded first."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
