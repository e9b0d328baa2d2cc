"""JS: what a session token may say, when it counts, and how it travels in cookies."""

import json

import pytest

from tests.attacks.people_rig import PASSWORD, WRONG, Crowd, bearer, eventually
from tests.tokens import b64, parts

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

_MADE = """
from authcenter.keys.ring import ring
from authcenter.sessions.jwt import SessionAccessToken
claims = dict(SessionAccessToken(token).payload)
claims |= {name: claims["iat"] + seconds for name, seconds in ahead.items()}
claims |= changes
answer = ring.sign(claims, typ=typ, algorithm="ES256")
"""


def made(crowd: Crowd, pair: dict[str, str], *, typ: str = "session+jwt", ahead=None, **changes) -> str:
    """A token as this server signs it, of a living session, with other claims."""
    return crowd.inside(_MADE, token=pair["access"], typ=typ, ahead=ahead or {}, changes=changes)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_js_12_a_clock_may_be_half_a_minute_ahead_and_not_two(crowd: Crowd, claim):
    pair = crowd.pair(crowd.person("alice"))
    assert crowd.opens(made(crowd, pair, ahead={claim: 30}))
    assert not crowd.opens(made(crowd, pair, ahead={claim: 120}))


def test_js_12_an_expired_token_gets_no_grace(crowd: Crowd):
    pair = crowd.pair(crowd.person("alice"))
    assert not crowd.opens(made(crowd, pair, ahead={"iat": -300, "exp": -1}))


@pytest.fixture
def in_cookies(crowd: Crowd):
    """A browser with the tokens in cookies, and the proof that its page was given."""
    alice = crowd.person("alice")
    client = crowd.client()
    sent = {"email": alice.email, "password": PASSWORD, "transport": "cookie"}
    answer = client.post("/api/token/", json=sent, headers={"Origin": crowd.url})
    assert answer.status_code == 200 and set(answer.json()) == {"csrf_token", "expires_in"}
    crowd.noted(dict(client.cookies))
    return alice, client, answer.json()["csrf_token"]


FORGED = {
    "no proof": lambda _proof: {},
    "wrong proof": lambda _proof: {"X-CSRFToken": "x" * 64},
    "another origin": lambda proof: {"X-CSRFToken": proof, "Origin": "https://evil.test"},
    "no origin": lambda proof: {"X-CSRFToken": proof, "Origin": "null"},
    "cross-site": lambda _proof: {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"},
}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("body", ["json", "form"])
def test_js_13_another_site_changes_nothing_by_cookie(crowd: Crowd, in_cookies, forged, body):
    alice, client, proof = in_cookies
    headers = {**FORGED[forged](proof)}
    sent = {"json": {}} if body == "json" else {"data": {"x": "y"}}
    session = client.get("/api/sessions/").json()["results"][0]["id"]
    for path in ("/api/token/refresh/", "/api/token/logout/"):
        answer = client.post(path, headers=headers, **sent)
        assert answer.status_code == 403 and answer.json()["code"] == "csrf_failed", path
    assert client.delete(f"/api/sessions/{session}/", headers=headers).status_code == 403
    assert client.get("/api/me/").json()["sub"] == alice.id
    honest = {"X-CSRFToken": proof, "Origin": crowd.url}
    assert client.post("/api/token/refresh/", headers=honest, **sent).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://localhost.evil.test", "http://localhost"])
def test_js_13_another_site_signs_nobody_in_by_cookie(crowd: Crowd, origin):
    mallory = crowd.person("mallory")
    for sent in ("json", "data"):
        form = {"email": mallory.email, "password": PASSWORD, "transport": "cookie"}
        with crowd.client() as client:
            answer = client.post("/api/token/", headers={"Origin": origin}, **{sent: form})
            assert answer.status_code == 403 and not client.cookies
            assert "Access-Control-Allow-Origin" not in answer.headers
    assert not crowd.events("signed_in", mallory.id)


def test_js_15_verify_says_yes_to_a_living_access_token_alone(crowd: Crowd):
    alice = crowd.person("alice")
    browser = crowd.signed_in(alice)
    pair, oauth = crowd.pair(alice), crowd.allowed(browser, "openid account:read")
    header, payload = parts(pair["access"])
    signature = pair["access"].rpartition(".")[2]
    tokens = {
        "refresh": pair["refresh"],
        "OAuth access token": oauth["access_token"],
        "ID token": oauth["id_token"],
        "no signature": f"{b64({**header, 'alg': 'none'})}.{b64(payload)}.",
        "changed": f"{b64(header)}.{b64({**payload, 'roles': ['root']})}.{signature}",
        "symmetric": f"{b64({**header, 'alg': 'HS256'})}.{b64(payload)}.{signature}",
        "its type": made(crowd, pair, typ="at+jwt"),
        "no type": made(crowd, pair, typ="JWT"),
        "expired": made(crowd, pair, ahead={"iat": -300, "exp": -1}),
        "old epoch": made(crowd, pair, uep=-1),
        "of nobody": made(crowd, pair, sub="00000000-0000-4000-8000-000000000000"),
        "garbage": "a.b.c",
        "long": "a" * 20_000,
        "a password": WRONG,
    }
    good = {}
    with crowd.client() as client:
        for kind, token in tokens.items():
            answer = client.post("/api/token/verify/", json={"token": token})
            good[kind] = answer.status_code
            if kind != "OAuth access token":  # it may read the account that it was allowed to read
                assert client.get("/api/me/", headers=bearer(token.replace(" ", ""))).status_code == 401, kind
        assert set(good.values()) <= {400, 401}, good
        assert client.post("/api/token/verify/", json={"token": pair["access"]}).status_code == 200


@pytest.mark.parametrize("token", [None, 1, True, [], {}, "", "\x00", "é.é.é"], ids=str)
def test_js_15_verify_takes_any_rubbish(crowd: Crowd, token):
    with crowd.client() as client:
        assert client.post("/api/token/verify/", json={"token": token}).status_code in {400, 401}


def test_js_15_a_token_taken_back_leaves_one_event(crowd: Crowd):
    alice = crowd.person("alice")
    pair = crowd.pair(alice)
    with crowd.client() as client:
        assert client.post("/api/token/logout/", json={"refresh": pair["refresh"]}).status_code == 204
        for _ in range(3):
            assert client.post("/api/token/verify/", json={"token": pair["access"]}).status_code == 401
    eventually(lambda: not crowd.opens(pair["access"]))
    assert len(crowd.events("token_refused", alice.id)) == 1


def test_js_18_tokens_tell_no_more_than_they_must(crowd: Crowd):
    """No address, no name, nothing of the password; the names of the claims are all there are."""
    alice = crowd.person("alice", name="Alice Liddell", given_name="Alice", phone_number="+1 555 0100")
    browser = crowd.signed_in(alice)
    pair, oauth = crowd.pair(alice), crowd.allowed(browser, "openid offline_access")
    kept = crowd.inside("from accounts.models import User\nanswer = User.objects.get(pk=whom).password", whom=alice.id)
    common = {"iss", "aud", "sub", "iat", "exp", "jti", "sid", "uep", "auth_time", "amr", "acr"}
    known = {
        "access": common | {"token_use", "roles", "groups"},
        "refresh": common | {"token_use"},
        "access_token": common | {"client_id", "scope", "gid", "fid", "aep", "nbf"},
        "id_token": common | {"at_hash", "azp", "nonce", "c_hash"},
    }
    for name, claims in known.items():
        header, payload = parts({**pair, **oauth}[name])
        assert set(payload) <= claims, (name, set(payload) - claims)
        assert set(header) == {"alg", "typ", "kid"}
        told = json.dumps(payload).lower()
        assert "alice" not in told and "555" not in told and "127.9" not in told
        assert not any(part in told for part in kept.lower().split("$") if len(part) > 8)
