"""Attacks on client authentication by assertion: used again, for somebody else, with wrong claims or keys."""

import time

import pytest

from tests.attacks import forge, refusals
from tests.attacks.rig import Rig, ok
from tests.attacks.signing import KEY, STRANGER, proof, proving, public, said, signed
from tests.oauth.flow import App

pytestmark = pytest.mark.live
MACHINE = {"grant_type": "client_credentials", "scope": "films:read"}
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="session")
def keyed(scene) -> App:
    """A machine that proves itself by a key."""
    return scene.application(
        "machine", "Keyed", ["films:read"], token_endpoint_auth_method="private_key_jwt", client_jwks=public(KEY)
    )


@pytest.fixture(scope="session")
def keyed2(scene) -> App:
    return scene.application(
        "machine",
        "Keyed too",
        ["films:read"],
        token_endpoint_auth_method="private_key_jwt",
        client_jwks=public(STRANGER),
    )


def right(rig: Rig, app: App, **changes) -> dict:
    return said(app.id, rig.issuer, **changes)


def test_tk_25_an_assertion_is_good_once(rig, keyed):
    assertion = signed(rig, right(rig, keyed))
    ok(rig.token(None, proving(assertion, **MACHINE)))
    everywhere = rig.scattered()
    for _time in range(8):
        with rig.untouched():
            refusals.client(rig, everywhere.token(None, proving(assertion, **MACHINE)))
    everywhere.close()


def test_tk_25_once_of_many_at_once(rig, keyed, parallel):
    for _round in range(3):
        assertion = signed(rig, right(rig, keyed))
        clients = [rig.elsewhere() for _number in range(20)]
        answers = parallel(20, lambda n, a=assertion, c=clients: c[n].token(None, proving(a, **MACHINE)))
        for client in clients:
            client.close()
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
        for answer in answers:
            if answer.status_code != 200:
                refusals.client(rig, answer)


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_tk_25_once_for_every_endpoint_together(rig, keyed, path):
    for first, second in ((path, "/oauth/token"), ("/oauth/token", path)):
        assertion = signed(rig, right(rig, keyed))
        form = proving(assertion, token="x", **MACHINE)
        assert rig.post(first, form).status_code == 200
        refusals.client(rig, rig.post(second, form))


def test_tk_25_another_jti_does_not_help_and_a_refused_grant_uses_it_up(rig, keyed):
    assertion = signed(rig, right(rig, keyed))
    refusals.grant(rig, rig.token(None, proving(assertion, **{**MACHINE, "scope": "nonsense"})), "invalid_scope")
    refusals.client(rig, rig.token(None, proving(assertion, **MACHINE)))
    header, claims, signature = forge.split(assertion)
    for changed in ({**claims, "jti": "another"}, {**claims, "exp": claims["exp"] + 1}):
        refusals.client(rig, rig.token(None, proving(forge.compact(header, changed) + signature, **MACHINE)))


AUDIENCES = {
    "another-server": lambda issuer: "https://other.test",
    "with-another": lambda issuer: [issuer, "https://evil.test"],
    "another-first": lambda issuer: ["https://evil.test", issuer],
    "list-of-one": lambda issuer: [issuer],
    "missing": lambda issuer: None,
    "empty": lambda issuer: "",
    "empty-list": lambda issuer: [],
    "object": lambda issuer: {"0": issuer},
    "introspection-elsewhere": lambda issuer: "https://other.test/oauth/introspect",
    "token-endpoint": lambda issuer: f"{issuer}/oauth/token",
    "slash": lambda issuer: f"{issuer}/",
    "capitals": lambda issuer: issuer.upper(),
    "blank": lambda issuer: f"{issuer} ",
    "begins-alike": lambda issuer: f"{issuer}.evil.test",
    "metadata": lambda issuer: f"{issuer}/.well-known/openid-configuration",
}


@pytest.mark.parametrize("audience", AUDIENCES.values(), ids=AUDIENCES.keys())
def test_tk_26_the_audience_is_the_issuer_as_one_string(rig, keyed, audience):
    with rig.untouched():
        refusals.client(rig, proof(rig, right(rig, keyed, aud=audience(rig.issuer))))


DAY = 86_400
CLAIMS = {
    "exp-missing": lambda now: {"exp": None},
    "exp-past": lambda now: {"exp": now - 300, "iat": now - 360},
    "exp-a-day-ahead": lambda now: {"exp": now + DAY},
    "exp-text": lambda now: {"exp": str(now + 60)},
    "exp-true": lambda now: {"exp": True},
    "exp-huge": lambda now: {"exp": 2**63},
    "exp-negative": lambda now: {"exp": -1},
    "exp-infinite": lambda now: {"exp": float("inf")},
    "exp-list": lambda now: {"exp": [now + 60]},
    "nbf-ahead": lambda now: {"nbf": now + 300},
    "nbf-text": lambda now: {"nbf": "0"},
    "iat-ahead": lambda now: {"iat": now + 300},
    "iss-is-not-sub": lambda now: {"iss": NOBODY},
    "sub-is-not-iss": lambda now: {"sub": NOBODY},
    "both-nobody": lambda now: {"iss": NOBODY, "sub": NOBODY},
    "iss-missing": lambda now: {"iss": None},
    "sub-missing": lambda now: {"sub": None},
    "sub-list": lambda now: {"sub": [NOBODY]},
    "jti-missing": lambda now: {"jti": None},
    "jti-empty": lambda now: {"jti": ""},
    "jti-number": lambda now: {"jti": 1},
    "jti-endless": lambda now: {"jti": "j" * 1000},
}


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS.keys())
def test_tk_27_wrong_claims(rig, keyed, changes):
    """Nothing is used up either: the same id with right claims is good afterwards."""
    claims = right(rig, keyed)
    with rig.untouched():
        response = proof(rig, forge.without(claims, **changes(int(time.time()))))
    refusals.client(rig, response)
    ok(proof(rig, claims))


def test_tk_27_clocks_may_differ_a_little(rig, keyed):
    now = int(time.time())
    told = ok(proof(rig, right(rig, keyed, iat=now + 20, nbf=now + 20)))
    assert told["access_token"] and told["scope"] == "films:read"


SIGNATURES = {
    "another-key": lambda rig, claims: signed(rig, claims, STRANGER),
    "no-algorithm": lambda rig, claims: forge.compact({"alg": "none", "kid": "k"}, claims),
    "public-key-as-secret": lambda rig, claims: forge.compact(
        {"alg": "HS256", "kid": "k"}, claims, forge.hs256(KEY.as_pem(private=False))
    ),
    "unknown-kid": lambda rig, claims: signed(rig, claims, kid="nobody"),
    "own-key-inside": lambda rig, claims: signed(rig, claims, STRANGER, jwk=STRANGER.as_dict(private=False)),
    "critical": lambda rig, claims: signed(rig, claims, crit=["exp"]),
    "another-kind": lambda rig, claims: signed(rig, claims, typ="at+jwt"),
    "der": lambda rig, claims: forge.compact({"alg": "ES256", "kid": "k"}, claims, forge.es256(KEY, der=True)),
    "by-the-server-itself": lambda rig, claims: rig.scene.sign(claims, "JWT"),
    "empty": lambda rig, claims: "",
    "dots": lambda rig, claims: "." * 100,
    "list": lambda rig, claims: signed(rig, [claims]),
}


@pytest.mark.parametrize("make", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_tk_27_wrong_signatures(rig, keyed, make):
    with rig.untouched():
        assertion = make(rig, right(rig, keyed))
        refusals.client(rig, rig.token(None, proving(assertion, **MACHINE, client_id=keyed.id)))


def test_tk_30_another_application_presents_it(rig, keyed, keyed2):
    """With its own id, or as if it were about itself; and the assertion is not used up by that."""
    claims = right(rig, keyed)
    assertion = signed(rig, claims)
    for thief in (rig.web, rig.web2, rig.spa, rig.machine, keyed2):
        with rig.untouched():
            refusals.client(rig, rig.token(None, proving(assertion, **MACHINE, client_id=thief.id)))
    with rig.untouched():
        refusals.client(rig, proof(rig, right(rig, keyed), STRANGER))
        refusals.client(rig, proof(rig, {**right(rig, keyed2), "iss": keyed.id}, STRANGER))
        refusals.client(rig, proof(rig, right(rig, rig.machine)))  # which is registered for its secret
    ok(rig.token(None, proving(assertion, **MACHINE, client_id=keyed.id)))


def test_tk_30_beside_another_method(rig, keyed):
    assertion = signed(rig, right(rig, keyed))
    with rig.untouched():
        for app in (rig.web, rig.machine):
            response = rig.token(app, proving(assertion, **MACHINE))
            refusals.json_error(response, "invalid_request")
        for kind in ("urn:nonsense", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"):
            form = proving(assertion, **MACHINE) | {"client_assertion_type": kind}
            refusals.json_error(rig.token(None, form), "invalid_request")
    ok(rig.token(None, proving(assertion, **MACHINE)))
