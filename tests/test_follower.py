"""This server's own view of the revocations: no statement a request, and never older than it says."""

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.sessions import view
from authcenter.sessions.models import Feed, Revocation
from authcenter.sessions.revocation import Kind, begin_new_feed, end_all_of_user, revoke
from authcenter.sessions.view import Follower
from tests.tokens import access_token, get, parts, session_token

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS = "/demo/api/orders/"


def orders_token(user: Any, **changes: Any) -> str:
    return access_token(user, aud=f"{settings.ISSUER}/demo/api", scope="orders:read", **changes)


def test_a_call_costs_no_statement(client: Any, sql: Any, person: Any, fresh_view: None) -> None:
    alice = person()
    for token in (orders_token(alice), orders_token(None)):
        with sql() as statements:
            assert get(client, ORDERS, token).status_code == 200
        statements.assert_at_most(0)


def test_who_looks_at_the_person_pays_one_exact_statement(client: Any, sql: Any, person: Any, fresh_view: None) -> None:
    alice = person()
    token = session_token(alice)
    with sql() as statements:
        assert get(client, "/api/me/", token).status_code == 200
    statements.assert_at_most(1)
    Revocation.objects.create(  # as another worker would; this one has not looked since
        sequence=1, kind=Kind.SESSION, subject=parts(token)[1]["sid"], expires=timezone.now() + timedelta(days=1)
    )
    assert get(client, "/api/me/", token).status_code == 401


def test_an_act_of_this_process_counts_at_its_next_request(client: Any, person: Any, fresh_view: None) -> None:
    alice = person()
    token = orders_token(alice)
    assert get(client, ORDERS, token).status_code == 200
    end_all_of_user(alice.pk, reason="test")
    assert get(client, ORDERS, token).status_code == 401


def test_news_of_its_own_are_known_without_a_look(sql: Any, fresh_view: None) -> None:
    revoke(Kind.TOKEN, "first", reason="test")  # of a feed that was not there before
    assert view.follower.is_revoked({"jti": "first"})
    revoke(Kind.TOKEN, "second", reason="test")
    with sql() as statements:
        assert view.follower.is_revoked({"jti": "second"}) and view.follower.position().sequence == 2
    statements.assert_at_most(0)


def test_news_of_its_own_hide_none_of_others(fresh_view: None) -> None:
    revoke(Kind.TOKEN, "first", reason="test")
    assert view.follower.is_revoked({"jti": "first"})
    Feed.objects.update(sequence=2)
    Revocation.objects.create(  # as another worker would; this one has not looked since
        sequence=2, kind=Kind.TOKEN, subject="another's", expires=timezone.now() + timedelta(days=1)
    )
    revoke(Kind.TOKEN, "mine", reason="test")
    assert view.follower.is_revoked({"jti": "mine"}) and view.follower.is_revoked({"jti": "another's"})


def test_what_is_rolled_back_is_no_news(fresh_view: None) -> None:
    revoke(Kind.TOKEN, "first", reason="test")
    view.follower.look()
    with pytest.raises(DatabaseError), transaction.atomic():
        revoke(Kind.TOKEN, "second", reason="test")
        raise DatabaseError("later in the act")
    assert not view.follower.is_revoked({"jti": "second"}) and view.follower.position().sequence == 1


def test_another_process_knows_within_the_bound() -> None:
    others = [Follower() for _ in range(3)]
    for number in range(20):
        claims = {"jti": f"token-{number}"}
        assert not any(other.is_revoked(claims) for other in others)
        revoke(Kind.TOKEN, claims["jti"], reason="test")
        time.sleep(view.BOUND_SECONDS)  # a view of this age is not answered from, however slow this machine is
        assert all(other.is_revoked(claims) for other in others)


def test_many_requests_share_one_look(parallel: Any, monkeypatch: Any) -> None:
    looks = []
    other = Follower()
    look = other._look
    monkeypatch.setattr(other, "_look", lambda: (looks.append(1), look(), time.sleep(0.05)))
    for name in ("FRESH_SECONDS", "BOUND_SECONDS"):  # the first view is none; what follows is fresh, on any machine
        monkeypatch.setattr(view, name, 30.0)
    revoke(Kind.TOKEN, "dead", reason="test")
    answers = parallel(12, lambda number: other.is_revoked({"jti": "dead" if number % 2 else "living"}))
    assert answers == [False, True] * 6
    assert len(looks) == 1


def test_one_that_looks_does_not_hold_up_those_whose_view_is_fresh_enough(monkeypatch: Any, parallel: Any) -> None:
    other = Follower()
    other.is_revoked({})
    monkeypatch.setattr(view, "BOUND_SECONDS", 30.0)
    monkeypatch.setattr(other, "_look", lambda: time.sleep(3))
    time.sleep(view.FRESH_SECONDS)
    took = []

    def ask(number: int) -> None:
        began = time.monotonic()
        other.is_revoked({})
        took.append(time.monotonic() - began)

    parallel(4, ask)
    assert sum(seconds > 2.5 for seconds in took) == 1


def test_what_was_rolled_back_is_not_remembered_and_its_number_may_come_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(view, "FRESH_SECONDS", 0.0)
    other = Follower()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        revoke(Kind.TOKEN, "never happened", reason="test")
        assert other.is_revoked({"jti": "never happened"})
        raise ZeroDivisionError
    assert not other.is_revoked({"jti": "never happened"})
    revoke(Kind.TOKEN, "happened", reason="test")
    assert other.is_revoked({"jti": "happened"})
    assert not other.is_revoked({"jti": "never happened"})


def test_while_the_database_is_silent_nothing_is_accepted_on_an_old_view(monkeypatch: Any) -> None:
    other = Follower()
    other.is_revoked({})

    def silent() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(other, "_look", silent)
    time.sleep(view.BOUND_SECONDS + 0.01)
    with pytest.raises(DatabaseError):
        other.is_revoked({})


@pytest.mark.parametrize("new_name", [True, False])
def test_a_restored_backup_revives_nothing_in_a_worker_that_saw_it(new_name: bool, monkeypatch: Any) -> None:
    monkeypatch.setattr(view, "FRESH_SECONDS", 0.0)
    other = Follower()
    revoke(Kind.TOKEN, "before", reason="test")
    revoke(Kind.TOKEN, "after", reason="test")
    assert other.is_revoked({"jti": "after"})
    Revocation.objects.filter(subject="after").delete()
    Feed.objects.update(sequence=1)
    if new_name:
        begin_new_feed()
    else:
        assert other.is_revoked({"jti": "after"})  # it has looked meanwhile
    revoke(Kind.TOKEN, "later", reason="test")  # takes a number that was given out before
    assert [other.is_revoked({"jti": jti}) for jti in ("before", "after", "later")] == [True, True, True]


def test_a_compromised_key_is_refused_before_the_ring_is_read_again(client: Any, person: Any) -> None:
    alice = person()
    token = orders_token(alice)
    assert get(client, ORDERS, token).status_code == 200
    kid = parts(token)[0]["kid"]
    Key.objects.filter(kid=kid).update(state=Key.State.REVOKED)  # by another worker, whose ring is not ours
    assert ring.key(kid)
    revoke(Kind.KEY, kid, reason="test")
    assert get(client, ORDERS, token).status_code == 401


def test_epochs(client: Any) -> None:
    other = Follower()
    user = str(uuid4())
    revoke(Kind.USER, user, epoch=3, reason="test")
    assert [other.is_revoked({"sub": user, "uep": epoch}) for epoch in (2, 3, 4)] == [True, False, False]
    assert other.is_revoked({"sub": user})


def test_an_act_that_is_committed_while_another_thread_looks_is_looked_for_again(monkeypatch: Any) -> None:
    own, position = Follower(), view._position_now

    def overtaken() -> Any:
        found = position()
        if not Revocation.objects.exists():
            with transaction.atomic():
                revoke(Kind.TOKEN, "late", reason="test")
            own.heed("", 0, [])  # what the thread that revoked does: the one that looks holds the lock
        return found

    monkeypatch.setattr(view, "_position_now", overtaken)
    assert own.is_revoked({"jti": "other"}) is False
    assert own.is_revoked({"jti": "late"}) is True
