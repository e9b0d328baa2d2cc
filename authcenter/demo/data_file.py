"""DATA_DIR/demo.json: what a person or a test needs to use the demo. Mode 600, for it holds passwords and secrets."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings

APPLICATIONS = ("web", "spa", "machine", "device")
PEOPLE = ("demo", "admin")


def path() -> Path:
    return Path(settings.DATA_DIR) / "demo.json"


def read() -> dict[str, Any] | None:
    """The file's content; None where there is none or it is not whole, which heals like a lost one."""
    try:
        data = json.loads(path().read_text(encoding="utf-8"))
        whole = (
            isinstance(data["issuer"], str)
            and all(data["people"][key]["password"] for key in PEOPLE)
            and all(data["applications"][key]["client_id"] for key in APPLICATIONS)
            and all(data["applications"][key]["client_secret"] for key in ("web", "machine"))
            and data["apis"]["demo"]["client_id"]
            and data["apis"]["demo"]["client_secret"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return data if whole else None


def write(data: dict[str, Any]) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path().with_name(f"demo.json.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(data, file, indent=2)
        file.write("\n")
    new.replace(path())
