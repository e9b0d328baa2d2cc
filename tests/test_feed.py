"""GET /.well-known/revocations: signed, in order, without gaps, small when there is nothing new."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from authcenter.keys import rotation
from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.resource_server.http import MOST_BYTES
from authcenter.resource_server.signature import declared_header, signed_claims
from authcenter.resource_server.view import View
from authcenter.sessions import feed
from authcenter.sessions.models import Feed, Revocation
from authcenter.sessions.revocation import Kind, begin_new_feed, end_all_of_user, revoke
from authcenter.sessions.view import BOUND_SECONDS, follower


def ask(client, after=None, **headers):
    query = {} if after is None else {"after": after}
    return client.get("/.well-known/revocations", query, headers=headers)


def told(response):
    assert response.status_code == 200 and response["Content-Type"] == "application/jwt"
    return ring.verify(response.content.decode(), typ=[feed.TYP])


def dead(*subjects):
    for subject in subjects:
        revoke(Kind.TOKEN, subject, reason="test")


def test_before_the_first_revocation_the_list_is_empty(client, db):
    claims = told(ask(client))
    assert (claims["from"], claims["to"], claims["entries"]) == (0, 0, [])
    assert claims["iss"] == "http://localhost:8000" and abs(claims["as_of"] - timezone.now().timestamp()) < 60


def test_everything_and_then_the_news(client, person):
    alice = person()
    dead("a", "b")
    everything = told(ask(client))
    assert everything["entries"] == [{"kind": "token", "id": "a"}, {"kind": "token", "id": "b"}]
    assert (everything["from"], everything["to"]) == (0, 2)
    end_all_of_user(alice.pk, reason="test")
    news = told(ask(client, after=2))
    assert news["entries"] == [{"kind": "user", "id": str(alice.pk), "epoch": 1}]
    assert (news["from"], news["to"], news["feed"]) == (2, 3, everything["feed"])


def test_nothing_new_is_a_304_with_one_statement(client, sql):
    dead("a")
    first = ask(client, after=1)
    assert told(first)["entries"] == []
    with sql() as statements:
        again = ask(client, after=1, if_none_match=first["ETag"])
    assert again.status_code == 304 and again.content == b""
    statements.assert_at_most(1)
    dead("b")
    assert ask(client, after=1, if_none_match=first["ETag"]).status_code == 200


def as_another_node(*subjects):
    """Rows as a worker elsewhere commits them; this one has not looked since."""
    feed = Feed.objects.get()
    for subject in subjects:
        feed.sequence += 1
        expires = timezone.now() + timedelta(days=1)
        Revocation.objects.create(sequence=feed.sequence, kind=Kind.TOKEN, subject=subject, expires=expires)
    feed.save()


def test_many_who_ask_for_the_news_cost_no_statement_each(client, transactional_db, sql, fresh_view, monkeypatch):
    monkeypatch.setattr(feed, "KEPT_SECONDS", 60.0)  # however slow this machine is
    dead("a")
    first, snapshot = ask(client, after=1), ask(client)
    with sql() as statements:
        for _ in range(5):
            assert ask(client, after=1).content == first.content  # an ES256 signature is another each time
            assert ask(client).content == snapshot.content
            assert ask(client, after=1, if_none_match=first["ETag"]).status_code == 304
    statements.assert_at_most(0)


def test_what_is_kept_of_an_answer_is_never_given_after_a_revocation(client, transactional_db, fresh_view):
    dead("a")
    assert [told(ask(client, after=after))["to"] for after in (0, 1)] == [1, 1]
    dead("b")
    assert [len(told(ask(client, after=after))["entries"]) for after in (0, 1)] == [2, 1]


def test_what_is_kept_of_an_answer_is_signed_anew_after_a_moment(client, transactional_db, fresh_view, monkeypatch):
    dead("a")
    first = ask(client)
    monkeypatch.setattr(feed, "KEPT_SECONDS", 0.0)
    assert ask(client).content != first.content


def test_another_nodes_revocation_is_in_the_feed_within_the_bound(client, transactional_db):
    dead("a")
    assert told(ask(client, after=1))["to"] == 1
    as_another_node("b")
    time.sleep(BOUND_SECONDS)  # by the age of the view, not by how long this machine takes to answer
    answer = ask(client, after=1)
    assert told(answer)["entries"] == [{"kind": "token", "id": "b"}] and told(answer)["to"] == 2


def test_what_was_committed_since_the_look_is_told_with_its_number(client, transactional_db, fresh_view):
    """Never the entry without the number: who has it must not be told it again, nor wait for what is before it."""
    dead("a")
    told(ask(client, after=1))
    as_another_node("b")
    claims = told(ask(client))
    assert [entry["id"] for entry in claims["entries"]] == ["a", "b"] and claims["to"] == 2


def test_who_knows_more_than_this_worker_is_not_sent_everything_again(client, transactional_db, fresh_view):
    dead("a")
    assert told(ask(client, after=1))["to"] == 1
    as_another_node("b", "c")
    time.sleep(0.03)  # numbers that are made up must not make it look at every request
    claims = told(ask(client, after=3))
    assert (claims["from"], claims["to"], claims["entries"]) == (3, 3, [])


def test_strangers_cannot_fill_the_memory_with_answers(client, transactional_db, fresh_view):
    dead(*(f"t{number}" for number in range(feed.MOST_KEPT + 5)))
    for after in range(feed.MOST_KEPT + 5):
        told(ask(client, after=after))
    assert len(feed._kept) <= feed.MOST_KEPT


@pytest.mark.parametrize("after", [99, 10**15])
def test_a_number_of_the_future_is_answered_by_a_snapshot(client, db, after):
    dead("a")
    assert told(ask(client, after=after))["from"] == 0


def test_who_comes_from_too_far_back_gets_a_snapshot(client, db):
    dead("a", "b", "c", "d")
    Revocation.objects.filter(sequence__lte=3).delete()
    claims = told(ask(client, after=1))
    assert (claims["from"], claims["to"], claims["entries"]) == (0, 4, [{"kind": "token", "id": "d"}])
    assert told(ask(client, after=3))["from"] == 3


def test_a_long_list_comes_in_pieces_that_meet(client, db, monkeypatch):
    monkeypatch.setattr(feed, "MOST_ENTRIES", 2)
    dead("a", "b", "c", "d", "e")
    seen, after, more = [], 0, True
    while more:
        claims = told(ask(client, after=after))
        assert claims["from"] == after
        seen += [entry["id"] for entry in claims["entries"]]
        after, more = claims["to"], claims.get("more", False)
    assert seen == ["a", "b", "c", "d", "e"] and after == 5


def test_a_restored_feed_has_another_name(client, db):
    dead("a")
    before = told(ask(client))["feed"]
    begin_new_feed()
    dead("b")
    assert told(ask(client))["feed"] != before and Feed.objects.get().sequence == 2


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "", "٣", "9" * 19, "1\x00"])
def test_a_number_that_is_none_is_refused(client, db, after):
    response = ask(client, after=after)
    assert response.status_code == 400 and response.json()["error"] == "invalid_request"


def test_it_may_be_cached_for_a_second_and_read_from_anywhere(client, db):
    response = ask(client)
    assert response["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert response["Access-Control-Allow-Origin"] == "*" and not response.cookies
    assert client.post("/.well-known/revocations").status_code == 405


def test_parallel_acts_are_numbered_without_gaps_and_none_appears_late(transactional_db, parallel, client):
    """Whoever has read up to N never finds a number up to N later: the follower would miss it."""
    seen = []

    def act(number):
        if number % 4 == 0:
            claims = told(ask(client.__class__(HTTP_HOST="localhost")))
            seen.append((claims["to"], {entry["id"] for entry in claims["entries"]}))
        else:
            revoke(Kind.TOKEN, f"t{number}", reason="test")

    parallel(16, act)
    numbers = sorted(Revocation.objects.values_list("sequence", flat=True))
    assert numbers == list(range(1, 13))
    by_number = dict(Revocation.objects.values_list("sequence", "subject"))
    for to, ids in seen:
        assert {by_number[number] for number in range(1, to + 1)} <= ids


SESSION = "2e3e3f19-0000-0000-0000-%012d"


def many_revocations(count: int) -> None:
    revoke(Kind.TOKEN, "first", reason="test")
    position, ends = Feed.objects.get(), timezone.now() + timedelta(days=1)
    Revocation.objects.bulk_create(
        Revocation(sequence=position.sequence + 1 + number, kind="session", subject=SESSION % number, expires=ends)
        for number in range(count)
    )
    Feed.objects.update(sequence=position.sequence + count)
    follower.forget()


def test_a_feed_of_ten_thousand_is_read_by_the_library(client, db):
    many_revocations(feed.MOST_ENTRIES * 2)
    view, more = View(), True
    while more:
        body = client.get(f"/.well-known/revocations?after={view.sequence}").content.decode()
        claims = signed_claims(body, ring, types=["revocations+jwt"], longest=MOST_BYTES).claims
        entries = [(entry["kind"], entry["id"], entry.get("epoch")) for entry in claims["entries"]]
        view.take(claims["feed"], claims["from"], claims["to"], entries)
        more = claims.get("more", False)
    assert len(view) == feed.MOST_ENTRIES * 2 + 1 and view.is_revoked({"sid": SESSION % 9_999})


def test_a_clock_that_leapt_hides_nothing_from_a_snapshot(client, db, monkeypatch):
    revoke(Kind.SESSION, "S", reason="test")
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(days=2))
    claims = ring.verify(client.get("/.well-known/revocations").content.decode(), typ=["revocations+jwt"])
    assert [entry["id"] for entry in claims["entries"]] == ["S"]


def test_a_key_that_another_worker_revoked_signs_nothing_more(client, transactional_db, monkeypatch):
    ring.jwks()
    kid = Key.objects.get(algorithm="ES256", state="active").kid
    with monkeypatch.context() as elsewhere:  # this worker's ring is not told
        elsewhere.setattr(rotation.ring, "forget", lambda: None)
        rotation.revoke_key(kid)
        elsewhere.setattr(follower, "hurry", lambda: None)
        revoke(Kind.KEY, kid, reason="compromised")
    time.sleep(0.25)
    told = client.get("/.well-known/revocations").content.decode()
    assert declared_header(told).key_id != kid


@pytest.mark.parametrize("after", [10**15, 10**17])
def test_a_number_that_is_made_up_makes_no_answer_of_its_own(client, db, after):
    many_revocations(10)
    client.get("/.well-known/revocations")
    kept = dict(feed._kept)
    client.get(f"/.well-known/revocations?after={after}")
    assert feed._kept.keys() == kept.keys()
