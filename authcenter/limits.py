"""Every limit, by name. Refusals are counted, successes are not; all workers share the count, atomically.

A limit has two windows: one for whom it concerns from one address (a guesser is stopped early), one for the address
alone (a sprayer is stopped), and, where a person could be guessed from many addresses, one for the account, wide
enough that nobody can lock another out for long.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from authcenter.audit.address import client_address, network_of
from authcenter.audit.models import Refusals
from authcenter.sessions.view import follower


@dataclass(frozen=True)
class Window:
    """At most `most` refusals of `what` within `seconds`, counted from the first."""

    what: str
    most: int
    seconds: int
    is_told: bool = False
    """Every worker hears when it is full, and asks before it judges (`Position.limit_is_full`)."""

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.most}/{self.seconds}/{self.what}".encode("utf-8", "surrogatepass")).hexdigest()


def sign_in(request: HttpRequest, email: str) -> list[Window]:
    """Passwords: 10 in 15 minutes for an account from one address; 100 an hour for it from anywhere; 100 in 15
    minutes from an address."""
    address, account = _origin(request), email.strip().lower()
    return [
        Window(f"sign-in {account} {address}", 10, 900),
        Window(f"sign-in {account}", 100, 3600),
        Window(f"sign-in-from {address}", 100, 900),
    ]


def mailed_code(request: HttpRequest, subject: str) -> list[Window]:
    """Codes by mail: 10 in 15 minutes for an account, whichever code it is, and 50 from an address."""
    return [
        Window(f"mailed-code {subject.strip().lower()}", 10, 900),
        Window(f"mailed-code-from {_origin(request)}", 50, 900),
    ]


def once(what: str) -> list[Window]:
    """Something that works one time, within the day that it could be tried: of two at the same moment one is first."""
    return [Window(what, 1, 86_400)]


def second_factor(request: HttpRequest, person: object) -> list[Window]:
    """Codes of an authenticator app and recovery codes: 8 in 15 minutes and 40 a day for a person, from wherever and in
    whatever sign-in, apart from the count of passwords; 50 in 15 minutes from an address.

    Three codes out of a million are right at a time, so that guessing takes more than twenty years on average. Only
    who has passed the first factor can use the count up.
    """
    return [
        Window(f"second-factor {person}", 8, 900),
        Window(f"second-factor-in-a-day {person}", 40, 86_400),
        Window(f"second-factor-from {_origin(request)}", 50, 900),
    ]


def mailed_codes_sent(request: HttpRequest, email: str) -> list[Window]:
    """Mails with codes, asked for by whoever knows an address: 5 in 15 minutes to one, 50 from an address."""
    return [
        Window(f"codes-sent {email.strip().lower()}", 5, 900),
        Window(f"codes-sent-from {_origin(request)}", 50, 900),
    ]


def provider_requests(request: HttpRequest) -> list[Window]:
    """Successes, for each makes us keep a row and ask another server: 300 in 10 minutes from an address."""
    return [Window(f"provider-requests {_origin(request)}", 300, 600)]


def passkey(request: HttpRequest, person: object) -> list[Window]:
    """Answers of passkeys that are not good: 20 in 15 minutes for a person, where she is known, from one address; 100
    from an address. Nobody can guess a signature: this spares the server the judging."""
    address = _origin(request)
    known = [Window(f"passkey {person} {address}", 20, 900)] if person else []
    return [*known, Window(f"passkey-from {address}", 100, 900)]


def password_strength(request: HttpRequest) -> list[Window]:
    """Questions of the meter beside a new password, each some work: 120 in 5 minutes from an address."""
    return [Window(f"password-strength {_origin(request)}", 120, 300)]


def application_secret(request: HttpRequest, client_id: str) -> list[Window]:
    """Secrets: 20 in 5 minutes for an application from one address, so that a stranger cannot lock it out; 200 from
    an address."""
    address = _origin(request)
    return [
        Window(f"secret {client_id} {address}", 20, 300, is_told=True),
        Window(f"secret-from {address}", 200, 300, is_told=True),
    ]


def authorization_code(request: HttpRequest, client_id: str) -> list[Window]:
    """Codes and refresh tokens that are wrong: 100 in 5 minutes for an application from one address."""
    return [Window(f"grant {client_id} {_origin(request)}", 100, 300, is_told=True)]


def user_code(request: HttpRequest, person: object) -> list[Window]:
    """Wrong codes of devices, within the ten minutes that one lives: 5 by a person, 20 from an address, 1000 by all.

    RFC 8628 section 5.1: five guesses at eight letters out of twenty succeed with a chance below 2^-32.
    """
    return [
        Window(f"user-code {person}", 5, 600),
        Window(f"user-code-from {_origin(request)}", 20, 600),
        Window("user-code", 1000, 600),
    ]


def mailed_link(request: HttpRequest) -> list[Window]:
    """Links of mails that are not good: 30 in 15 minutes from an address."""
    return [Window(f"mailed-link-from {_origin(request)}", 30, 900)]


def pictures(person: object) -> list[Window]:
    """Successes count: making one costs time. 20 in an hour of a person."""
    return [Window(f"pictures {person}", 20, 3600)]


def device_codes(request: HttpRequest, client_id: str) -> list[Window]:
    """Here successes count: a public application's device codes cost whoever asks nothing. 200 in 10 minutes for one
    application from one address."""
    return [Window(f"device-codes {client_id} {_origin(request)}", 200, 600)]


def registration_attempts(request: HttpRequest) -> list[Window]:
    """Requests to the registration endpoints, good or not: 200 in 5 minutes from one address."""
    return [Window(f"registration-attempts {_origin(request)}", 200, 300)]


def pushed_requests(request: HttpRequest, client_id: str) -> list[Window]:
    """Successes, as for device codes: 200 in 10 minutes of a public application from one address."""
    return [Window(f"pushed {client_id} {_origin(request)}", 200, 600)]


def registrations(request: HttpRequest) -> list[Window]:
    """Successes again: 20 applications an hour from one address, 500 from all."""
    return [Window(f"registrations {_origin(request)}", 20, 3600), Window("registrations", 500, 3600)]


def client_documents(request: HttpRequest, host: str) -> list[Window]:
    """Requests to somebody else's server that a stranger causes: 30 in 5 minutes from one address, 30 to one host."""
    return [Window(f"documents {_origin(request)}", 30, 300), Window(f"documents-at {host.lower()}", 30, 300)]


def organisation_invitations(request: HttpRequest, organisation: str, person: object, email: str) -> list[Window]:
    """Mails that somebody makes us send, and so successes: 5 a day to one address, whoever asks; 200 an hour by one
    person and for one organisation."""
    return [
        Window(f"invitations-to {email.strip().lower()}", 5, 86_400),
        Window(f"invitations-by {person}", 200, 3600),
        Window(f"invitations-of {organisation}", 200, 3600),
    ]


def reached(windows: Iterable[Window]) -> int:
    """Seconds to wait, or 0 where no window is full. Reads, counts nothing."""
    full = {window.key: window.most for window in windows}
    now = timezone.now()
    rows = Refusals.objects.filter(key__in=full, ends__gt=now).values_list("key", "count", "ends")
    return _wait([(count, full[key], ends) for key, count, ends in rows], now)


def refused(windows: Iterable[Window]) -> int:
    """Count one refusal, narrowest window first, by one statement each; seconds to wait where one is over its limit.

    What a full window has stopped does not fill the wider ones: or one address could lock an account for everybody.
    """
    now = timezone.now()
    for window in windows:
        count, ends = _count(window, now)
        if count > window.most:
            return _wait([(count, window.most, ends)], now)
    return 0


def taken(windows: Iterable[Window]) -> int:
    """Count an attempt before it is judged, so that parallel attempts cannot slip past; `given_back` after success."""
    return refused(windows)


def given_back(windows: Iterable[Window]) -> None:
    """Take back what `taken` counted: the attempt was right."""
    Refusals.objects.filter(key__in=[window.key for window in windows], count__gt=0).update(count=F("count") - 1)


def _count(window: Window, now: datetime) -> tuple[int, datetime]:
    ends = now + timedelta(seconds=window.seconds)
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_refusals (key, count, ends, is_full) VALUES (%s, 1, %s, %s)"
            " ON CONFLICT (key) DO UPDATE SET"
            " count = CASE WHEN audit_refusals.ends <= %s THEN 1 ELSE audit_refusals.count + 1 END,"
            " ends = CASE WHEN audit_refusals.ends <= %s THEN excluded.ends ELSE audit_refusals.ends END,"
            " is_full = %s AND audit_refusals.count + 1 >= %s"
            " RETURNING count, ends",
            [window.key, adapt(ends), False, adapt(now), adapt(now), window.is_told, window.most],
        )
        count, until = cursor.fetchone()
    if window.is_told and count >= window.most:
        follower.hurry()  # this worker knows at once that a limit is full
    return count, _aware(until)


def _aware(value: datetime | str) -> datetime:
    if isinstance(value, str):  # SQLite gives back what it stored
        value = datetime.fromisoformat(value)
    return value if value.tzinfo else value.replace(tzinfo=timezone.get_default_timezone())


def _wait(rows: Iterable[tuple[int, int, datetime]], now: datetime) -> int:
    """`rows` are (count, most, ends): the longest that a full one still lasts."""
    return max((max(1, int((ends - now).total_seconds())) for count, most, ends in rows if count >= most), default=0)


def _origin(request: HttpRequest) -> str:
    """Where an attempt comes from."""
    return network_of(client_address(request))
