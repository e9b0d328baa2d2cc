"""AC: passwords and mailed codes cannot be guessed: not from one place, from many, at once, or at another door."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.people_rig import NEW, PASSWORD, WRONG, Crowd

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

FOR_ACCOUNT_FROM_ADDRESS, FOR_ACCOUNT, FROM_ADDRESS, CODES = 10, 100, 100, 10
"""The limits of `authcenter/limits.py`."""


def guesses(crowd: Crowd, emails: list[str], addresses: list[str]) -> list[int]:
    """Statuses of one guess each, a few at a time."""
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda email, address: crowd.guess(email, WRONG, address), emails, addresses)
        return [answer.status_code for answer in answers]


def test_ac_06_guesses_from_one_address_are_stopped_and_the_right_one_too(crowd):
    alice, here = crowd.person("alice"), crowd.address()
    assert [crowd.guess(alice.email, address=here).status_code for _ in range(10)] == [401] * FOR_ACCOUNT_FROM_ADDRESS
    refused = crowd.guess(alice.email, PASSWORD, here)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert crowd.events("limit_reached", alice.email)[0]["detail"]["limit"] == "sign_in"
    assert crowd.guess(alice.email, PASSWORD).status_code == 200  # she herself, from elsewhere


def test_ac_06_guesses_from_fifty_addresses_are_stopped(crowd):
    alice = crowd.person("alice")
    addresses = [crowd.address() for _ in range(50)] * 2
    assert set(guesses(crowd, [alice.email] * FOR_ACCOUNT, addresses)) == {401}
    assert crowd.guess(alice.email, PASSWORD).status_code == 429


def test_ac_06_one_address_cannot_try_many_accounts(crowd):
    alice, here = crowd.person("alice"), crowd.address()
    emails = [f"sprayed.{number}@example.com" for number in range(FROM_ADDRESS)]
    assert set(guesses(crowd, emails, [here] * FROM_ADDRESS)) == {401}
    assert crowd.guess(alice.email, PASSWORD, here).status_code == 429
    assert crowd.guess(alice.email, PASSWORD).status_code == 200


def test_ac_07_of_a_hundred_guesses_at_once_ten_are_judged(crowd, parallel):
    alice, here = crowd.person("alice"), crowd.address()
    answers = parallel(100, lambda _number: crowd.guess(alice.email, address=here).status_code)
    assert answers.count(401) == FOR_ACCOUNT_FROM_ADDRESS
    assert answers.count(429) == 90


def test_ac_07_at_once_over_forms_too(crowd, parallel):
    alice, here = crowd.person("alice"), crowd.address()
    pages = parallel(
        30, lambda _number: crowd.browser(here).open("/accounts/login/").sign_in(alice.email, WRONG).page.text
    )
    assert sum("Too many attempts" in page for page in pages) == 30 - FOR_ACCOUNT_FROM_ADDRESS


@pytest.mark.parametrize(
    "forged",
    [
        lambda number: {"X-Forwarded-For": f"198.51.100.{number}"},
        lambda number: {"X-Real-IP": f"198.51.100.{number}"},
        lambda number: {"Forwarded": f"for=198.51.100.{number}"},
        lambda number: {"X-Forwarded-For": "a" * (number + 1), "Client-IP": f"198.51.100.{number}"},
        lambda number: {"X-Forwarded-For": f"127.0.0.1, 198.51.100.{number}, ::ffff:10.0.0.{number}"},
    ],
    ids=["x-forwarded-for", "x-real-ip", "forwarded", "no address", "a chain"],
)
def test_ac_08_a_forged_address_does_not_count(crowd, forged):
    alice, here = crowd.person("alice"), crowd.address()
    tries = [crowd.guess(alice.email, address=here, **forged(number)).status_code for number in range(11)]
    assert tries == [401] * FOR_ACCOUNT_FROM_ADDRESS + [429]
    assert {event["address"] for event in crowd.events("sign_in_refused", alice.email)} == {here}


def test_ac_12_every_door_counts_at_one_place(crowd):
    """The page, the API, signing in again and changing the password; the console has no door of its own."""
    alice, here = crowd.person("alice", is_staff=True), crowd.address()
    inside, outside = crowd.signed_in(alice, here), crowd.browser(here).open("/accounts/login/")
    for _ in range(2):
        assert "is wrong" in outside.sign_in(alice.email, WRONG).page.text
        assert crowd.guess(alice.email, address=here).status_code == 401
        again = inside.open("/accounts/reauthenticate/").submit("password", password=WRONG)
        assert "That is not your password." in again.page.text
        change = inside.open("/accounts/password/change/")
        changed = change.submit("oldpassword", oldpassword=WRONG, password1=NEW, password2=NEW)
        assert "That is not your password." in changed.page.text
        console = crowd.browser(here).open("/admin/").sign_in(alice.email, WRONG)
        assert "is wrong" in console.page.text
    assert "Too many attempts" in outside.sign_in(alice.email, PASSWORD).page.text
    assert crowd.guess(alice.email, PASSWORD, here).status_code == 429
    assert "Too many" in inside.open("/accounts/reauthenticate/").submit("password", password=PASSWORD).page.text
    changed = inside.open("/accounts/password/change/")
    changed.submit("oldpassword", oldpassword=PASSWORD, password1=NEW, password2=NEW)
    assert "Too many" in changed.page.text
    assert "Too many" in crowd.browser(here).open("/admin/").sign_in(alice.email, PASSWORD).page.text


def waiting_for_code(crowd: Crowd, email: str, address: str = ""):
    return crowd.browser(address).open("/accounts/password/reset/").submit("email", email=email)


def test_ac_23_three_wrong_codes_and_the_right_one_is_void(crowd):
    alice = crowd.person("alice")
    browser = waiting_for_code(crowd, alice.email)
    for _ in range(3):
        browser.submit("code", code="BBBB-BBBB")
    [code] = crowd.codes(alice.email)
    assert browser.page.url.path == "/accounts/login/"  # sent away: there is no form for it any more
    assert len(crowd.events("code_refused", alice.email)) == 3
    browser.open("/accounts/password/reset/confirm/")
    assert code not in browser.page.text and browser.page.url.path != "/accounts/password/reset/confirm/"


def test_ac_23_codes_are_counted_over_browsers_and_addresses(crowd):
    alice = crowd.person("alice")
    for _browser in range(5):
        browser = waiting_for_code(crowd, alice.email)
        for _ in range(2):
            browser.submit("code", code="BBBB-BBBB")
    last = waiting_for_code(crowd, crowd.person("bob").email)  # another's is untouched
    assert "Too many" not in last.submit("code", code="BBBB-BBBB").page.text
    assert len(crowd.events("code_refused", alice.email)) == CODES


def test_ac_23_of_fifty_codes_at_once_few_are_judged(crowd, parallel):
    alice = crowd.person("alice")
    browser = waiting_for_code(crowd, alice.email)
    form, target = browser.form("code"), str(browser.page.url)

    def guess(number: int) -> str:
        data = {**form.fields, "code": f"BBBB-{chr(66 + number // 20) * 2}{chr(66 + number % 20) * 2}"}
        with crowd.client() as client:
            client.cookies = browser.http.cookies
            return client.post(target, data=data, headers={"Origin": crowd.url}).text

    parallel(50, guess)
    assert 0 < len(crowd.events("code_refused", alice.email)) <= CODES
    [code] = crowd.codes(alice.email)
    browser.http.post(target, data={**form.fields, "code": code}, headers={"Origin": crowd.url})
    assert "password1" not in browser.open("/accounts/password/reset/complete/").page.text


def test_ac_23_a_wrong_code_proves_no_address(crowd):
    """Signing up: three guesses, and the address stays unproved."""
    email = "guessed.ac23@example.com"
    browser = crowd.browser().open("/accounts/signup/").submit("password1", email=email, password1=NEW)
    for _ in range(3):
        browser.submit("code", code="BBBB-BBBB")
    assert crowd.codes(email)
    assert browser.http.get("/account/").status_code == 302
    answer = crowd.guess(email, NEW)
    assert answer.json()["code"] == "email_not_verified"
