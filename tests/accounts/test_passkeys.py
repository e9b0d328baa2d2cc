"""Passkeys and security keys: signing in, signing up, adding, naming, removing."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator as Row

from accounts.models import Passkey, User
from authcenter.sessions.models import Session
from tests.accounts.passkeys import AGAIN, MINE, SECOND, SIGN_IN, add, options, send, use
from tests.accounts.people import codes, is_signed_in, kinds, secret, sign_in
from tests.authenticator import BOUND, PRESENT, VERIFIED, Authenticator


@pytest.fixture
def alice(person):
    return person(name="Alice")


@pytest.fixture
def here(browser, alice):
    client = browser()
    assert sign_in(client, alice.email).status_code == 302
    return client


def without_password(user):
    user.set_unusable_password()
    user.save(update_fields=["password"])


# --- Signing in -----------------------------------------------------------------------------------------------


def test_a_passkey_alone_signs_in_as_two_factors_that_cannot_be_phished(browser, here, alice):
    passkey = add(here)
    there = browser()
    answer = use(there, passkey)
    assert answer.status_code == 302 and answer["Location"] == "/account/" and is_signed_in(there)
    session = Session.objects.latest("created")
    assert session.user == alice and session.acr == "phr" and session.amr == ["pop", "user", "mfa"]
    assert Row.objects.get().last_used_at is not None


def test_a_passkey_goes_on_to_where_one_was_going_and_nowhere_else(browser, here):
    passkey = add(here)
    assert use(browser(), passkey, more={"next": "/account/apps/"})["Location"] == "/account/apps/"
    assert use(browser(), passkey, more={"next": "https://evil.example/"})["Location"] == "/account/"


@pytest.mark.parametrize("remember", ["on", ""])
def test_a_passkey_is_remembered_where_that_was_asked_for(browser, here, remember):
    passkey, there = add(here), browser()
    cookie = use(there, passkey, more={"remember": remember}).cookies["session"]
    assert bool(cookie["max-age"]) == bool(remember)
    assert Session.objects.latest("created").remembered == bool(remember)


def test_whoever_looks_at_the_sign_in_page_costs_no_row(browser):
    from django.contrib.sessions.models import Session as Cookie

    from authcenter.audit.models import Refusals

    there = browser()
    there.get("/accounts/login/")
    asked = options(there, SIGN_IN)
    assert asked["allowCredentials"] == [] and asked["userVerification"] == "required" and asked["rpId"] == "localhost"
    assert not Cookie.objects.exists() and not Refusals.objects.exists() and "session" not in there.cookies


def test_the_passkey_comes_first_where_one_was_used_in_this_browser(browser, here):
    passkey, there = add(here), browser()
    page = there.get("/accounts/login/").content.decode()
    assert page.index('name="password"') < page.index("data-passkey=")
    use(there, passkey)
    there.post("/accounts/logout/")
    page = there.get("/accounts/login/").content.decode()
    assert page.index("data-passkey=") < page.index('name="password"')
    assert 'autocomplete="username webauthn"' in page and "Passkeys need JavaScript" in page


def test_a_disabled_person_is_refused_like_an_unknown_passkey(browser, here, alice):
    passkey = add(here)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    there = browser()
    assert use(there, passkey)["Location"] == "/accounts/login/" and not is_signed_in(there)
    assert "That did not work." in there.get("/accounts/login/").content.decode()


def test_whose_account_waits_for_its_deletion_is_asked_whether_to_keep_it(browser, here, alice, rf):
    from accounts import deletion

    passkey = add(here)
    request = rf.get("/")
    request.session = here.session
    deletion.ask(request, alice)
    there = browser()
    assert use(there, passkey)["Location"] == "/accounts/deletion/" and not is_signed_in(there)


def test_a_form_that_lost_its_cookie_is_offered_again(browser, here):
    from django.test import Client

    passkey, there = add(here), Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    answer = send(there, SIGN_IN, passkey.get(options(there, SIGN_IN)))
    assert answer.status_code == 403 and "open for too long" in answer.content.decode() and not is_signed_in(there)


def test_of_an_unknown_passkey_its_holder_may_be_told(browser):
    there = browser()
    stranger = Authenticator()
    stranger.handle, stranger.rp_id = bytes(16), "localhost"
    use(there, stranger)
    assert "unknown-passkey" in there.get("/accounts/login/").content.decode()
    assert kinds(kind="sign_in_refused", detail__reason="unknown")


def test_bad_answers_from_one_address_are_limited(browser, settings):
    there = browser()
    for _ in range(100):
        send(there, SIGN_IN, "{}")
    there.get("/accounts/login/")
    send(there, SIGN_IN, "{}")
    assert "Too many attempts" in there.get("/accounts/login/").content.decode()
    assert "limit_reached" in kinds()


# --- One's own ------------------------------------------------------------------------------------------------


def test_a_new_passkey_is_asked_for_rightly_and_told_of(here, alice):
    first = add(here)
    asked = options(here, f"{MINE}add/")
    assert asked["rp"] == {"id": "localhost", "name": "AuthCenter"} and asked["attestation"] == "none"
    assert [one["alg"] for one in asked["pubKeyCredParams"]] == [-7, -8, -257]
    assert asked["user"]["name"] == alice.email and asked["user"]["displayName"] == "Alice"
    assert [one["transports"] for one in asked["excludeCredentials"]] == [["hybrid", "internal"]]
    assert first.handle == alice.pk.bytes
    assert "factor_added" in kinds(subject=alice.pk)
    page = here.get(MINE).content.decode()
    assert "synced to your other devices" in page and "not used yet" in page


def test_adding_needs_a_recent_sign_in(here, later):
    later(timedelta(minutes=6))
    for path in (f"{MINE}add/", f"{MINE}add/options/"):
        assert here.get(path)["Location"].startswith("/accounts/reauthenticate/")
    assert send(here, f"{MINE}add/", "{}")["Location"].startswith("/accounts/reauthenticate/")
    assert not Passkey.objects.exists()


@pytest.mark.parametrize(
    ("made", "name", "kind"),
    [
        ({"aaguid": bytes.fromhex("fbfc3007154e4ecc8c0b6e020557d7bd")}, "Apple Passwords", "synced to your other"),
        ({"flags": BOUND, "transports": ("internal",)}, "Unknown device", "on one device only"),
        ({"flags": BOUND, "transports": ("usb", "nfc")}, "Security key", "on one device only"),
        ({"flags": BOUND | 0x08, "transports": ()}, "Passkey", "can be synced, on one device so far"),
        ({"flags": PRESENT, "transports": ("usb",), "resident": False}, "Security key", "a second factor beside"),
    ],
)
def test_a_name_is_suggested_and_the_kind_is_told(here, made, name, kind):
    add(here, Authenticator(**made))
    page = here.get(MINE).content.decode()
    assert f"<h2>{name}</h2>" in page and kind in page


@pytest.mark.parametrize("algorithm", [-7, -8, -257])
def test_every_algorithm_that_is_asked_for_signs_in(browser, here, algorithm):
    assert use(browser(), add(here, Authenticator(algorithm=algorithm)))["Location"] == "/account/"


def test_a_passkey_is_renamed(here):
    add(here)
    row = Row.objects.get()
    answer = here.post(f"{MINE}{row.pk}/name/", {"name": "Blue <key>"})
    assert answer["Location"] == "/account/security/codes/"  # there are none yet
    assert "Blue &lt;key&gt;" in here.get(MINE).content.decode()
    assert here.post(f"{MINE}{row.pk}/name/", {"name": "x" * 61}).status_code == 200
    assert str(Row.objects.get()) == "Blue <key>"


def test_a_removed_passkey_ends_everything_else_and_signs_in_no_more(browser, here, alice):
    passkey, there = add(here), browser()
    use(there, passkey)
    assert here.post(f"{MINE}{Row.objects.get().pk}/remove/")["Location"] == MINE
    assert is_signed_in(here) and not is_signed_in(there) and not Passkey.objects.exists()
    assert "factor_removed" in kinds(subject=alice.pk)
    assert use(browser(), passkey)["Location"] == "/accounts/login/"


def test_anothers_passkey_is_nobodys_business(browser, person, here):
    add(here)
    pk, name, mallory = Row.objects.get().pk, str(Row.objects.get()), browser()
    sign_in(mallory, person("mallory@example.com").email)
    for path in (f"{MINE}{pk}/name/", f"{MINE}{pk}/remove/"):
        assert mallory.get(path).status_code == 404 and mallory.post(path, {"name": "x"}).status_code == 404
    assert str(Row.objects.get()) == name


def test_the_last_way_in_cannot_be_removed(here, browser, alice):
    first = add(here)
    without_password(alice)
    here = browser()
    use(here, first)
    pk = Row.objects.get().pk
    assert "you could not sign in any more" in here.get(f"{MINE}{pk}/remove/").content.decode()
    assert here.post(f"{MINE}{pk}/remove/").status_code == 200 and Passkey.objects.exists()
    add(here, Authenticator(flags=PRESENT, resident=False, transports=("usb",)))  # a second factor is no way in
    assert here.post(f"{MINE}{pk}/remove/").status_code == 200 and Passkey.objects.count() == 2
    add(here)
    assert here.post(f"{MINE}{pk}/remove/")["Location"] == MINE and Passkey.objects.count() == 2


def test_of_two_last_ones_removed_at_once_one_stays(transactional_db, person, browser, parallel):
    alice = person()
    clients = [browser(), browser()]
    sign_in(clients[0], alice.email)
    passkey = add(clients[0])
    add(clients[0])
    without_password(alice)
    for client in clients:
        client.cookies.clear()
        use(client, passkey)
    rows = list(Row.objects.order_by("pk").values_list("pk", flat=True))
    parallel(2, lambda number: clients[number].post(f"{MINE}{rows[number]}/remove/"))
    assert Passkey.objects.count() == 1


# --- As a second factor, and signing in again ---------------------------------------------------------------------


def test_who_has_a_passkey_is_asked_for_it_after_the_password(browser, here, alice):
    passkey, there = add(here), browser()
    assert sign_in(there, alice.email)["Location"] == "/accounts/2fa/" and not is_signed_in(there)
    assert f'data-options="{SECOND}options/"' in there.get("/accounts/2fa/").content.decode()
    asked = options(there, SECOND)
    assert len(asked["allowCredentials"]) == 1 and asked["userVerification"] == "preferred"
    assert use(there, passkey, SECOND)["Location"] == "/account/" and is_signed_in(there)
    assert Session.objects.latest("created").acr == "phr"


def test_a_key_without_a_pin_is_a_second_factor_and_never_the_first(browser, here, alice):
    key, there = add(here, Authenticator(flags=PRESENT, resident=False, transports=("usb",))), browser()
    assert use(there, key)["Location"] == "/accounts/login/" and not is_signed_in(there)
    sign_in(there, alice.email)
    assert use(there, key, SECOND)["Location"] == "/account/"
    session = Session.objects.latest("created")
    assert session.acr == "urn:authcenter:acr:2" and session.amr == ["pwd", "pop", "user", "mfa"]


def test_a_second_step_of_an_account_that_has_changed_begins_anew(browser, here, alice):
    passkey, there = add(here), browser()
    sign_in(there, alice.email)
    asked = options(there, SECOND)
    User.objects.filter(pk=alice.pk).update(epoch=7)
    assert send(there, SECOND, passkey.get(asked))["Location"] == "/accounts/login/" and not is_signed_in(there)


def test_a_refused_second_factor_is_told_and_audited(browser, here, alice):
    passkey, there = add(here), browser()
    sign_in(there, alice.email)
    assert use(there, passkey, SECOND, origin="https://evil.example")["Location"] == "/accounts/2fa/"
    assert "That did not work." in there.get("/accounts/2fa/").content.decode()
    assert kinds(kind="factor_refused", subject=alice.pk, detail__reason="origin")


def test_a_passkey_signs_in_again_and_raises_the_sign_in(browser, here, alice, later):
    passkey = add(here)
    Session.objects.filter(user=alice).update(acr="urn:authcenter:acr:2")
    before = Session.objects.get(user=alice)
    later(timedelta(minutes=6))
    away = here.get(f"{MINE}add/")["Location"]
    assert away.startswith(AGAIN)
    page = here.get(away, follow=True)
    assert page.redirect_chain[0][0].startswith("/accounts/2fa/again/") and AGAIN in page.content.decode()
    assert use(here, passkey, AGAIN, more={"next": f"{MINE}add/"})["Location"] == f"{MINE}add/"
    after = Session.objects.get(user=alice)
    assert after.auth_time > before.auth_time and after.acr == "phr"
    assert here.get(f"{MINE}add/").status_code == 200 and "reauthenticated" in kinds(actor=alice.pk)


def test_without_verification_nobody_signs_in_again(here, later):
    passkey = add(here)
    later(timedelta(minutes=6))
    answer = use(here, passkey, AGAIN, more={"next": f"{MINE}add/"}, flags=passkey.flags & ~VERIFIED)
    assert answer["Location"].startswith("/accounts/2fa/again/") and "way=webauthn" in answer["Location"]
    assert here.get(f"{MINE}add/").status_code == 302


def test_who_must_have_a_second_factor_may_take_a_passkey(browser, alice):
    from accounts.models import Group

    Group.objects.create(name="guards", second_factor=True).members.add(alice)
    client, passkey, door = browser(), Authenticator(), "/accounts/2fa/set-up/passkey/"
    assert sign_in(client, alice.email)["Location"] == "/accounts/2fa/set-up/"
    assert door in client.get("/accounts/2fa/set-up/").content.decode()
    assert send(client, door, passkey.create(options(client, door)))["Location"] == "/accounts/2fa/set-up/"
    assert not is_signed_in(client)
    client.post("/accounts/2fa/set-up/", {"make": "1"})
    assert client.post("/accounts/2fa/set-up/", {"done": "1"})["Location"] == "/account/"
    assert is_signed_in(client) and Session.objects.get().acr == "phr"
    pk = Row.objects.get().pk
    assert "this is your only one" in client.get(f"{MINE}{pk}/remove/").content.decode()
    assert client.post(f"{MINE}{pk}/remove/").status_code == 200 and Passkey.objects.exists()


def test_nobody_sets_up_a_passkey_for_somebody_who_has_shown_nothing(browser, db):
    assert browser().get("/accounts/2fa/set-up/passkey/options/").status_code == 403
    assert send(browser(), "/accounts/2fa/set-up/passkey/", "{}")["Location"] == "/accounts/login/"


# --- Signing up -----------------------------------------------------------------------------------------------


def begun(client, email="new@example.com"):
    assert client.post("/accounts/signup/passkey/", {"email": email}).status_code == 302
    return client.post("/accounts/confirm-email/", {"code": codes(email)[-1]})


def test_a_passkey_takes_the_place_of_a_password(browser):
    client, passkey = browser(), Authenticator()
    assert begun(client)["Location"] == "/accounts/signup/passkey/create/"
    assert not is_signed_in(client)
    asked = options(client, "/accounts/signup/passkey/")
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    answer = send(client, "/accounts/signup/passkey/create/", passkey.create(asked))
    assert answer.status_code == 302 and is_signed_in(client)
    user = User.objects.get()
    assert not user.has_usable_password()
    session = Session.objects.get()
    assert session.acr == "phr" and session.amr == ["pop", "user", "mfa"]
    assert use(browser(), passkey)["Location"] == "/account/"
    assert "Choose a password" in client.get("/accounts/password/set/").content.decode()


def test_whoever_finds_a_browser_open_sets_no_password_there(browser, later):
    client, passkey = browser(), Authenticator()
    begun(client)
    send(client, "/accounts/signup/passkey/create/", passkey.create(options(client, "/accounts/signup/passkey/")))
    later(timedelta(minutes=6))
    assert client.get("/accounts/password/set/")["Location"].startswith(AGAIN)
    use(client, passkey, AGAIN)
    new = secret("some other long sentence 8")
    assert client.post("/accounts/password/set/", {"password1": new, "password2": new}).status_code == 302
    assert sign_in(browser(), User.objects.get().email, new)["Location"] == "/accounts/2fa/"


@pytest.mark.parametrize("made", [{"flags": PRESENT}, {"resident": False}])
def test_a_key_that_does_not_suffice_alone_does_not_sign_up(browser, made):
    client = browser()
    begun(client)
    credential = Authenticator(**made).create(options(client, "/accounts/signup/passkey/"))
    answer = send(client, "/accounts/signup/passkey/create/", credential)
    assert answer.status_code == 200 and "could not be added" in answer.content.decode()
    assert not is_signed_in(client) and not Passkey.objects.exists()


def test_who_has_not_proved_the_address_makes_no_passkey(browser):
    client = browser()
    client.post("/accounts/signup/passkey/", {"email": "new@example.com"})
    assert client.get("/accounts/signup/passkey/options/").status_code == 302
    assert send(client, "/accounts/signup/passkey/create/", "{}")["Location"] == "/accounts/signup/"


def test_signing_up_with_a_known_address_looks_the_same(browser, person):
    from tests.accounts.people import as_seen

    person("known@example.com")
    seen = []
    for email in ("known@example.com", "brandnew@example.com"):
        client = browser()
        answers = [client.post("/accounts/signup/passkey/", {"email": email}), client.get("/accounts/confirm-email/")]
        seen.append([as_seen(answer, email) for answer in answers])
    assert seen[0] == seen[1]
