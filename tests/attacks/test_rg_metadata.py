"""Attacks on registration: what an application says of itself, in its redirect URIs, its names and its wishes."""

import json

import pytest

from tests.attacks import refusals
from tests.attacks.registering import BACK, REGISTER, app, consent, links, refused, registered, send, wanted
from tests.attacks.rig import ok
from tests.oauth.flow import claims

pytestmark = pytest.mark.live
SCHEMES = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "javascript://rp9.test/%0aalert(1)", "data:text/html,x",
    "vbscript:x", "file:///etc/passwd", "blob:https://rp9.test/x", "about:blank", "view-source:https://rp9.test/",
    " javascript:alert(1)", "java\tscript:alert(1)", "\tjavascript:alert(1)", "java\nscript:alert(1)",
    "\x01javascript:alert(1)", "ws://rp9.test/", "ftp://rp9.test/cb", "javascript:", "x", "",
]  # fmt: skip
SHAPES = {
    "http": "http://rp9.test/cb",
    "http-almost-loopback": "http://127.0.0.1.evil.test/cb",
    "http-localhost-almost": "http://localhost.evil.test/cb",
    "fragment": "https://rp9.test/cb#x",
    "empty-fragment": "https://rp9.test/cb#",
    "user": "https://rp9.test@evil.test/cb",
    "user-and-password": "https://a:b@rp9.test/cb",
    "wildcard-host": "https://*.rp9.test/cb",
    "wildcard-path": "https://rp9.test/*",
    "relative": "/cb",
    "scheme-relative": "//rp9.test/cb",
    "no-host": "https:///cb",
    "backslash": "https://rp9.test\\@evil.test/cb",
    "dots": "https://rp9.test/x/../cb",
    "code": "https://rp9.test/cb?code=x",
    "state": "https://rp9.test/cb?a=1&state=x",
    "iss": "https://rp9.test/cb?iss=https://evil.test",
    "error": "https://rp9.test/cb?error=x",
    "encoded-code": "https://rp9.test/cb?c%6fde=x",
    "long-host": f"https://{'a' * 1000}.test/cb",
    "long": "https://rp9.test/" + "a" * 4000,
    "port": "https://rp9.test:99999/cb",
    "bracket": "https://[::1/cb",
    "unicode": "https://rp9․test/cb",
}


@pytest.mark.parametrize("member", ["redirect_uris", "post_logout_redirect_uris"])
@pytest.mark.parametrize("uri", SCHEMES, ids=range(len(SCHEMES)))
@pytest.mark.parametrize("kind", ["web", "native"])
def test_rg_02_dangerous_redirect_schemes(stranger, uri, member, kind):
    with stranger.untouched():
        for uris in ([uri], [BACK, uri]):
            response = send(stranger, wanted(application_type=kind, **{member: uris}))
            refused(stranger, response, {"invalid_redirect_uri", "invalid_client_metadata"})


@pytest.mark.parametrize("uri", SHAPES.values(), ids=SHAPES.keys())
def test_rg_03_bad_redirect_shapes(stranger, uri):
    with stranger.untouched():
        for uris in ([uri], [BACK, uri]):
            response = send(stranger, wanted(redirect_uris=uris))
            refused(stranger, response, {"invalid_redirect_uri", "invalid_client_metadata"})


def test_rg_03_nor_afterwards_by_a_change(stranger):
    said = registered(stranger)
    where = f"{REGISTER}/{said['client_id']}"
    token = {"Authorization": f"Bearer {said['registration_access_token']}"}
    for uri in [*SCHEMES, *SHAPES.values()]:
        body = json.dumps(wanted(client_id=said["client_id"], redirect_uris=[uri]))
        response = stranger.http.put(where, content=body, headers={**token, "Content-Type": "application/json"})
        refused(stranger, response, {"invalid_redirect_uri", "invalid_client_metadata"})
    assert stranger.get_as(said["registration_access_token"], where).json()["redirect_uris"] == [BACK]


WISHES = {
    "password": {"grant_types": ["password"]},
    "implicit": {"grant_types": ["implicit"], "response_types": ["token"]},
    "client-credentials": {"grant_types": ["client_credentials"]},
    "exchange": {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]},
    "jwt-bearer": {"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]},
    "token-type": {"response_types": ["code token"]},
    "no-algorithm": {"id_token_signed_response_alg": "none"},
    "shared-algorithm": {"id_token_signed_response_alg": "HS256"},
    "no-authentication-by-a-name": {"token_endpoint_auth_method": "NONE"},
    "statement": {"software_statement": "x.y.z"},
}


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES.keys())
def test_rg_11_what_strangers_may_not_have_is_refused(stranger, wish):
    with stranger.untouched():
        refused(stranger, send(stranger, wanted(**wish)), "invalid_client_metadata")


def test_rg_11_what_is_not_theirs_to_say_is_ignored(stranger):
    """Each name that a row has, or another server knows, as if it were metadata."""
    chosen = {
        **dict.fromkeys(("skip_authorization", "trusted", "is_reviewed", "first_party", "admin"), True),
        **dict.fromkeys(("client_id", "client_secret", "owner", "user", "publisher", "origin", "kind"), "chosen"),
        **{"id": 1, "user_id": 1, "epoch": -1, "is_active": True, "allowed_origins": "https://evil.test"},
        **{"access_token_format": "opaque", "registration_access_token": "chosen", "require_pkce": False},
        **{"api_scopes": ["films:write"], "scopes": ["films:write"], "exchange": "impersonation", "represents": 1},
        **{"response_modes": ["fragment"], "client_secret_expires_at": 1, "registration_token": "chosen"},
    }
    said = registered(stranger, **chosen)
    kept = stranger.inside.registration(said["client_id"])
    plain = stranger.inside.registration(registered(stranger)["client_id"])
    its_own = {"id", "client_id", "client_secret", "registration_token", "created", "updated", "secret_rolled"}
    assert {name: kept[name] for name in kept if name not in its_own} == {
        name: plain[name] for name in plain if name not in its_own
    }
    assert "chosen" not in str(kept) and "chosen" not in json.dumps(said) and "evil.test" not in str(kept)
    assert kept["require_pkce"] and not kept["is_reviewed"] and not kept["skip_authorization"]


def test_rg_11_scopes_are_those_that_are_open_to_strangers(stranger):
    asked = "openid email films:read films:write orders:read account:read account:write stock:read nonsense"
    said = registered(stranger, scope=asked)
    assert said["scope"] == "openid email", "the answer tells what was given"
    for scope in ("films:read", "openid account:read"):
        response = stranger.browser(stranger.scene.alice).authorize(app(said), scope=scope)
        refusals.redirect(stranger, response, app(said), "invalid_scope")
    token = stranger.tokens(app(said), stranger.scene.alice)["access_token"]
    assert claims(token)["scope"] == "openid" and stranger.get_as(token, "/demo/api/orders/").status_code in {401, 403}
    form = {"grant_type": "client_credentials"}
    refusals.json_error(stranger.token(app(said), form), "unauthorized_client")


def test_rg_11_pkce_is_not_lifted_by_being_confidential(stranger):
    application = app(registered(stranger))
    response = stranger.browser(stranger.scene.alice).authorize(application, code_challenge=None)
    refusals.redirect(stranger, response, application, "invalid_request")


EC = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}
EC["y"] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
TYPES = {
    "text-for-a-list": {"redirect_uris": BACK},
    "number": {"redirect_uris": 1},
    "object": {"redirect_uris": {"0": BACK, "length": 1}},
    "null": {"redirect_uris": None},
    "sparse": {"redirect_uris": [None, BACK]},
    "nested": {"redirect_uris": [[BACK]]},
    "ten-thousand": {"redirect_uris": [f"https://rp9.test/{number}" for number in range(10_000)]},
    "name-list": {"client_name": ["Nine"]},
    "name-object": {"client_name": {"en": "Nine"}},
    "name-true": {"client_name": True},
    "name-nul": {"client_name": "a\x00b"},
    "name-surrogate": {"client_name": "\ud800"},
    "grants-text": {"grant_types": "authorization_code"},
    "grants-object": {"grant_types": [{}]},
    "scope-list": {"scope": ["openid"]},
    "max-age-text": {"default_max_age": "60"},
    "max-age-huge": {"default_max_age": 10**400},
    "max-age-float": {"default_max_age": 1.5},
    "contacts-number": {"contacts": 7},
    "flag-text": {"backchannel_logout_session_required": "true"},
    "private-key": {"jwks": {"keys": [{**EC, "d": "AAAA"}]}},
    "symmetric-key": {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
    "jwks-list": {"jwks": [EC]},
    "jwks-text": {"jwks": json.dumps({"keys": [EC]})},
    "jwks-empty": {"jwks": {"keys": []}},
    "jwks-many": {"jwks": {"keys": [{**EC, "kid": str(number)} for number in range(1000)]}},
    "jwks-bad-point": {"jwks": {"keys": [{**EC, "y": "AAAA"}]}},
    "jwks-and-address": {"jwks": {"keys": [EC]}, "jwks_uri": "https://rp9.test/jwks"},
}


@pytest.mark.parametrize("changes", TYPES.values(), ids=TYPES.keys())
def test_rg_13_type_confusion(stranger, changes):
    with stranger.untouched():
        response = send(stranger, json.dumps({**wanted(), **changes}))
        refused(stranger, response, {"invalid_client_metadata", "invalid_redirect_uri"})


TWICE = '{"redirect_uris": ["%s"], "client_name": "Nine", "redirect_uris": ["%s"]}'
BODIES = {
    "array": b"[]",
    "null": b"null",
    "text": b'"x"',
    "nothing": b"",
    "half": b'{"redirect_uris": [',
    "no-utf-8": b'{"client_name": "\xff"}',
    "utf-16": json.dumps(wanted()).encode("utf-16"),
    "deep": b"[" * 50_000,
    "deep-object": b'{"redirect_uris":' * 10_000,
    "not-a-number": b'{"redirect_uris": ["https://rp9.test/cb"], "default_max_age": NaN}',
    "twice": TWICE % (BACK, "https://evil.test/cb"),
    "twice-and-wrong": TWICE % ("javascript:alert(1)", BACK),
    "twice-inside": '{"redirect_uris": ["https://rp9.test/cb"], "jwks": {"keys": [], "keys": []}}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_rg_13_what_is_no_json_object_with_names_of_its_own(stranger, body):
    with stranger.untouched():
        refused(stranger, send(stranger, body), "invalid_client_metadata")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jwt", ""])
def test_rg_13_other_media_types(stranger, kind):
    with stranger.untouched():
        refused(stranger, send(stranger, wanted(), **{"Content-Type": kind}), "invalid_request")


@pytest.mark.parametrize("body", [b'{"client_name": "%s"}' % (b"n" * 1_000_000), b"x" * 1_000_000], ids=["json", "x"])
def test_rg_13_a_megabyte(stranger, body):
    with stranger.untouched():
        response = send(stranger, body)
        assert response.status_code in {400, 413}, response.status_code
        assert not {"client_id", "client_secret"} & response.json().keys()


NAMES = {
    "right-to-left": "Bank \u202emoc.live",
    "isolates": "\u2066Bank",
    "zero-width": "Ba\u200bnk",
    "byte-order-mark": "\ufeffBank",
    "line": "Bank\nReviewed.",
    "line-separator": "Bank\u2028Reviewed.",
    "control": "Bank\x1b[2J",
    "long": "n" * 64_000,
    "emoji-flood": "\U0001f3e6" * 5_000,
    "marks-flood": "B" + "\u0301" * 5_000,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_rg_14_names_that_bend_a_page_are_refused(stranger, name):
    with stranger.untouched():
        refused(stranger, send(stranger, wanted(client_name=name)), "invalid_client_metadata")


MARKUP = {
    "markup": "<img src=x onerror=alert(1)>",
    "ends-the-title": "</title><script>alert(1)</script>",
    "ends-an-attribute": "\"'><script>alert(1)</script>",
    "template": "{{ 7|add:7 }}{% now 'Y' %}",
    "homograph": "W\u0435b",
    "same-as-another": "Web",
    "longest": "n" * 255,
}


@pytest.mark.parametrize("name", MARKUP.values(), ids=MARKUP.keys())
def test_rg_14_other_names_are_text_and_she_is_warned(stranger, name):
    application = app(registered(stranger, client_name=name))
    page = consent(stranger, application)
    assert "<script>alert" not in page and "<img src=x" not in page and "1414" not in page
    assert "Not reviewed." in page and 'class="mono">rp9.test</strong>' in page


def test_rg_14_the_warning_is_there_each_time_and_only_where_nobody_reviewed(stranger):
    reviewed = stranger.scene.application("web", "Known", [], redirect_uris="https://known.test/cb", is_reviewed=True)
    assert "Not reviewed." not in consent(stranger, reviewed)
    application = app(registered(stranger, client_uri="https://rp9.test/%3Cscript%3E"))
    page = consent(stranger, application)
    assert links(page, "https://rp9.test/") and all("noopener" in link for link in links(page, "https://rp9.test/"))
    browser = stranger.browser(stranger.scene.alice)
    ok(stranger.redeem(application, browser.code(application)))
    assert "Not reviewed." in consent(stranger, application, scope="openid email")
