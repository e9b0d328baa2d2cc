"""User codes (RFC 8628 section 6.1): eight letters that nobody mistakes and that spell nothing, such as BCDF-GHJK."""

import re
import secrets
import unicodedata

from authcenter.keys import vault

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Twenty consonants: eight of them are 34.5 bits."""

_PURPOSE = "user code"
_WHOLE = re.compile(f"[{LETTERS}]{{8}}", re.IGNORECASE)
_BETWEEN = re.compile(r"[\W_]+")


def new() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def normalised(typed: str) -> str | None:
    """The code as it was shown, whatever case, blanks and dashes were typed; None where it can be none."""
    letters = _BETWEEN.sub("", unicodedata.normalize("NFKC", typed))
    return f"{letters[:4]}-{letters[4:]}".upper() if _WHOLE.fullmatch(letters) else None


def kept(code: str) -> str:
    """How a row holds it: under a key, since every code there is can be hashed in an hour."""
    return vault.mac(code.encode(), _PURPOSE).hex()


def kept_any(code: str) -> list[str]:
    """The same under every key, to find it by."""
    return [tag.hex() for tag in vault.macs(code.encode(), _PURPOSE)]
