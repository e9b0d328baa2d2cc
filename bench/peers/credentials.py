"""What requests of every peer carry: client credentials, forms, and one code verifier."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote_plus, urlencode

from bench.peers.wrk import Ask, Lines

VERIFIER = "bench-" * 8
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
REDIRECT_URI = "https://app.test/back"


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Headers of a form by a client with `client_secret_basic`."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {
        "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def form(path: str, headers: dict[str, str], says: str, **fields: str) -> Ask:
    """The same form again and again."""
    return Ask(path, "POST", headers, urlencode(fields), says=says)


def forms(path: str, headers: dict[str, str], says: str, lines: Lines) -> Ask:
    """Each time the next form of a list."""
    return Ask(path, "POST", headers, lines=lines, says=says)


def code_forms(codes: Iterable[str]) -> Lines:
    fixed = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return Lines([urlencode({**fixed, "code": code}) for code in codes])


def refresh_forms(tokens: Iterable[str]) -> Lines:
    return Lines([urlencode({"grant_type": "refresh_token", "refresh_token": token}) for token in tokens])


def revocation_forms(tokens: Iterable[str]) -> Lines:
    return Lines([urlencode({"token": token, "token_type_hint": "refresh_token"}) for token in tokens])
