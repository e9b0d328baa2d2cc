"""Attacks on the token endpoint, and on those like it: the form of a request, caches, other origins."""

import json
from urllib.parse import urlencode

import pytest

from tests.attacks import refusals
from tests.attacks.rig import FORM, ok
from tests.oauth.flow import VERIFIER

pytestmark = pytest.mark.live
SERVER_ENDS = ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device"]
GARBAGE = {"nul": "%00", "invalid_byte": "%ff", "lone_surrogate": "%ed%a0%80", "bad_percent": "%zz", "escape": "%1b"}


@pytest.mark.parametrize(
    "grant_type",
    [
        None,
        "",
        "nope",
        "Authorization_Code",
        " authorization_code",
        "authorization_code ",
        "authorization_code,x",
        "password",
    ],
    ids=["missing", "empty", "unknown", "capitals", "blank-before", "blank-after", "comma", "password"],
)
def test_tk_12_grant_type_shapes(rig, grant_type):
    code = rig.browser(rig.scene.alice).code(rig.web)
    with rig.untouched():
        response = rig.redeem(rig.web, code, grant_type=grant_type)
        refusals.json_error(response, "unsupported_grant_type" if grant_type else "invalid_request")
    ok(rig.redeem(rig.web, code))


@pytest.mark.parametrize("same", [True, False], ids=["equal", "different"])
@pytest.mark.parametrize(
    "name",
    ["grant_type", "code", "client_id", "redirect_uri", "refresh_token", "code_verifier", "scope", "client_secret"],
)
def test_tk_13_duplicate_parameters(rig, name, same):
    code = rig.browser(rig.scene.alice).code(rig.web2)
    right = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": rig.web2.redirect_uri,
        "code_verifier": VERIFIER, "client_id": rig.web2.id, "client_secret": rig.web2.secret,
    }  # fmt: skip
    value = right.get(name, "x")
    pairs = [*right.items(), *([(name, value)] if name not in right else [])]
    with rig.untouched():
        for sent in ([*pairs, (name, value if same else "y")], [(name, value if same else "y"), *pairs]):
            refusals.json_error(rig.token(None, sent), "invalid_request")
    ok(rig.token(None, right))


def test_tk_13_a_second_refresh_token_consumes_nothing(rig):
    got = rig.tokens(rig.spa, rig.scene.alice)
    pairs = [("grant_type", "refresh_token"), ("refresh_token", got["refresh_token"])]
    with rig.untouched():
        for more in (
            ("refresh_token", "x"),
            ("grant_type", "authorization_code"),
            ("scope", "openid"),
            ("client_id", "x"),
        ):
            refusals.json_error(rig.token(rig.spa, [*pairs, ("scope", "openid"), more]), "invalid_request")
    ok(rig.refresh(rig.spa, got["refresh_token"]))


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", "", f"{FORM}; charset=utf-7"]
)
@pytest.mark.parametrize("path", SERVER_ENDS)
def test_tk_14_body_type(rig, path, kind):
    """Another body is not read, however right it would be."""
    fields = {"grant_type": "client_credentials", "scope": "films:read", "token": "x"}
    bodies = {
        "application/json": json.dumps(fields),
        "multipart/form-data; boundary=x": "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
        ) + "--x--\r\n",
    }  # fmt: skip
    with rig.untouched():
        response = rig.post(path, bodies.get(kind, urlencode(fields)), rig.machine, **{"Content-Type": kind})
    refusals.json_error(response, "invalid_request", 400)


@pytest.mark.parametrize("path", SERVER_ENDS)
def test_tk_15_parameters_in_the_url(rig, path):
    fields = {"grant_type": "client_credentials", "scope": "films:read", "token": "x"}
    by_post = {"client_id": rig.web2.id, "client_secret": rig.web2.secret}
    with rig.untouched():
        for app, query in ((rig.machine, fields), (None, {**fields, **by_post})):
            for body in ("", urlencode(fields)):
                refusals.json_error(rig.post(f"{path}?{urlencode(query)}", body, app), "invalid_request", 400)
        for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD"):
            response = rig.http.request(method, f"{path}?{urlencode({**fields, **by_post})}")
            assert response.status_code == 405 and "no-store" in response.headers["Cache-Control"]


def test_tk_16_cache_headers(rig):
    """On what succeeds, on what is wrong and on who is unknown, at every endpoint that tells secrets."""
    got = rig.tokens(rig.web, rig.scene.alice)
    nobody = rig.elsewhere()
    answers = [
        rig.machine_token(),
        rig.machine_token(scope="nope"),
        nobody.post("/oauth/token", {"grant_type": "client_credentials"}),
        rig.introspect(rig.web, got["access_token"]),
        rig.introspect(rig.web, "x"),
        nobody.post("/oauth/introspect", {"token": "x"}),
        rig.post("/oauth/introspect", {}, rig.web),
        rig.userinfo(got["access_token"]),
        rig.userinfo("x"),
        rig.http.get("/oauth/userinfo"),
        rig.http.get("/oauth/userinfo?access_token=x"),
        rig.post("/oauth/device", {"scope": "openid"}, rig.kiosk),
        rig.post("/oauth/device", {"scope": "nope"}, rig.kiosk),
        nobody.post("/oauth/device", {"scope": "openid"}),
        rig.revoke(rig.web, "x"),
        rig.post("/oauth/revoke", {}, rig.web),
        nobody.revoke(None, "x"),
        rig.http.get("/oauth/token"),
    ]
    assert {answer.status_code for answer in answers} == {200, 400, 401, 405}
    assert all("no-store" in answer.headers["Cache-Control"] for answer in answers)


NAMES = [
    "grant_type",
    "code",
    "client_id",
    "client_secret",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "x",
]


@pytest.mark.parametrize("bad", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("path", SERVER_ENDS)
def test_tk_47_byte_level_garbage(rig, path, bad):
    right = {
        "grant_type": "authorization_code",
        "client_id": rig.web2.id,
        "client_secret": rig.web2.secret,
        "token": "x",
    }
    with rig.untouched():
        for name in [*NAMES, "token", "device_code", "resource"]:
            sent = urlencode({key: value for key, value in right.items() if key != name})
            refusals.json_error(rig.post(path, f"{sent}&{name}={bad}"), "invalid_request", 400)


@pytest.mark.parametrize("name", NAMES)
def test_tk_47_a_megabyte_in_each_parameter(rig, name):
    right = {
        "grant_type": "authorization_code",
        "code": "x",
        "client_id": rig.web2.id,
        "client_secret": rig.web2.secret,
    }
    with rig.untouched():
        response = rig.post("/oauth/token", {**right, name: "x" * 1_000_000})
    assert response.status_code in {400, 413} and "error" in response.json()


@pytest.mark.parametrize(
    "raw", [b"\xff", b"grant_type=\xc3\xa9", b"\x00", b"&&&", b"=", b"%", b"{}", b"[" * 9000, b""],
    ids=["byte", "raw-utf8", "nul", "ampersands", "equals", "percent", "braces", "brackets", "empty"],
)  # fmt: skip
def test_tk_47_raw_bytes(rig, raw):
    with rig.untouched():
        refusals.json_error(rig.post("/oauth/token", raw, rig.web), "invalid_request")


ORIGINS = ["https://evil.test", "null", "https://spa.test.evil.test", "https://spa.test/", "http://spa.test", "*", ""]


def test_tk_48_cors(rig):
    """The registered origin of the very application, and no other; never with credentials."""
    got = rig.tokens(rig.spa, rig.scene.alice)
    spa = "https://spa.test"

    def tried(origin: str) -> list:
        with_origin = {"Origin": origin}
        return [
            rig.http.options("/oauth/token", headers={**with_origin, "Access-Control-Request-Method": "POST"}),
            rig.token(rig.spa, {"grant_type": "refresh_token", "refresh_token": "x"}, **with_origin),
            rig.post("/oauth/revoke", {"token": "x"}, rig.spa, **with_origin),
            rig.http.get(
                "/oauth/userinfo", headers={**with_origin, **{"Authorization": f"Bearer {got['access_token']}"}}
            ),
        ]

    for origin in ORIGINS:
        assert not ["x" for answer in tried(origin) if "Access-Control-Allow-Origin" in answer.headers], origin
    for answer in tried(spa):
        assert answer.headers["Access-Control-Allow-Origin"] == spa and "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    foreign = rig.token(rig.web, {"grant_type": "refresh_token", "refresh_token": "x"}, Origin=spa)
    assert "Access-Control-Allow-Origin" not in foreign.headers, "an origin that another application registered"
