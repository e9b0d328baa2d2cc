"""The results as a Markdown page: one section a plan, one row a module."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEAD = """# Results of the OpenID Foundation's conformance suite

Written by `run.py`, which keeps the sections of plans that it does not run. REVIEW: the module passed but for a picture
of our page that a person looks at. SKIPPED: it tests what we do not offer. Why any did not pass stands beside it.
"""


@dataclass
class Outcome:
    """How one module ended."""

    module: str
    variant: dict[str, str]
    result: str
    reasons: list[str] = field(default_factory=list)
    seconds: int = 0
    run: str = ""

    @property
    def is_bad(self) -> bool:
        return self.result not in {"PASSED", "REVIEW", "SKIPPED", "WARNING"}

    def __str__(self) -> str:
        lines = [f"{self.result:10} {self.module}{_short(self.variant)} ({self.seconds} s) {self.run}"]
        return "\n             ".join([*lines, *self.reasons])


def write(page: Path, name: str, plan: dict[str, Any], outcomes: list[Outcome], version: str) -> None:
    """Put this plan's section in the place of its last one."""
    sections = _sections(page.read_text() if page.exists() else "")
    sections[name] = _section(name, plan, outcomes, version)
    page.write_text("\n".join([HEAD, *(sections[key] for key in sorted(sections))]))


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0]: f"## {part.rstrip()}\n" for part in parts}


def _section(name: str, plan: dict[str, Any], outcomes: list[Outcome], version: str) -> str:
    counts = Counter(outcome.result for outcome in outcomes)
    lines = [
        f"## {name}",
        "",
        f"`{plan['plan']}`{_short(plan['variant'])}, suite {version}, {datetime.now(UTC):%Y-%m-%d}:"
        f" {', '.join(f'{count} {result}' for result, count in sorted(counts.items()))} of {len(outcomes)}.",
        "",
        "| module | result | why |",
        "|---|---|---|",
    ]
    rows = [f"| {one.module}{_short(one.variant)} | {one.result} | {_why(one)} |" for one in outcomes]
    return "\n".join([*lines, *rows, ""])


def _why(outcome: Outcome) -> str:
    return "<br>".join(reason.replace("|", "\\|").replace("\n", " ") for reason in outcome.reasons)


_TOLD_ELSEWHERE = {"client_registration", "server_metadata", "client_auth_type", "response_mode"}


def _short(variant: dict[str, str]) -> str:
    """The values that tell runs of one module or plan apart, each after a blank."""
    return "".join(f" {value}" for key, value in variant.items() if key not in _TOLD_ELSEWHERE)
