"""AC: no door leads past a second factor, and its codes can neither be used twice nor guessed nor read."""

import itertools
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.accounts.factors import AuthenticatorApp
from tests.attacks.people_rig import NEW, PASSWORD, Crowd, Person, is_signed_in
from tests.leaks import told
from tests.stranger import Stranger

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live
STEP, APP, CODES = "/accounts/2fa/", "/account/security/app/", "/account/security/codes/"

_RECOVERY = re.compile(r"<li><code>([B-Z-]{14})</code>")
_COUNTED = """
from allauth.mfa.models import Authenticator
from accounts.models import HalfSignIn, RecoveryCode, User
from django.contrib.sessions.models import Session
from authcenter.sessions.cookie_store import SessionStore
user = User.objects.get(pk=whom)
answer = {"totp": [str(row.data) for row in Authenticator.objects.filter(user=user)],
          "codes": list(RecoveryCode.objects.filter(user=user).values_list("hash", flat=True)),
          "all": str([list(model.objects.values()) for model in (Authenticator, RecoveryCode, HalfSignIn)])
                 + str([str(SessionStore().decode(session.session_data)) for session in Session.objects.all()])}
"""


@dataclass
class Guarded:
    """Somebody with a second factor, and where she is signed in."""

    crowd: Crowd
    person: Person
    app: AuthenticatorApp
    here: Stranger

    def halfway(self, address: str = "", password: str = PASSWORD) -> Stranger:
        """A browser that has passed the first step."""
        browser = self.crowd.browser(address).open("/accounts/login/").sign_in(self.person.email, password)
        assert browser.page and browser.page.url.path == STEP and not is_signed_in(browser)
        return browser

    def code(self, steps: int = 1) -> str:
        """Of the step after now, which stays good when that begins; setting up has used the one of now."""
        code = self.app.code(steps)
        self.crowd.secrets.add(code)
        return code

    def wrong(self) -> str:
        good = {self.app.code(steps) for steps in range(-2, 4)}
        return next(code for number in itertools.count() if (code := f"{number:06}") not in good)

    def recovery_codes(self) -> list[str]:
        """New ones."""
        found = _RECOVERY.findall(self.post(CODES).text)
        self.crowd.secrets |= set(found)
        return found

    def post(self, path: str) -> httpx.Response:
        """The form of a page of hers that has nothing but a button."""
        self.here.open(path)
        return self.here.http.post(path, data=self._proof(), headers={"Origin": self.crowd.url})

    def _proof(self) -> dict[str, str]:
        return {"csrfmiddlewaretoken": self.here.form("csrfmiddlewaretoken").fields["csrfmiddlewaretoken"]}


@pytest.fixture
def alice(crowd: Crowd) -> Guarded:
    person = crowd.person("alice")
    here = crowd.signed_in(person).open(APP)
    assert here.page is not None
    app = AuthenticatorApp(here.page.text)
    crowd.secrets.add(app.seed)
    here.submit("code", code=app.code())
    assert here.page.url.path in {CODES, "/account/security/"}
    return Guarded(crowd, person, app, here)


def second(browser: Stranger, code: str) -> bool:
    """Whether this code makes the sign-in whole."""
    browser.open(STEP).submit("code", code=code)
    return is_signed_in(browser)


def kept(crowd: Crowd, whom: Guarded) -> dict[str, object]:
    return crowd.inside(_COUNTED, whom=whom.person.id)


# --- AC-29, AC-12 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ['{"code": "371864"}', "code=371864&x=1", "code 371864.", "371864"])
def test_a_code_in_a_log_is_found_but_not_in_a_time_or_an_id(line: str) -> None:
    assert told({"371864"}, line) == ["371864"]
    assert told({"371864"}, '"timestamp": "2026-11-27T01:07:29.371864Z", "id": "4c371864-0371864b"') == []


def test_ac_29_half_signed_in_is_a_stranger_at_every_door(crowd: Crowd, alice: Guarded):
    browser = alice.halfway()
    for path in ("/account/", "/account/security/", APP, CODES, "/account/sessions/", "/admin/", "/device"):
        answer = browser.http.get(path)
        assert answer.status_code == 302 and answer.headers["Location"].startswith(
            ("/accounts/login/", "/admin/login/")
        ), path
    for path in ("/api/me/", "/api/sessions/"):
        assert browser.http.get(path).status_code == 401, path
    app = crowd.server.demo["applications"]["web"]
    asked = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": app["redirect_uris"][0],
        "scope": "openid",
        "state": "s",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    answer = browser.http.get("/oauth/authorize?" + urlencode({**asked, "prompt": "none"}))
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["error"] == ["login_required"]
    browser.open("/oauth/authorize?" + urlencode(asked))
    assert browser.page and browser.page.url.path == STEP and not browser.left_to
    assert not crowd.events("consent_given", alice.person.id)


@pytest.mark.parametrize("door", ["code by mail", "new password", "first-party app", "signing in again"])
def test_ac_29_no_other_door_skips_it(crowd: Crowd, alice: Guarded, door):
    email = alice.person.email
    if door == "code by mail":
        browser = crowd.browser().open("/accounts/login/code/").submit("email", email=email)
        browser.submit("code", code=crowd.codes(email)[-1])
        assert browser.page and browser.page.url.path == STEP
    elif door == "new password":
        browser = reset(crowd, email)
        browser.open("/accounts/login/").sign_in(email, NEW)
        assert browser.page and browser.page.url.path == STEP
    elif door == "first-party app":
        answer = crowd.guess(email, PASSWORD)
        assert answer.status_code == 401 and answer.json()["code"] == "mfa_required"
        assert not {"access", "refresh"} & answer.json().keys()
        browser = crowd.browser()
    else:
        browser = alice.halfway()
        for path in ("/accounts/reauthenticate/", "/accounts/2fa/again/", "/accounts/2fa/set-up/"):
            assert browser.http.get(path).status_code == 302
    assert not is_signed_in(browser)


def test_ac_29_the_token_of_a_first_step_opens_nothing_else(crowd: Crowd, alice: Guarded):
    token = crowd.guess(alice.person.email, PASSWORD).json()["mfa_token"]
    assert not crowd.opens(token) and not crowd.refreshes({"refresh": token})
    mallory = crowd.person("mallory")
    with crowd.client() as client:
        stolen = client.post("/api/token/", json={"mfa_token": token, "code": alice.wrong(), "email": mallory.email})
        assert stolen.status_code == 401
        right = client.post("/api/token/", json={"mfa_token": token, "code": alice.code()})
        pair = crowd.noted(right.json())
        assert right.status_code == 200 and crowd.opens(pair["access"])
        assert client.post("/api/token/", json={"mfa_token": token, "code": alice.code()}).status_code == 401


def test_ac_12_factors_are_counted_at_one_place_whatever_the_door(crowd: Crowd, alice: Guarded):
    """Pages, first-party apps and signing in again; and the count is none of the password's."""
    browser = alice.halfway()
    for _number in range(4):
        assert not second(browser, alice.wrong())
    for _number in range(4):
        token = crowd.guess(alice.person.email, PASSWORD).json()["mfa_token"]
        with crowd.client() as client:
            assert client.post("/api/token/", json={"mfa_token": token, "code": alice.wrong()}).status_code == 401
    assert not second(browser, alice.code())
    token = crowd.guess(alice.person.email, PASSWORD).json()["mfa_token"]
    with crowd.client() as client:
        assert client.post("/api/token/", json={"mfa_token": token, "code": alice.code()}).status_code == 429


# --- AC-17, AC-19 ---------------------------------------------------------------------------------------------


def reset(crowd: Crowd, email: str) -> Stranger:
    browser = crowd.browser().open("/accounts/password/reset/").submit("email", email=email)
    browser.submit("code", code=crowd.codes(email)[-1])
    return browser.submit("password1", password1=NEW, password2=NEW)


def test_ac_17_a_new_password_by_mail_leaves_the_factor_and_asks_for_it(crowd: Crowd, alice: Guarded):
    codes, before = alice.recovery_codes(), kept(crowd, alice)
    browser = reset(crowd, alice.person.email)
    assert not is_signed_in(browser)
    assert kept(crowd, alice)["totp"] == before["totp"] and kept(crowd, alice)["codes"] == before["codes"]
    assert second(alice.halfway(password=NEW), codes[0])


def test_ac_17_an_operators_reset_of_the_password_leaves_it_too(crowd: Crowd, alice: Guarded):
    _operator, client = crowd.operator(is_superuser=True)
    client.post(f"/admin/accounts/user/{alice.person.id}/reset/", data={"confirmed": "yes"})
    assert kept(crowd, alice)["totp"]


def test_ac_19_removing_a_factor_ends_what_was_begun_with_it(crowd: Crowd, alice: Guarded):
    token = crowd.guess(alice.person.email, PASSWORD).json()["mfa_token"]
    with crowd.client() as client:
        pair = crowd.noted(client.post("/api/token/", json={"mfa_token": token, "code": alice.code()}).json())
    alice.post(f"{APP}remove/")
    assert is_signed_in(alice.here) and not crowd.refreshes(pair)
    assert crowd.events("factor_removed", alice.person.id)


# --- AC-30, AC-31 ---------------------------------------------------------------------------------------------


def test_ac_30_a_code_is_good_once(crowd: Crowd, alice: Guarded):
    code, first, other = alice.code(), alice.halfway(), alice.halfway()
    assert second(first, code) and not second(other, code)
    assert not second(other, f"{code[:3]} {code[3:]}")


def test_ac_30_of_eight_at_once_one_is_let_in(crowd: Crowd, alice: Guarded, parallel):
    browsers = [alice.halfway() for _number in range(4)]
    code = alice.code()
    tokens = [crowd.guess(alice.person.email, PASSWORD).json()["mfa_token"] for _number in range(3)]

    def attempt(number: int) -> bool:
        if number < 4:
            return second(browsers[number], code)
        with crowd.client() as client:
            answer = client.post("/api/token/", json={"mfa_token": tokens[number - 4], "code": code})
            return answer.status_code == 200

    assert parallel(7, attempt).count(True) == 1


@pytest.mark.parametrize(("steps", "good"), [(-3, False), (-2, False), (1, True), (2, False), (3, False)])
def test_ac_30_a_code_is_good_for_a_step_to_either_side(crowd: Crowd, alice: Guarded, steps, good):
    for _attempt in range(3):
        browser, began = alice.halfway(), time.time() // 30
        found = second(browser, alice.code(steps))
        if time.time() // 30 == began:  # else a step began in between, and the code was one of another place
            break
    assert found is good


def test_ac_31_of_fifty_guesses_over_browsers_and_addresses_eight_are_judged(crowd: Crowd, alice: Guarded):
    """At once, too; then the right one is refused, she is told, and passwords are counted apart."""
    browsers = [alice.halfway(crowd.address()) for _number in range(8)]
    forms = [browser.form("code").fields for browser in browsers]
    wrong = alice.wrong()

    def guess(number: int) -> str:
        browser, form = browsers[number % 8], forms[number % 8]
        return browser.http.post(STEP, data={**form, "code": wrong}, headers={"Origin": crowd.url}).text

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(guess, range(50)))
    assert sum("That is not the code" in page for page in pages) == 8
    assert sum("Too many attempts" in page for page in pages) == 42
    assert not second(alice.halfway(), alice.code())
    assert len([mail for mail in crowd.mails(alice.person.email) if "guessing your second factor" in mail]) == 1
    assert crowd.events("factor_refused", alice.person.id) and crowd.events("limit_reached", alice.person.id)


# --- AC-32 ----------------------------------------------------------------------------------------------------


def test_ac_32_a_recovery_code_is_good_once_and_old_ones_are_void(crowd: Crowd, alice: Guarded):
    first, *others = alice.recovery_codes()
    assert second(alice.halfway(), first) and not second(alice.halfway(), first)
    new = alice.recovery_codes()
    assert len(new) == 10 and not set(new) & {first, *others}
    assert not second(alice.halfway(), others[0])
    assert second(alice.halfway(), new[0].replace("-", " ").lower())
    assert [mail for mail in crowd.mails(alice.person.email) if mail.startswith("A recovery code was used")]


def test_ac_32_of_six_at_once_one_is_let_in(crowd: Crowd, alice: Guarded, parallel):
    code = alice.recovery_codes()[4]
    browsers = [alice.halfway() for _number in range(6)]
    assert parallel(6, lambda number: second(browsers[number], code)).count(True) == 1


def test_ac_32_nothing_of_it_can_be_read_in_the_database(crowd: Crowd, alice: Guarded):
    codes = alice.recovery_codes()
    token = crowd.guess(alice.person.email, PASSWORD).json()["mfa_token"]
    rows = str(kept(crowd, alice)["all"])
    for secret in (*codes, *(code.replace("-", "") for code in codes), alice.app.seed, token):
        assert secret not in rows
    assert all(str(hashed).startswith("argon2$argon2id$") for hashed in kept(crowd, alice)["codes"])  # type: ignore[attr-defined]
