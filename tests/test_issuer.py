"""The library over HTTP against an issuer that answers as each test wants: gaps, snapshots, silence, pushes."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from authcenter.resource_server import InvalidToken, Issuer, PushReceiver, RevokedToken, StaleView, Verifier
from authcenter.resource_server import view as view_of
from tests.issuer import API, FakeIssuer, fake_issuer


@pytest.fixture
def there() -> Iterator[FakeIssuer]:
    with fake_issuer() as issuer:
        yield issuer


@pytest.fixture
def follow(there: FakeIssuer) -> Iterator[Callable[..., Issuer]]:
    made = []

    def make(**options: Any) -> Issuer:
        made.append(Issuer(there.url, **{"poll": 0.02, "keys_again": 0.0, **options}))
        return made[-1]

    yield make
    for issuer in made:
        issuer.stop()


def soon(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def refused(verifier: Verifier, token: str, error: type[InvalidToken] = RevokedToken) -> bool:
    try:
        verifier.verify(token)
    except error:
        return True
    return False


def test_two_addresses_are_all_it_needs(there: FakeIssuer) -> None:
    verifier = Verifier(there.url, API)
    token = there.token(jti="one")
    assert verifier.verify(token).subject == "alice"
    there.revoke("token", "one")
    soon(lambda: refused(verifier, token))


@pytest.mark.parametrize(
    ("entry", "claims", "dies"),
    [
        (("session", "s1"), {"sid": "s1"}, True),
        (("authorization", "g1"), {"gid": "g1"}, True),
        (("family", "f1"), {"fid": "f1"}, True),
        (("token", "j1"), {"jti": "j1"}, True),
        (("user", "alice", 2), {"uep": 1}, True),
        (("user", "alice", 2), {"uep": 2}, False),
        (("user", "alice", 2), {}, True),
        (("application", "web", 1), {"aep": 0}, True),
        (("application", "web", 1), {"aep": 1}, False),
        (("key", "one"), {}, True),
        (("session", "s2"), {"sid": "s1", "gid": "s2", "jti": "s2"}, False),
        (("something-new", "x"), {"jti": "x"}, False),
    ],
)
def test_each_kind_of_entry(there: FakeIssuer, follow: Any, entry: Any, claims: Any, dies: bool) -> None:
    there.revoke(*entry)
    issuer = follow()
    verifier = Verifier(issuer, API)
    issuer.start()
    assert refused(verifier, there.token(**claims), InvalidToken) is dies


def test_the_first_token_that_is_seen_is_no_good_by_a_key_that_was_taken_back(there: FakeIssuer, follow: Any) -> None:
    """The keys come from a server or cache that has not heard of it, and the news only when a token is checked."""
    there.revoke("key", "one")
    verifier = Verifier(follow(), API)
    assert refused(verifier, there.token(), InvalidToken)
    assert len(verifier._checked._kept) == 1, "signature and claims were good"


def test_an_epoch_never_falls(there: FakeIssuer, follow: Any) -> None:
    there.revoke("user", "alice", 5)
    there.revoke("user", "alice", 3)
    issuer = follow()
    issuer.refresh()
    assert issuer.view.is_revoked({"sub": "alice", "uep": 4})


def test_nothing_new_is_a_304_on_one_kept_connection(there: FakeIssuer, follow: Any) -> None:
    there.revoke("token", "one")
    issuer = follow()
    for _ in range(5):
        issuer.refresh()
    feeds = [headers.get("if-none-match") for _method, path, headers in there.asked if "revocations" in path]
    assert len(feeds) == 5 and feeds[0] is None and feeds[-1] == '"feed-one-1-1"'
    assert issuer.age < 1


def test_a_gap_asks_for_a_snapshot_and_forgets_nothing(there: FakeIssuer, follow: Any) -> None:
    there.revoke("token", "one")
    issuer = follow()
    issuer.refresh()
    there.revoke("token", "two")
    there.changes = {"from": 7, "to": 9}  # news after a number that we do not have
    with_gap = len(there.asked)
    answered = there.answer

    def once(*arguments: Any) -> Any:
        answer = answered(*arguments)
        there.changes = {}
        return answer

    there.answer = once  # type: ignore[method-assign]
    issuer.refresh()
    assert [path.partition("&")[0] for _m, path, _h in there.asked[with_gap:]] == [
        "/.well-known/revocations?after=1",
        "/.well-known/revocations?after=0",
    ]
    assert issuer.view.is_revoked({"jti": "one"}) and issuer.view.is_revoked({"jti": "two"})


def test_no_cache_on_the_way_can_give_an_answer_of_an_earlier_half_second(
    there: FakeIssuer, follow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache's key is the address; what it keeps for "one second" may be two seconds old."""
    issuer = follow()
    for now in (1000.0, 1000.49, 1000.5, 1001.0):
        monkeypatch.setattr("authcenter.resource_server.issuer.time.time", lambda now=now: now)
        issuer.refresh()
    asked = [path for _method, path, _headers in there.asked if "revocations" in path][-4:]
    assert asked[0] == asked[1] and len({*asked}) == 3


def test_far_behind_means_a_snapshot(there: FakeIssuer, follow: Any) -> None:
    there.revoke("token", "one")
    issuer = follow()
    issuer.refresh()
    there.entries, there.first = [{"kind": "token", "id": "late"}], 40  # one to forty were swept meanwhile
    issuer.refresh()
    assert issuer.view.sequence == 41
    assert issuer.view.is_revoked({"jti": "late"})


@pytest.mark.parametrize("feed", ["feed-one", "feed-two"])
def test_a_restored_backup_revives_nothing_that_was_heard_of(there: FakeIssuer, follow: Any, feed: str) -> None:
    for jti in ("one", "two", "three"):
        there.revoke("token", jti)
    issuer = follow()
    issuer.refresh()
    there.entries, there.feed = there.entries[:1], feed
    issuer.refresh()
    assert issuer.view.sequence == 1 and issuer.view.feed == feed
    there.revoke("token", "four")
    issuer.refresh()
    assert all(issuer.view.is_revoked({"jti": jti}) for jti in ("one", "two", "three", "four"))


def test_what_was_heard_of_is_forgotten_when_no_token_can_be_left(
    there: FakeIssuer, follow: Any, monkeypatch: Any
) -> None:
    there.revoke("token", "old")
    issuer = follow()
    issuer.refresh()
    monkeypatch.setattr(view_of, "KEPT_SECONDS", -1.0)
    there.entries, there.first = [{"kind": "token", "id": "new"}], 1
    issuer.refresh()
    monkeypatch.undo()
    assert len(issuer.view) <= 1 and not issuer.view.is_revoked({"jti": "old"})


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.test"},
        {"iss": None},
        {"entries": None},
        {"entries": "x"},
        {"entries": [{"kind": "token"}]},
        {"entries": [7]},
        {"from": "x"},
        {"to": None},
        {"feed": None},
    ],
)
def test_a_feed_of_another_form_or_issuer_is_not_taken(there: FakeIssuer, follow: Any, changes: Any) -> None:
    there.revoke("token", "one")
    there.changes = changes
    issuer = follow()
    issuer.start()
    assert issuer.age > 1000 and not issuer.view.is_revoked({"jti": "one"})
    with pytest.raises(StaleView):
        Verifier(issuer, API).verify(there.token(jti="two"))


@pytest.mark.parametrize("when_stale", ["accept", "refuse", "ask"])
def test_an_outage_means_what_the_api_chose_and_its_end_is_noticed(
    there: FakeIssuer, follow: Any, when_stale: Any
) -> None:
    issuer = follow(client_id="api", client_secret="s&cret", asked_for=0.0)
    verifier = Verifier(issuer, API, when_stale=when_stale, stale_after=2.0)
    token, dead = there.token(), there.token(jti="dead")
    verifier.verify(token)
    working = there.answer

    def only_introspection(method: str, path: str, *rest: Any) -> Any:
        return working(method, path, *rest) if "introspect" in path else (503, {}, b"")

    there.answer = only_introspection  # type: ignore[method-assign]
    there.revoke("token", "dead")
    there.active[token] = {"active": True}
    soon(lambda: issuer.age > 2.2)
    if when_stale == "refuse":
        assert refused(verifier, token, StaleView)
    else:
        verifier.verify(token)
        assert refused(verifier, dead, RevokedToken) is (when_stale == "ask")
    if when_stale == "ask":
        assert there.asked[-1][2]["authorization"] == "Basic YXBpOnMlMjZjcmV0"
        there.silent = True
        assert refused(verifier, token, StaleView)
    there.answer, there.silent = working, False  # type: ignore[method-assign]
    soon(lambda: issuer.age < 0.1)
    verifier.verify(token)
    assert refused(verifier, dead, RevokedToken)


def test_an_issuer_that_was_never_reached_is_no_reason_to_accept(follow: Any, there: FakeIssuer) -> None:
    there.silent = True
    with pytest.raises(InvalidToken):  # its keys are not known either
        Verifier(follow(timeout=0.2), API, when_stale="accept").verify(there.token())


def test_introspection_is_asked_once_a_second_for_one_opaque_token(there: FakeIssuer, follow: Any) -> None:
    now = int(time.time())
    there.active["oat_one"] = {"active": True, "aud": API, "sub": "alice", "iat": now, "exp": now + 60}
    verifier = Verifier(follow(client_id="api", client_secret="secret", asked_for=60.0), API)
    assert [verifier.verify("oat_one").type for _ in range(5)] == ["opaque"] * 5
    assert sum("introspect" in path for _m, path, _h in there.asked) == 1


def test_an_unknown_kid_asks_for_the_keys_at_most_every_few_seconds(there: FakeIssuer, follow: Any) -> None:
    verifier = Verifier(follow(keys_again=30.0), API)
    verifier.verify(there.token())
    good, there.kid = there.kid, "stranger"
    for _ in range(20):
        assert refused(verifier, there.token(), InvalidToken)
    there.kid = good
    verifier.verify(there.token())
    assert sum(path == "/jwks" for _m, path, _h in there.asked) == 1


@pytest.mark.parametrize("url", ["http://id.example.com", "ftp://localhost", "id.example.com", ""])
def test_plain_http_is_for_loopback_only(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Verifier(url, API)


def test_keys_of_another_origin_are_not_fetched(there: FakeIssuer, follow: Any) -> None:
    working = there.answer

    def elsewhere(method: str, path: str, *rest: Any) -> Any:
        if "authorization-server" in path:
            return 200, {}, f'{{"issuer": "{there.url}", "jwks_uri": "http://127.0.0.1:1/jwks"}}'.encode()
        return working(method, path, *rest)

    there.answer = elsewhere  # type: ignore[method-assign]
    assert refused(Verifier(follow(), API), there.token(), InvalidToken)


def test_a_fork_follows_by_itself_even_while_a_lock_is_held(there: FakeIssuer) -> None:
    code = (
        "import os, sys\n"
        "from authcenter.resource_server import Issuer, RevokedToken, Verifier\n"
        f"issuer = Issuer({there.url!r}, poll=0.02)\n"
        f"verifier = Verifier(issuer, {API!r})\n"
        "token = sys.argv[1]\n"
        "verifier.verify(token)\n"
        "issuer._starting.acquire(); issuer._keys._fetching.acquire(); issuer._line._lock.acquire()\n"
        "issuer.view._writing.acquire(); issuer._keys._line._lock.acquire()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    verifier.verify(token)\n"
        "    print('ready', flush=True)\n"
        "    while True:\n"
        "        try: verifier.verify(token)\n"
        "        except RevokedToken: os._exit(0)\n"
        "os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, there.token(jti="one")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        there.revoke("token", "one")
        assert process.wait(10) == 0


# --- RFC 8935: push ---------------------------------------------------------------------------------------------------


@pytest.fixture
def pushed(there: FakeIssuer, follow: Any) -> PushReceiver:
    issuer = follow(poll=30.0)
    issuer.start()
    return PushReceiver(issuer, API)


def test_rfc8935_2_2_a_pushed_revocation_counts_at_once_and_outlives_a_snapshot(there: FakeIssuer, follow: Any) -> None:
    issuer = follow(poll=30.0)
    verifier = Verifier(issuer, API)
    token = there.token(jti="pushed")
    verifier.verify(token)
    assert PushReceiver(issuer, API).receive(there.event_token()) == (202, None)
    assert refused(verifier, token)
    issuer.view.start_over()
    issuer.refresh()
    assert refused(verifier, token)


def test_a_push_makes_the_follower_ask_at_once(there: FakeIssuer, follow: Any) -> None:
    issuer = follow(poll=30.0)
    issuer.start()
    there.revoke("token", "other")
    PushReceiver(issuer, API).receive(there.event_token(event={"kind": "user", "id": "alice", "epoch": 3}))
    assert issuer.view.is_revoked({"sub": "alice", "uep": 2})
    soon(lambda: issuer.view.is_revoked({"jti": "other"}))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "https://evil.test"}, "invalid_issuer"),
        ({"aud": "https://stock.test/"}, "invalid_audience"),
        ({"aud": None}, "invalid_audience"),
        ({"typ": "at+jwt"}, "invalid_request"),
        ({"typ": "JWT"}, "invalid_request"),
        ({"events": None}, "invalid_request"),
        ({"jti": None}, "invalid_request"),
        ({"event": {"kind": "token"}}, "invalid_request"),
        ({"event": {"kind": "user", "id": "alice", "epoch": "3"}}, "invalid_request"),
        ({"event": "x"}, "invalid_request"),
    ],
)
def test_rfc8935_2_4_what_is_wrong_is_told(pushed: PushReceiver, there: FakeIssuer, changes: Any, error: str) -> None:
    status, body = pushed.receive(there.event_token(**changes))
    assert status == 400 and body and body["err"] == error and body["description"]


def test_rfc8935_2_4_a_foreign_signature_is_an_invalid_key(pushed: PushReceiver, there: FakeIssuer) -> None:
    with fake_issuer() as stranger:
        stranger.url = there.url
        for body in (stranger.event_token(), b"nonsense", b"", b"\xff" * 100):
            assert pushed.receive(body)[1]["err"] == "invalid_key"  # type: ignore[index]


def test_an_event_of_another_kind_is_taken(pushed: PushReceiver, there: FakeIssuer) -> None:
    assert pushed.receive(there.event_token(events={"urn:authcenter:event:verification": {}})) == (202, None)


def test_the_secret_is_asked_for(there: FakeIssuer, follow: Any) -> None:
    receiver = PushReceiver(follow(), API, secret="agreed")
    for wrong in ("", "Bearer wrong", "agreed", "Bearer é"):
        assert receiver.receive(there.event_token(), wrong)[1]["err"] == "authentication_failed"  # type: ignore[index]
    assert receiver.receive(there.event_token(), "Bearer agreed")[0] == 202


# --- Length, haste and silence ------------------------------------------------------------

SESSION = "2e3e3f19-0000-0000-0000-%012d"


@pytest.mark.parametrize("when_stale", ["accept", "refuse"])
def test_a_long_feed_does_not_blind_an_api(when_stale):
    with fake_issuer() as there:
        for number in range(6_000):
            there.revoke("session", SESSION % number)
        verifier = Verifier(there.url, API, when_stale=when_stale)
        with pytest.raises(RevokedToken):
            verifier.verify(there.token(sid=SESSION % 7))
        assert verifier.verify(there.token(sid="living")).subject == "alice"


def test_an_old_signed_answer_does_not_count_as_fresh():
    with fake_issuer() as there:
        issuer = Issuer(there.url, poll=0.05)
        verifier = Verifier(issuer, API, stale_after=2.0)
        token = there.token(jti="X")
        verifier.verify(token)
        said = {"iss": there.url, "iat": 1, "as_of": time.time() - 3600, "feed": there.feed, "from": 0, "to": 0}
        old, ask = there.sign("revocations+jwt", {**said, "entries": []}).encode(), there.answer
        there.answer = lambda m, path, h, b: (200, {}, old) if "revocations" in path else ask(m, path, h, b)  # type: ignore
        soon(lambda: issuer.age > 2.2)
        with pytest.raises(StaleView):
            verifier.verify(token)
        there.answer = ask  # type: ignore[method-assign]
        soon(lambda: issuer.age < 0.5)
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
        verifier.source._keys._fetched_at = float("-inf")  # type: ignore[union-attr]
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
