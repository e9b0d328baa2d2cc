"""Sending what waits in the outbox, from every worker of every node, each message by one of them at a time.

A message is written in the transaction of the act that it tells of, and sent when that is committed. Who sends it has
claimed it by one conditional update, for as long as a send can take; so a worker that dies is followed by another.
"""

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connections, transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.http import urlencode

from authcenter.audit import events
from authcenter.keys import vault
from authcenter.keys.ring import ring
from authcenter.outbox import outbound
from authcenter.outbox.models import Delivery

POLL_SECONDS = 1.0
"""How often each worker looks for what another has left; what it wrote itself it sends at once."""

LEASE = timedelta(seconds=30)
"""Whose claim is older has died: a send takes three times `outbound.SECONDS` at most."""

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 3600.0
GIVE_UP_AFTER = timedelta(hours=24)
_SENDERS = 8
_TURN = 1.0
"""Seconds: a receiver that is slow gives its sender back after so long, or eight of them would hold up all others."""
_MOST = 100
"""Messages of one turn: what a slow receiver leaves is read again at its next."""

log = structlog.get_logger("authcenter.outbox")
wake = threading.Event()


@dataclass(frozen=True)
class Message:
    """A signed token for one receiver. It is signed when it is sent: by a key that is trusted then, with `iat` of then.

    `typ` is its media type. With `seconds` it carries the end of its life, `exp`; with `form_field` it goes as that
    field of a form.
    """

    claims: dict[str, Any]
    typ: str
    algorithm: str
    content_type: str
    form_field: str = ""
    seconds: int = 0


def enqueue(
    kind: Delivery.Kind,
    *,
    receiver: str,
    target: str,
    message: Message,
    secret: str = "",
    sequence: int | None = None,
) -> None:
    """Write a delivery in the present transaction; this process sends it as soon as that is committed.

    `secret` is encrypted already and not opened here: an act must not fail for it.
    """
    Delivery.objects.create(
        kind=kind,
        receiver=receiver,
        target=target,
        message=asdict(message),
        secret=secret,
        sequence=sequence,
    )
    transaction.on_commit(wake.set)


def redirect(receiver: str, *, target: str, secret: str) -> None:
    """What waits for a receiver goes to its new address, with its new secret, and at once."""
    waiting = Delivery.objects.filter(receiver=receiver, next_at__isnull=False)
    waiting.update(target=target, secret=secret, next_at=timezone.now())
    transaction.on_commit(wake.set)


def drop(receiver: str, why: str) -> None:
    """Nothing that waits for this receiver is sent any more."""
    Delivery.objects.filter(receiver=receiver, next_at__isnull=False).update(
        given_up=timezone.now(), next_at=None, last_error=why
    )


def run() -> float:
    """Give each receiver that has something due to a thread of its own; seconds until the next look."""
    for receiver in due():
        with _busy_lock:
            if receiver in _busy:
                continue
            _busy.add(receiver)
        _pool().submit(_serve_alone, receiver)
    return POLL_SECONDS


def due() -> list[str]:
    """Receivers with something due, the one that has waited longest first."""
    waiting = _free(timezone.now()).order_by().values("receiver").annotate(since=Min("next_at"))
    return list(waiting.order_by("since").values_list("receiver", flat=True))


def serve(receiver: str) -> int:
    """Send what is due for one receiver, in order, until it is down or has had its turn; how many were taken."""
    taken, failures, began = 0, 0, time.monotonic()
    for delivery in _free(timezone.now()).filter(receiver=receiver).order_by("id")[:_MOST]:
        if not _claimed(delivery):
            continue  # another worker has it
        outcome = _sent(delivery)
        failures += outcome == _FAILING
        if outcome == _DOWN or failures == _FAILURES_IN_A_ROW:
            _pause_all(delivery)
            break
        if outcome == _TAKEN:
            taken, failures = taken + 1, 0
        if time.monotonic() - began > _TURN:
            break
    return taken


def deliver(delivery: Delivery) -> outbound.Answer:
    """One exchange, with a token signed now. Raises what `outbound.send` and the vault raise."""
    message = Message(**delivery.message)
    now = int(timezone.now().timestamp())
    claims = {**message.claims, "iat": now, **({"exp": now + message.seconds} if message.seconds else {})}
    headers = {"Content-Type": message.content_type, "Accept": "application/json"}
    if delivery.secret:
        headers["Authorization"] = f"Bearer {vault.decrypt(delivery.secret)}"
    token = ring.sign(claims, typ=message.typ, algorithm=message.algorithm)
    body = urlencode({message.form_field: token}) if message.form_field else token
    return outbound.send("POST", delivery.target, headers=headers, body=body.encode())


def _free(now: datetime) -> QuerySet[Delivery]:
    """What is due and in nobody's hands."""
    return Delivery.objects.filter(Q(claimed=None) | Q(claimed__lt=now), next_at__lte=now)


def _claimed(delivery: Delivery) -> bool:
    now = timezone.now()
    delivery.claimed, delivery.attempts = now + LEASE, delivery.attempts + 1
    won = _free(now).filter(pk=delivery.pk).update(claimed=delivery.claimed, attempts=delivery.attempts)
    return bool(won)


_TAKEN, _FAILING, _DOWN, _HOPELESS = "taken", "failing", "down", "hopeless"

_DOWN_STATUSES = frozenset({401, 403, 404, 408, 429, 502, 503, 504})
"""Said of the receiver, not of the message: the next one would fare no better."""

_FAILURES_IN_A_ROW = 3
"""So many messages that failed, each for itself, are a receiver that is down."""

_ATTEMPTS_IN_ORDER = 5
"""A message that brings a receiver down each time must not hold up the others for a day."""


def _sent(delivery: Delivery) -> str:
    permanent, down, wait = False, True, 0.0
    try:
        answer = deliver(delivery)
    except (outbound.Refused, outbound.Failed) as refused:
        error = str(refused)
    except vault.Undecryptable:
        error = "The receiver's secret cannot be decrypted: a key was removed from ENCRYPTION_KEYS. Enter it anew."
    else:
        if answer.status in {200, 202, 204}:
            _mark(delivery, delivered=timezone.now(), next_at=None, last_error="")
            if _waiting(delivery).update(next_at=timezone.now()):  # it is back: the others need not wait longer
                wake.set()
            return _TAKEN
        error, permanent, down = _judged(answer)
        wait = _retry_after(answer)
    if permanent or timezone.now() - delivery.created > GIVE_UP_AFTER:
        _give_up(delivery, error)
        return _HOPELESS
    pause = min(FIRST_PAUSE * 3 ** (delivery.attempts - 1), LONGEST_PAUSE)
    pause *= random.uniform(0.8, 1.2)  # noqa: S311 - many messages should not come back in step
    again = timezone.now() + timedelta(seconds=max(pause, wait))
    _mark(delivery, next_at=again, last_error=error)
    delivery.next_at = again
    return _DOWN if down and delivery.attempts <= _ATTEMPTS_IN_ORDER else _FAILING


def _pause_all(delivery: Delivery) -> None:
    """The others would fail too: a receiver that is down is asked once a pause, not once a message."""
    _free(timezone.now()).filter(receiver=delivery.receiver).update(next_at=delivery.next_at)


def _waiting(delivery: Delivery) -> QuerySet[Delivery]:
    now = timezone.now()
    return Delivery.objects.filter(Q(claimed=None) | Q(claimed__lt=now), receiver=delivery.receiver, next_at__gt=now)


_FINAL = frozenset({"invalid_request", "invalid_issuer", "invalid_audience"})
"""RFC 8935 section 2.4: the same event would be refused again."""

_CURABLE = frozenset({"invalid_key", "authentication_failed", "access_denied"})
"""The same section: any event would be refused until something is cured at one of the two ends."""


def _judged(answer: outbound.Answer) -> tuple[str, bool, bool]:
    """What the receiver said; whether trying again is of no use; whether any other message would fail too."""
    said = f"The receiver answered {answer.status}"
    if answer.status != 400:
        return f"{said}.", False, answer.status in _DOWN_STATUSES
    try:
        error = json.loads(answer.body)["err"]
    except (ValueError, KeyError, TypeError):
        return f"{said}.", False, False
    known = error if isinstance(error, str) and error.isascii() and error.isprintable() and len(error) <= 64 else "?"
    return f"{said}: {known}.", known in _FINAL, known in _CURABLE


def _retry_after(answer: outbound.Answer) -> float:
    """Seconds of Retry-After (RFC 9110 section 10.2.3), an hour at most; a date is not read."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), LONGEST_PAUSE) if said.isascii() and said.isdigit() else 0.0


def _give_up(delivery: Delivery, error: str) -> None:
    with transaction.atomic():
        _mark(delivery, given_up=timezone.now(), next_at=None, last_error=error)
        events.record(
            None,
            events.Kind.DELIVERY_GIVEN_UP,
            subject=delivery.receiver,
            delivery=delivery.pk,
            what=delivery.kind,
            reason=error,
            attempts=delivery.attempts,
        )


def _mark(delivery: Delivery, **fields: Any) -> None:
    """Only by who holds the claim: whoever let it run out must not undo what the next one did."""
    if "last_error" in fields:
        fields["last_error"] = fields["last_error"][:255]
    Delivery.objects.filter(pk=delivery.pk, claimed=delivery.claimed).update(claimed=None, **fields)


_busy: set[str] = set()
_busy_lock = threading.Lock()
_pools: list[ThreadPoolExecutor] = []


def _pool() -> ThreadPoolExecutor:
    if not _pools:
        _pools.append(ThreadPoolExecutor(_SENDERS, thread_name_prefix="outbox"))
    return _pools[0]


def _serve_alone(receiver: str) -> None:
    try:
        if serve(receiver):
            wake.set()  # there may be more; it stands in line again, behind those who wait
    except Exception:
        log.exception("outbox_failed", receiver=receiver)
    finally:
        connections.close_all()
        with _busy_lock:
            _busy.discard(receiver)
