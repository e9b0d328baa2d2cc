"""The outbox and the one way out: retries, dead letters, one sender at a time, and addresses that are never asked."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from authcenter.audit.models import AuditEvent
from authcenter.keys import vault
from authcenter.keys.ring import ring
from authcenter.outbox import outbound, sending
from authcenter.outbox.models import KEPT_DEAD, KEPT_DELIVERED, Delivery, is_forgotten, is_old
from authcenter.outbox.sending import Message, enqueue, serve
from tests.certificates import self_signed
from tests.receiver import Listener, listener
from tests.tokens import parts

pytestmark = pytest.mark.django_db
TO = "https://orders.test/"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setattr(sending, "_TURN", 60.0)  # what is sent in one turn hangs on no clock
    with listener() as heard:
        yield heard


def put(there: Listener, number: int = 1, receiver: str = TO, secret: str = "") -> Delivery:
    message = Message({"number": number}, "secevent+jwt", "ES256", "application/secevent+jwt")
    sealed = vault.encrypt(secret) if secret else ""
    with transaction.atomic():
        enqueue(
            Delivery.Kind.TEST, receiver=receiver, target=there.url, message=message, secret=sealed, sequence=number
        )
    return Delivery.objects.latest("id")


def make_due() -> None:
    Delivery.objects.filter(next_at__isnull=False).update(next_at=timezone.now())


def numbers(there: Listener) -> list[int]:
    return [parts(body.decode())[1]["number"] for _headers, body in there.got]


def test_a_message_is_signed_when_it_is_sent_and_its_secret_rests_encrypted(there: Listener) -> None:
    delivery = put(there, secret="agreed")
    assert "agreed" not in str(vars(delivery))
    assert serve(TO) == 1
    [(headers, body)] = there.got
    header, claims = parts(body.decode())
    assert header["typ"] == "secevent+jwt" and claims["number"] == 1 and abs(claims["iat"] - time.time()) < 5
    assert headers["content-type"] == "application/secevent+jwt" and headers["authorization"] == "Bearer agreed"
    delivery.refresh_from_db()
    assert delivery.delivered and delivery.next_at is None and delivery.attempts == 1 and not delivery.last_error
    assert serve(TO) == 0 and len(there.got) == 1


def test_what_was_rolled_back_is_never_sent(there: Listener) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        put(there)
        raise ZeroDivisionError
    assert serve(TO) == 0 and not there.got


def test_messages_go_in_their_order(there: Listener) -> None:
    for number in range(5):
        put(there, number)
    assert serve(TO) == 5 and numbers(there) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404, 429, 500, 503])
def test_a_failure_is_tried_again_later_and_later(there: Listener, status: int) -> None:
    there.status = status
    delivery = put(there)
    pauses = []
    for _attempt in range(9):
        serve(TO)
        delivery.refresh_from_db()
        assert delivery.delivered is None and delivery.given_up is None and str(status) in delivery.last_error
        pauses.append((delivery.next_at - timezone.now()).total_seconds())  # type: ignore[operator]
        assert serve(TO) == 0, "not due yet"
        make_due()
    assert 3.5 < pauses[0] < 6.1 and 11 < pauses[1] < 18.1 and 2800 < pauses[-1] < 4321
    assert len(there.got) == 9
    there.status = 202
    assert serve(TO) == 1


def test_rfc9110_10_2_3_retry_after_is_honoured_up_to_an_hour(there: Listener) -> None:
    delivery = put(there)
    for said, least, most in (("120", 118, 121), ("999999", 3598, 3601), ("x", 3, 60), ("-5", 3, 190)):
        there.status, there.headers = 429, {"Retry-After": said}
        make_due()
        serve(TO)
        delivery.refresh_from_db()
        assert least < (delivery.next_at - timezone.now()).total_seconds() < most, said  # type: ignore[operator]


def test_a_receiver_that_is_down_is_asked_once_a_pause_and_gets_all_when_it_is_back(there: Listener) -> None:
    there.status = 503
    for number in range(4):
        put(there, number)
    assert serve(TO) == 0 and len(there.got) == 1
    assert not sending.due()
    there.status = 202
    put(there, 4)  # news are tried at once, and tell that it is back
    assert serve(TO) == 1
    assert serve(TO) == 4 and sorted(numbers(there)[1:]) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("body", "final"),
    [
        ({"err": "invalid_request"}, True),
        ({"err": "invalid_issuer"}, True),
        ({"err": "invalid_audience"}, True),
        ({"err": "invalid_key"}, False),
        ({"err": "authentication_failed"}, False),
        ({"err": "access_denied"}, False),
        ({"err": ["x"]}, False),
        ({"err": "<script>" + "x" * 300}, False),
        ("nonsense", False),
    ],
)
def test_rfc8935_2_4_an_error_that_no_repeat_can_cure_is_a_dead_letter(there: Listener, body: Any, final: bool) -> None:
    there.status, there.body = 400, json.dumps(body).encode()
    delivery, other = put(there, 1), put(there, 2)
    serve(TO)
    delivery.refresh_from_db()
    assert bool(delivery.given_up) is final and (delivery.next_at is None) is final
    curable = {"invalid_key", "authentication_failed", "access_denied"}
    cured_there = isinstance(body, dict) and str(body["err"]) in curable
    assert len(there.got) == (1 if cured_there else 2), "the next message may be a good one"
    assert "x" * 70 not in delivery.last_error
    assert AuditEvent.objects.filter(kind="delivery_given_up").count() == (2 if final else 0)
    assert other.pk


def test_after_a_day_it_is_given_up_and_said_so(there: Listener) -> None:
    there.status = 503
    delivery = put(there)
    Delivery.objects.update(created=timezone.now() - timedelta(hours=25))
    serve(TO)
    delivery.refresh_from_db()
    assert delivery.given_up and delivery.next_at is None
    event = AuditEvent.objects.get(kind="delivery_given_up")
    assert event.subject == TO and event.detail["delivery"] == delivery.pk


def test_a_secret_of_a_lost_key_is_said_and_can_be_entered_anew(there: Listener, settings: Any) -> None:
    delivery = put(there, secret="agreed")
    ring.jwks()
    with override_settings(ENCRYPTION_KEYS=["another " * 5]):
        serve(TO)
    delivery.refresh_from_db()
    assert "ENCRYPTION_KEYS" in delivery.last_error and not delivery.given_up and not there.got
    sending.redirect(TO, target=there.url, secret=vault.encrypt("new"))
    assert serve(TO) == 1 and there.got[0][0]["authorization"] == "Bearer new"


def test_what_waits_goes_to_the_corrected_address(there: Listener) -> None:
    with listener() as wrong:
        wrong.status = 404
        put(wrong, 1), put(wrong, 2)
        serve(TO)
        assert len(wrong.got) == 1 and not sending.due()
        sending.redirect(TO, target=there.url, secret="")
        assert sending.due() == [TO] and serve(TO) == 2
        assert numbers(there) == [1, 2] and len(wrong.got) == 1


def test_what_was_switched_off_gets_nothing_more(there: Listener) -> None:
    put(there, 1), put(there, 2, "another")
    sending.drop(TO, "Push was switched off.")
    assert sending.due() == ["another"] and serve(TO) == 0
    assert Delivery.objects.get(receiver=TO).last_error == "Push was switched off."


@pytest.mark.parametrize("how", ["answers 500", "answers 400", "breaks off"])
def test_one_message_that_fails_for_itself_holds_up_no_other_for_long(there: Listener, how: str) -> None:
    there.fails = lambda body: parts(body.decode())[1]["number"] == 0
    there.failing_status = {"answers 500": 500, "answers 400": 400}.get(how, 0)
    poison = put(there, 0)
    for round_ in range(7):
        put(there, round_ + 1)
        serve(TO)
        make_due()
        if how != "breaks off":
            assert numbers(there)[-1] == round_ + 1
    poison.refresh_from_db()
    assert poison.delivered is None and poison.attempts == 7
    assert Delivery.objects.filter(delivered__isnull=False).count() == 7


def test_a_backlog_hides_no_other_receiver(there: Listener, monkeypatch: Any) -> None:
    monkeypatch.setattr(sending, "_MOST", 3)
    for number in range(7):
        put(there, number, "long")
    put(there, 8, "short")
    assert sending.due() == ["long", "short"]


def test_who_died_while_sending_is_followed_by_another(there: Listener) -> None:
    delivery = put(there)
    Delivery.objects.update(claimed=timezone.now() + timedelta(seconds=20))
    assert serve(TO) == 0
    Delivery.objects.update(claimed=timezone.now() - timedelta(seconds=1))
    assert serve(TO) == 1
    delivery.refresh_from_db()
    assert delivery.delivered


def test_a_claim_that_ran_out_undoes_nothing(there: Listener) -> None:
    """A sender that was asleep must not mark as failed what another has delivered since."""
    delivery = put(there)
    assert sending._claimed(delivery)
    Delivery.objects.update(claimed=timezone.now() - timedelta(seconds=1))
    assert serve(TO) == 1
    sending._mark(delivery, next_at=timezone.now(), last_error="late")
    delivery.refresh_from_db()
    assert delivery.delivered and delivery.next_at is None and not delivery.last_error


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_message_once(there: Listener, parallel: Any) -> None:
    for number in range(6):
        put(there, number)
    there.pause = 0.02
    parallel(6, lambda _number: serve(TO))
    assert sorted(numbers(there)) == [0, 1, 2, 3, 4, 5]
    assert not Delivery.objects.filter(delivered=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_holds_up_no_other(there: Listener) -> None:
    with listener() as slow:
        slow.pause = 4.0
        put(slow, 1, "slow")
        put(there, 2, "quick")
        sending.run()
        deadline = time.monotonic() + 3.5
        while not there.got and time.monotonic() < deadline:
            time.sleep(0.01)
        assert there.got
        while sending._busy:
            time.sleep(0.02)
    assert not Delivery.objects.filter(delivered=None).exists()


def test_what_may_be_swept(there: Listener) -> None:
    now = timezone.now()
    old, new, dead, waiting = (put(there, number) for number in range(4))
    second = timedelta(seconds=1)
    Delivery.objects.filter(pk=old.pk).update(delivered=now - KEPT_DELIVERED - second)
    Delivery.objects.filter(pk=new.pk).update(delivered=now - KEPT_DELIVERED + second)
    Delivery.objects.filter(pk=dead.pk).update(given_up=now - KEPT_DEAD - second)
    Delivery.objects.filter(pk=waiting.pk).update(created=now - timedelta(days=99))
    conditions = (is_old(now), is_forgotten(now))
    gone = [set(Delivery.objects.filter(condition).values_list("pk", flat=True)) for condition in conditions]
    assert gone == [{old.pk}, {dead.pk}]


# --- The guard --------------------------------------------------------------------------------------------------------

PRIVATE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[fec0::1]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    "https://[2001:db8::1]/",
    "https://[::10.0.0.1]/",
    "https://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/",
    "https://192.88.99.1/",
    "https://240.0.0.1/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://localhost/",
]
MALFORMED = [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "//example.com/",
    "example.com",
    "",
    "https://",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com/#x",
    "https://example.com:25/",
    "https://example.com:22/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://exa mple.com/",
    "https://example.com/\r\nX: y",
    "https://exämple.com/",
    "https://[::1",
    "https://127.0.0.1\\@example.com/",
]


@pytest.fixture
def closed(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED = []


@pytest.mark.parametrize("url", PRIVATE)
def test_rg_private_addresses_are_never_asked(closed: None, url: str) -> None:
    with pytest.raises(outbound.Refused, match="private network"):
        outbound.send("POST", url, headers={})


@pytest.mark.parametrize("url", MALFORMED)
def test_rg_other_schemes_ports_and_tricks_are_refused(closed: None, url: str) -> None:
    with pytest.raises(outbound.Refused):
        outbound.send("GET", url, headers={})
    assert outbound.fault(url)


@pytest.mark.parametrize(
    "url",
    ["https://example.com", "https://example.com:8443/x?y=z", "https://1.1.1.1/", "https://[2606:4700:4700::1111]/"],
)
def test_an_ordinary_address_is_fine(closed: None, url: str) -> None:
    assert outbound.fault(url) == ""


def test_rfc6052_a_public_address_behind_nat64_is_fine(closed: None) -> None:
    assert outbound.fault("https://[64:ff9b::101:101]/") == ""


def test_rg_one_private_address_among_public_ones_is_enough(closed: None, monkeypatch: Any) -> None:
    found = [(0, 0, 0, "", ("93.184.215.14", 443)), (0, 0, 0, "", ("10.0.0.7", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)
    with pytest.raises(outbound.Refused):
        outbound.send("GET", "https://two-faced.example/", headers={})


def test_rg_the_name_is_resolved_once_and_the_judged_address_is_asked(
    settings: Any, monkeypatch: Any, there: Listener
) -> None:
    """DNS rebinding: a second look-up would lead elsewhere."""
    settings.OUTBOUND_ALLOWED = ["rebinding.example"]
    port = int(there.url.split(":")[2].split("/")[0])
    answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]]
    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **named: Any) -> Any:
        return answers.pop() if host == "rebinding.example" else real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    answer = outbound.send("POST", f"http://rebinding.example:{port}/x", headers={}, body=b"hello")
    assert answer.status == 202 and not answers
    assert there.got[0][0]["host"] == f"rebinding.example:{port}"


@pytest.mark.parametrize(
    ("allowed", "passes"),
    [
        (["127.0.0.0/8"], True),
        (["127.0.0.1"], True),
        (["127.0.0.1:PORT"], True),
        (["127.0.0.1:1"], False),
        (["10.0.0.0/8", "localhost"], False),
    ],
)
def test_an_operator_opens_what_is_named_and_nothing_else(
    settings: Any, there: Listener, allowed: list[str], passes: bool
) -> None:
    port = there.url.split(":")[2].split("/")[0]
    settings.OUTBOUND_ALLOWED = [entry.replace("PORT", port) for entry in allowed]
    if passes:
        assert outbound.send("POST", there.url, headers={}).status == 202
    else:
        with pytest.raises(outbound.Refused):
            outbound.send("POST", there.url, headers={})


def test_rg_redirects_are_not_followed(there: Listener) -> None:
    there.status, there.headers = 302, {"Location": there.url}
    assert outbound.send("GET", there.url, headers={}).status == 302
    assert len(there.got) == 1


def test_rg_long_and_slow_answers_end(there: Listener) -> None:
    there.body = b"x" * (outbound.MOST_BYTES + 1)
    with pytest.raises(outbound.Failed, match="too long"):
        outbound.send("GET", there.url, headers={})
    there.body, there.drip = b"x" * 50, True
    began = time.monotonic()
    with pytest.raises(outbound.Failed):
        outbound.send("GET", there.url, headers={"Connection": "close"}, seconds=0.5)
    assert time.monotonic() - began < 4  # of the five seconds that it would take
    there.drip, there.pause = False, 1.0
    with pytest.raises(outbound.Failed, match="too long"):
        outbound.send("GET", there.url, headers={}, seconds=0.3)


def test_rg_a_name_that_takes_too_long_ends(monkeypatch: Any) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: time.sleep(5) or [])
    began = time.monotonic()
    with pytest.raises(outbound.Failed, match="too long to resolve"):
        outbound.send("GET", "https://slow.example/", headers={}, seconds=0.3)
    assert time.monotonic() - began < 4


def test_rg_a_slow_handshake_ends() -> None:
    """TLS by a byte at a time: each step comes in time, the whole does not."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            line, _peer = server.accept()
            with line, contextlib.suppress(OSError):
                for byte in b"\x16\x03\x03\x40\x00" + bytes(60):
                    line.sendall(bytes([byte]))
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(outbound.Failed, match="too long"):
            outbound.send("GET", f"https://127.0.0.1:{server.getsockname()[1]}/", headers={}, seconds=0.5)
        assert time.monotonic() - began < 5  # of six and a half


@pytest.mark.parametrize(
    ("name", "known", "good"),
    [("shop.test", True, True), ("elsewhere.test", True, False), ("shop.test", False, False)],
)
def test_rg_a_certificate_must_be_good_and_for_the_host(
    settings: Any, monkeypatch: Any, tmp_path: Path, name: str, known: bool, good: bool
) -> None:
    context, trusted = self_signed(name, tmp_path)
    settings.OUTBOUND_ALLOWED = ["shop.test"]
    settings.OUTBOUND_CA_FILE = str(trusted) if known else ""
    with listener(context) as secure:
        url = secure.url.replace("127.0.0.1", "shop.test")
        port = urlsplit(url).port
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(outbound, "_looked_up", lambda *_arguments: found)
        if not good:
            with pytest.raises(outbound.Failed, match="certificate"):
                outbound.send("GET", url, headers={})
            assert not secure.got
        else:
            assert outbound.send("GET", url, headers={}).status == 202


def test_nobody_there_and_no_such_name_are_failures(settings: Any) -> None:
    with pytest.raises(outbound.Failed, match="refused"):
        outbound.send("GET", "http://127.0.0.1:1/", headers={})
    with pytest.raises(outbound.Failed, match="does not resolve"):
        outbound.send("GET", "https://no-such-name.invalid/", headers={})


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
