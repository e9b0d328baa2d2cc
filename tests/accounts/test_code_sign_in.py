"""/accounts/login/code/: signing in with a code by e-mail."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from authcenter.sessions.models import Session
from tests.accounts.people import codes, is_signed_in, kinds, mails, secret, sign_in
from tests.conftest import PASSWORD

ALICE = "alice@example.com"
NEXT = "/account/security/"
QUOTED = NEXT.replace("/", "%2F")


def ask(client, email=ALICE, **more):
    return client.post("/accounts/login/code/", {"email": email, **more})


def enter(client, code, **more):
    return client.post("/accounts/login/code/confirm/", {"code": code, **more})


def test_the_code_signs_in_and_is_one_factor(client, person):
    person(ALICE)
    asked = ask(client, next=NEXT)
    assert asked["Location"] == f"/accounts/login/code/confirm/?next={QUOTED}"
    page = client.get(asked["Location"]).content.decode()
    assert ALICE in page and f'value="{NEXT}"' in page
    assert codes(ALICE)[0] in mails(ALICE)[0].subject
    answer = enter(client, codes(ALICE)[0].lower().replace("-", " "), next=NEXT)
    assert answer["Location"] == NEXT and is_signed_in(client)
    assert Session.objects.get().amr == ["otp"]
    assert not Session.objects.get().remembered


def test_the_button_of_the_sign_in_page_takes_the_address_along_and_that_she_stays(client, person):
    person(ALICE)
    page = client.get(f"/accounts/login/?next={NEXT}").content.decode()
    assert 'form="sign-in" formaction="/accounts/login/code/"' in page
    asked = client.post(
        "/accounts/login/code/", {"login": ALICE, "password": secret("half a password"), "remember": "on", "next": NEXT}
    )
    assert asked.status_code == 302
    enter(client, codes(ALICE)[0])
    assert Session.objects.get().remembered


def test_without_an_address_it_asks_for_one(client, db):
    page = client.post("/accounts/login/code/", {"login": "", "password": ""})
    assert page.status_code == 200 and "Sign in with a code" in page.content.decode()


def test_ac_23_a_code_works_once(client, browser, person):
    person(ALICE)
    ask(client)
    twin = browser()
    twin.cookies = client.cookies.copy()
    assert enter(client, codes(ALICE)[0]).status_code == 302
    assert not is_signed_in(twin)
    assert enter(twin, codes(ALICE)[0])["Location"] == "/accounts/login/code/"
    assert Session.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ac_23_a_code_works_once_for_two_at_the_same_moment(client, browser, person, parallel):
    person(ALICE)
    ask(client)
    both = [browser(), browser()]
    for one in both:
        one.cookies = client.cookies.copy()
    parallel(2, lambda number: enter(both[number], codes(ALICE)[0]))
    assert Session.objects.count() == 1


def test_ac_23_a_code_belongs_to_the_browser_that_asked(client, browser, person):
    person(ALICE)
    ask(client)
    other = browser()
    ask(other)
    assert enter(other, codes(ALICE)[0]).status_code == 200
    assert not is_signed_in(other)


def test_ac_23_three_wrong_codes_void_it(client, person):
    person(ALICE)
    ask(client)
    for _ in range(2):
        assert "That is not the code" in enter(client, "BBBB-BBBB").content.decode()
    assert enter(client, "BBBB-BBBB").status_code == 302
    assert enter(client, codes(ALICE)[0]).status_code == 302
    assert not is_signed_in(client)
    assert "code_refused" in kinds()


def test_ac_23_new_browsers_do_not_bring_new_guesses(browser, person, as_many_mails_as_you_like):
    person(ALICE)
    for _ in range(5):
        one = browser()
        ask(one)
        enter(one, "BBBB-BBBB"), enter(one, "CCCC-CCCC")
    last = browser()
    ask(last)
    assert "Too many attempts" in enter(last, codes(ALICE)[-1]).content.decode()
    assert not is_signed_in(last)
    assert "limit_reached" in kinds()


@pytest.mark.django_db(transaction=True)
def test_ac_23_parallel_guesses_do_not_slip_past(client, browser, person, parallel):
    person(ALICE)
    ask(client)

    def guess(number):
        one = browser()
        one.cookies = client.cookies.copy()
        return enter(one, f"BBBB-{number:04d}".translate(str.maketrans("0123456789", "BCDFGHJKLM")))

    parallel(12, guess)
    assert "Too many attempts" in enter(client, codes(ALICE)[0]).content.decode() or not is_signed_in(client)
    assert kinds().count("code_refused") <= 10


def test_a_code_lives_for_ten_minutes(client, person, later):
    person(ALICE)
    ask(client)
    later(timedelta(minutes=10, seconds=1))
    assert enter(client, codes(ALICE)[0])["Location"] == "/accounts/login/code/"
    assert not is_signed_in(client)


def test_a_new_code_makes_the_old_one_void(client, person):
    person(ALICE)
    ask(client)
    client.post("/accounts/login/code/confirm/", {"action": "resend"})
    first, second = codes(ALICE)
    assert enter(client, first).status_code == 200
    assert enter(client, second).status_code == 302


def test_another_address_can_be_chosen(client, person):
    person(ALICE)
    ask(client, "alise@example.com", next=NEXT)
    page = client.get(f"/accounts/login/code/confirm/?next={NEXT}").content.decode()
    assert f'value="/accounts/login/?next={QUOTED}"' in page
    back = client.post("/accounts/logout/", {"next": f"/accounts/login/?next={NEXT}"}, follow=True)
    assert back.redirect_chain == [(f"/accounts/login/?next={NEXT}", 302)]
    assert "<h1>Sign in</h1>" in back.content.decode()


def test_a_newer_application_is_where_the_code_leads(client, person):
    person(ALICE)
    ask(client, next="/account/apps/")
    answer = client.get(f"/accounts/login/?next={NEXT}")
    assert answer["Location"] == f"/accounts/login/code/confirm/?next={QUOTED}"


def test_somebody_elses_password_dies_when_the_address_is_proved_by_code(client, browser, db):
    """Who signed up with her address and never proved it must not share her account afterwards."""
    user = User.objects.create_user(ALICE, secret(PASSWORD))
    EmailAddress.objects.create(user=user, email=ALICE, verified=False, primary=True)
    ask(client)
    enter(client, codes(ALICE)[0])
    assert is_signed_in(client)
    stranger = browser()
    sign_in(stranger, ALICE)
    assert not is_signed_in(stranger)


def test_a_disabled_account_gets_no_code(client, person):
    person(ALICE, is_active=False)
    ask(client)
    assert not codes(ALICE) and "no account" in mails(ALICE)[0].subject
