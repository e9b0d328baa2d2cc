"""Nobody learns here who has an account: alike in status, headers, body, cookies and hashes."""

import pytest

from tests.accounts.people import WRONG, as_seen, ask_for_reset, enter_code, enter_reset_code, mails, sign_in, sign_up

KNOWN, UNKNOWN, DISABLED, UNVERIFIED = (f"{name}@example.com" for name in ("known", "nobody", "disabled", "unverified"))
EVERY = (KNOWN, UNKNOWN, DISABLED, UNVERIFIED)


@pytest.fixture(autouse=True)
def people(person, as_many_mails_as_you_like):
    from accounts.models import User

    person(KNOWN)
    person(DISABLED, is_active=False)
    User.objects.create_user(UNVERIFIED, "unverified long sentence 5")


def assert_alike(act, hashes, who=EVERY):
    """`act(email)` gives the responses of one visit."""
    seen, counts = [], []
    for email in who:
        del hashes[:]
        seen.append([as_seen(response, email) for response in act(email)])
        counts.append(len(hashes))
    for email, one in zip(who, seen, strict=True):
        assert one == seen[0], email
    assert len(set(counts)) == 1, dict(zip(who, counts, strict=True))
    return counts[0]


def test_sign_in(browser, hashes):
    def visit(email):
        one = browser()
        return [sign_in(one, email, WRONG), one.get("/account/"), one.get("/accounts/login/")]

    assert assert_alike(visit, hashes) == 1


def test_a_disabled_persons_right_password_is_a_wrong_one(browser, hashes):
    answers = []
    for email, password in ((DISABLED, "correct horse battery 7"), (UNKNOWN, WRONG)):
        del hashes[:]
        answers.append(as_seen(sign_in(browser(), email, password), email))
        assert len(hashes) == 1
    assert answers[0] == answers[1]


def test_sign_up(browser, hashes):
    def visit(email):
        one = browser()
        return [
            sign_up(one, email),
            one.get("/accounts/confirm-email/"),
            enter_code(one, "BBBB-BBBB"),
            enter_code(one, ""),
            one.post("/accounts/confirm-email/", {"action": "resend"}, follow=True),
            one.post("/accounts/confirm-email/", {"action": "change", "email": "x@example.net"}),
            one.get("/accounts/login/"),
            one.get("/accounts/signup/"),
            enter_code(one, "BBBB-BBBB"),
            one.get("/accounts/confirm-email/"),
        ]

    assert assert_alike(visit, hashes) == 1
    assert "already have an account" in mails(KNOWN)[0].subject
    assert "is your code" in mails(UNKNOWN)[0].subject


def test_resending_runs_out_alike(browser, hashes):
    def visit(email):
        one = browser()
        sign_up(one, email)
        return [one.post("/accounts/confirm-email/", {"action": "resend"}, follow=True) for _ in range(4)]

    assert_alike(visit, hashes)


def test_mails_run_out_alike(browser, hashes, settings):
    del settings.ACCOUNT_RATE_LIMITS
    settings.ACCOUNT_RATE_LIMITS = {"signup": False, "confirm_email": "1/10s/key"}

    def visit(email):
        return [sign_up(browser(), email), sign_up(browser(), email)]

    assert_alike(visit, hashes)


def test_reset(browser, hashes):
    def visit(email):
        one = browser()
        return [
            ask_for_reset(one, email),
            one.get("/accounts/password/reset/confirm/"),
            enter_reset_code(one, "BBBB-BBBB"),
            enter_reset_code(one, ""),
            enter_reset_code(one, "----"),
            one.get("/accounts/password/reset/complete/"),
            one.get("/accounts/login/"),
        ]

    assert assert_alike(visit, hashes) == 0
    assert "no account" in mails(UNKNOWN)[0].subject and "no account" in mails(DISABLED)[0].subject
    assert "code" in mails(KNOWN)[0].subject


def ask_for_code(client, email, _password=""):
    return client.post("/accounts/login/code/", {"email": email})


def test_code_by_mail(browser, hashes):
    def visit(email):
        one = browser()
        return [
            ask_for_code(one, email),
            one.get("/accounts/login/code/confirm/"),
            one.post("/accounts/login/code/confirm/", {"code": "BBBB-BBBB"}),
            one.post("/accounts/login/code/confirm/", {"code": ""}),
            one.post("/accounts/login/code/confirm/", {"action": "resend"}, follow=True),
            one.get("/accounts/login/"),
            one.get("/accounts/signup/"),
            one.get("/account/"),
        ]

    assert assert_alike(visit, hashes) == 0
    assert "no account" in mails(UNKNOWN)[0].subject and "no account" in mails(DISABLED)[0].subject
    assert "is your code" in mails(KNOWN)[0].subject


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", [sign_in, ask_for_reset, ask_for_code], ids=["sign-in", "reset", "code"])
def test_as_many_statements(client, browser, sql, act):
    """Time tells too: nobody is looked for longer."""
    counts = []
    for email in (KNOWN, UNKNOWN):
        with sql() as statements:
            act(browser(), email, WRONG) if act is sign_in else act(browser(), email)
        counts.append(len(statements))
    assert abs(counts[0] - counts[1]) <= 2, counts
