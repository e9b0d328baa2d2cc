"""The table of cases and the tests agree: no case without its test, no test of a case that is not there."""

import ast
import re
from pathlib import Path

from tests.attacks.people_cases import CASES, GROUPS

_NAMED = re.compile(rf"test_({'|'.join(group.lower() for group in GROUPS)})_(\d\d)_")


def with_tests() -> set[str]:
    found = set()
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and (named := _NAMED.match(node.name)):
                found.add(f"{named[1].upper()}-{named[2]}")
    return found


def test_every_applicable_case_has_a_test():
    assert sorted({case for case, (_title, reason) in CASES.items() if not reason} - with_tests()) == []


def test_every_test_is_of_a_case_in_the_table():
    assert sorted(with_tests() - set(CASES)) == []


def test_a_case_that_does_not_apply_has_no_test():
    """It would apply, then."""
    assert sorted({case for case, (_title, reason) in CASES.items() if reason} & with_tests()) == []


def test_every_case_is_told_in_a_few_words():
    assert all(title and case[:2] in GROUPS for case, (title, _reason) in CASES.items())
