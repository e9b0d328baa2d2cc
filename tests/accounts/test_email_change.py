"""Changing the address one signs in with: proof of the new one, notice to the old one."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from tests.accounts.people import (
    PASSWORD,
    WRONG,
    ask_for_reset,
    codes,
    enter_code,
    is_signed_in,
    kinds,
    mails,
    sign_in,
)

OLD, NEW = "old@example.com", "new@example.com"


@pytest.fixture
def alice(person, client):
    user = person(OLD)
    sign_in(client, OLD)
    return user


def ask(client, email=NEW):
    return client.post("/accounts/email/", {"email": email, "action_add": "1"})


def test_the_code_sent_to_the_new_address_makes_it_hers(client, browser, alice):
    assert ask(client)["Location"] == "/accounts/confirm-email/"
    before = User.objects.get().updated_at
    page = client.get("/accounts/confirm-email/").content.decode()
    assert NEW in page and 'href="/accounts/email/"' in page
    assert codes(OLD) == [] and len(codes(NEW)) == 1
    assert enter_code(client, codes(NEW)[0]).status_code == 302
    user = User.objects.get()
    assert user.email == NEW and user.updated_at > before
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [(NEW, True, True)]
    assert is_signed_in(client)
    assert sign_in(browser(), OLD).status_code == 200
    assert sign_in(browser(), NEW).status_code == 302
    notice = mails(OLD)[-1]
    assert notice.subject == "Your e-mail address was changed"
    assert OLD in notice.body and NEW in notice.body and "http://localhost:8000/accounts/not-me/" in notice.body
    assert "email_verified" in kinds(subject=str(user.pk))


def test_until_then_the_old_one_holds(client, browser, alice):
    ask(client)
    enter_code(client, "BBBB-BBBB")
    assert User.objects.get().email == OLD
    assert sign_in(browser(), NEW).status_code == 200
    assert sign_in(browser(), OLD).status_code == 302
    ask_for_reset(browser(), NEW)
    assert "no account" in mails(NEW)[-1].subject


def test_it_takes_the_password_where_the_sign_in_is_old(client, alice, later):
    later(timedelta(minutes=6))
    assert ask(client)["Location"].startswith("/accounts/reauthenticate/")
    assert not codes(NEW)
    again = "/accounts/reauthenticate/?next=/accounts/email/"
    assert client.post(again, {"password": WRONG, "next": "/accounts/email/"}).status_code == 200
    answer = client.post(again, {"password": PASSWORD, "next": "/accounts/email/"})
    assert answer["Location"] == "/accounts/confirm-email/", "what was asked goes on"
    enter_code(client, codes(NEW)[0])
    assert User.objects.get().email == NEW
    assert "reauthenticated" in kinds()


def test_giving_up_signs_nobody_out(client, alice):
    ask(client)
    assert client.get("/accounts/email/").status_code == 200
    assert is_signed_in(client)


def test_anothers_address_is_not_given_away(client, browser, person, alice, as_many_mails_as_you_like):
    person("bob@example.com")
    for email in ("bob@example.com", "free@example.com"):
        assert ask(client, email)["Location"] == "/accounts/confirm-email/"
    assert User.objects.filter(email="bob@example.com").count() == 1
    ask(client, "bob@example.com")
    answer = enter_code(client, codes("bob@example.com")[-1])
    assert answer.status_code == 200
    assert User.objects.get(pk=alice.pk).email == OLD


def test_somebody_takes_the_address_in_between(client, person, alice):
    ask(client)
    person(NEW)
    assert enter_code(client, codes(NEW)[0]).status_code == 200
    assert User.objects.get(pk=alice.pk).email == OLD


def test_ones_own_address_is_no_change(client, alice):
    answer = ask(client, OLD.upper())
    assert answer.status_code == 200 and 'id="id_email_error"' in answer.content.decode()


def test_the_other_actions_cannot_leave_her_without_an_address(client, alice):
    for action in ("action_remove", "action_primary", "action_send"):
        client.post("/accounts/email/", {"email": OLD, action: "1"})
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [(OLD, True, True)]


def test_wrong_codes_end_it(client, alice):
    ask(client)
    for _ in range(3):
        enter_code(client, "BBBB-BBBB")
    enter_code(client, codes(NEW)[0])
    assert User.objects.get().email == OLD and is_signed_in(client)


def test_it_takes_a_sign_in(client):
    assert client.get("/accounts/email/")["Location"].startswith("/accounts/login/")
    assert ask(client)["Location"].startswith("/accounts/login/")
