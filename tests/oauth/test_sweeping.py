"""manage.py sweep: what is over goes, what can still matter stays, and nothing revives."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from authcenter.oauth.models import Family, Grant
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
    assert swept()["grants"] == "1"
    assert Family.objects.exists()


def test_an_ended_family_goes_and_stays_dead(web, got):
    Family.objects.update(ended=timezone.now() - timedelta(days=2))
    assert swept()["families"] == "1"
    assert refresh(web, got["refresh_token"]).status_code == 400


def test_many_rows_go_in_slices(db, monkeypatch):
    monkeypatch.setattr(sweeping, "SLICE", 10)
    for number in range(35):
        revoke(Kind.TOKEN, f"t{number}", reason="test")
    Revocation.objects.filter(sequence__lte=25).update(expires=timezone.now() - timedelta(seconds=1))
    pauses = []
    assert dict(sweeping.sweep(pause=lambda: pauses.append(1)))["revocations"] == 25
    assert len(pauses) == 3 and Revocation.objects.count() == 10
