"""What a hostile review found, as it was proved: revocation under odd clocks, sizes, silence and slowness."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from authcenter.keys import rotation
from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.oauth.models import API as Api
from authcenter.outbox import sending
from authcenter.outbox.models import Delivery
from authcenter.resource_server import InvalidToken, Issuer, RevokedToken, StaleView, Verifier
from authcenter.resource_server.http import MOST_BYTES
from authcenter.resource_server.signature import declared_key, signed_claims
from authcenter.resource_server.view import View
from authcenter.server.restoring import end_everything
from authcenter.sessions import feed
from authcenter.sessions.models import Feed, Receiver, Revocation, Session
from authcenter.sessions.revocation import Kind, end_all_of_user, end_session, revoke
from authcenter.sessions.view import follower
from tests.console_pages import confirm
from tests.issuer import API, fake_issuer
from tests.receiver import listener

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


@pytest.mark.parametrize("when_stale", ["accept", "refuse"])
def test_a_long_feed_does_not_blind_an_api(when_stale):
    with fake_issuer() as there:
        for number in range(6_000):
            there.revoke("session", SESSION % number)
        verifier = Verifier(there.url, API, when_stale=when_stale)
        with pytest.raises(RevokedToken):
            verifier.verify(there.token(sid=SESSION % 7))
        assert verifier.verify(there.token(sid="living")).subject == "alice"


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
    assert declared_key(told) != kid


def test_after_a_restore_new_epochs_are_above_those_that_apis_hold(person, db):
    alice, view = person(), View()
    for _act in range(3):
        end_all_of_user(alice.pk, reason="test")
    view.add("user", str(alice.pk), 3)
    type(alice).objects.filter(pk=alice.pk).update(epoch=0)  # the backup
    end_everything()
    alice.refresh_from_db()
    assert not view.is_revoked({"sub": str(alice.pk), "uep": alice.epoch})


@pytest.mark.django_db(transaction=True)
def test_many_acts_and_single_ones_do_not_wait_for_each_other(person, client, sign_in):
    """An operator ends many sessions, and people sign out meanwhile, the last ones first."""
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True))
    alice, faults = person(), []
    ends = timezone.now() + timedelta(days=1)
    sessions = [
        Session.objects.create(user=alice, user_epoch=0, kind="api", expires=ends, idle_seconds=9999) for _ in range(45)
    ]
    chosen = {"action": "end_selected", "_selected_action": [str(one.pk) for one in sessions]}
    gate = threading.Barrier(2)

    def alone(act: Callable[[], Any]) -> None:
        try:
            gate.wait()
            act()
        except Exception as fault:
            faults.append(fault)
        finally:
            connections.close_all()

    def sign_outs() -> None:
        for session in sorted(sessions, key=lambda one: one.last_seen):
            end_session(session.pk, reason="signed out")

    def bulk() -> None:
        assert confirm(client, "/admin/signins/session/", **chosen).status_code == 302

    threads = [threading.Thread(target=alone, args=[act]) for act in (bulk, sign_outs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults and not Session.objects.filter(user=alice, ended=None).exists()


def test_an_old_signed_answer_does_not_count_as_fresh():
    with fake_issuer() as there:
        verifier = Verifier(Issuer(there.url, poll=0.05), API, stale_after=0.5)
        token = there.token(jti="X")
        verifier.verify(token)
        said = {"iss": there.url, "iat": 1, "as_of": time.time() - 3600, "feed": there.feed, "from": 0, "to": 0}
        old, ask = there.sign("revocations+jwt", {**said, "entries": []}).encode(), there.answer
        there.answer = lambda m, path, h, b: (200, {}, old) if "revocations" in path else ask(m, path, h, b)  # type: ignore
        time.sleep(1)
        with pytest.raises(StaleView):
            verifier.verify(token)
        there.answer = ask  # type: ignore[method-assign]
        time.sleep(0.3)
        assert verifier.verify(token).subject == "alice"


def test_first_tokens_that_come_at_once_are_all_accepted():
    with fake_issuer() as there:
        verifier, token, said = Verifier(there.url, API), there.token(), []

        def one() -> None:
            try:
                said.append(verifier.verify(token).subject)
            except InvalidToken as error:
                said.append(repr(error))

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == ["alice"] * 8


def test_while_no_key_is_known_nothing_is_said_of_a_token():
    with fake_issuer() as there:
        verifier, token = Verifier(there.url, API), there.token()
        there.silent = True
        with pytest.raises(StaleView):
            verifier.verify(token)
        there.silent = False
        time.sleep(0.6)
        assert verifier.verify(token).subject == "alice"


def test_a_made_up_kid_does_not_use_up_the_keys_of_the_feed():
    from joserfc.jwk import ECKey

    with fake_issuer() as there:
        verifier = Verifier(Issuer(there.url, poll=0.05), API)
        verifier.verify(there.token())
        good, there.kid = there.kid, "made up"
        made_up, there.kid = there.token(), good
        verifier.source._keys_at = float("-inf")  # type: ignore[union-attr]
        with pytest.raises(InvalidToken):
            verifier.verify(made_up)
        there.key, there.kid = ECKey.generate_key("P-256"), "new"
        there.revoke("token", "X")
        began = time.monotonic()
        while not verifier.source.view.is_revoked({"jti": "X"}):  # type: ignore[union-attr]
            assert time.monotonic() - began < 2
            time.sleep(0.02)


@pytest.mark.parametrize("garbage", ["x" * 600, "a b", "é", "\x00", "<>"])
def test_what_is_no_opaque_token_is_not_asked_about(garbage):
    with fake_issuer() as there:
        verifier = Verifier(Issuer(there.url, client_id="api", client_secret="secret"), API)
        with pytest.raises(InvalidToken):
            verifier.verify(garbage)
        assert not any("introspect" in path for _method, path, _headers in there.asked)


def test_slow_receivers_do_not_hold_up_the_others(settings, transactional_db):
    settings.OUTBOUND_ALLOWED = ["127.0.0.1/32"]
    message = sending.Message(claims={}, typ="secevent+jwt", algorithm="ES256", content_type="application/secevent+jwt")
    with ExitStack() as stack:
        slow = [stack.enter_context(listener()) for _ in range(8)]
        quick = stack.enter_context(listener())
        for number, receiver in enumerate(slow):
            receiver.pause = 1.2
            for _ in range(4):
                sending.enqueue("revocation", receiver=f"slow{number}", target=receiver.url, message=message)  # type: ignore
        sending.run()
        time.sleep(0.1)
        sending.enqueue("revocation", receiver="quick", target=quick.url, message=message)  # type: ignore[arg-type]
        began = time.monotonic()
        while not quick.got:
            assert time.monotonic() - began < 4  # not after four messages of each
            sending.run()
            time.sleep(0.05)
        while Delivery.objects.filter(next_at__isnull=False).exists():
            sending.run()
            time.sleep(0.1)


def test_an_api_that_is_switched_off_is_told_nothing(db):
    api = Api.objects.create(identifier="https://gone.test", name="Gone", is_active=False)
    Receiver.objects.create(api=api, url="https://gone.test/push")
    revoke(Kind.TOKEN, "one", reason="test")
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("after", [10**15, 10**17])
def test_a_number_that_is_made_up_makes_no_answer_of_its_own(client, db, after):
    many_revocations(10)
    client.get("/.well-known/revocations")
    kept = dict(feed._kept)
    client.get(f"/.well-known/revocations?after={after}")
    assert feed._kept.keys() == kept.keys()
