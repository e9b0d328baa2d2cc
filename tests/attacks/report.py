"""`make attack`: every attack on a running server, on SQLite and on PostgreSQL, and what came of it by group.

python -m tests.attacks.report [sqlite | postgresql] [what pytest takes ...]

`tried` and `rows` are the table; docs/attacks.md has it, without what a run gives.
"""

import ast
import functools
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from tests.attacks.cases import CASES, GROUPS

FOLDER = Path(__file__).parent
NAMED = re.compile(rf"(?<=_)({'|'.join(GROUPS).lower()})_(\d\d)(?=_|$)")


def ids(test: str) -> list[str]:
    """The cases that a test's name says it tries."""
    return [f"{group.upper()}-{number}" for group, number in NAMED.findall(test.partition("[")[0])]


@functools.cache
def tried() -> Mapping[str, list[str]]:
    """The ids that tests of this folder name, with the tests."""
    found: dict[str, list[str]] = {}
    for file in sorted(FOLDER.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for case in ids(node.name):
                    found.setdefault(case, []).append(f"{file.name}::{node.name}")
    return found


def of(group: str) -> list[str]:
    return [case for case in CASES if case.startswith(f"{group}-")]


def inapplicable() -> Mapping[str, list[str]]:
    """Each reason, with the cases that are not tried for it."""
    found: dict[str, list[str]] = {}
    for case, (_title, reason) in CASES.items():
        if reason:
            found.setdefault(reason, []).append(case)
    return found


def outcomes(junit: Path) -> Counter[tuple[str, str]]:
    """How many tests of each group passed, failed or were skipped. One that tries several groups counts for each."""
    counted: Counter[tuple[str, str]] = Counter()
    for test in ElementTree.parse(junit).iter("testcase"):
        kinds = {child.tag for child in test}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        for group in {case[:2] for case in ids(test.get("name", ""))}:
            counted[group, outcome] += 1
    return counted


def told(counted: Mapping[tuple[str, str], int]) -> str:
    """The table of a run, for a terminal."""
    lines = [f"{'group':<66}{'cases':>6}{'tried':>7}{'passed':>8}{'failed':>8}{'skipped':>9}"]
    total = [0, 0, 0, 0, 0]
    for group, what in GROUPS.items():
        cases = of(group)
        numbers = [len(cases), sum(not CASES[case][1] for case in cases)]
        numbers += [counted.get((group, outcome), 0) for outcome in ("passed", "failed", "skipped")]
        total = [one + more for one, more in zip(total, numbers, strict=True)]
        lines.append(_line(f"{group} {what}", numbers))
    lines += [_line("all", total), "", "Not applicable:"]
    lines += [f"  {' '.join(cases)}: {reason}" for reason, cases in inapplicable().items()]
    return "\n".join(lines)


def _line(name: str, numbers: list[int]) -> str:
    cases, applicable, passed, failed, skipped = numbers
    return f"{name:<66}{cases:>6}{applicable:>7}{passed:>8}{failed:>8}{skipped:>9}"


def main(arguments: list[str]) -> int:
    """Each database in a run of its own, so that each has its table."""
    only = arguments.pop(0) if arguments and arguments[0] in {"sqlite", "postgresql"} else ""
    results = []
    for where in [only] if only else ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory() as folder:
            junit = Path(folder) / "attacks.xml"
            command = [sys.executable, "-m", "tests.suite", where, str(FOLDER), f"--junit-xml={junit}", *arguments]
            results.append(subprocess.run(command, check=False).returncode)
            if junit.exists():
                print(f"\n{told(outcomes(junit))}", flush=True)
    return max(results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
