"""Taking back: whatever ends, the living tokens that stood on it are refused at the next request; the rest live on."""

import pytest

from accounts.models import User
from authcenter.oauth import access_token, living
from authcenter.oauth.models import Application, Authorization, Family
from authcenter.oauth.withdrawal import end_family, withdraw
from authcenter.resource_server.view import View
from authcenter.server.restoring import end_everything
from authcenter.server.sweeping import sweep
from authcenter.sessions.models import Feed, Revocation
from authcenter.sessions.revocation import (
    Kind,
    end_all_but,
    end_all_of_application,
    end_all_of_user,
    end_session,
    revoke,
)
from tests.oauth.flow import Browser, assert_bearer_401, assert_refused, machine_token, refresh, tokens, userinfo


@pytest.fixture
def got(web, alice, browser):
    return tokens(web, alice, browser)


def assert_dead(app, got):
    assert_bearer_401(userinfo(got["access_token"]))
    assert not living.is_alive(access_token.read(got["access_token"]))
    assert_refused(refresh(app, got["refresh_token"]), 400, "invalid_grant")


def assert_alive(app, got):
    assert userinfo(got["access_token"]).status_code == 200
    assert living.is_alive(access_token.read(got["access_token"]))
    assert refresh(app, got["refresh_token"]).status_code == 200


def test_a_session(web, alice, bob, browser, got):
    other, hers = tokens(web, alice, Browser()), tokens(web, bob, Browser())
    assert end_session(browser.sid, reason="test")
    assert_dead(web, got)
    assert_alive(web, other)
    assert_alive(web, hers)


def test_everything_but_one_sign_in(web, alice, browser, got):
    elsewhere = tokens(web, alice, Browser(), scope="openid offline_access")
    assert end_all_but(browser.sid, alice.pk, reason="test") == 1
    assert_dead(web, elsewhere)
    assert_dead(web, got)
    assert browser.get("/account/").status_code == 200
    assert_alive(web, tokens(web, alice, browser))


def test_a_sign_in_that_has_ended_is_not_carried_over(alice, browser):
    browser.enter(alice)
    end_session(browser.sid, reason="test")
    end_all_but(browser.sid, alice.pk, reason="test")
    assert browser.get("/account/").status_code == 302


def test_a_sign_in_of_an_older_epoch_is_not_carried_over(alice, browser):
    browser.enter(alice)
    User.objects.filter(pk=alice.pk).update(epoch=5)
    end_all_but(browser.sid, alice.pk, reason="test")
    assert browser.get("/account/").status_code == 302


def test_an_authorization(web, web2, alice, browser, got):
    elsewhere, other_app = tokens(web, alice, Browser()), tokens(web2, alice, browser)
    assert withdraw(Authorization.objects.get(application=web.row).pk, reason="test")
    assert_dead(web, got)
    assert_dead(web, elsewhere)
    assert_alive(web2, other_app)


def test_a_family(web, alice, browser, got):
    other = tokens(web, alice, browser)
    family = Family.objects.order_by("created").first()
    assert end_family(family.pk, reason="test") and not end_family(family.pk, reason="test")
    assert_dead(web, got)
    assert_alive(web, other)


def test_everything_of_a_user(web, alice, bob, browser, got):
    offline, hers = tokens(web, alice, browser, scope="openid offline_access"), tokens(web, bob, Browser())
    assert end_all_of_user(alice.pk, reason="test") == 1
    assert_dead(web, got)
    assert_dead(web, offline)
    assert_alive(web, hers)
    assert "login_required" in browser.authorize(web, prompt="none")["Location"]


def test_after_everything_was_ended_a_new_sign_in_works(web, alice, browser, got):
    end_all_of_user(alice.pk, reason="test")
    end_all_of_application(web.id, reason="test")
    assert_alive(web, tokens(web, alice, Browser()))
    assert_dead(web, got)


def test_everything_of_an_application(web, web2, alice, browser, machine, got):
    other = tokens(web2, alice, browser)
    assert end_all_of_application(web.id, reason="test") == 1
    assert_dead(web, got)
    assert_alive(web2, other)
    end_all_of_application(machine.id, reason="test")
    assert living.is_alive(access_token.read(machine_token(machine).json()["access_token"]))


@pytest.mark.parametrize("what", ["user disabled", "user deleted", "application disabled", "application deleted"])
def test_what_is_disabled_or_deleted(web, alice, browser, got, what):
    if what == "user disabled":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    elif what == "user deleted":
        alice.delete()
    elif what == "application disabled":
        Application.objects.filter(pk=web.row.pk).update(is_active=False)
    else:
        Application.objects.filter(pk=web.row.pk).delete()
    assert_bearer_401(userinfo(got["access_token"]))
    assert not living.is_alive(access_token.read(got["access_token"]))


def test_nothing_revives_when_the_rows_are_swept(web, alice, browser, got):
    from datetime import timedelta

    from django.utils import timezone

    end_session(browser.sid, reason="test")
    end_all_of_user(alice.pk, reason="test")
    Revocation.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert dict(sweep())["revocations"] == 2 and not Revocation.objects.exists()
    assert_bearer_401(userinfo(got["access_token"]))  # by the epoch; an access token itself lives minutes only
    assert_refused(refresh(web, got["refresh_token"]), 400, "invalid_grant")


def test_a_revocation_outlives_every_token_it_concerns(db):
    from datetime import timedelta

    from django.utils import timezone

    revoke(Kind.SESSION, "x", reason="test")
    assert Revocation.objects.get().expires > timezone.now() + timedelta(hours=24)


def test_sequence_numbers_rise_and_repeats_add_no_row(db):
    for n in range(3):
        revoke(Kind.SESSION, f"s{n}", reason="test")
        revoke(Kind.SESSION, f"s{n}", reason="test")
    rows = list(Revocation.objects.order_by("sequence").values_list("subject", flat=True))
    assert rows == ["s0", "s1", "s2"]
    assert Feed.objects.get().sequence >= Revocation.objects.latest("sequence").sequence


def test_the_newest_epoch_says_it_all(db, alice):
    for _n in range(3):
        end_all_of_user(alice.pk, reason="test")
    row = Revocation.objects.get()
    assert row.epoch == 3 and row.subject == str(alice.pk)


@pytest.mark.parametrize("epoch", [4, 5])
def test_a_lower_epoch_changes_nothing(db, epoch):
    revoke(Kind.USER, "u", reason="test", epoch=5)
    revoke(Kind.USER, "u", reason="test", epoch=epoch)
    row = Revocation.objects.get()
    assert (row.epoch, row.sequence) == (5, 1)


def test_numbers_have_no_gaps(db):
    for subject in ("a", "a", "b", "a"):
        revoke(Kind.TOKEN, subject, reason="test")
    assert sorted(Revocation.objects.values_list("sequence", "subject")) == [(1, "a"), (2, "b")]


def test_ending_rolls_back_with_its_act(web, alice, browser, got):
    from django.db import transaction

    with pytest.raises(RuntimeError), transaction.atomic():
        end_session(browser.sid, reason="test")
        end_all_of_user(alice.pk, reason="test")
        raise RuntimeError
    assert not Revocation.objects.exists()
    assert_alive(web, got)


@pytest.mark.parametrize(
    "claims", [{}, {"sid": 1}, {"gid": None}, {"sub": "x", "uep": "y"}, {"jti": ["a"]}, {"client_id": {}}]
)
def test_claims_of_odd_types_are_no_condition(db, claims):
    from authcenter.sessions.view import is_revoked

    assert is_revoked(claims) is False


def test_after_a_restore_new_epochs_are_above_those_that_apis_hold(alice):
    view = View()
    for _act in range(3):
        end_all_of_user(alice.pk, reason="test")
    view.add("user", str(alice.pk), 3)
    type(alice).objects.filter(pk=alice.pk).update(epoch=0)  # the backup
    end_everything()
    alice.refresh_from_db()
    assert not view.is_revoked({"sub": str(alice.pk), "uep": alice.epoch})
