"""/accounts/choose/: several accounts in one browser, each a sign-in of its own."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_all_of_user, end_session
from tests.accounts.people import NEW, change_password, kinds, sign_in

ALICE, BOB = "alice@example.com", "bob@example.com"


def session_of(email):
    return Session.objects.filter(user__email=email).latest("created")


def use_another(client, **more):
    return client.post("/accounts/choose/another/", more)


def switch(client, email, **more):
    return client.post("/accounts/choose/", {"sid": str(session_of(email).pk), **more})


def who(client):
    answer = client.get("/account/")
    return answer.context["request"].user.email if answer.status_code == 200 else None


@pytest.fixture
def both(client, person):
    """Alice, then Bob: Bob is the current one."""
    for email in (ALICE, BOB):
        person(email)
        if email == BOB:
            use_another(client)
        sign_in(client, email)
    return client


def test_a_second_account_signs_in_beside_the_first(both):
    assert who(both) == BOB
    assert [session.ended for session in Session.objects.all()] == [None, None]
    shown = both.get("/accounts/choose/").content.decode()
    assert ALICE in shown and BOB in shown and "In use" in shown


def test_switching_needs_no_password_and_leads_where_she_wanted(both):
    answer = switch(both, ALICE, next="/account/security/")
    assert answer["Location"] == "/account/security/"
    assert who(both) == ALICE
    assert switch(both, BOB, next="https://evil.test/")["Location"] == "/account/"
    assert who(both) == BOB


def test_ac_13_switching_changes_the_cookie_and_ends_the_old(both):
    thief = Client(HTTP_HOST="localhost")
    thief.cookies = both.cookies.copy()
    before = both.cookies["session"].value
    assert who(thief) == BOB
    switch(both, ALICE)
    assert both.cookies["session"].value != before
    assert who(thief) is None


def test_ac_43_a_sign_in_of_another_browser_cannot_be_switched_to(both, browser, person):
    other = browser()
    sign_in(other, person("carol@example.com").email)
    for sid in (str(session_of("carol@example.com").pk), str(uuid.uuid4()), "", "x", "\x00"):
        for door in ("/accounts/choose/", "/accounts/choose/remove/"):
            assert both.post(door, {"sid": sid}).status_code == 404
    assert who(both) == BOB and who(other) == "carol@example.com"
    assert not Session.objects.filter(ended__isnull=False).exists()


@pytest.mark.parametrize("door", ["", "another/", "remove/", "sign-out/"])
def test_ac_14_no_other_site_switches(both, door):
    strict = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    strict.cookies = both.cookies
    sent = {"sid": str(session_of(ALICE).pk)}
    assert strict.post(f"/accounts/choose/{door}", sent).status_code == 403
    assert who(both) == BOB


def _new_password():
    """Chosen in another browser, by a way that ends nothing."""
    user = User.objects.get(email=ALICE)
    user.set_password(NEW)
    user.save()


@pytest.mark.parametrize(
    "end",
    [
        lambda: end_session(session_of(ALICE).pk, reason="test"),
        lambda: end_all_of_user(User.objects.get(email=ALICE).pk, reason="test"),
        _new_password,
    ],
    ids=["ended", "everywhere", "new password"],
)
def test_an_account_that_was_signed_out_elsewhere_asks_for_the_password(both, end):
    end()
    assert "Signed out" in both.get("/accounts/choose/").content.decode()
    answer = switch(both, ALICE, next="/account/apps/")
    assert answer["Location"] == "/accounts/login/?next=%2Faccount%2Fapps%2F&login_hint=alice%40example.com"
    assert f'value="{ALICE}"' in both.get(answer["Location"]).content.decode()
    assert who(both) is None
    switch(both, BOB)
    assert who(both) == BOB


def test_a_disabled_account_is_not_shown_and_not_gone_on_with(both):
    User.objects.filter(email=ALICE).update(is_active=False)
    assert ALICE not in both.get("/accounts/choose/").content.decode()
    assert switch(both, ALICE)["Location"].startswith("/accounts/login/")
    assert who(both) is None


def test_the_end_of_the_current_one_leaves_the_other(both):
    end_session(session_of(BOB).pk, reason="test")
    assert who(both) is None
    shown = both.get("/accounts/choose/").content.decode()
    assert BOB in shown and "Signed out" in shown
    switch(both, ALICE)
    assert who(both) == ALICE


def test_signing_out_concerns_one_account(both):
    assert both.post("/accounts/logout/")["Location"] == "/accounts/choose/"
    assert session_of(BOB).ended and not session_of(ALICE).ended
    assert who(both) is None
    switch(both, ALICE)
    assert who(both) == ALICE


def test_signing_out_of_all(both):
    assert both.post("/accounts/choose/sign-out/")["Location"] == "/accounts/login/"
    assert session_of(BOB).ended and session_of(ALICE).ended
    assert both.get("/accounts/choose/")["Location"] == "/accounts/login/"
    assert kinds(kind="signed_out") == ["signed_out", "signed_out"]


@pytest.mark.parametrize(("email", "left"), [(ALICE, BOB), (BOB, ALICE)])
def test_an_account_is_removed_from_the_browser(both, email, left):
    both.post("/accounts/choose/remove/", {"sid": str(session_of(email).pk)})
    assert session_of(email).ended and not session_of(left).ended
    shown = both.get("/accounts/choose/")
    assert [account.user.email for account in shown.context["accounts"]] == [left]


def test_nothing_of_one_is_left_to_the_other(both):
    session = both.session
    session["half_done"] = "of Bob"
    session["authorize"] = {"k": {"key": "k", "shown_to": "bob", "consented": True, "asked_at": 0}}
    session.save()
    change_password(both)  # its message waits for the next page
    switch(both, ALICE)
    kept = both.session
    assert "half_done" not in kept
    assert kept["authorize"]["k"] == {"key": "k", "shown_to": "", "consented": False, "asked_at": 0}
    assert "password is changed" not in both.get("/account/").content.decode()


def test_changing_a_password_ends_nothing_of_the_other(both):
    assert change_password(both).status_code == 302
    switch(both, ALICE)
    assert who(both) == ALICE
    switch(both, BOB)
    assert who(both) == BOB, "whose own sign-in stays as well"


def test_switching_makes_no_sign_in_younger(both, later):
    later(timedelta(minutes=6))
    switch(both, ALICE)
    assert both.get("/accounts/password/change/").status_code == 200
    records = both.session["account_authentication_methods"]
    assert [record["method"] for record in records] == ["password"]
    assert records[0]["email"] == ALICE


def test_the_same_account_once_more_ends_its_older_sign_in(both):
    use_another(both)
    old = session_of(ALICE).pk
    sign_in(both, ALICE)
    assert Session.objects.get(pk=old).ended
    assert who(both) == ALICE
    shown = both.get("/accounts/choose/").context["accounts"]
    assert [(account.user.email, account.current) for account in shown] == [(ALICE, True), (BOB, False)]


def test_a_browser_keeps_five_accounts(client, person):
    for number in range(5):
        use_another(client)
        sign_in(client, person(f"p{number}@example.com").email)
    answer = use_another(client)
    assert answer["Location"] == "/accounts/choose/"
    page = client.get("/accounts/choose/").content.decode()
    assert "5 accounts at most" in page and "account-choose-another" not in page
    assert who(client) == "p4@example.com"


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
def test_the_cookie_outlives_the_browser_only_where_every_account_may(client, person, first, second):
    sign_in(client, person(ALICE).email, **({"remember": "on"} if first else {}))
    use_another(client)
    sign_in(client, person(BOB).email, **({"remember": "on"} if second else {}))
    assert bool(client.cookies["session"]["max-age"]) == (first and second)
    assert session_of(ALICE).remembered == first and session_of(BOB).remembered == second
    client.post("/accounts/logout/")
    switch(client, ALICE)
    assert bool(client.cookies["session"]["max-age"]) == first


def test_a_remembered_address_waits_for_the_next_visit_and_can_be_forgotten(client, person):
    sign_in(client, person(ALICE).email, remember="on")
    client.post("/accounts/logout/")
    page = client.get("/accounts/login/").content.decode()
    assert "Welcome back" in page and f'value="{ALICE}"' in page and 'name="remember" id="id_remember" checked' in page
    assert "Welcome back" not in client.get(f"/accounts/login/?login_hint={BOB}").content.decode()
    assert client.post("/accounts/login/forget/", {"next": "/account/apps/"})["Location"].startswith(
        "/accounts/login/?"
    )
    page = client.get("/accounts/login/").content.decode()
    assert "Welcome back" not in page and ALICE not in page


def test_nobody_else_sees_a_remembered_address(client, browser, person):
    """The page that is kept for strangers is not hers, whoever comes first."""
    sign_in(client, person(ALICE).email, remember="on")
    client.post("/accounts/logout/")
    other = browser()
    for _ in range(2):
        client.cookies.pop("session", None)
        client.cookies.pop("messages", None)
        assert ALICE in client.get("/accounts/login/").content.decode()
        assert ALICE not in other.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("value", ["alice@example.com", "x:y:z", '"alice"'])
def test_nobody_else_writes_the_address_there(client, db, value):
    client.cookies["remembered"] = value
    page = client.get("/accounts/login/").content.decode()
    assert "Welcome back" not in page and "alice" not in page


def test_who_does_not_stay_is_not_known(client, person):
    sign_in(client, person(ALICE).email)
    client.post("/accounts/logout/")
    assert ALICE not in client.get("/accounts/login/").content.decode()


def test_a_stranger_finds_no_chooser(client, db):
    assert (
        client.get("/accounts/choose/?next=/account/apps/")["Location"] == "/accounts/login/?next=%2Faccount%2Fapps%2F"
    )
