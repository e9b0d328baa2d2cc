"""Attacks on JWTs, wherever one is accepted: the claims, each signed by the server's own key."""

import json
import time

import pytest

from tests.attacks import forge
from tests.attacks.places import HINTS, PLACES

pytestmark = pytest.mark.live
untouched = pytest.mark.usefixtures("nothing_is_stored")


def at(places):
    return pytest.mark.parametrize("place", places, ids=lambda place: place.name)


@at(PLACES)
def test_the_right_token_is_accepted(rig, genuine, place):
    """So that what is refused elsewhere is refused for its fault."""
    place.accepts(rig, genuine, genuine.sign(place.kind, genuine.claims(place.kind)))


NO_AUDIENCES = [None, "", 1, True, {}, {"a": 1}, [], [1], [[]], [None], "https://evil.test", ["https://evil.test"]]


@untouched
@at([place for place in PLACES if place.name != "userinfo"])
def test_jw_13_audience(rig, genuine, place):
    """A stranger's, a part of the right one, and shapes that are none. (Userinfo takes tokens for every audience.)"""
    claims = genuine.claims(place.kind)
    right = claims["aud"] if isinstance(claims["aud"], str) else claims["aud"][0]
    others = [
        genuine.claims(kind)["aud"]
        for kind in ("access", "id", "session")
        if place.kind not in {kind, f"{kind} refresh"}
    ]
    near = [right + "/", right + "x", right[:-1], right.upper(), " " + right, [right + "/"], {right: 1}, {"aud": right}]
    for audience in [*NO_AUDIENCES, *near, *others]:
        changed = {name: value for name, value in claims.items() if name != "aud"}
        if audience is not None:
            changed["aud"] = audience
        if place.name == "introspection":  # the application may ask about its own token, whatever its audience
            changed["client_id"] = rig.web2.id
        place.refuses(rig, genuine, genuine.sign(place.kind, changed))


@untouched
@at(PLACES)
def test_jw_14_issuer(rig, genuine, place):
    claims, issuer = genuine.claims(place.kind), rig.issuer
    wrong = [
        issuer + "/", issuer[:-1], issuer + "1", issuer + ".evil.test", issuer.replace("http", "https"), issuer.upper(),
        "https://evil.test", "", " " + issuer, issuer + "/..", issuer + "#", [issuer], {issuer: 1}, 1, True, None,
        [issuer, "https://evil.test"],
    ]  # fmt: skip
    for value in wrong:
        place.refuses(rig, genuine, genuine.sign(place.kind, forge.without(claims, iss=value)))


TIMED = [place for place in PLACES if place.name not in HINTS]
"""A hint may be however old: it is no key to anything."""


@untouched
@at(TIMED)
def test_jw_15_exp_shapes(rig, genuine, place):
    claims, now = genuine.claims(place.kind), int(time.time())
    for shape in (
        str(now - 1), str(now - 100_000), '"9999999999"', "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "-1", "0",
        "true", "null", str(2**63), str(2**64), "1e300", f"[{now + 60}]", f'{{"a":{now + 60}}}', '""', f"{now + 60}.5",
        "253402300800", "9" * 400,
    ):  # fmt: skip
        text = json.dumps({**claims, "exp": "@"}).replace('"@"', shape)
        place.refuses(rig, genuine, genuine.sign(place.kind, text.encode()))
    place.refuses(rig, genuine, genuine.sign(place.kind, forge.without(claims, exp=None)))


@untouched
@at(TIMED)
def test_jw_16_nbf_and_iat(rig, genuine, place):
    claims, later = genuine.claims(place.kind), int(time.time()) + 3600
    for changes in (
        {"nbf": later, "exp": later + 60},
        {"iat": later, "exp": later + 60},
        {"nbf": "x"},
        {"nbf": "9999999999"},
        {"nbf": True},
        {"iat": "x"},
        {"iat": 2**63},
    ):
        place.refuses(rig, genuine, genuine.sign(place.kind, {**claims, **changes}))


@untouched
@at(PLACES)
def test_jw_15_what_must_be_a_string(rig, genuine, place):
    claims = genuine.claims(place.kind)
    for value in (None, 1, [], {}, True, ["x"]):
        place.refuses(rig, genuine, genuine.sign(place.kind, forge.without(claims, sub=value)))
    for payload in (b"[]", b"1", b'"x"', b"null", b"", b"{", b"\xff", b'{"a":1}{"b":2}', b"\xef\xbb\xbf{}"):
        place.refuses(rig, genuine, genuine.sign(place.kind, payload))
