"""AC: fields that no form has, other people's ids, one's own overview, text that would be code."""

import re
import uuid

import httpx
import pytest

from tests.attacks.people_rig import NEW, PASSWORD, WRONG, Crowd, bearer, eventually, is_signed_in
from tests.stranger import Stranger

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

_RIGHTS = """
from accounts.models import User
user = User.objects.filter(email=email).first()
answer = user and [user.is_staff, user.is_superuser, user.groups.count(), user.user_permissions.count(), user.epoch,
                   user.roles.count(), user.emailaddress_set.filter(verified=True).count(), str(user.pk)]
"""
EXTRA = {
    "is_staff": "on",
    "is_superuser": "on",
    "groups": "1",
    "user_permissions": "1",
    "roles": "1",
    "epoch": "7",
    "id": "00000000-0000-0000-0000-000000000001",
    "user_id": "00000000-0000-0000-0000-000000000001",
    "email_verified": "on",
    "verified": "on",
    "org": "1",
    "is_active": "",
}


# --- AC-40 ----------------------------------------------------------------------------------------------------


def test_ac_40_signing_up_sets_no_field_that_the_form_lacks(crowd: Crowd):
    email = "grabber.ac40@example.com"
    crowd.sign_up(email, NEW, **EXTRA)
    *rights, made = crowd.inside(_RIGHTS, email=email)
    assert rights == [False, False, 0, 0, 0, 0, 0] and made != EXTRA["id"]


def test_ac_40_neither_does_the_profile(crowd: Crowd):
    alice = crowd.person("alice")
    browser = crowd.signed_in(alice).open("/account/")
    browser.submit("given_name", given_name="Alice", **EXTRA, password=NEW, email="other.ac40@example.com")
    assert crowd.inside(_RIGHTS, email=alice.email) == [False, False, 0, 0, 0, 0, 1, alice.id]
    assert crowd.inside(_RIGHTS, email="other.ac40@example.com") is None
    assert browser.form("given_name").fields["given_name"] == "Alice"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_ac_40_nor_a_body_of_the_api(crowd: Crowd, method):
    alice = crowd.person("alice")
    with crowd.client() as client:
        sent = {"email": alice.email, "password": PASSWORD, **EXTRA, "sub": EXTRA["id"], "roles": ["root"]}
        pair = crowd.noted(client.post("/api/token/", json=sent).json())
        me = client.get("/api/me/", headers=bearer(pair["access"])).json()
        assert me["sub"] == alice.id and me["roles"] == [] and me["groups"] == []
        assert client.request(method, "/api/me/", json=sent, headers=bearer(pair["access"])).status_code == 405
    assert crowd.inside(_RIGHTS, email=alice.email) == [False, False, 0, 0, 0, 0, 1, alice.id]


# --- AC-43 ----------------------------------------------------------------------------------------------------


def own(crowd: Crowd, whom: str) -> dict[str, str]:
    """A session and an authorization of somebody."""
    return crowd.inside(
        "from authcenter.sessions.models import Session\n"
        "from authcenter.oauth.models import Authorization\n"
        "answer = {'session': Session.objects.filter(user=whom, ended=None).first(),\n"
        "          'authorization': Authorization.objects.filter(user=whom).first()}\n"
        "answer = {name: str(one.pk) for name, one in answer.items()}",
        whom=whom,
    )


def test_ac_43_other_peoples_sessions_and_apps_are_not_there(crowd: Crowd):
    alice, mallory = crowd.person("alice"), crowd.person("mallory")
    hers = crowd.signed_in(alice)
    tokens, mine = crowd.allowed(hers), own(crowd, alice.id)
    attacker, pair = crowd.signed_in(mallory).open("/account/"), crowd.pair(mallory)
    proof = {"csrfmiddlewaretoken": attacker.form("given_name").fields["csrfmiddlewaretoken"]}
    for id in (mine["session"], mine["authorization"], str(uuid.uuid4())):
        for path in (f"/account/sessions/{id}/end/", f"/account/apps/{id}/remove/"):
            assert attacker.http.post(path, data=proof, headers={"Origin": crowd.url}).status_code == 404, path
        assert attacker.http.get(f"/account/apps/{id}/remove/").status_code == 404
        assert attacker.http.delete(f"/api/sessions/{id}/", headers=bearer(pair["access"])).status_code == 404
    assert is_signed_in(hers) and crowd.opens(tokens["access_token"])
    listed = attacker.http.get("/api/sessions/", headers=bearer(pair["access"])).json()["results"]
    assert mine["session"] not in str(listed) and len(listed) == 2
    for bent in ("0", "../sessions", "%00", f"{mine['session']}%20"):
        assert attacker.http.delete(f"/api/sessions/{bent}/", headers=bearer(pair["access"])).status_code in {404, 405}


# --- AC-44 ----------------------------------------------------------------------------------------------------


def test_ac_44_one_sees_and_ends_ones_sessions(crowd: Crowd):
    alice = crowd.person("alice")
    here, there, pair = crowd.signed_in(alice), crowd.signed_in(alice), crowd.pair(alice)
    page = here.open("/account/sessions/").page.text
    ends = re.findall(r'action="(/account/sessions/[0-9a-f-]{36}/end/)"', page)
    assert len(ends) == 2 and page.count("This device") == 1
    proof = here.form("csrfmiddlewaretoken").fields
    for path in ends:
        assert here.http.post(path, data=proof, headers={"Origin": crowd.url}).status_code == 302
    assert is_signed_in(here) and not is_signed_in(there)
    assert not crowd.refreshes(pair)
    eventually(lambda: not crowd.opens(pair["access"]))
    assert len(crowd.events("session_revoked", alice.id)) == 2


def test_ac_44_one_sees_and_removes_what_one_allowed(crowd: Crowd):
    alice = crowd.person("alice")
    browser = crowd.signed_in(alice)
    tokens = crowd.allowed(browser)
    page = browser.open("/account/apps/").page.text
    [remove] = re.findall(r'href="(/account/apps/[0-9a-f-]{36}/remove/)"', page)
    browser.open(remove)
    assert crowd.opens(tokens["access_token"])  # to look removes nothing
    browser.http.post(remove, data=browser.form("csrfmiddlewaretoken").fields, headers={"Origin": crowd.url})
    assert not crowd.refreshes(tokens)
    eventually(lambda: not crowd.opens(tokens["access_token"]))
    assert remove not in browser.open("/account/apps/").page.text
    assert crowd.events("authorization_withdrawn", alice.id)


# --- AC-42 ----------------------------------------------------------------------------------------------------

_LONG_AGO = """
from datetime import timedelta
from django.utils import timezone
from authcenter.sessions.models import Session
answer = Session.objects.filter(user=whom).update(auth_time=timezone.now() - timedelta(hours=1))
"""


def _asks_for_deletion(browser: Stranger, **more: str) -> httpx.Response:
    fields = browser.open("/account/").form("given_name").fields
    proof = {"csrfmiddlewaretoken": fields["csrfmiddlewaretoken"], **more}
    return browser.http.post("/account/data/delete/", data=proof, headers={"Origin": browser.url})


def test_ac_42_an_old_sign_in_deletes_nothing_without_the_password(crowd: Crowd):
    alice = crowd.person("alice")
    browser = crowd.signed_in(alice)
    crowd.inside(_LONG_AGO, whom=alice.id)
    for password in ("", PASSWORD):  # a guess at a field that is not there
        answer = _asks_for_deletion(browser, password=password)
        assert answer.status_code == 302 and answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert is_signed_in(browser) and not crowd.events("deletion_asked", alice.id)
    browser.open("/account/data/delete/").submit("password", password=WRONG)
    assert not crowd.events("deletion_asked", alice.id)
    stranger = crowd.browser()
    assert stranger.http.post("/account/data/delete/").status_code in {302, 403}


def test_ac_42_deletion_ends_everything_everywhere(crowd: Crowd):
    alice = crowd.person("alice")
    browser, other = crowd.signed_in(alice), crowd.signed_in(alice)
    pair, tokens = crowd.pair(alice), crowd.allowed(browser)
    assert _asks_for_deletion(browser).status_code == 302
    assert crowd.events("deletion_asked", alice.id)
    assert not is_signed_in(browser) and not is_signed_in(other)
    assert not crowd.refreshes(pair) and not crowd.refreshes(tokens)
    eventually(lambda: not crowd.opens(pair["access"]) and not crowd.opens(tokens["access_token"]))
    assert crowd.guess(alice.email, PASSWORD).status_code == 401
    assert "Your account will be deleted" in crowd.mails(alice.email)[-1]


# --- AC-46 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "email",
    [
        "a@example.com\r\nBcc: b@evil.test",
        "a@example.com\nX: y",
        "<b>a@example.com",
        "a@example.com,b@evil.test",
        "a b@c.d",
    ],
    ids=["crlf", "lf", "html", "two", "space"],
)
@pytest.mark.parametrize("door", ["/accounts/signup/", "/accounts/password/reset/"])
def test_ac_46_an_address_that_is_more_than_an_address_is_refused(crowd: Crowd, door, email):
    sent = len(crowd.server.mails())
    browser = crowd.browser().open(door)
    more = {"password1": NEW} if "signup" in door else {}
    page = browser.submit("email", email=email, **more).page
    assert page.url.path == door and "<b>a@" not in page.text
    assert len(crowd.server.mails()) == sent


def test_ac_46_names_are_text_on_pages_and_agents_are_not_in_mails(crowd: Crowd):
    alice = crowd.person("alice")
    browser, bad = crowd.signed_in(alice), '"><script>alert(1)</script><a href=https://evil.test>'
    shown = browser.open("/account/").submit("given_name", name=bad, given_name=bad, family_name=bad).page.text
    assert "<script>alert" not in shown and "&lt;script&gt;" in shown
    asking = crowd.browser()
    asking.http.headers["User-Agent"] = "Visit https://evil.test <b>now</b>"
    asking.open("/accounts/password/reset/").submit("email", email=alice.email)
    assert "evil" not in crowd.mails(alice.email)[-1] and "<b>" not in crowd.mails(alice.email)[-1]
    crowd.inside("from accounts.models import User\nUser.objects.filter(pk=w).update(name=n)", w=alice.id, n=bad)
    root = crowd.signed_in(crowd.person("root", is_staff=True, is_superuser=True))
    assert "<script>alert" not in root.open(f"/admin/accounts/user/?q={alice.email}").page.text
