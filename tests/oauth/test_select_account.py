"""Several accounts in one browser at the authorization endpoint: `prompt=select_account` and hints at one of them
(OpenID Connect Core section 3.1.2.1), and signing out of one of them."""

import time

import pytest
from django.utils.http import urlencode

from authcenter.sessions.models import Participant, Session
from tests.oauth.flow import PASSWORD, Browser, answer, assert_redirect, claims, redeem, tokens


@pytest.fixture
def both(web, alice, bob, browser):
    """Alice and Bob, who have agreed to the application; Bob is the current one. Both signed in half a minute ago."""
    browser.code(web, alice)
    browser.follow(browser.http.post("/accounts/choose/another/", {"csrfmiddlewaretoken": token(browser)}))
    browser.sign_in(bob)
    browser.code(web, bob)
    store = browser.http.session
    for records in (
        store["account_authentication_methods"],
        store["parked"][0]["proof"]["account_authentication_methods"],
    ):
        for record in records:
            record["at"] -= 30
    store.save()
    return browser


def token(browser):
    return browser.open("/accounts/choose/").form("csrfmiddlewaretoken").fields["csrfmiddlewaretoken"]


def choose(browser, person):
    """Her line of the chooser, as the browser would send it."""
    sid = next(line.sid for line in browser.page.context["accounts"] if line.user == person)
    form = next(form for form in browser.forms() if form.action == "/accounts/choose/")
    return browser.follow(browser.post_form(form, sid=sid))


def got(web, browser):
    return claims(redeem(web, answer(browser.left_to)["code"]).json()["id_token"])


def test_core_3_1_2_1_select_account_asks_who_and_no_password(web, alice, bob, both):
    for person in (alice, bob, alice):
        both.ask(web, prompt="select_account", state="s")
        assert both.at.startswith("/accounts/choose/") and web.row.name in both.page.content.decode()
        choose(both, person)
        assert answer(both.left_to)["state"] == "s"
        assert got(web, both)["sub"] == str(person.pk)


def test_select_account_asks_one_account_too(web, alice, browser):
    browser.code(web, alice)
    store = browser.http.session
    store["account_authentication_methods"] = [{"method": "password", "at": time.time() - 30}]
    store.save()
    browser.ask(web, prompt="select_account")
    assert not browser.left_to and len(browser.page.context["accounts"]) == 1
    choose(browser, alice)
    assert answer(browser.left_to)["code"]


def test_a_stranger_signs_in_and_is_not_asked_twice(web, alice, browser):
    browser.ask(web, prompt="select_account")
    assert browser.at.startswith("/accounts/login/")
    browser.sign_in(alice).allow()
    assert answer(browser.left_to)["code"]


def test_another_account_joins_and_goes_on_with_the_same_request(web, alice, bob, browser):
    browser.code(web, alice)
    first = browser.sid
    browser.ask(web, prompt="select_account", state="s")
    another = (
        next(form for form in browser.forms() if form.action.endswith("another/")) if not browser.left_to else None
    )
    if another is None:  # she signed in within this second: then that was her choice
        store = browser.http.session
        store["account_authentication_methods"] = [{"method": "password", "at": time.time() - 30}]
        store.save()
        browser.ask(web, prompt="select_account", state="s")
        another = next(form for form in browser.forms() if form.action.endswith("another/"))
    browser.follow(browser.post_form(another))
    browser.sign_in(bob).allow()
    assert answer(browser.left_to)["state"] == "s"
    assert got(web, browser)["sub"] == str(bob.pk)
    assert not Session.objects.get(pk=first).ended


def test_the_choice_is_for_one_request_only(web, alice, both):
    both.ask(web, prompt="select_account")
    choose(both, alice)
    both.ask(web, prompt="select_account")
    assert both.at.startswith("/accounts/choose/") and not both.left_to


@pytest.mark.parametrize("asked", [{"max_age": "10"}, {"prompt": "login select_account"}])
def test_the_chosen_one_is_as_old_as_she_is(web, alice, both, asked):
    """Switching is no sign-in: `max_age` and `prompt=login` are about the chosen one."""
    both.ask(web, **{"prompt": "select_account", **asked})
    choose(both, alice)
    assert both.at.startswith("/accounts/reauthenticate/")
    assert alice.email in both.page.content.decode()
    both.submit("password", password=PASSWORD)

    assert got(web, both)["sub"] == str(alice.pk)


def test_auth_time_is_that_of_the_chosen_one(web, alice, both):
    both.ask(web, prompt="select_account")
    choose(both, alice)
    assert got(web, both)["auth_time"] <= time.time() - 29


def test_a_login_hint_offers_the_account_that_it_names(web, alice, bob, both):
    both.ask(web, login_hint=alice.email.upper())
    assert both.at.startswith("/accounts/choose/")
    assert [line.user for line in both.page.context["accounts"]] == [alice, bob], "she comes first"
    choose(both, bob)
    assert got(web, both)["sub"] == str(bob.pk), "the person decides"
    both.ask(web, login_hint=bob.email)
    assert got(web, both)["sub"] == str(bob.pk)
    both.ask(web, login_hint="nobody@example.test")
    assert got(web, both)["sub"] == str(bob.pk)


def test_az_45_an_id_token_of_another_account_asks_and_switches_nobody(web, alice, bob, both):
    both.ask(web, prompt="select_account")
    choose(both, alice)
    hint = redeem(web, answer(both.left_to)["code"]).json()["id_token"]
    both.ask(web, prompt="select_account")
    choose(both, bob)
    assert_redirect(both.authorize(web, id_token_hint=hint, prompt="none"), web, "login_required")
    both.ask(web, id_token_hint=hint)
    assert both.at.startswith("/accounts/choose/") and both.page.context["accounts"][0].user == alice
    chooser, page = both.at, both.page
    choose(both, bob)
    assert answer(both.left_to)["error"] == "login_required"
    both.at, both.page = chooser, page
    both.ask(web, id_token_hint=hint)
    choose(both, alice)
    assert got(web, both)["sub"] == str(alice.pk)


def test_core_3_1_2_6_prompt_none_answers_for_the_current_one_or_asks_to_select(web, bob, both):
    assert answer(both.authorize(web, prompt="none")["Location"])["code"]
    both.follow(both.http.post("/accounts/choose/another/", {"csrfmiddlewaretoken": token(both)}))
    assert_redirect(both.authorize(web, prompt="none"), web, "account_selection_required")
    both.ask(web)
    assert both.at.startswith("/accounts/choose/")
    choose(both, bob)
    assert got(web, both)["sub"] == str(bob.pk)


def test_what_one_allowed_counts_for_nobody_else(web, alice, bob, both):
    """Consent of Alice does not answer for Bob, nor the other way round, within one request."""
    both.ask(web, prompt="consent")
    form = both.form("allow")
    switch = next(form for form in both.forms() if form.action == "/oauth/switch-account")
    both.follow(both.post_form(switch))
    choose(both, alice)
    assert "allow" in both.page.content.decode() and not both.left_to, "she is asked herself"
    stale = both.post_form(form, "allow")
    assert stale.status_code == 403, "the page that Bob saw has another token"


def test_lo_signing_out_by_an_application_concerns_the_account_of_its_token(web, alice, bob, both):
    both.ask(web, prompt="select_account")
    choose(both, alice)
    hint = redeem(web, answer(both.left_to)["code"]).json()["id_token"]
    of_alice = both.sid
    both.ask(web, prompt="select_account")
    choose(both, bob)
    both.open("/oauth/logout?" + urlencode({"id_token_hint": hint}))
    assert Session.objects.get(pk=of_alice).ended
    assert both.http.get("/account/").context["request"].user == bob
    assert str(alice.email) not in both.open("/accounts/choose/").page.content.decode()


def test_lo_signing_out_of_the_current_one_leaves_the_other(web, alice, bob, both):
    both.ask(web)
    hint = redeem(web, answer(both.left_to)["code"]).json()["id_token"]
    of_bob = both.sid
    both.open("/oauth/logout?" + urlencode({"id_token_hint": hint}))
    assert Session.objects.get(pk=of_bob).ended
    assert [line.user for line in both.open("/accounts/choose/").page.context["accounts"]] == [alice]


def test_each_account_has_its_own_participants(web, alice, both):
    """Who is told of a sign-out took part in that very sign-in."""
    both.ask(web, prompt="select_account")
    choose(both, alice)
    assert {str(row.session) for row in Participant.objects.all()} <= {str(row.pk) for row in Session.objects.all()}
    assert tokens(web, alice, both)["id_token"]
    assert Session.objects.filter(ended=None).count() == 2


def test_a_chooser_of_another_browser_knows_nothing_of_it(web, alice, both):
    both.ask(web, prompt="select_account")
    other = Browser()
    other.open(both.at)
    assert other.at.startswith("/accounts/login/") and alice.email not in other.page.content.decode()
