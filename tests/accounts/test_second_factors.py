"""Authenticator app, recovery codes and trusted browsers: setting up, the second step, what is good once, removal."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import RecoveryCode, TotpStep, TrustedBrowser, User
from authcenter.audit.models import AuditEvent
from authcenter.keys import vault
from authcenter.sessions.models import Session
from tests.accounts.factors import APP, CODES, AuthenticatorApp, new_codes, recovery_codes, second_step, set_up
from tests.accounts.people import NEW, change_password, is_signed_in, mails, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_step")]
STEP = "/accounts/2fa/"
SECURITY = "/account/security/"


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com")


@pytest.fixture
def here(browser: Any, alice: Any) -> Any:
    """A browser in which she is signed in."""
    client = browser(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    sign_in(client, alice.email)
    assert is_signed_in(client)
    return client


@pytest.fixture
def app(here: Any) -> AuthenticatorApp:
    return set_up(here)


@pytest.fixture
def halfway(browser: Any, app: Any, alice: Any) -> Any:
    """Another browser, in which she has entered her password and nothing more."""
    client = browser(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0")
    answer = sign_in(client, alice.email)
    assert answer.status_code == 302 and answer["Location"] == STEP
    return client


def session_of(client: Any) -> Session:
    return Session.objects.get(pk=client.session["sid"])


def events(kind: str) -> int:
    return AuditEvent.objects.filter(kind=kind).count()


# --- Setting up -----------------------------------------------------------------------------------------------


def test_an_app_is_set_up_by_picture_key_or_link_and_shows_its_first_code(here, alice):
    page = here.get(APP)
    text, app = page.content.decode(), AuthenticatorApp(page)
    assert "data:image/png;base64," in text and f"secret={app.seed}" in text
    assert f"otpauth://totp/AuthCenter%3A{alice.email.replace('@', '%40')}?" in text
    assert 'autocomplete="one-time-code"' in text and 'inputmode="numeric"' in text
    assert AuthenticatorApp(here.get(APP)).seed == app.seed  # the same after a reload
    answer = here.post(APP, {"code": app.code()})
    assert answer.status_code == 302 and answer["Location"] == CODES
    assert session_of(here).amr == ["pwd", "otp", "mfa"] and session_of(here).acr == "urn:authcenter:acr:2"
    assert events("factor_added") == 1 and len(mails(alice.email)) == 1
    assert here.get(APP)["Location"] == SECURITY  # there is one already


def test_a_wrong_first_code_sets_nothing_up_and_is_not_shown_again(here, alice):
    AuthenticatorApp(here.get(APP))
    page = here.post(APP, {"code": "123 456"}).content.decode()
    assert "That is not the code" in page and "123 456" not in page
    assert not Authenticator.objects.exists() and not mails(alice.email)


def test_the_picture_is_dark_on_white_with_four_quiet_modules(here):
    import base64
    from io import BytesIO

    from PIL import Image

    picture = re.search(r"data:image/png;base64,([^\"]+)", here.get(APP).content.decode())
    assert picture
    drawn = Image.open(BytesIO(base64.b64decode(picture[1]))).convert("L")
    corner = [drawn.getpixel((at, at)) for at in range(5)]
    assert corner == [255, 255, 255, 255, 0]  # the fifth is the first module of the finder
    assert {value for _count, value in drawn.getcolors()} == {0, 255}


def test_seeds_are_encrypted_also_while_they_wait(here):
    app = AuthenticatorApp(here.get(APP))
    assert app.seed not in str(dict(here.session))
    here.post(APP, {"code": app.code()})
    kept = Authenticator.objects.get().data
    assert app.seed not in str(kept) and vault.decrypt(kept["secret"]) == app.seed


def test_who_signed_in_long_ago_proves_herself_before_she_changes_factors(here, later):
    later(timedelta(minutes=6))
    for path in (APP, CODES, f"{APP}remove/"):
        assert here.get(path)["Location"].startswith("/accounts/reauthenticate/?next=")


# --- The second step ------------------------------------------------------------------------------------------


def test_the_second_step_says_who_signs_in_and_asks_in_one_field(halfway, alice):
    page = halfway.get(STEP).content.decode()
    assert alice.email in page and page.count('name="code"') == 1
    assert 'autocomplete="one-time-code"' in page and 'name="trust"' in page
    assert "lost your device" in page


def test_the_right_code_makes_the_sign_in_whole(halfway, app):
    assert not is_signed_in(halfway)
    answer = second_step(halfway, app.code())
    assert answer.status_code == 302 and is_signed_in(halfway)
    session = session_of(halfway)
    assert session.amr == ["pwd", "otp", "mfa"] and session.acr == "urn:authcenter:acr:2"
    assert Authenticator.objects.get().last_used_at is not None


@pytest.mark.parametrize("written", ["{0}{1}", "{0} {1}", " {0}-{1} "])
def test_spaces_in_a_code_do_no_harm(halfway, app, written):
    code = app.code()
    second_step(halfway, written.format(code[:3], code[3:]))
    assert is_signed_in(halfway)


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, False), (0, True), (1, True), (2, False)])
def test_a_code_is_good_for_one_step_around_now_and_not_when_an_older_one_is(halfway, app, steps, good):
    """Setting up has used the step before. RFC 6238 section 5.2: at most one step for delay is recommended."""
    second_step(halfway, app.code(steps))
    assert is_signed_in(halfway) is good


def test_a_code_is_good_once(halfway, app, browser, alice):
    """RFC 6238 section 5.2: the verifier MUST NOT accept the second attempt."""
    code, other = app.code(), browser()
    sign_in(other, alice.email)
    second_step(halfway, code)
    assert "used before" in second_step(other, code).content.decode()
    assert is_signed_in(halfway) and not is_signed_in(other)
    assert events("factor_refused") == 1


def test_a_code_ahead_of_time_makes_older_ones_void(halfway, app, browser, alice):
    second_step(halfway, app.code(1))
    other = browser()
    sign_in(other, alice.email)
    second_step(other, app.code(0))
    assert not is_signed_in(other)


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_with_one_code_at_once_one_wins(browser, alice, here, parallel):
    """RFC 6238 section 5.2, for whoever is quick."""
    app = set_up(here)
    clients = [browser() for _ in range(4)]
    for client in clients:
        sign_in(client, alice.email)
    code = app.code()
    parallel(4, lambda number: second_step(clients[number], code))
    assert [is_signed_in(client) for client in clients].count(True) == 1


def test_half_signed_in_is_a_stranger_everywhere(halfway):
    for path in ("/account/", SECURITY, APP, CODES, "/accounts/2fa/again/", "/accounts/password/change/", "/device"):
        assert halfway.get(path)["Location"].startswith("/accounts/login/"), path
    assert halfway.get("/admin/").status_code == 302
    assert halfway.get("/api/me/").status_code == 401
    assert "sid" not in halfway.session and not Session.objects.filter(user_agent__contains="Windows").exists()


def test_another_way_to_sign_in_is_gone_on_with_after_the_second_step(halfway, app):
    """Somebody who opens the sign-in page in the meantime, for something else, gets there."""
    assert halfway.get("/accounts/login/?next=/account/apps/")["Location"].startswith(STEP)
    assert halfway.get("/accounts/login/?next=https://evil.test/")["Location"].startswith(STEP)
    assert second_step(halfway, app.code())["Location"] == "/account/apps/"


def test_cancelling_goes_back_to_the_first_step_and_forgets_it(halfway, app):
    assert halfway.post(STEP, {"cancel": "1"})["Location"].startswith("/accounts/login/")
    assert halfway.get(STEP)["Location"] == "/accounts/login/"
    second_step(halfway, app.code())
    assert not is_signed_in(halfway)


def test_a_new_password_in_the_meantime_makes_the_first_step_void(halfway, app, here):
    change_password(here)
    assert second_step(halfway, app.code())["Location"].startswith("/accounts/login/")
    assert not is_signed_in(halfway)


def test_what_an_unfinished_sign_in_proved_counts_for_no_other(browser, alice, app, later):
    """A password without the second step, then a code by mail: that is one proof by mail."""
    from tests.accounts.people import codes

    client = browser()
    sign_in(client, alice.email)
    client.post(STEP, {"cancel": "1"})
    later(timedelta(seconds=30))
    client.post("/accounts/login/code/", {"email": alice.email})
    client.post("/accounts/login/code/confirm/", {"code": codes(alice.email)[-1]})
    second_step(client, app.code())
    assert is_signed_in(client) and session_of(client).amr == ["otp", "mfa"]


def test_guessing_is_stopped_over_browsers_and_addresses_and_she_is_told(app, browser, alice):
    clients = [browser(REMOTE_ADDR=f"127.7.0.{number}") for number in range(1, 6)]
    for client in clients:
        sign_in(client, alice.email)
    wrong = f"{(int(app.code()) + 500_000) % 1_000_000:06}"
    answers = [second_step(clients[number % 5], wrong).content.decode() for number in range(12)]
    assert sum("Too many attempts" in answer for answer in answers) == 4
    second_step(clients[0], app.code())
    assert not is_signed_in(clients[0])  # the right one neither
    assert len([mail for mail in mails(alice.email) if "guessing" in mail.subject]) == 1
    assert sign_in(browser(), alice.email)["Location"] == STEP  # passwords are counted apart


# --- Recovery codes -------------------------------------------------------------------------------------------


def test_recovery_codes_are_shown_once_and_kept_as_hashes(here, app):
    page = here.post(CODES)
    made = recovery_codes(page)
    assert len(made) == 10 and len(set(made)) == 10
    text = page.content.decode()
    assert 'download="recovery-codes.txt"' in text and "I have saved them" in text and made[0] in text
    assert page["Cache-Control"].startswith("max-age=0") and "no-store" in page["Cache-Control"]
    assert not recovery_codes(here.get(CODES))
    kept = str(list(RecoveryCode.objects.values()))
    assert not [code for code in made if code in kept or code.replace("-", "") in kept]
    assert "10 of 10 left" in here.get(SECURITY).content.decode()
    assert not [code for code in made if code in str(dict(here.session))]


def test_a_recovery_code_stands_in_once(halfway, here, browser, alice):
    code = new_codes(here)[0]
    assert "Recovery code" in halfway.get(f"{STEP}?way=recovery_codes").content.decode()
    second_step(halfway, code.lower(), way="recovery_codes", trust="on")
    assert is_signed_in(halfway) and session_of(halfway).acr == "urn:authcenter:acr:2"
    assert not TrustedBrowser.objects.exists()  # who has lost a device trusts none
    other = browser()
    sign_in(other, alice.email)
    second_step(other, code)
    assert not is_signed_in(other)
    assert "9 of 10 left" in halfway.get(SECURITY).content.decode()
    assert events("recovery_code_used") == 1
    assert [mail for mail in mails(alice.email) if mail.subject == "A recovery code was used"]


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_with_one_recovery_code_at_once_one_wins(browser, alice, here, parallel):
    set_up(here)
    code, clients = new_codes(here)[3], [browser() for _ in range(4)]
    for client in clients:
        sign_in(client, alice.email)
    parallel(4, lambda number: second_step(clients[number], code))
    assert [is_signed_in(client) for client in clients].count(True) == 1


def test_new_recovery_codes_make_old_ones_void(halfway, here):
    old = new_codes(here)[0]
    new = new_codes(here)[0]
    second_step(halfway, old)
    assert not is_signed_in(halfway)
    second_step(halfway, new)
    assert is_signed_in(halfway) and events("recovery_codes_made") == 2


def test_without_a_second_factor_there_are_no_recovery_codes(here):
    assert here.get(CODES)["Location"] == SECURITY
    assert here.post(CODES).status_code == 302 and not RecoveryCode.objects.exists()


# --- Trusted browsers -----------------------------------------------------------------------------------------


def trusting(client: Any, app: AuthenticatorApp, steps: int = 0) -> Any:
    second_step(client, app.code(steps), trust="on")
    assert is_signed_in(client)
    client.post("/accounts/logout/")
    return client


def test_a_trusted_browser_skips_the_second_step_and_says_so(halfway, app, alice):
    trusting(halfway, app)
    [cookie] = [cookie for name, cookie in halfway.cookies.items() if name.startswith("trusted-")]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] == 14 * 86_400
    assert cookie.value not in str(list(TrustedBrowser.objects.values()))
    assert sign_in(halfway, alice.email)["Location"] == "/account/"
    assert session_of(halfway).amr == ["pwd"] and session_of(halfway).acr == "urn:authcenter:acr:1"
    assert events("browser_trusted") == 1


def test_trust_lasts_fourteen_days_and_not_longer(halfway, app, alice, later):
    trusting(halfway, app)
    later(timedelta(days=14, minutes=1))
    assert sign_in(halfway, alice.email)["Location"] == STEP


def test_trust_is_one_persons_alone(halfway, app, alice, person):
    bob = person("bob@example.com")
    trusting(halfway, app)
    sign_in(halfway, bob.email)
    set_up(halfway)
    halfway.post("/accounts/logout/")
    assert sign_in(halfway, bob.email)["Location"] == STEP


def test_a_cookie_that_somebody_planted_is_not_trusted_afterwards(halfway, app, alice, browser):
    from accounts.trusted_browsers import _cookie

    halfway.cookies[_cookie(alice)] = "planted"
    trusting(halfway, app)
    thief = browser()
    thief.cookies[_cookie(alice)] = "planted"
    assert sign_in(thief, alice.email)["Location"] == STEP


def test_trust_is_listed_and_ended_one_by_one(halfway, app, here, alice):
    trusting(halfway, app)
    page = here.get(SECURITY).content.decode()
    assert "Chrome 140 on Windows" in page and "Trusted browsers" in page
    here.post("/account/security/browsers/end/", {"browser": TrustedBrowser.objects.get().pk})
    assert sign_in(halfway, alice.email)["Location"] == STEP
    assert "Trusted browsers" not in here.get(SECURITY).content.decode() and events("trust_ended") == 1


def test_nobody_ends_anothers_trust(halfway, app, browser, person):
    trusting(halfway, app)
    bob, client = person("bob@example.com"), browser()
    sign_in(client, bob.email)
    client.post("/account/security/browsers/end/", {"browser": TrustedBrowser.objects.get().pk})
    client.post("/account/security/browsers/end/", {"all": "1"})
    assert TrustedBrowser.objects.count() == 1


def test_a_new_password_ends_trust(halfway, app, here, alice):
    trusting(halfway, app)
    change_password(here)
    assert sign_in(halfway, alice.email, NEW)["Location"] == STEP


def test_signing_out_everywhere_else_ends_trust(halfway, app, here, alice):
    trusting(halfway, app)
    here.post("/account/sessions/others/")
    assert sign_in(halfway, alice.email)["Location"] == STEP


def test_in_a_trusted_browser_changing_factors_takes_the_factor(halfway, app, here, alice):
    """One proved factor, however recent, is not enough for what only she herself may do; nor is her password again."""
    trusting(halfway, app)
    sign_in(halfway, alice.email)
    assert halfway.get(f"{APP}remove/")["Location"].startswith("/accounts/2fa/again/?next=")
    assert halfway.get("/accounts/reauthenticate/")["Location"].startswith("/accounts/2fa/again/")
    assert halfway.post("/accounts/reauthenticate/", {"password": "correct horse battery 7"}).status_code == 302
    assert halfway.get(f"{APP}remove/").status_code == 302
    answer = halfway.post("/accounts/2fa/again/?next=/account/security/app/remove/", {"code": app.code(1)})
    assert answer["Location"] == f"{APP}remove/" and halfway.get(f"{APP}remove/").status_code == 200
    assert session_of(halfway).acr == "urn:authcenter:acr:2"


# --- Signing in again -----------------------------------------------------------------------------------------


def test_signing_in_again_takes_the_factor_or_the_password(here, app, later):
    later(timedelta(minutes=6))
    before, cookie = session_of(here).auth_time, here.cookies["session"].value
    assert here.get(CODES)["Location"].startswith("/accounts/2fa/again/?next=")
    page = here.get(f"/accounts/2fa/again/?next={CODES}").content.decode()
    assert "Use your password" in page and 'name="trust"' not in page
    answer = here.post("/accounts/2fa/again/", {"code": app.code(), "next": CODES})
    assert answer["Location"] == CODES and here.get(CODES).status_code == 200
    assert session_of(here).auth_time > before and here.cookies["session"].value != cookie


def test_signing_in_again_by_a_wrong_code_raises_nothing(here, app, later):
    later(timedelta(minutes=6))
    here.post("/accounts/2fa/again/", {"code": "000000", "next": CODES})
    assert here.get(CODES).status_code == 302


# --- Removal --------------------------------------------------------------------------------------------------


def test_removing_the_app_ends_everything_but_this_sign_in(halfway, here, app, alice, browser):
    new_codes(here)
    trusting(halfway, app)
    sign_in(halfway, alice.email)
    assert "only second factor" in here.get(f"{APP}remove/").content.decode()
    here.post(f"{APP}remove/")
    assert is_signed_in(here) and not is_signed_in(halfway)
    assert not Authenticator.objects.exists() and not RecoveryCode.objects.exists() and not TotpStep.objects.exists()
    assert events("factor_removed") == 1
    assert [mail for mail in mails(alice.email) if "removed" in mail.subject]
    assert sign_in(browser(), alice.email)["Location"] == "/account/"


def test_somebody_elses_factor_cannot_be_removed(here, app, browser, person):
    bob, client = person("bob@example.com"), browser()
    sign_in(client, bob.email)
    assert client.post(f"{APP}remove/").status_code == 404 and Authenticator.objects.count() == 1


def test_a_mailed_password_leaves_the_factor_and_it_is_asked_for(app, browser, alice):
    from tests.accounts.people import ask_for_reset, choose, codes, enter_reset_code

    client = browser()
    ask_for_reset(client, alice.email)
    enter_reset_code(client, codes(alice.email)[-1])
    choose(client)
    assert not is_signed_in(client) and Authenticator.objects.count() == 1
    assert sign_in(client, alice.email, NEW)["Location"] == STEP
    assert User.objects.get(pk=alice.pk).epoch > alice.epoch
