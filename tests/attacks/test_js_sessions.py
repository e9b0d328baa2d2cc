"""JS: what ends a JWT session ends it, in every worker, and what does not belong to one opens none."""

import pytest

from tests.attacks.people_rig import NEW, PASSWORD, Crowd, bearer, eventually
from tests.console_pages import submit

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

_SESSION = """
from datetime import timedelta
from django.utils import timezone
from authcenter.sessions.models import Session
found = Session.objects.filter(user=whom, kind="api")
"""


@pytest.fixture(scope="module")
def root(crowd: Crowd):
    return crowd.operator(is_superuser=True)[1]


def verifies(crowd: Crowd, token: str) -> bool:
    with crowd.client() as client:
        return client.post("/api/token/verify/", json={"token": token}).status_code == 200


def dead_in_every_worker(crowd: Crowd, token: str) -> bool:
    """A new connection each time: either worker takes it."""
    return not any(crowd.opens(token) for _ in range(8))


def assert_dead(crowd: Crowd, pair: dict[str, str]) -> None:
    """Exact where a decision is (refresh, verify), within the documented bound at the API."""
    assert not crowd.refreshes(pair) and not verifies(crowd, pair["access"])
    eventually(lambda: dead_in_every_worker(crowd, pair["access"]))


def test_js_01_a_session_that_was_ended_elsewhere_is_dead(crowd: Crowd):
    alice = crowd.person("alice")
    browser, pair, other = crowd.signed_in(alice), crowd.pair(alice), crowd.pair(alice)
    listed = browser.http.get("/api/sessions/", headers=bearer(other["access"])).json()["results"]
    mine = crowd.inside(_SESSION + "answer = found.order_by('created').first().pk", whom=alice.id)
    assert mine in {one["id"] for one in listed}
    proof = browser.open("/account/sessions/").form("csrfmiddlewaretoken").fields
    ended = browser.http.post(f"/account/sessions/{mine}/end/", data=proof, headers={"Origin": crowd.url})
    assert ended.status_code == 302
    assert_dead(crowd, pair)
    assert crowd.opens(other["access"]) and crowd.refreshes(other)


def test_js_02_a_disabled_persons_tokens_are_dead(crowd: Crowd, root):
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    assert submit(root, f"/admin/accounts/user/{alice.id}/change/", is_active=None).status_code == 302
    assert_dead(crowd, pair)
    assert crowd.guess(alice.email, PASSWORD).status_code == 401
    assert submit(root, f"/admin/accounts/user/{alice.id}/change/", is_active="on").status_code == 302
    assert_dead(crowd, pair)  # coming back revives nothing


def test_js_02_also_where_the_database_alone_says_so(crowd: Crowd):
    """By a script of the operator's, say: nobody called what ends things."""
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    crowd.inside("from accounts.models import User\nUser.objects.filter(pk=w).update(is_active=False)", w=alice.id)
    assert not crowd.opens(pair["access"]) and not verifies(crowd, pair["access"]) and not crowd.refreshes(pair)


def test_js_03_a_changed_password_ends_the_tokens(crowd: Crowd):
    alice = crowd.person("alice")
    pairs = [crowd.pair(alice), crowd.pair(alice)]
    browser = crowd.signed_in(alice).open("/accounts/password/change/")
    browser.submit("oldpassword", oldpassword=PASSWORD, password1=NEW, password2=NEW)
    for pair in pairs:
        assert_dead(crowd, pair)
    assert verifies(crowd, crowd.pair(alice, NEW)["access"])


def test_js_04_a_deleted_persons_tokens_are_dead(crowd: Crowd, root):
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    assert root.post(f"/admin/accounts/user/{alice.id}/delete/", data={"post": "yes"}).status_code == 302
    assert_dead(crowd, pair)
    with crowd.client() as client:
        assert client.post("/api/token/logout/", json={"refresh": pair["refresh"]}).status_code in {204, 401}


def test_js_04_also_where_the_row_is_gone_without_a_word(crowd: Crowd):
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    crowd.inside("from accounts.models import User\nUser.objects.filter(pk=w).delete()", w=alice.id)
    assert not crowd.opens(pair["access"]) and not verifies(crowd, pair["access"]) and not crowd.refreshes(pair)


def refreshed(crowd: Crowd, token: str) -> tuple[int, dict[str, str]]:
    with crowd.client() as client:
        answer = client.post("/api/token/refresh/", json={"refresh": token})
        return answer.status_code, crowd.noted(answer.json())


def test_js_05_a_refresh_token_that_comes_back_ends_the_session(crowd: Crowd):
    alice = crowd.person("alice")
    first, other = crowd.pair(alice), crowd.pair(alice)
    _status, second = refreshed(crowd, first["refresh"])
    assert refreshed(crowd, first["refresh"])[0] == 401
    assert_dead(crowd, second)
    assert_dead(crowd, first)
    assert len(crowd.events("refresh_replayed", alice.id)) == 1
    assert crowd.opens(other["access"])


def test_js_06_of_twenty_refreshes_at_once_one_wins_at_most(crowd: Crowd, parallel):
    """And nothing lives twice: the others are replays, which end the session."""
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    answers = parallel(20, lambda _number: refreshed(crowd, pair["refresh"]))
    won = [tokens for status, tokens in answers if status == 200]
    assert len(won) <= 1 and {status for status, _tokens in answers} <= {200, 401}
    for tokens in won:
        assert_dead(crowd, tokens)
    assert len(crowd.events("refresh_replayed", alice.id)) == 1


@pytest.mark.parametrize(
    "earlier",
    ["last_seen=timezone.now() - timedelta(days=14)", "expires=timezone.now()"],
    ids=["idle", "absolute"],
)
def test_js_07_a_session_ends_when_idle_and_when_old(crowd: Crowd, earlier):
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    crowd.inside(f"{_SESSION}found.update({earlier})", whom=alice.id)
    assert not crowd.refreshes(pair)
    with crowd.client() as client:
        fresh = crowd.pair(alice)
        listed = client.get("/api/sessions/", headers=bearer(fresh["access"])).json()["results"]
    assert len(listed) == 1


def test_js_07_no_token_outlives_its_session(crowd: Crowd):
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    crowd.inside(f"{_SESSION}found.update(expires=timezone.now() + timedelta(seconds=40))", whom=alice.id)
    _status, newer = refreshed(crowd, pair["refresh"])
    lives = "from authcenter.sessions.jwt import SessionRefreshToken as R, SessionAccessToken as A\nimport time\n"
    lives += "answer = [kind(token)['exp'] - time.time() for kind, token in ((A, access), (R, refresh))]"
    assert all(left <= 41 for left in crowd.inside(lives, access=newer["access"], refresh=newer["refresh"]))


_OLD = """
from authcenter.keys.ring import ring
from authcenter.sessions.jwt import SessionAccessToken
claims = dict(SessionAccessToken(token).payload)
claims |= {"exp": claims["iat"] - 1, "iat": claims["iat"] - 300}
answer = ring.sign(claims, typ="session+jwt", algorithm="ES256")
"""


@pytest.mark.parametrize("which", ["refresh", "access", "expired access", "used refresh"])
def test_js_08_any_token_of_a_session_signs_it_out(crowd: Crowd, which):
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    living = refreshed(crowd, pair["refresh"])[1] if which == "used refresh" else pair
    token = crowd.inside(_OLD, token=pair["access"]) if which == "expired access" else pair["access"]
    by_body = which.endswith("refresh")
    with crowd.client() as client:
        body, headers = ({"refresh": pair["refresh"]}, {}) if by_body else ({}, bearer(token))
        assert client.post("/api/token/logout/", json=body, headers=headers).status_code == 204
    assert_dead(crowd, living)
    assert crowd.events("signed_out", alice.id)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.e30", "null"])
def test_js_08_rubbish_signs_nobody_out(crowd: Crowd, token):
    with crowd.client() as client:
        assert client.post("/api/token/logout/", json={"refresh": token}).status_code in {400, 401}
        assert client.post("/api/token/logout/", json={}).status_code == 400


def test_js_09_one_call_ends_every_other_session(crowd: Crowd):
    alice = crowd.person("alice")
    pairs, browser = [crowd.pair(alice) for _ in range(3)], crowd.signed_in(alice)
    browser.open("/account/sessions/others/")
    fields = browser.form("csrfmiddlewaretoken").fields
    assert browser.http.post("/account/sessions/others/", data=fields, headers={"Origin": crowd.url}).status_code == 302
    for pair in pairs:
        assert_dead(crowd, pair)
    [event] = crowd.events("session_revoked", alice.id)
    assert event["detail"]["count"] == 3
    assert "This device" in browser.open("/account/sessions/").page.text
