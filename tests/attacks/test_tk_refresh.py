"""Attacks on the token endpoint: refresh tokens."""

import pytest

from tests.attacks import refusals
from tests.attacks.rig import ok
from tests.attacks.scene import PASSWORD

pytestmark = pytest.mark.live
DAY = 86_400


def test_tk_31_reuse_ends_the_family_of_a_public_application(rig):
    first = rig.tokens(rig.spa, rig.scene.alice)
    second = ok(rig.refresh(rig.spa, first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    refusals.grant(rig, rig.refresh(rig.spa, first["refresh_token"]), also="refresh_replayed")
    refusals.grant(rig, rig.refresh(rig.spa, second["refresh_token"]))
    for got in (first, second):
        refusals.bearer(rig.userinfo(got["access_token"]))


def test_tk_31_reuse_ends_the_family_of_a_confidential_application(rig):
    """The last token may come twice within seconds, for an answer that was lost; the one before it may not."""
    first = rig.tokens(rig.web, rig.scene.alice)
    second = ok(rig.refresh(rig.web, first["refresh_token"]))
    third = ok(rig.refresh(rig.web, second["refresh_token"]))
    refusals.grant(rig, rig.refresh(rig.web, first["refresh_token"]), also="refresh_replayed")
    refusals.grant(rig, rig.refresh(rig.web, third["refresh_token"]))
    refusals.bearer(rig.userinfo(third["access_token"]))


def test_tk_31_the_retry_window_closes(rig):
    person = rig.scene.person("retrier")
    first = rig.tokens(rig.web, person)
    ok(rig.refresh(rig.web, first["refresh_token"]))
    rig.inside.age_family(person.id, 11)
    refusals.grant(rig, rig.refresh(rig.web, first["refresh_token"]), also="refresh_replayed")


@pytest.mark.parametrize("app", ["spa", "web"])
def test_tk_32_many_refreshes_at_once(rig, parallel, app):
    """Without a key exactly one wins, and the others are thefts. With one, a repeat gets the very same successor."""
    application, person = getattr(rig, app), rig.scene.person("racer")
    got = rig.tokens(application, person)
    here, there = rig, rig.elsewhere()
    answers = parallel(20, lambda n: (here if n % 2 else there).refresh(application, got["refresh_token"]))
    there.close()
    won = [answer.json() for answer in answers if answer.status_code == 200]
    for answer in answers:
        if answer.status_code != 200:
            refusals.json_error(answer, "invalid_grant")
    if app == "spa":
        assert len(won) == 1 and rig.inside.generations(person.id) == []
        refusals.bearer(rig.userinfo(won[0]["access_token"]))
    else:
        assert won and len({answer["refresh_token"] for answer in won}) == 1
        assert rig.inside.generations(person.id) == [2]
        ok(rig.refresh(application, won[0]["refresh_token"]))


def test_tk_34_a_refresh_token_is_bound_to_its_client(rig):
    for owner, thief in ((rig.web, rig.web2), (rig.spa, rig.native), (rig.web, rig.spa)):
        got = rig.tokens(owner, rig.scene.alice)
        with rig.untouched():
            refusals.grant(rig, rig.refresh(thief, got["refresh_token"]))
        ok(rig.refresh(owner, got["refresh_token"]))


@pytest.mark.parametrize(
    "token", ["", "x", "rt_", "rt_" + "A" * 70, "flipped", "cut", "access", "id", "code"],
)  # fmt: skip
def test_tk_34_what_is_no_refresh_token(rig, token):
    browser = rig.browser(rig.scene.alice)
    got = rig.tokens(rig.web, rig.scene.alice, browser)
    right = got["refresh_token"]
    made = {
        "flipped": right[:20] + ("A" if right[20] != "A" else "B") + right[21:],
        "cut": right[:-4],
        "access": got["access_token"],
        "id": got["id_token"],
        "code": browser.code(rig.web),
    }.get(token, token)
    with rig.untouched():
        refusals.json_error(rig.refresh(rig.web, made), "invalid_grant" if made else "invalid_request")
    ok(rig.refresh(rig.web, right))


@pytest.mark.parametrize(
    "scope", ["openid films:read films:write", "openid nope", "films:write", "OPENID", "openid\tfilms:read"]
)
def test_tk_35_scope_is_not_widened_by_a_refresh(rig, scope):
    got = rig.tokens(rig.web, rig.scene.alice, scope="openid films:read")
    with rig.untouched():
        refusals.grant(rig, rig.refresh(rig.web, got["refresh_token"], scope=scope), "invalid_scope")
    ok(rig.refresh(rig.web, got["refresh_token"]))


def test_tk_35_a_subset_narrows_the_access_token_only(rig):
    full = {"openid", "films:read"}
    got = rig.tokens(rig.web, rig.scene.alice, scope=" ".join(full))
    narrow = ok(rig.refresh(rig.web, got["refresh_token"], scope="films:read"))
    assert narrow["scope"] == "films:read" and rig.userinfo(narrow["access_token"]).status_code == 403
    for scope in ("films:read openid", None):
        got = ok(rig.refresh(rig.web, narrow["refresh_token"], scope=scope))
        assert set(got["scope"].split()) == full
        narrow = got


@pytest.mark.parametrize("scope", ["openid", "openid offline_access"], ids=["online", "offline"])
@pytest.mark.parametrize("act", ["disable", "delete", "end_all_of_user", "password"])
def test_tk_37_refresh_after_a_change_of_the_person(rig, act, scope):
    person, browser = rig.scene.person("changed"), rig.browser()
    got = rig.tokens(rig.web, person, browser.sign_in_anew(person), scope=scope)
    if act == "password":
        new = {"password1": "another long sentence 8", "password2": "another long sentence 8"}
        browser.open("/accounts/password/change/").submit("oldpassword", oldpassword=PASSWORD, **new)
        assert "Your password is changed" in browser.page.text
    else:
        getattr(rig.inside, act)(person.id)
    with rig.untouched():
        refusals.grant(rig, rig.refresh(rig.web, got["refresh_token"]))
    refusals.bearer(rig.userinfo(got["access_token"]))


def test_tk_38_absolute_lifetime(rig):
    """Refreshed every ten days it would live for ever, but for the cap of ninety."""
    person = rig.scene.person("loyal")
    token = rig.tokens(rig.web, person, scope="openid offline_access")["refresh_token"]
    for _tenth_day in range(8):
        rig.inside.age_family(person.id, 10 * DAY)
        token = ok(rig.refresh(rig.web, token))["refresh_token"]
    rig.inside.age_family(person.id, 10 * DAY)
    with rig.untouched():
        refusals.grant(rig, rig.refresh(rig.web, token))


def test_tk_38_idle_lifetime(rig):
    person = rig.scene.person("idler")
    token = rig.tokens(rig.web, person, scope="openid offline_access")["refresh_token"]
    rig.inside.age_family(person.id, 14 * DAY)
    with rig.untouched():
        refusals.grant(rig, rig.refresh(rig.web, token))
