"""manage.py sweep: what is over goes, what can still matter stays, and nothing revives."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from authcenter.oauth.models import Family, Grant
from authcenter.oauth.withdrawal import end_family
from authcenter.server import sweeping
from authcenter.sessions.models import Revocation, Session
from authcenter.sessions.revocation import Kind, end_all_of_user, end_session, revoke
from tests.oauth.flow import refresh, tokens, userinfo


@pytest.fixture
def got(web, alice, browser):
    return tokens(web, alice, browser)


def swept():
    out = StringIO()
    call_command("sweep", stdout=out)
    return dict(line.rsplit(": ", 1) for line in out.getvalue().splitlines())


def test_what_lives_stays(web, got):
    assert set(swept().values()) <= {"0"}
    assert Grant.objects.exists() and Family.objects.exists() and Session.objects.exists()
    assert refresh(web, got["refresh_token"]).status_code == 200


def test_nothing_revives_when_revocations_go(web, alice, browser, got):
    end_session(browser.sid, reason="test")
    end_all_of_user(alice.pk, reason="test")
    Revocation.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert swept()["revocations"] == "2" and not Revocation.objects.exists()
    assert refresh(web, got["refresh_token"]).status_code == 400
    assert browser.get("/account/").status_code == 302
    assert userinfo(got["access_token"]).status_code == 401  # the epoch is on the person, too


def test_a_code_stays_as_long_as_what_it_bought(web, got):
    Grant.objects.update(expires=timezone.now() - timedelta(days=89))
    swept()
    assert Grant.objects.exists()
    Grant.objects.update(expires=timezone.now() - timedelta(days=92))
    assert swept()["codes"] == "1"
    assert Family.objects.exists()


def test_an_ended_family_goes_and_stays_dead(web, got):
    end_family(Family.objects.get().pk, reason="test")
    assert swept()["families"] == "0"
    Family.objects.update(expires=timezone.now() - timedelta(days=2))
    assert swept()["families"] == "1"
    assert refresh(web, got["refresh_token"]).status_code == 400


def test_many_rows_go_in_slices(db, monkeypatch):
    monkeypatch.setattr(sweeping, "SLICE", 10)
    for number in range(35):
        revoke(Kind.TOKEN, f"t{number}", reason="test")
    Revocation.objects.filter(sequence__lte=25).update(expires=timezone.now() - timedelta(seconds=1))
    assert dict(sweeping.sweep())["revocations"] == 25
    assert Revocation.objects.count() == 10


def test_it_runs_by_itself_once_for_all_workers(db):
    def dead(name):
        revoke(Kind.TOKEN, name, reason="test")
        Revocation.objects.update(expires=timezone.now() - timedelta(seconds=1))

    workers = [sweeping.Cleaner() for _ in range(3)]
    dead("one")
    assert all(40 < worker.run() < 80 for worker in workers)
    assert not Revocation.objects.exists()
    dead("two")
    for worker in workers:
        worker.run()
    assert Revocation.objects.exists(), "it was swept a moment ago"
    cache.delete("cleanup")
    workers[1].run()
    assert not Revocation.objects.exists()


def test_a_clock_that_leapt_ahead_is_not_believed(db, monkeypatch):
    """Set by mistake to next week, and back a minute later: what was swept meanwhile would revive."""
    worker = sweeping.Cleaner()
    revoke(Kind.TOKEN, "one", reason="test")
    worker.run()
    now = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: now + timedelta(days=7))
    for cleaner in (worker, worker, sweeping.Cleaner(), sweeping.Cleaner()):  # one that starts meanwhile, too
        cache.delete("cleanup")
        cleaner.run()
        assert Revocation.objects.exists()


def test_sessions_that_something_refers_to_stay(web, got):
    Session.objects.update(expires=timezone.now() - timedelta(days=92))
    swept()
    assert Session.objects.exists()
    Grant.objects.update(expires=timezone.now() - timedelta(days=92))
    Family.objects.update(expires=timezone.now() - timedelta(days=2))
    counts = swept()
    assert (counts["codes"], counts["families"], counts["sessions"]) == ("1", "1", "1")
    assert not Session.objects.exists()


@pytest.mark.parametrize("number", range(len(sweeping._over(timezone.now()))))
def test_an_index_serves_each_condition(db, number):
    """Or the whole table would be read for each slice."""
    _name, model, over = sweeping._over(timezone.now())[number]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # empty tables are always scanned otherwise
    plan = model._default_manager.filter(over).order_by().values("pk")[:1000].explain()
    assert "Index" in plan or "USING" in plan, plan
    assert f"Seq Scan on {model._meta.db_table}" not in plan and f"SCAN {model._meta.db_table}" not in plan, plan


@pytest.mark.parametrize("same_end", [True, False])
def test_what_is_referred_to_does_not_stop_the_sweep(monkeypatch, web, alice, got, same_end):
    """Whole slices of sessions that codes still stand on are passed by, once."""
    monkeypatch.setattr(sweeping, "SLICE", 2)
    long_ago, code = timezone.now() - timedelta(days=200), Grant.objects.get()
    for number in range(12):
        ends = long_ago if same_end else long_ago + timedelta(hours=number)
        session = Session.objects.create(user=alice, kind="api", expires=ends, idle_seconds=1)
        if number % 4 < 3:
            code.pk, code.code, code.session, code.family = None, f"x{number}", session, uuid4()
            code.save(force_insert=True)
    assert swept()["sessions"] == "3"
    assert Session.objects.count() == 9 + 1
