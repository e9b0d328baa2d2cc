"""Revocations pushed as Security Event Tokens (RFC 8417, RFC 8935), from the act to the API's library."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from authcenter.keys import vault
from authcenter.keys.ring import ring
from authcenter.oauth.models import API
from authcenter.outbox.models import Delivery
from authcenter.outbox.sending import serve
from authcenter.resource_server import Issuer, PushReceiver
from authcenter.sessions import push
from authcenter.sessions.models import Receiver, Revocation
from authcenter.sessions.revocation import Kind, end_all_of_user, end_session, revoke
from tests.receiver import Listener, listener
from tests.tokens import parts

TO = "https://orders.test/"
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
REVOCATION = "urn:authcenter:event:revocation"


@pytest.fixture
def there() -> Iterator[Listener]:
    with listener() as heard:
        yield heard


@pytest.fixture
def receiver(db: None, there: Listener) -> Receiver:
    api = API.objects.create(identifier=TO, name="Orders")
    return Receiver.objects.create(api=api, url=there.url, secret=vault.encrypt("agreed"))


def events(there: Listener) -> list[dict[str, Any]]:
    serve(TO)
    return [ring.verify(body.decode(), typ=["secevent+jwt"]) for _headers, body in there.got]


def test_rfc8417_2_2_a_revocation_is_one_event_token(receiver: Receiver, there: Listener) -> None:
    revoke(Kind.SESSION, "s1", reason="signed out")
    [claims] = events(there)
    row = Revocation.objects.get()
    assert claims["iss"] == settings.ISSUER and claims["aud"] == TO
    assert abs(claims["iat"] - time.time()) < 5 and claims["toe"] == int(row.created.timestamp())
    assert len(claims["jti"]) >= 22
    assert "exp" not in claims and "sub" not in claims, "RFC 8417 section 2.2, section 4.5: never usable as another JWT"
    assert claims["sub_id"] == {"format": "opaque", "id": "s1"}
    entry = claims["events"][REVOCATION]
    assert (entry["kind"], entry["id"], entry["sequence"]) == ("session", "s1", row.sequence) and entry["feed"]
    caep = claims["events"][SESSION_REVOKED]
    assert caep == {"event_timestamp": claims["toe"], "reason_admin": {"en": "signed out"}}
    headers, body = there.got[0]
    assert parts(body.decode())[0]["typ"] == "secevent+jwt", "RFC 8417 section 2.3"
    assert headers["authorization"] == "Bearer agreed"


def test_an_act_does_not_fail_for_a_secret_that_nobody_can_open(receiver: Receiver, there: Listener) -> None:
    with override_settings(ENCRYPTION_KEYS=["another " * 5]):
        revoke(Kind.SESSION, "s1", reason="signed out")
        assert Revocation.objects.count() == 1 and not events(there)


def test_rfc8935_2_1_the_request(receiver: Receiver, there: Listener) -> None:
    revoke(Kind.TOKEN, "j1", reason="test")
    serve(TO)
    headers, _body = there.got[0]
    assert headers["content-type"] == "application/secevent+jwt" and headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("kind", "epoch", "reason", "others"),
    [
        (Kind.USER, 3, "password changed", {SESSION_REVOKED, CREDENTIAL_CHANGE}),
        (Kind.USER, 3, "password reset", {SESSION_REVOKED, CREDENTIAL_CHANGE}),
        (Kind.USER, 3, "disabled by an operator", {SESSION_REVOKED}),
        (Kind.SESSION, None, "signed out", {SESSION_REVOKED}),
        (Kind.AUTHORIZATION, None, "withdrawn by its person", set()),
        (Kind.FAMILY, None, "refresh replay", set()),
        (Kind.TOKEN, None, "revoked by the application", set()),
        (Kind.APPLICATION, 1, "disabled by an operator", set()),
        (Kind.KEY, None, "compromised", set()),
    ],
)
def test_caep_3_1_and_3_3_beside_our_own_event(
    receiver: Receiver, there: Listener, kind: Any, epoch: int | None, reason: str, others: set[str]
) -> None:
    revoke(kind, "x", epoch=epoch, reason=reason)
    [claims] = events(there)
    assert set(claims["events"]) == {REVOCATION, *others}
    assert claims["events"][REVOCATION].get("epoch") == epoch
    if CREDENTIAL_CHANGE in others:
        change = claims["events"][CREDENTIAL_CHANGE]
        assert (change["credential_type"], change["change_type"]) == ("password", "update")
    if kind == Kind.USER:
        assert claims["sub_id"] == {"format": "iss_sub", "iss": settings.ISSUER, "sub": "x"}


def test_one_row_for_each_active_receiver_and_none_without(there: Listener, db: None) -> None:
    revoke(Kind.TOKEN, "j0", reason="test")
    assert not Delivery.objects.exists()
    for number in range(3):
        api = API.objects.create(identifier=f"https://{number}.test/", name=str(number))
        Receiver.objects.create(api=api, url=there.url, is_active=number != 2)
    revoke(Kind.TOKEN, "j1", reason="test")
    revoke(Kind.TOKEN, "j1", reason="test")  # a repeat changes nothing
    rows = Delivery.objects.values_list("receiver", "sequence")
    assert sorted(rows) == [("https://0.test/", 2), ("https://1.test/", 2)]


def test_without_a_receiver_an_act_costs_one_statement_more(sql: Any) -> None:
    revoke(Kind.TOKEN, "j0", reason="test")
    with sql() as statements:
        revoke(Kind.TOKEN, "j1", reason="test")
    assert sum("signins_receiver" in statement for statement in statements.sql) == 1
    statements.assert_at_most(9)


def test_the_librarys_view_takes_what_is_sent(receiver: Receiver, there: Listener, person: Any) -> None:
    class Ours(Issuer):
        """Keys from this process, and no follower."""

        def key(self, kid: str) -> Any:
            return ring.key(kid)

    issuer = Ours(settings.ISSUER)
    library = PushReceiver(issuer, TO, secret="agreed")
    alice = person()
    end_all_of_user(alice.pk, reason="test")
    revoke(Kind.TOKEN, "j1", reason="test")
    serve(TO)
    for headers, body in there.got:
        assert library.receive(body, headers["authorization"]) == (202, None)
    assert issuer.view.is_revoked({"jti": "j1"})
    assert issuer.view.is_revoked({"sub": str(alice.pk), "uep": 0})
    assert not issuer.view.is_revoked({"sub": str(alice.pk), "uep": 1})


def test_a_test_event_says_what_the_receiver_answered(receiver: Receiver, there: Listener) -> None:
    assert push.send_test(receiver) == (True, "202")
    [(_headers, body)] = there.got
    assert list(parts(body.decode())[1]["events"]) == ["urn:authcenter:event:verification"]
    there.status, there.body = 401, b"who are you?"
    assert push.send_test(receiver) == (False, "401 who are you?")
    receiver.url = "https://10.0.0.1/"
    taken, said = push.send_test(receiver)
    assert not taken and "private network" in said
    assert not Delivery.objects.exists()


SCENE = """
from authcenter.oauth.models import API
from authcenter.sessions.models import Receiver
api, _ = API.objects.get_or_create(identifier={api!r}, defaults={{"name": "Pushed"}})
Receiver.objects.update_or_create(api=api, defaults={{"url": {url!r}, "is_active": {active}}})
"""


@pytest.mark.live
def test_a_running_server_pushes_within_moments_of_the_act(server: Any, there: Listener) -> None:
    import httpx

    application = server.demo["applications"]["machine"]
    credentials = (application["client_id"], application["client_secret"])

    def machine_token() -> str:
        data = {"grant_type": "client_credentials", "scope": "orders:read"}
        return httpx.post(f"{server.url}/oauth/token", data=data, auth=credentials).json()["access_token"]

    server.python(SCENE.format(api="https://pushed.test/", url=there.url, active=True))
    try:
        took = []
        for number in range(10):
            token = machine_token()
            httpx.post(f"{server.url}/oauth/revoke", data={"token": token}, auth=credentials).raise_for_status()
            answered = time.monotonic()
            while len(there.got) <= number and time.monotonic() - answered < 5:
                time.sleep(0.002)
            took.append(there.at[number] - answered)
            event = parts(there.got[number][1].decode())[1]["events"][REVOCATION]
            assert event["id"] == parts(token)[1]["jti"]
        assert sorted(took)[5] < 0.3, took
    finally:
        server.python(SCENE.format(api="https://pushed.test/", url=there.url, active=False))


def test_an_ended_session_is_told_once(receiver: Receiver, there: Listener, person: Any, rf: Any) -> None:
    from authcenter.sessions.start import start_api_session

    session = start_api_session(rf.get("/"), person(), amr=["pwd"], acr="")
    assert end_session(session.pk, reason="signed out") and not end_session(session.pk, reason="signed out")
    assert len(events(there)) == 1


def test_an_api_that_is_switched_off_is_told_nothing(db):
    api = API.objects.create(identifier="https://gone.test", name="Gone", is_active=False)
    Receiver.objects.create(api=api, url="https://gone.test/push")
    revoke(Kind.TOKEN, "one", reason="test")
    assert not Delivery.objects.exists()
