"""The table of attacks and the tests tell the same."""

import ast
import functools
import re
from pathlib import Path

import pytest

from tests.attacks.cases import CASES

GROUPS = sorted({name.partition("-")[0] for name in CASES})
NAMED = re.compile(rf"(?<=_)({'|'.join(GROUPS).lower()})_(\d\d)(?=_|$)")


@functools.cache
def tried() -> dict[str, list[str]]:
    """The ids that tests of this folder name, with the tests."""
    found: dict[str, list[str]] = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for group, number in NAMED.findall(node.name):
                    found.setdefault(f"{group.upper()}-{number}", []).append(f"{file.name}::{node.name}")
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_every_applicable_case_has_a_test(group):
    missing = [name for name, (_title, reason) in CASES.items() if name.startswith(group) and not reason]
    assert not [name for name in missing if name not in tried()]


def test_every_test_names_a_case():
    assert not {name: tests for name, tests in tried().items() if name not in CASES}


def test_what_is_tried_is_not_called_inapplicable():
    assert not {name: tests for name, tests in tried().items() if CASES[name][1]}, "take the reason out of the table"
