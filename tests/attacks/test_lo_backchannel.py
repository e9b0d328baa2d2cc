"""LO-11: what applications are told of a sign-out, each at its own back channel."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import parse_qs

import pytest
from joserfc import jws

from authcenter.sessions.participants import EVENT
from tests.attacks import forge
from tests.attacks.places import PLACES
from tests.attacks.rig import Rig, soon
from tests.oauth.flow import App, claims
from tests.receiver import Listener, listener

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def told(scene) -> Iterator[dict[str, tuple[App, Listener]]]:
    """Applications that want to know, and what each hears."""
    kinds = {"web": {}, "spa": {}, "pairwise": {"subject_type": "pairwise"}}
    with ExitStack() as stack:
        made = {}
        for name, fields in kinds.items():
            heard = stack.enter_context(listener())
            heard.status = 200
            fields = {**fields, "redirect_uris": f"https://{name}.told.test/cb", "backchannel_logout_uri": heard.url}
            kind = "spa" if name == "spa" else "web"
            if kind == "spa":
                fields["allowed_origins"] = "https://spa.told.test"
            made[name] = scene.application(kind, f"Told {name}", [], **fields), heard
        yield made


def heard_by(heard: Listener) -> list[str]:
    return [parse_qs(body.decode(), strict_parsing=True)["logout_token"][0] for _headers, body in heard.got]


def check(rig: Rig, app: App, token: str, id_token: str) -> None:
    """OpenID Connect Back-Channel Logout section 2.4."""
    head, said = forge.split(token)[:2]
    assert head["typ"] == "logout+jwt" and head["alg"] == forge.split(id_token)[0]["alg"]
    assert head["alg"] not in {"none", "HS256"}, "by a key that everybody can check"
    keys = {key["kid"]: key for key in rig.http.get("/.well-known/jwks.json").json()["keys"]}
    kinds = {"ES256": forge.ECKey, "RS256": forge.RSAKey}
    jws.deserialize_compact(token, kinds[head["alg"]].import_key(keys[head["kid"]]), algorithms=[head["alg"]])
    assert said.keys() == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}, "never a nonce"
    told = claims(id_token)
    assert said["iss"] == rig.issuer and said["aud"] == app.id
    assert said["sub"] == told["sub"] and said["sid"] == told["sid"]
    assert said["events"] == {EVENT: {}}
    assert abs(said["iat"] - time.time()) < 60 and 0 < said["exp"] - said["iat"] <= 120


def test_lo_11_each_application_of_the_session_hears_once_and_nobody_else(rig, told):
    person, before = rig.scene.person("leaver"), {name: len(heard.got) for name, (_app, heard) in told.items()}
    browser, elsewhere = rig.browser().sign_in_anew(person), rig.browser().sign_in_anew(person)
    got = {name: rig.tokens(told[name][0], person, browser)["id_token"] for name in ("web", "pairwise")}
    again = rig.tokens(told["web"][0], person, browser)["id_token"]
    other = rig.tokens(told["web"][0], person, elsewhere)["id_token"]
    rig.tokens(told["spa"][0], person, elsewhere)
    browser.open(f"/oauth/logout?id_token_hint={again}")

    def news(name: str) -> list[str]:
        return heard_by(told[name][1])[before[name] :]

    soon(lambda: len(news("web")) >= 1 and len(news("pairwise")) >= 1)
    for name, id_token in got.items():
        [token] = news(name)
        check(rig, told[name][0], token, id_token)
        headers = told[name][1].got[-1][0]
        assert headers["content-type"] == "application/x-www-form-urlencoded" and "cookie" not in headers
    assert claims(news("pairwise")[0])["sub"] != person.id == claims(news("web")[0])["sub"]
    assert not news("spa"), "it is of another sign-in"
    elsewhere.open(f"/oauth/logout?id_token_hint={other}")
    soon(lambda: len(news("web")) >= 2 and len(news("spa")) >= 1)
    tokens = news("web")
    assert len(tokens) == 2 and len({claims(token)["jti"] for token in tokens}) == 2
    assert claims(tokens[1])["sid"] == claims(other)["sid"] != claims(tokens[0])["sid"]


def test_lo_11_a_logout_token_is_good_for_nothing_else(rig, told, genuine):
    person = rig.scene.person("leaver")
    browser = rig.browser().sign_in_anew(person)
    app, heard = told["web"]
    before = len(heard.got)
    id_token = rig.tokens(app, person, browser)["id_token"]
    browser.open(f"/oauth/logout?id_token_hint={id_token}")
    soon(lambda: len(heard.got) > before)
    token = rig.scene.secret(heard_by(heard)[-1])
    for place in PLACES:
        place.refuses(rig, genuine, token)


def test_lo_11_nobody_is_told_of_a_sign_out_that_was_refused(rig, told):
    person = rig.scene.person("stayer")
    browser = rig.browser().sign_in_anew(person)
    app, heard = told["web"]
    id_token = rig.tokens(app, person, browser)["id_token"]
    before = len(heard.got)
    for path in ("/oauth/logout", f"/oauth/logout?client_id={app.id}", "/oauth/logout?id_token_hint=garbage"):
        browser.http.get(path)
        browser.http.post(path, headers={"Origin": "https://evil.test"})
    assert browser.is_signed_in() and len(heard.got) == before
    browser.open(f"/oauth/logout?id_token_hint={id_token}")
    soon(lambda: len(heard.got) == before + 1)
