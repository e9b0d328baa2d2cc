"""AC: no answer, and no work that one costs, tells whether somebody has an account here."""

import os
from pathlib import Path

import pytest

from tests.attacks.people_rig import NEW, PASSWORD, WRONG, Crowd, as_seen

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def kinds(crowd: Crowd) -> dict[str, str]:
    """An address of every kind of account."""
    return {
        "unknown": "nobody@example.com",
        "known": crowd.person("known").email,
        "disabled": crowd.person("disabled", is_active=False).email,
        "unverified": crowd.person("unverified", verified=False).email,
        "no password": crowd.person("passwordless", password=None).email,
    }


def test_ac_01_a_refused_sign_in_says_the_same_of_every_account(crowd, kinds):
    pages, answers = {}, {}
    for kind, email in kinds.items():
        browser = crowd.browser().open("/accounts/login/").sign_in(email, WRONG)
        pages[kind] = as_seen(browser.page, email)
        answers[kind] = as_seen(crowd.guess(email), email)
        assert crowd.events("sign_in_refused", email)
    assert all(page == pages["unknown"] for page in pages.values()), pages
    assert all(answer == answers["unknown"] for answer in answers.values()), answers
    assert answers["unknown"][0] == 401


def test_ac_01_the_right_password_of_a_disabled_account_is_a_wrong_one(crowd, kinds):
    wrong = crowd.browser().open("/accounts/login/").sign_in(kinds["unknown"], WRONG).page
    right = crowd.browser().open("/accounts/login/").sign_in(kinds["disabled"], PASSWORD).page
    assert as_seen(wrong, kinds["unknown"]) == as_seen(right, kinds["disabled"])
    assert crowd.guess(kinds["disabled"], PASSWORD).json() == crowd.guess(kinds["unknown"]).json()


def _work(server) -> float:
    """Seconds that the server's workers have computed, whatever else this machine does."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(values[1]) == server.process.pid:
            ticks += int(values[11]) + int(values[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts computing time as Linux does")
def test_ac_02_a_refused_sign_in_costs_the_same_work_for_every_account(crowd, kinds):
    """Work, not time: a hash more or less would be most of a request. Each guess comes from an address of its own."""
    spent = dict.fromkeys(kinds, 0.0)
    for _round in range(6):
        for kind, email in kinds.items():
            before = _work(crowd.server)
            for _ in range(4):
                assert crowd.guess(email).status_code == 401
            spent[kind] += _work(crowd.server) - before
    assert all(0.6 < work / spent["unknown"] < 1.67 for work in spent.values()), spent


def signed_up(crowd, email):
    browser = crowd.browser().open("/accounts/signup/")
    first = browser.http.post(
        "/accounts/signup/",
        data={**browser.form("password1").fields, "email": email, "password1": NEW},
        headers={"Origin": crowd.url},
    )
    return browser, first


def test_ac_03_signing_up_with_a_known_address_looks_like_a_new_one(crowd, kinds):
    new = "newcomer.ac03@example.com"
    seen = {}
    for email in (new, kinds["known"]):
        browser, first = signed_up(crowd, email)
        seen[email] = as_seen(first, email), as_seen(browser.open(first.headers["Location"]).page, email)
        refused = browser.submit("code", code="BBBB-BBBB").page
        seen[email] += (as_seen(refused, email),)
    assert seen[new] == seen[kinds["known"]]
    assert "already has an account" in crowd.mails(kinds["known"])[-1]
    assert not crowd.codes(kinds["known"])
    assert len(crowd.codes(new)) == 1


def test_ac_03_who_has_an_account_keeps_her_password(crowd):
    alice = crowd.person("alice")
    signed_up(crowd, alice.email)
    assert crowd.guess(alice.email, NEW).status_code == 401
    assert crowd.guess(alice.email, PASSWORD).status_code == 200


def test_ac_04_asking_for_a_new_password_looks_the_same_for_every_account(crowd, kinds):
    seen = {}
    for kind, email in kinds.items():
        browser = crowd.browser().open("/accounts/password/reset/").submit("email", email=email)
        asked = as_seen(browser.page, email)
        seen[kind] = asked, as_seen(browser.submit("code", code="BBBB-BBBB").page, email)
    assert all(pages == seen["unknown"] for pages in seen.values()), seen
    assert "there is no account for this address" in crowd.mails(kinds["unknown"])[-1]
    assert len(crowd.codes(kinds["known"])) == 1
