"""Attacks by tokens and assertions in exchange: of whom, for whom, and without the person's word."""

import time
from typing import Any

import pytest

from authcenter.oauth.grants.token_exchange import ACCESS_TOKEN
from authcenter.oauth.registration import JWT_BEARER, TOKEN_EXCHANGE
from tests.attacks import forge, refusals
from tests.attacks.rig import Rig, ok
from tests.attacks.scene import ORDERS, STOCK
from tests.attacks.signing import KEY, STRANGER, public, said, signed
from tests.oauth.flow import App, claims

pytestmark = pytest.mark.live
THEIRS = "https://hr.example"
BAD = "invalid_request"
"""RFC 8693 section 2.2.2: for whatever is wrong with a subject token."""


@pytest.fixture(scope="session")
def middle(scene) -> App:
    """The films' server as an application that calls the stock's."""
    app = scene.application("machine", "Films' server", ["stock:read"], grant_types=[TOKEN_EXCHANGE])
    scene.inside.represent(app.id, ORDERS)
    return app


@pytest.fixture(scope="session")
def vouched(scene) -> App:
    """An application for which another server may vouch for people."""
    fields = {"redirect_uris": "https://hr.test/cb", "grant_types": ["authorization_code", JWT_BEARER]}
    app = scene.application("web", "Vouched", ["films:read"], **fields)
    scene.inside.trust(THEIRS, public(KEY), [app.id])
    scene.inside.trust("https://asleep.example", public(KEY), [app.id], is_active=False)
    scene.inside.trust("https://for-others.example", public(KEY), [])
    return app


def exchange(rig: Rig, app: App, token: str, **changes: Any):
    form = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "scope": "stock:read"}
    return rig.token(app, {"grant_type": TOKEN_EXCHANGE, **form, **changes})


def held(rig: Rig, person: Any = None) -> dict[str, Any]:
    """What the films' server may be sent by an application of this person."""
    person = person or rig.scene.alice
    return rig.tokens(rig.web, person, scope="openid films:read offline_access", resource=ORDERS)


def test_tk_44_an_exchange_gives_no_more_and_ends_with_what_it_came_from(rig, middle):
    got = held(rig)
    new = ok(exchange(rig, middle, got["access_token"], resource=STOCK))
    old, made = claims(got["access_token"]), claims(new["access_token"])
    assert made["sub"] == old["sub"] and made["exp"] <= old["exp"] and made["aud"] == STOCK
    assert made["act"] == {"sub": middle.id} and "refresh_token" not in new
    assert rig.is_active(rig.scene.stock, new["access_token"])
    assert rig.revoke(rig.web, got["refresh_token"]).status_code == 200
    refusals.inactive(rig.introspect(rig.scene.stock, new["access_token"]))
    refusals.grant(rig, exchange(rig, middle, got["access_token"]), BAD)


SUBJECTS = {
    "garbage": lambda rig, got: "x.y.z",
    "id-token": lambda rig, got: got["id_token"],
    "refresh-token": lambda rig, got: got["refresh_token"],
    "for-another-api": lambda rig, got: rig.tokens(rig.web, rig.scene.alice)["access_token"],
    "of-a-machine": lambda rig, got: ok(rig.machine_token(resource=ORDERS))["access_token"],
    "unsigned": lambda rig, got: forge.compact({"alg": "none", "typ": "at+jwt"}, claims(got["access_token"])),
    "by-a-stranger": lambda rig, got: signed(rig, claims(got["access_token"]), STRANGER, typ="at+jwt"),
    "expired": lambda rig, got: rig.scene.sign(
        claims(got["access_token"]) | {"exp": int(time.time()) - 300}, "at+jwt", claims(got["access_token"], 0)["alg"]
    ),
    "another-issuer": lambda rig, got: rig.scene.sign(
        claims(got["access_token"]) | {"iss": "https://evil.test"}, "at+jwt", claims(got["access_token"], 0)["alg"]
    ),
    "session-token": lambda rig, got: rig.scene.sign(claims(got["access_token"]), "session+jwt"),
}


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS.keys())
def test_tk_44_what_is_no_subject_token(rig, middle, subject):
    token = subject(rig, held(rig))
    with rig.untouched():
        refusals.grant(rig, exchange(rig, middle, token), BAD)


CHANGES = {
    "type-of-another": ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, BAD),
    "no-subject": ({"subject_token": None}, BAD),
    "type-missing": ({"subject_token_type": None}, BAD),
    "wants-a-refresh-token": ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, BAD),
    "actor": ({"actor_token": "x"}, BAD),
    "scope-of-the-subject": ({"scope": "films:read"}, "invalid_scope"),
    "more-scope": ({"scope": "stock:read stock:write"}, "invalid_scope"),
    "identity": ({"scope": "openid"}, "invalid_scope"),
    "another-api": ({"resource": ORDERS}, "invalid_target"),
    "unknown-api": ({"audience": "https://evil.test/"}, "invalid_target"),
}


@pytest.mark.parametrize(("changes", "error"), CHANGES.values(), ids=CHANGES.keys())
def test_tk_44_what_an_exchange_may_not_ask_for(rig, middle, changes, error):
    token = held(rig)["access_token"]
    with rig.untouched():
        response = exchange(rig, middle, token, **changes)
    if error == BAD:
        refusals.json_error(response, error)
    else:
        refusals.grant(rig, response, error)
    ok(exchange(rig, middle, token))


def test_tk_44_an_exchange_by_who_is_not_registered_for_it(rig):
    token = held(rig)["access_token"]
    with rig.untouched():
        for app in (rig.web, rig.web2, rig.spa, rig.machine):
            refusals.grant(rig, exchange(rig, app, token), "unauthorized_client")


def test_tk_44_of_a_disabled_person(rig, middle, vouched):
    person = rig.scene.person("carol")
    token = held(rig, person)["access_token"]
    rig.tokens(vouched, person)
    rig.inside.disable(person.id)
    with rig.untouched():
        refusals.grant(rig, exchange(rig, middle, token), BAD)
        refusals.grant(rig, vouch(rig, vouched, person))


def vouch(rig: Rig, app: App, person: Any, key: Any = KEY, scope: str = "openid", **changes: Any):
    about = said(person.id, rig.issuer, **{"iss": THEIRS, **changes})
    return rig.token(app, {"grant_type": JWT_BEARER, "assertion": signed(rig, about, key), "scope": scope})


def test_tk_44_consent_is_not_skipped(rig, vouched):
    person = rig.scene.person("dora")
    with rig.untouched():
        refusals.grant(rig, vouch(rig, vouched, person))
    rig.tokens(vouched, person, rig.browser().sign_in_anew(person), scope="openid")
    got = ok(vouch(rig, vouched, person))
    assert claims(got["access_token"])["sub"] == person.id and "refresh_token" not in got
    with rig.untouched():
        refusals.grant(rig, vouch(rig, vouched, person, scope="openid films:read"))


WRONG = {
    "another-key": lambda now: {"key": STRANGER},
    "another-issuer": lambda now: {"iss": "https://evil.test"},
    "this-server": lambda now: {"iss": "self"},
    "asleep": lambda now: {"iss": "https://asleep.example"},
    "for-others": lambda now: {"iss": "https://for-others.example"},
    "issuer-missing": lambda now: {"iss": None},
    "audience": lambda now: {"aud": "https://other.test"},
    "audiences": lambda now: {"aud": [THEIRS, "https://evil.test"]},
    "audience-missing": lambda now: {"aud": None},
    "past": lambda now: {"exp": now - 300},
    "far-ahead": lambda now: {"exp": now + 86_400},
    "exp-missing": lambda now: {"exp": None},
    "nbf-ahead": lambda now: {"nbf": now + 300},
    "jti-missing": lambda now: {"jti": None},
    "nobody": lambda now: {"sub": "00000000-0000-4000-8000-000000000000"},
    "no-id": lambda now: {"sub": "alice"},
    "sub-missing": lambda now: {"sub": None},
    "for-another-client": lambda now: {"client_id": "other"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_tk_44_wrong_words_about_a_person(rig, vouched, changes):
    rig.tokens(vouched, rig.scene.alice)
    made = changes(int(time.time()))
    with rig.untouched():
        refusals.grant(rig, vouch(rig, vouched, rig.scene.alice, **made))
    ok(vouch(rig, vouched, rig.scene.alice))


def test_tk_44_a_word_is_good_once(rig, vouched, parallel):
    rig.tokens(vouched, rig.scene.alice)
    form = {"grant_type": JWT_BEARER, "scope": "openid"}
    form["assertion"] = signed(rig, said(rig.scene.alice.id, rig.issuer, iss=THEIRS))
    answers = parallel(12, lambda _number: rig.token(vouched, form))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 11
    for answer in answers:
        if answer.status_code != 200:
            refusals.grant(rig, answer)


def test_tk_44_who_is_not_registered_for_it(rig, vouched):
    with rig.untouched():
        for app in (rig.web, rig.web2, rig.spa, rig.machine):
            refusals.grant(rig, vouch(rig, app, rig.scene.alice), "unauthorized_client")
