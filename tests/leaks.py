"""Whether a secret stands where none may."""

import re
from collections.abc import Iterable
from typing import Any


def told(known: Iterable[str], text: str) -> list[str]:
    """Those that stand in the text. Six digits do so by chance too, as microseconds of a time or in an id: a code
    counts where it stands by itself."""
    alone = set(re.findall(r"(?<![\w.])\d{1,8}(?!\w)", text))
    return [secret for secret in known if (secret in alone if secret.isdigit() and len(secret) < 9 else secret in text)]


def logged(caplog: Any) -> str:
    """The log lines of a test that is over. The library's own `text` has been emptied by then."""
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    return "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in records)
