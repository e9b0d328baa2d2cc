"""What the benches reckon with: parts without a clock. Nothing is timed here."""

import json

import pytest

from bench import growth, tell
from bench.figures import Row, quantile, table
from bench.peers import markdown, results, wrk
from bench.peers.credentials import basic, code_forms
from bench.peers.works import AGAINST, WORKS
from bench.peers.wrk import Ask, Failed, Lines

SAID = {"requests": 3000, "microseconds": 2_000_000, "p50": 5000, "p99": 12_500, "refused": 0, "broken": 0}
SAID |= {"taken": 3016, "short": 0}


def said(**changes):
    """What wrk prints."""
    return f"Running 2s test @ http://127.0.0.1\n  16 connections\n{json.dumps({**SAID, **changes})}\n"


def cell(work, server, database="", per_second=100.0, **more):
    costs = {"p50_ms": 1.0, "p99_ms": 2.0, "cpu_us": 300.0, "statements": None, "megabytes": None, "error": ""}
    return {"work": work, "server": server, "database": database, "per_second": per_second, **costs, **more}


def found(*cells):
    about = {"machine": "a machine", "argon2_ms": 20.0, "rounds": 3, "seconds": 2, "connections": 16}
    return {**about, "left_out": ["the network"], "cells": list(cells)}


def test_the_figures_of_wrk_are_read():
    run = wrk.parsed(said())
    assert (run.requests, run.rate, run.p50, run.p99, run.taken) == (3000, 1500.0, 5.0, 12.5, 3016)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"refused": 1}, "1 were refused"),
        ({"broken": 2}, "2 broken"),
        ({"short": 1}, "too short"),
        ({"requests": 0}, "no request"),
    ],
)
def test_a_run_with_a_wrong_answer_gives_no_figure(changes, why):
    with pytest.raises(Failed, match=why):
        wrk.parsed(said(**changes))


def test_wrk_that_tells_nothing_gives_no_figure():
    with pytest.raises(Failed, match="unable to connect"):
        wrk.parsed("unable to connect to 127.0.0.1")


def test_each_request_takes_the_next_line_until_there_is_none():
    ask = Ask("/api", lines=Lines(["one", "two"]), bearer=True, headers={"Host": "id.test"})
    assert [ask.one() for _ in range(2)] == [
        ({"Host": "id.test", "Authorization": "Bearer one"}, ""),
        ({"Host": "id.test", "Authorization": "Bearer two"}, ""),
    ]
    with pytest.raises(Failed, match="come to its end"):
        ask.one()


def test_the_script_quotes_what_it_sends():
    script = wrk.script(Ask("/token", "POST", {"X-Quote": 'a"b\\'}, 'say="hi"\n'))
    assert r'["X-Quote"] = "a\"b\\"' in script
    assert r'wrk.body = "say=\"hi\"\n"' in script


def test_forms_are_encoded():
    assert basic("a b", "c:d")["Authorization"] == "Basic YStiOmMlM0Fk"  # a+b:c%3Ad, RFC 6749 section 2.3.1
    assert code_forms(["x&y"]).next().endswith("code=x%26y")


def test_what_is_held_against_another_exists():
    assert set(AGAINST) <= set(WORKS)
    assert {against.work for several in AGAINST.values() for against in several} <= set(WORKS)


def test_targets_are_judged_by_ratio_and_by_statements():
    toolkit = cell("code", "toolkit", "PostgreSQL", 100.0)
    own = cell("code", "authcenter", "PostgreSQL", 450.0, statements=8.0)
    target = "≥ 4 × django-oauth-toolkit, ≤ 8 SQL"
    assert results.judged([toolkit, own], own) == (target, True)
    assert results.judged([toolkit, own], {**own, "statements": 9.0}) == (target, False)
    assert results.judged([toolkit, own], {**own, "per_second": 399.0}) == (target, False)
    assert results.judged([own], cell("discovery", "authcenter")) == ("", None)


def test_each_database_is_held_against_the_same():
    on_postgresql, on_sqlite = (
        cell("code", "toolkit", name, rate) for name, rate in (("PostgreSQL", 100), ("SQLite", 50))
    )
    own = cell("code", "authcenter", "SQLite", 200.0)
    assert [ratio for _against, _other, ratio in results.ratios([on_postgresql, on_sqlite, own], own)] == [4.0]


def test_a_server_that_was_named_is_held_against_everything_it_did():
    theirs, own = cell("discovery", "named", per_second=50.0), cell("discovery", "authcenter", "PostgreSQL", 100.0)
    assert [(against.server, ratio) for against, _other, ratio in results.ratios([theirs, own], own)] == [
        ("named", 2.0)
    ]


def test_rows_tell_ratios_failures_and_what_is_left_out():
    node = cell("introspection", "node", per_second=8000.0)
    own = cell("introspection", "authcenter", "PostgreSQL", 4000.0, statements=2.0, megabytes=190)
    failed = cell("code", "toolkit", "PostgreSQL", None, error="3 were refused")
    rows = results.rows(found(node, own, failed))
    by_name = {row.what: row for row in rows}
    introspection = by_name["AuthCenter, PostgreSQL: introspection of a machine's token"]
    assert "4,000 a second" in introspection.figure and "0.50 × node-oidc-provider (8,000)" in introspection.figure
    assert (introspection.target, introspection.met) == ("≥ 0.7 × node-oidc-provider", False)
    assert by_name["AuthCenter, PostgreSQL: memory of the worker"].met is False
    assert "3 were refused" in by_name["django-oauth-toolkit, PostgreSQL: code exchange with openid"].figure
    assert Row("left out", "the network") in rows


def test_the_markdown_has_a_line_for_each_work_and_only_columns_with_figures():
    text = markdown.rendered(
        found(
            cell("jwks", "authcenter", "PostgreSQL", 9000.0),
            cell("json", "plain", "", 13_000.0),
            cell("userinfo", "node", per_second=None, error="it stopped"),
        ),
        "2026-11-26",
    )
    assert "| JWKS | 9,000 |  | 0.69 × plain Django | ≥ 0.6 × plain Django | met |" in text
    assert "SQLite" not in text
    assert "- node-oidc-provider, userinfo: it stopped" in text and "- the network" in text


def test_figures_go_between_the_marks_of_the_page():
    page = f"before\n{tell.BEGIN}\nold\n{tell.END}\nafter"
    assert tell.put(page, "new") == f"before\n{tell.BEGIN}\n\nnew\n\n{tell.END}\nafter"
    assert tell.put(tell.PAGE.read_text(), "new")
    with pytest.raises(ValueError, match=r"bench\.tell"):
        tell.put("no marks", "new")


def test_growth_is_the_slope_of_memory_after_the_first_tenth():
    points = [(0, 80.0), (50_000, 119.0), (100_000, 120.0), (200_000, 120.5), (400_000, 121.5)]
    assert growth.slope(points, after=100_000) == pytest.approx(0.5)
    assert growth.slope(points[:1], after=100_000) == 0.0


def test_the_mix_of_growth_is_of_known_work():
    assert set(growth.MIX) <= set(WORKS)
    told = {"points": [(0, 80.0), (50_000, 119.0), (400_000, 121.5)], "requests": 400_000, "mb_per_100_000": 1.5}
    rows = growth.rows(told)
    assert (rows[0].figure, rows[0].met) == ("+1.50 MB in 100,000 requests, over 400,000", False)
    assert rows[1].figure == "119 MB, 122 MB"


def test_the_table_of_all_benches_says_what_was_missed():
    text = table([("feed", Row("a", "1", "≥ 2", False)), ("feed", Row("b", "3"))])
    assert text.splitlines()[2].split() == ["feed", "a", "1", "≥", "2", "MISSED"]
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0 and quantile([3.0, 1.0, 2.0], 0.99) == 3.0
