"""Ids that rise with time: what RFC 9562 section 5.7 says of them, and which rows have them."""

import time
import uuid
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from authcenter import ids
from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import Authorization, Family, Grant
from authcenter.sessions.models import Session
from tests import room


def test_an_id_is_of_version_seven_and_tells_its_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = ids.new_id()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_rise_with_time_and_are_else_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_000_000_000)
    first, again = ids.new_id(), ids.new_id()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_001_000_000)
    assert max(first, again) < ids.new_id()
    at_random = [{one.int >> bit & 1 for one in (ids.new_id() for _ in range(200))} for bit in range(80)]
    assert [bit for bit, seen in enumerate(at_random) if seen != {0, 1}] == [62, 63, 76, 77, 78, 79]


@pytest.mark.parametrize("model", [Session, Authorization, Family, AuditEvent])
def test_what_happens_has_one(model: Any) -> None:
    assert model().pk.version == 7


def test_a_code_names_its_family_by_one_and_a_person_has_none() -> None:
    assert Grant().family.version == 7
    assert User().pk.version == 4  # it would tell applications since when she has had her account


@pytest.mark.skipif(not room.POSTGRES, reason="the index is made on PostgreSQL only")
@pytest.mark.django_db
def test_a_hash_has_no_index_of_how_it_begins() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'oauth_grant'")
        names = [name for (name,) in cursor.fetchall()]
    assert any("code" in name for name in names)
    assert not any(name.endswith("_like") for name in names)
