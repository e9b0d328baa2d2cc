"""The sign-in page sent without its cookie: lost, or changed by a sign-in in another tab."""

import pytest
from django.test import Client

from tests.accounts.people import is_signed_in, secret, sign_in
from tests.conftest import PASSWORD

ALICE = "alice@example.com"
NEXT = "/account/security/"


@pytest.fixture
def strict(db):
    """A browser of which forms are judged as they are outside of tests."""
    return Client(HTTP_HOST="localhost", enforce_csrf_checks=True)


def post(client, **headers):
    data = {"login": ALICE, "password": secret(PASSWORD), "next": NEXT}
    return client.post("/accounts/login/", data, **headers)


def test_a_lost_cookie_brings_the_page_again_with_the_address(strict, person):
    person(ALICE)
    answer = post(strict)
    page = answer.content.decode()
    assert answer.status_code == 403 and not is_signed_in(strict)
    assert "This page was open for too long" in page
    assert f'value="{ALICE}"' in page and f'name="next" value="{NEXT}"' in page and PASSWORD not in page
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    again = strict.post("/accounts/login/", {"login": ALICE, "password": PASSWORD, "csrfmiddlewaretoken": token})
    assert again.status_code == 302 and is_signed_in(strict), "the page brought a new cookie and the token to it"


def test_who_signed_in_in_another_tab_goes_on_to_where_this_one_leads(strict, client, person):
    person(ALICE)
    sign_in(client, ALICE)
    strict.cookies = client.cookies
    answer = post(strict)
    assert answer.status_code == 302 and answer["Location"] == NEXT


def test_posted_once_more_while_signed_in_it_goes_on_too(client, person):
    person(ALICE)
    sign_in(client, ALICE)
    assert sign_in(client, ALICE, "whatever is typed 1", next=NEXT)["Location"] == NEXT


def test_nobody_is_led_to_another_site(strict, client, person):
    person(ALICE)
    sign_in(client, ALICE)
    strict.cookies = client.cookies
    answer = strict.post("/accounts/login/", {"login": ALICE, "next": "https://evil.test/"})
    assert answer["Location"] == "/account/"


def test_ac_14_what_another_site_sent_is_refused_and_no_more(strict, person):
    person(ALICE)
    strict.get("/accounts/login/")
    answer = post(strict, HTTP_ORIGIN="https://evil.test")
    assert answer.status_code == 403 and ALICE not in answer.content.decode()
