"""POST /api/token/ for who has a second factor: the problem `mfa_required`, and what its `mfa_token` is good for."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Group, HalfSignIn
from authcenter.audit.models import AuditEvent
from authcenter.sessions.models import Session
from tests.accounts.factors import AuthenticatorApp, new_codes, set_up
from tests.accounts.people import change_password
from tests.conftest import PASSWORD
from tests.tokens import assert_problem, parts, post

TOKEN = "/api/token/"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_step")]


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com")


@pytest.fixture
def here(client: Client, alice: Any, sign_in: Any) -> Client:
    sign_in(client, alice)
    return client


@pytest.fixture
def app(here: Client) -> AuthenticatorApp:
    made = set_up(here)
    Session.objects.all().delete()
    return made


def app_client(address: str = "127.0.0.1") -> Client:
    return Client(HTTP_HOST="localhost", REMOTE_ADDR=address)


def first(alice: Any, **more: Any) -> Any:
    return post(app_client(), TOKEN, {"email": alice.email, "password": PASSWORD, **more})


def token_of(alice: Any) -> str:
    return str(first(alice).json()["mfa_token"])


def second(token: str, code: str, **more: Any) -> Any:
    return post(app_client(), TOKEN, {"mfa_token": token, "code": code, **more})


def test_the_password_alone_gets_the_problem_and_no_session(alice: Any, app: AuthenticatorApp) -> None:
    answer = first(alice)
    assert_problem(answer, 401, "mfa_required")
    said = answer.json()
    assert said["factors"] == ["totp"] and said["expires_in"] == 300 and len(said["mfa_token"]) > 40
    assert not Session.objects.exists()
    assert said["mfa_token"] not in str(list(HalfSignIn.objects.values()))
    assert "set-cookie" not in {name.lower() for name in answer.headers} and "refresh" not in said


def test_token_and_code_begin_a_session_of_two_factors(alice: Any, app: AuthenticatorApp) -> None:
    answer = second(token_of(alice), app.code())
    assert answer.status_code == 200, answer.content
    _header, claims = parts(answer.json()["access"])
    assert claims["amr"] == ["pwd", "otp", "mfa"] and claims["acr"] == "urn:authcenter:acr:2"
    assert Session.objects.get().acr == "urn:authcenter:acr:2"
    assert not HalfSignIn.objects.exists()


def test_a_recovery_code_will_do(alice: Any, here: Client) -> None:
    set_up(here)
    code = new_codes(here)[0]
    answer = first(alice)
    assert answer.json()["factors"] == ["totp", "recovery_codes"]
    assert second(answer.json()["mfa_token"], code).status_code == 200
    assert_problem(second(token_of(alice), code), 401, "invalid_code")


def test_cookies_where_they_are_asked_for(alice: Any, app: AuthenticatorApp) -> None:
    answer = second(first(alice, transport="cookie").json()["mfa_token"], app.code(), transport="cookie")
    assert answer.status_code == 200 and "access" not in answer.json() and answer.json()["csrf_token"]
    foreign = app_client().post(
        TOKEN,
        {"mfa_token": "x", "code": "1", "transport": "cookie"},
        content_type="application/json",
        headers={"Origin": "https://evil.test"},
    )
    assert_problem(foreign, 403, "foreign_origin")


def test_the_token_is_good_once(alice: Any, app: AuthenticatorApp) -> None:
    token = token_of(alice)
    assert second(token, app.code()).status_code == 200
    assert_problem(second(token, app.code(1)), 401, "token_not_valid")
    assert Session.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_begin_one_session(alice: Any, here: Client, parallel: Any) -> None:
    app = set_up(here)
    codes, token = [app.code(), *new_codes(here)[:3]], token_of(alice)
    Session.objects.all().delete()
    answers = parallel(4, lambda number: second(token, codes[number]).status_code)
    assert answers.count(200) == 1 and Session.objects.count() == 1


def test_the_token_takes_five_codes(alice: Any, app: AuthenticatorApp) -> None:
    token = token_of(alice)
    for _number in range(5):
        assert_problem(second(token, "ABCD-EFGH"), 401, "invalid_code")
    assert_problem(second(token, app.code()), 401, "token_not_valid")


def test_new_tokens_give_no_new_guesses(alice: Any, app: AuthenticatorApp) -> None:
    answers = [second(token_of(alice), "ABCD-EFGH").status_code for _number in range(9)]
    assert answers == [401] * 8 + [429]
    assert second(token_of(alice), app.code()).status_code == 429
    assert first(alice).status_code == 401  # the password is counted apart


def test_the_token_lives_five_minutes(alice: Any, app: AuthenticatorApp, monkeypatch: Any) -> None:
    token, now = token_of(alice), timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(minutes=5, seconds=1))
    assert_problem(second(token, app.code()), 401, "token_not_valid")


def test_the_token_is_void_when_the_account_changes(alice: Any, here: Client) -> None:
    app = set_up(here)
    token = token_of(alice)
    change_password(here)
    assert_problem(second(token, app.code()), 401, "token_not_valid")


def test_the_token_is_void_when_the_account_is_disabled(alice: Any, app: AuthenticatorApp) -> None:
    token = token_of(alice)
    alice.is_active = False
    alice.save()
    assert_problem(second(token, app.code()), 401, "token_not_valid")


def test_one_persons_token_takes_no_others_code(alice: Any, app: AuthenticatorApp, person: Any, sign_in: Any) -> None:
    bob, browser = person("bob@example.com"), app_client()
    sign_in(browser, bob)
    bobs = set_up(browser)
    assert_problem(second(token_of(alice), bobs.code()), 401, "invalid_code")
    assert second(token_of(bob), bobs.code()).status_code == 200


@pytest.mark.parametrize("sent", [{"mfa_token": "x"}, {"mfa_token": "", "code": "1"}, {"mfa_token": [], "code": {}}])
def test_half_of_it_is_malformed(client: Client, sent: Any, db: None) -> None:
    assert_problem(post(client, TOKEN, sent), 400, "invalid")


@pytest.mark.parametrize("token", ["x", "\ud800", "x" * 128, "\x00"])
def test_garbage_is_no_token(client: Client, token: str, db: None) -> None:
    assert post(client, TOKEN, {"mfa_token": token, "code": "123456"}).status_code in (400, 401)


def test_who_must_have_a_factor_and_has_none_is_told(alice: Any, client: Client) -> None:
    Group.objects.create(name="payroll", second_factor=True).members.add(alice)
    assert_problem(first(alice), 401, "mfa_enrolment_required")
    assert not Session.objects.exists() and not AuditEvent.objects.filter(kind="signed_in").exists()
