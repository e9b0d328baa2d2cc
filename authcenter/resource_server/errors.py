"""Why a token was refused. The text is for the log; a caller hears one sentence only (RFC 6750 section 3.1)."""

from collections.abc import Mapping
from typing import Any


class InvalidToken(Exception):
    """The token is not whole, or not by a key that is trusted here.

    `claims` are those of a token whose signature is good, and None where nothing in it can be believed.
    """

    def __init__(self, reason: str, claims: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.claims = claims


class ExpiredToken(InvalidToken):
    """Good once: its `exp` has passed."""


class MisusedToken(InvalidToken):
    """Well signed, but another kind of token, or for another audience, or by another issuer."""


class RevokedToken(InvalidToken):
    """Well signed and not yet expired, but taken back."""


class StaleView(InvalidToken):
    """Well signed, but this process has not heard of revocations for too long to accept it (`when_stale`).

    Nothing is wrong with the token: an API answers 503, so that nobody throws it away.
    """
