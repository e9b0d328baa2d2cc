"""What the tests of people share: their mail, the count of hashes, and a look at the logs after each test."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from tests.accounts import people
from tests.leaks import logged, told


@pytest.fixture(autouse=True)
def no_secret_is_kept(db: None, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does: no password and no mailed code is in a log line or an audit row afterwards."""
    from authcenter.audit.models import AuditEvent

    people.SECRETS.clear()
    yield
    rows = str(list(AuditEvent.objects.values_list("actor", "subject", "client_id", "detail")))
    assert not told(people.SECRETS | set(people.codes()), logged(caplog) + rows), "a secret is in the log"


@pytest.fixture
def browser() -> Callable[..., Client]:
    """Makes browsers that have nothing in common."""
    return lambda **meta: Client(HTTP_HOST="localhost", **meta)


@pytest.fixture(autouse=True)
def _quick_passwords(request: pytest.FixtureRequest, settings: Any) -> None:
    """Argon2 is meant to be slow; only tests that count hashes need it."""
    if "hashes" not in request.fixturenames:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _committed_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test is one transaction that nobody commits: what waits for the commit happens at once."""
    if "transactional_db" not in request.fixturenames:
        monkeypatch.setattr(transaction, "on_commit", lambda act, **options: act())


@pytest.fixture
def as_many_mails_as_you_like(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS, False)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Puts every clock of this process forward."""
    now, clock = timezone.now, time.time

    def put(by: timedelta) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now() + by)
        monkeypatch.setattr(time, "time", lambda: clock() + by.total_seconds())

    return put
