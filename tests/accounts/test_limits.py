"""Guessing: each door counts refusals, for all workers at once, and says how long to wait."""

import pytest
from django.contrib.auth.hashers import check_password

from accounts.models import User
from tests.accounts.people import (
    NEW,
    PASSWORD,
    WRONG,
    ask_for_reset,
    change_password,
    codes,
    enter_reset_code,
    is_signed_in,
    kinds,
    sign_in,
)


def refused(client, email, times, **meta):
    return [client.post("/accounts/login/", {"login": email, "password": WRONG}, **meta) for _ in range(times)]


def test_ten_refusals_and_the_right_password_waits_too(client, person):
    user = person()
    assert not any("Too many" in answer.content.decode() for answer in refused(client, user.email, 10))
    answer = sign_in(client, user.email)
    assert "Too many attempts. Wait 15 minutes, then try again." in answer.content.decode()
    assert not is_signed_in(client)
    assert kinds()[-1] == "limit_reached"


def test_the_wait_ends(client, person, later):
    from datetime import timedelta

    user = person()
    refused(client, user.email, 11)
    later(timedelta(minutes=14))
    assert "Wait a minute" in sign_in(client, user.email).content.decode()
    later(timedelta(minutes=16))
    assert sign_in(client, user.email).status_code == 302


def test_another_address_is_not_locked_out(client, browser, person):
    """However often one address tries: it must not lock out the person herself."""
    user = person()
    refused(client, user.email, 120)
    assert sign_in(browser(REMOTE_ADDR="203.0.113.9"), user.email).status_code == 302


def test_another_person_is_not_locked_out(client, browser, person):
    refused(client, person("alice@example.com").email, 11)
    assert sign_in(browser(), person("bob@example.com").email).status_code == 302


def test_case_and_spaces_are_the_same_account(client, person):
    user = person("alice@example.com")
    for spelling in ("alice@example.com", "ALICE@example.com", " alice@EXAMPLE.com ") * 4:
        sign_in(client, spelling, WRONG)
    assert "Too many" in sign_in(client, user.email).content.decode()


def test_successes_are_not_counted(client, person):
    user = person()
    for _ in range(15):
        assert sign_in(client, user.email).status_code == 302
        client.post("/accounts/logout/")
    refused(client, user.email, 9)
    assert sign_in(client, user.email).status_code == 302
    client.post("/accounts/logout/")
    refused(client, user.email, 1)
    assert "Too many" in sign_in(client, user.email).content.decode()


def test_one_address_cannot_try_every_account(client, person):
    user = person()
    for number in range(100):
        sign_in(client, f"nobody{number}@example.com", WRONG)
    assert "Too many" in sign_in(client, user.email).content.decode()


def test_one_account_cannot_be_tried_from_everywhere(client, browser, person):
    user = person()
    for number in range(100):
        refused(client, user.email, 1, REMOTE_ADDR=f"198.51.100.{number}")
    assert "Too many" in sign_in(browser(REMOTE_ADDR="203.0.113.9"), user.email).content.decode()


def test_addresses_of_one_ipv6_network_are_one(client, browser, person):
    user = person()
    for number in range(10):
        refused(client, user.email, 1, REMOTE_ADDR=f"2001:db8:1:2::{number:x}")
    assert "Too many" in sign_in(browser(REMOTE_ADDR="2001:db8:1:2:ffff::1"), user.email).content.decode()
    assert sign_in(browser(REMOTE_ADDR="2001:db8:1:3::1"), user.email).status_code == 302


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED"])
def test_a_forged_address_does_not_help(client, person, header):
    user = person()
    for number in range(10):
        refused(client, user.email, 1, **{header: f"198.51.100.{number}"})
    refused(client, user.email, 1, **{header: "a"})
    assert "Too many" in sign_in(client, user.email).content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_passwords_at_most_ten_are_judged(browser, parallel, person, transactional_db, monkeypatch):
    from django.contrib.auth.base_user import AbstractBaseUser

    judged = []

    def check(self: User, raw: str) -> bool:
        judged.append(raw)
        return check_password(raw, self.password)

    monkeypatch.setattr(AbstractBaseUser, "check_password", check)
    user = person()
    answers = parallel(20, lambda number: sign_in(browser(), user.email, f"{WRONG} {number}"))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len(judged) == 10
    assert sum("Too many" in answer.content.decode() for answer in answers) == 10


def test_signing_in_again_counts_at_the_same_door(client, browser, person):
    user = person()
    sign_in(client, user.email)
    for _ in range(10):
        client.post("/accounts/reauthenticate/", {"password": WRONG})
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert "Too many" in answer.content.decode()
    assert "Too many" in sign_in(browser(), user.email).content.decode()


def test_the_present_password_cannot_be_guessed_where_it_is_changed(
    client, person, as_many_mails_as_you_like, settings
):
    settings.ACCOUNT_RATE_LIMITS = {"change_password": False}
    user = person()
    sign_in(client, user.email)
    for _ in range(10):
        assert "That is not your password." in change_password(client, WRONG).content.decode()
    assert "Too many" in change_password(client).content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_the_api_counts_at_the_same_door(client, person):
    user = person()
    refused(client, user.email, 5)
    for _ in range(5):
        client.post("/api/token/", {"email": user.email, "password": WRONG}, content_type="application/json")
    assert "Too many" in sign_in(client, user.email).content.decode()


def test_reset_codes_are_counted_across_browsers(browser, person, as_many_mails_as_you_like):
    user = person()
    for _ in range(5):
        one = browser()
        ask_for_reset(one, user.email)
        for _ in range(2):
            enter_reset_code(one, "BBBB-BBBB")
    last = browser()
    ask_for_reset(last, user.email)
    assert "Too many" in enter_reset_code(last, codes(user.email)[-1]).content.decode()


def test_three_wrong_reset_codes_end_it(client, person):
    user = person()
    ask_for_reset(client, user.email)
    for _ in range(3):
        enter_reset_code(client, "BBBB-BBBB")
    assert enter_reset_code(client, codes(user.email)[-1])["Location"] == "/accounts/login/"
    assert client.post("/accounts/password/reset/complete/", {"password1": NEW, "password2": NEW}).status_code == 302
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_mails_are_limited(client, person):
    user = person()
    answers = [ask_for_reset(client, user.email).status_code for _ in range(6)]
    assert answers == [302] * 5 + [429]
    assert "Too many attempts" in ask_for_reset(client, user.email).content.decode()
