"""Attacks on the token endpoint: authorization codes."""

import pytest

from tests.attacks import refusals
from tests.attacks.rig import ok
from tests.oauth.flow import VERIFIER, challenge

pytestmark = pytest.mark.live


def test_tk_01_a_replayed_code_ends_what_it_bought(rig):
    browser = rig.browser(rig.scene.alice)
    code = browser.code(rig.web)
    got = ok(rig.redeem(rig.web, code))
    assert rig.userinfo(got["access_token"]).status_code == 200
    refusals.grant(rig, rig.redeem(rig.web, code), also="code_replayed")
    refusals.bearer(rig.userinfo(got["access_token"]))
    refusals.grant(rig, rig.refresh(rig.web, got["refresh_token"]))
    assert not rig.is_active(rig.web, got["access_token"])


@pytest.mark.parametrize("app", ["web", "spa"])
def test_tk_02_one_of_many_redemptions_at_once(rig, parallel, app):
    application, person = getattr(rig, app), rig.scene.person("racer")
    browser = rig.browser(person)
    for _round in range(4):
        code = browser.code(application)
        clients = [rig.elsewhere() for _ in range(20)]
        answers = parallel(20, lambda number, code=code, clients=clients: clients[number].redeem(application, code))
        for client in clients:
            client.close()
        won = [answer.json() for answer in answers if answer.status_code == 200]
        assert len(won) <= 1
        for answer in answers:
            if answer.status_code != 200:
                refusals.json_error(answer, "invalid_grant")
        for got in won:  # the others were replays, so that nothing lives
            refusals.bearer(rig.userinfo(got["access_token"]))
    assert rig.inside.generations(person.id) == []


def test_tk_04_a_code_is_bound_to_its_client(rig):
    browser = rig.browser(rig.scene.alice)
    for owner, thief in ((rig.web, rig.web2), (rig.spa, rig.native), (rig.web, rig.spa)):
        code = browser.code(owner)
        for changes in ({}, {"redirect_uri": thief.redirect_uri}):
            with rig.untouched():
                refusals.grant(rig, rig.redeem(thief, code, **{"redirect_uri": owner.redirect_uri, **changes}))
        ok(rig.redeem(owner, code))


@pytest.mark.parametrize(
    "address",
    ["https://rp1.test/other", None, "", "https://rp1.test/cb/", "https://rp1.test/cb?x=1", "HTTPS://rp1.test/cb"],
    ids=["another-registered", "omitted", "empty", "slash", "query", "capitals"],
)
def test_tk_05_a_code_is_bound_to_its_redirect_uri(rig, address):
    code = rig.browser(rig.scene.alice).code(rig.web)
    with rig.untouched():
        refusals.grant(rig, rig.redeem(rig.web, code, redirect_uri=address))
    ok(rig.redeem(rig.web, code))


@pytest.mark.parametrize(
    "verifier",
    [
        None,
        "",
        "x" * 43,
        challenge(VERIFIER),
        VERIFIER[:42],
        VERIFIER + "v" * 100,
        VERIFIER + "!",
        VERIFIER + " ",
        "é" * 43,
    ],
    ids=["none", "empty", "wrong", "the-challenge", "42", "too-long", "illegal", "blank", "not-ascii"],
)
@pytest.mark.parametrize("app", ["web", "spa"])
def test_tk_06_a_code_is_bound_to_its_verifier(rig, app, verifier):
    application = getattr(rig, app)
    code = rig.browser(rig.scene.alice).code(application)
    with rig.untouched():
        response = rig.redeem(application, code, code_verifier=verifier)
        refusals.json_error(response, "invalid_grant" if verifier else {"invalid_request", "invalid_grant"})
    ok(rig.redeem(application, code))


def test_tk_08_expired_code(rig):
    browser = rig.browser(rig.scene.alice)
    code, younger = browser.code(rig.web), browser.code(rig.web)
    rig.inside.age_code(code, 61)
    with rig.untouched():
        refusals.grant(rig, rig.redeem(rig.web, code))
    ok(rig.redeem(rig.web, younger))


@pytest.mark.parametrize("act", ["disable", "delete", "end_all_of_user"])
def test_tk_09_person_disabled_before_redemption(rig, act):
    person = rig.scene.person("leaver")
    code = rig.browser().sign_in_anew(person).code(rig.web)
    getattr(rig.inside, act)(person.id)
    with rig.untouched():
        refusals.grant(rig, rig.redeem(rig.web, code))
