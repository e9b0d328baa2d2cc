"""The table of attacks, the tests, and the page that tells of them say the same."""

import re
from pathlib import Path

import pytest

from tests.attacks.cases import CASES, GROUPS
from tests.attacks.report import inapplicable, of, outcomes, told, tried

PAGE = (Path(__file__).parent.parent.parent / "docs" / "attacks.md").read_text()


@pytest.mark.parametrize("group", GROUPS)
def test_every_applicable_case_has_a_test(group):
    assert of(group)
    assert not [case for case in of(group) if not CASES[case][1] and case not in tried()]


def test_every_test_names_a_case():
    assert not {case: tests for case, tests in tried().items() if case not in CASES}


def test_what_is_tried_is_not_called_inapplicable():
    """It would apply, then."""
    assert not {case: tests for case, tests in tried().items() if CASES[case][1]}, "take the reason out of the table"


def test_every_case_is_told_in_a_few_words_and_is_of_a_group():
    assert all(title and case[:2] in GROUPS for case, (title, _reason) in CASES.items())


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_tells_each_group_as_it_is(group):
    tried_here = sum(not CASES[case][1] for case in of(group))
    assert f"| {group} | {GROUPS[group]} | {len(of(group))} | {tried_here} |" in PAGE


def test_the_page_tells_the_sums():
    assert f"| all | | {len(CASES)} | {sum(not reason for _title, reason in CASES.values())} |" in PAGE
    assert f"tries a list of {len(CASES)} attacks" in PAGE


def test_the_page_gives_the_reasons_of_the_table_and_no_others():
    told_there = dict(re.findall(r"^- ([A-Z0-9, -]+): (.*)$", PAGE, re.MULTILINE))
    assert told_there == {", ".join(cases): reason for reason, cases in inapplicable().items()}


def test_the_table_of_a_run_counts_each_test_where_it_belongs(tmp_path):
    junit = tmp_path / "run.xml"
    cases = [
        '<testcase name="test_az_01_x[tk_01]"/>',
        '<testcase name="test_az_02_x"><failure/></testcase>',
        '<testcase name="test_jw_01_and_az_03_x"><skipped/></testcase>',
        '<testcase name="test_no_case"/>',
    ]
    junit.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    counted = outcomes(junit)
    assert counted == {("AZ", "passed"): 1, ("AZ", "failed"): 1, ("AZ", "skipped"): 1, ("JW", "skipped"): 1}
    assert re.search(r"^AZ the authorization endpoint +50 +\d+ +1 +1 +1$", told(counted), re.MULTILINE)
