"""Changing, setting and resetting a password: what ends, what goes on, and what a code is bound to."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2.exceptions import HashingError

from accounts.models import User
from authcenter.sessions.models import Revocation, Session
from tests.accounts.people import (
    NEW,
    PASSWORD,
    WRONG,
    ask_for_reset,
    change_password,
    choose,
    codes,
    enter_reset_code,
    is_signed_in,
    kinds,
    mails,
    sign_in,
)


@pytest.fixture
def alice(person):
    return person("alice@example.com")


def test_a_change_ends_the_other_sign_ins_and_keeps_this_one(client, browser, alice):
    other, api = browser(), browser()
    sign_in(client, alice.email)
    sign_in(other, alice.email)
    pair = api.post("/api/token/", {"email": alice.email, "password": PASSWORD}, content_type="application/json").json()
    answer = change_password(client)
    assert answer.status_code == 302, answer.content.decode()
    assert is_signed_in(client) and not is_signed_in(other)
    refresh = api.post("/api/token/refresh/", {"refresh": pair["refresh"]}, content_type="application/json")
    assert refresh.status_code == 401
    assert Session.objects.filter(ended=None).count() == 1
    assert Revocation.objects.get().kind == "user"
    assert sign_in(browser(), alice.email).status_code == 200
    assert sign_in(browser(), alice.email, NEW).status_code == 302
    assert "password_changed" in kinds(subject=str(alice.pk))
    # The other browsers and the app were new to her, and she was told of each before.
    assert [message.subject for message in mails(alice.email) if "New sign-in" not in message.subject] == [
        "Your password was changed"
    ]


def test_a_change_makes_a_new_cookie(client, browser, alice):
    sign_in(client, alice.email)
    thief = browser()
    thief.cookies["session"] = client.cookies["session"].value
    change_password(client)
    assert is_signed_in(client) and not is_signed_in(thief)


def test_a_change_takes_the_present_password(client, alice):
    sign_in(client, alice.email)
    answer = change_password(client, WRONG)
    assert "That is not your password." in answer.content.decode()
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert "sign_in_refused" in kinds(subject=str(alice.pk))


@pytest.mark.parametrize("new", ["short 7", "qwertyuiop", "alice@example.com"])
def test_a_weak_password_is_refused(client, alice, new):
    sign_in(client, alice.email)
    answer = change_password(client, new=new)
    assert answer.status_code == 200 and 'class="errors"' in answer.content.decode()


def test_two_different_new_passwords_are_refused(client, alice):
    sign_in(client, alice.email)
    data = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW + "x"}
    assert client.post("/accounts/password/change/", data).status_code == 200


def test_changing_takes_a_sign_in(client):
    for path in ("/accounts/password/change/", "/accounts/password/set/"):
        assert client.get(path)["Location"].startswith("/accounts/login/")
        assert client.post(path, {"password1": NEW, "password2": NEW})["Location"].startswith("/accounts/login/")


def test_a_change_does_not_put_back_a_raised_epoch(client, alice, monkeypatch):
    """An operator revokes everything while the form is being saved."""
    sign_in(client, alice.email)
    real = User.set_password

    def slow(self, raw):
        User.objects.filter(pk=self.pk).update(epoch=5)
        real(self, raw)

    monkeypatch.setattr(User, "set_password", slow)
    change_password(client)
    alice.refresh_from_db()
    assert alice.epoch == 6, "theirs, and one more by the change"
    assert not is_signed_in(client), "the operator's act holds for this sign-in too"


def test_a_first_password_ends_the_other_sign_ins_too(client, browser, alice):
    from django.contrib.auth.hashers import make_password

    other = browser()
    sign_in(client, alice.email)
    sign_in(other, alice.email)
    User.objects.update(password=make_password(None))
    for one in (client, other):
        session = one.session
        session["_auth_user_hash"] = User.objects.get().get_session_auth_hash()
        session.save()
    assert client.get("/accounts/password/change/")["Location"] == "/accounts/password/set/"
    data = {"password1": NEW, "password2": NEW}
    assert client.post("/accounts/password/set/", data).status_code == 302
    assert is_signed_in(client) and not is_signed_in(other)
    assert "password_changed" in kinds()


def test_a_reset_ends_everything(client, browser, alice):
    other = browser()
    sign_in(other, alice.email)
    ask_for_reset(client, alice.email)
    assert enter_reset_code(client, codes(alice.email)[-1])["Location"] == "/accounts/password/reset/complete/"
    assert choose(client)["Location"] == "/accounts/password/reset/done/"
    assert not is_signed_in(other) and not is_signed_in(client)
    alice.refresh_from_db()
    assert alice.epoch == 1 and alice.check_password(NEW)
    row = Revocation.objects.get(kind="user")
    assert (row.subject, row.epoch) == (str(alice.pk), 1)
    assert sign_in(client, alice.email, NEW).status_code == 302
    assert is_signed_in(client)
    assert kinds(kind="password_reset", subject=str(alice.pk)) == ["password_reset"]
    assert "Your password was reset" in [message.subject for message in mails(alice.email)]


def test_a_reset_code_works_once(client, alice):
    ask_for_reset(client, alice.email)
    enter_reset_code(client, codes(alice.email)[-1])
    choose(client)
    assert enter_reset_code(client, codes(alice.email)[-1])["Location"] == "/accounts/login/"
    assert choose(client, "yet another sentence 9")["Location"] == "/accounts/password/reset/"
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_a_reset_code_works_in_its_own_browser_only(client, browser, alice):
    ask_for_reset(client, alice.email)
    other = browser()
    ask_for_reset(other, "nobody@example.com")
    assert enter_reset_code(other, codes(alice.email)[-1]).status_code == 200
    assert choose(other).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_no_new_password_without_the_code(client, alice):
    ask_for_reset(client, alice.email)
    assert choose(client)["Location"] == "/accounts/password/reset/confirm/"
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def change(client, alice):
    other = client.__class__(HTTP_HOST="localhost")
    sign_in(other, alice.email)
    change_password(other, new="changed in between 5")


def new_address(client, alice):
    User.objects.filter(pk=alice.pk).update(email="elsewhere@example.com")


def revoke(client, alice):
    User.objects.filter(pk=alice.pk).update(epoch=1)


def disable(client, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)


@pytest.mark.parametrize("act", [change, new_address, revoke, disable], ids=lambda act: act.__name__)
def test_a_reset_is_void_once_the_account_has_changed(client, alice, act):
    ask_for_reset(client, alice.email)
    enter_reset_code(client, codes(alice.email)[-1])
    act(client, alice)
    assert "Ask for a new code" in choose(client).content.decode()
    alice.refresh_from_db()
    assert not alice.check_password(NEW)


def test_of_two_resets_at_a_time_one_counts(client, browser, alice):
    other = browser()
    for one in (client, other):
        ask_for_reset(one, alice.email)
        enter_reset_code(one, codes(alice.email)[-1])
    assert choose(client).status_code == 302
    assert choose(other, "yet another sentence 9").status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_a_reset_code_is_good_for_ten_minutes(client, alice, later):
    ask_for_reset(client, alice.email)
    later(timedelta(minutes=9))
    assert client.get("/accounts/password/reset/confirm/").status_code == 200
    later(timedelta(minutes=11))
    assert enter_reset_code(client, codes(alice.email)[-1])["Location"] == "/accounts/login/"


def test_a_reset_verifies_the_address(client, browser, as_many_mails_as_you_like):
    """Somebody else signed up with her address: she gets the account, and the other's password is gone."""
    stranger = browser()
    stranger.post("/accounts/signup/", {"email": "alice@example.com", "password1": PASSWORD})
    ask_for_reset(client, "alice@example.com")
    enter_reset_code(client, codes("alice@example.com")[-1])
    choose(client)
    assert sign_in(client, "alice@example.com", NEW)["Location"] == "/account/"
    assert not is_signed_in(stranger)
    stranger.post("/accounts/confirm-email/", {"code": codes("alice@example.com")[0]})
    assert not is_signed_in(stranger)


def test_no_secret_is_in_an_address(client, alice):
    ask_for_reset(client, alice.email)
    for path in ("/accounts/password/reset/confirm/", "/accounts/password/reset/complete/"):
        answer = client.get(path)
        assert answer["Referrer-Policy"] == "same-origin"
        assert codes(alice.email)[-1] not in answer.get("Location", "") + answer.content.decode()


def test_one_thread_hashes_whoever_asks_and_one_at_a_time(monkeypatch):
    """More would each keep the memory of a hash (accounts/hashers.py)."""
    from accounts.hashers import Argon2

    begun, threads, together = [], set(), []

    def hashed(self, encoded, password):
        begun.append(password)
        threads.add(threading.get_ident())
        time.sleep(0.01)
        together.append(len(begun))
        begun.remove(password)
        return True

    hasher = Argon2()
    known = hasher.encode(PASSWORD, hasher.salt())
    monkeypatch.setattr("argon2.PasswordHasher.verify", hashed)
    with ThreadPoolExecutor(4) as askers:
        answers = list(askers.map(lambda number: hasher.verify(str(number), known), range(8)))
    assert answers == [True] * 8
    assert together == [1] * 8
    assert len(threads) == 1 and threads.isdisjoint({threading.get_ident()})


def test_who_is_hashed_for_hears_what_the_library_says():
    from accounts.hashers import Argon2

    hasher = Argon2()
    known = hasher.encode(PASSWORD, hasher.salt())
    assert hasher.verify(PASSWORD, known) is True and hasher.verify(WRONG, known) is False
    with pytest.raises(HashingError, match="too short"):
        hasher.encode(PASSWORD, "salt")
