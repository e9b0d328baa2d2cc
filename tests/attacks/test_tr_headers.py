"""TR: what answers carry: headers of pages, who else may read them, cookies, caching, and errors that tell nothing."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from tests.attacks.people_rig import Crowd, bearer, raw

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

FOR_STRANGERS = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/inactive/",
    "/oauth/authorize",
    "/oauth/logout",
    "/api/docs/",
    "/demo/",
    "/demo/privacy/",
    "/nothing",
]
FOR_PEOPLE = [
    "/account/",
    "/account/security/",
    "/account/sessions/",
    "/account/sessions/others/",
    "/account/apps/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/logout/",
    "/device",
    "/oauth/logout",
]
FOR_OPERATORS = ["/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", "/admin/audit/auditevent/"]
PUBLIC = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/.well-known/revocations",
]
"""Signed or made to be read by everybody, with nothing in it of whoever asks."""

OTHERS = [
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/userinfo",
    "/oauth/device",
    "/oauth/authorize",
    "/oauth/logout",
    "/api/me/",
    "/api/sessions/",
    "/api/token/",
    "/api/token/refresh/",
    "/api/schema/",
    "/accounts/login/",
    "/account/",
    "/admin/",
    "/device",
    "/livez",
    "/readyz",
    "/static/css/authcenter.css",
    "/nothing",
]


def policy(page: httpx.Response) -> dict[str, set[str]]:
    parts = (part.split() for part in page.headers["Content-Security-Policy"].split(";"))
    return {name: set(values) for name, *values in parts}


def handlers(html: str) -> list[str]:
    """Names of attributes that would run as scripts. A person's name that looks like one is only text."""
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda _tag, attributes: found.extend(n for n, _ in attributes if n.startswith("on"))
    parser.feed(html)
    return found


def test_handlers_are_found_in_tags_alone():
    assert handlers("<p>&lt;img onerror=1&gt; onerror=1</p>") == []
    assert handlers("<p><img src=x OnError=alert(1)><br onclick='x'/>") == ["onerror", "onclick"]


def assert_guarded(page: httpx.Response) -> None:
    csp = policy(page)
    assert csp["default-src"] == csp["frame-ancestors"] == csp["base-uri"] == {"'none'"}
    scripts = csp["script-src"]
    assert "'unsafe-inline'" not in scripts and not any("*" in source or "http" in source for source in scripts)
    if not page.url.path.startswith("/admin/"):  # the console's library evaluates expressions and sets styles
        assert scripts == csp["style-src"] == {"'self'"}
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert "camera=()" in page.headers["Permissions-Policy"]
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "no-store" in page.headers["Cache-Control"]
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>", page.text), page.url
    assert not handlers(page.text), page.url


def test_tr_02_pages_for_strangers_have_every_header(crowd: Crowd):
    with crowd.client() as client:
        for path in FOR_STRANGERS:
            assert_guarded(client.get(path))


def test_tr_02_pages_for_people_have_every_header(crowd: Crowd):
    browser = crowd.signed_in(crowd.person("alice"))
    for path in FOR_PEOPLE:
        page = browser.http.get(path)
        assert page.status_code == 200, path
        assert_guarded(page)


def test_tr_02_pages_for_operators_have_every_header(crowd: Crowd):
    _oscar, console = crowd.operator(is_superuser=True)
    for path in FOR_OPERATORS:
        page = console.get(path)
        assert page.status_code == 200, path
        assert_guarded(page)


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "registered"])
def test_tr_07_what_is_public_is_for_every_origin_and_without_credentials(crowd: Crowd, origin):
    with crowd.client(Origin=crowd.url if origin == "registered" else origin) as client:
        for path in PUBLIC:
            answer = client.get(path)
            assert answer.headers["Access-Control-Allow-Origin"] == "*", path
            assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://localhost.evil.test", "http://localhost"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_tr_07_nothing_else_is_for_other_origins(crowd: Crowd, origin, method):
    browser = crowd.signed_in(crowd.person("alice"))
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    for path in OTHERS:
        answer = browser.http.request(method, path, headers=asked)
        granted = [name for name in answer.headers if name.startswith("access-control-")]
        assert not granted, (path, granted)


def test_tr_07_a_registered_origin_reads_the_token_endpoint_and_nobody_elses(crowd: Crowd):
    """Named, not `*`, never with credentials, and for the application alone that registered it."""
    apps, form = (
        crowd.server.demo["applications"],
        {"grant_type": "authorization_code", "code": "x", "code_verifier": "x"},
    )
    with crowd.client(Origin=crowd.url) as client:
        mine = client.post("/oauth/token", data={**form, "client_id": apps["spa"]["client_id"]})
        assert mine.status_code == 400
        assert mine.headers["Access-Control-Allow-Origin"] == crowd.url
        assert "Access-Control-Allow-Credentials" not in mine.headers and "Origin" in mine.headers["Vary"]
        other = client.post("/oauth/token", data={**form, "client_id": apps["device"]["client_id"]})
        assert "Access-Control-Allow-Origin" not in other.headers
        preflight = client.options("/oauth/token", headers={"Access-Control-Request-Method": "POST"})
        assert preflight.headers["Access-Control-Allow-Origin"] == crowd.url
        assert "Access-Control-Allow-Credentials" not in preflight.headers


FORM, JSON = ({"Content-Type": f"application/{kind}"} for kind in ("x-www-form-urlencoded", "json"))
BIG = b"login=" + b"x" * 300_000
ERRORS = {
    "400 page": ("GET", "/oauth/authorize?client_id=x", {}),
    "400 JSON": ("POST", "/oauth/token", {"data": {"grant_type": "x"}}),
    "400 API": ("POST", "/api/token/", {"content": b"{", "headers": JSON}),
    "401 API": ("GET", "/api/me/", {"headers": bearer("x")}),
    "401 JSON": ("POST", "/oauth/token", {"data": {"grant_type": "client_credentials"}, "auth": ("x", "x")}),
    "403 page": ("POST", "/accounts/login/", {"data": {"login": "x"}}),
    "404 page": ("GET", "/nothing/../../etc/passwd%00", {}),
    "404 API": ("POST", "/api/nothing", {}),
    "405 JSON": ("GET", "/oauth/token", {}),
    "405 API": ("PUT", "/api/token/", {}),
    "413 API": ("POST", "/api/token/", {"content": BIG, "headers": JSON}),
    "413 JSON": ("POST", "/oauth/token", {"content": BIG, "headers": FORM}),
    "413 page": ("POST", "/accounts/login/", {"content": BIG, "headers": FORM}),
    "415 API": ("POST", "/api/token/", {"content": b"<x/>", "headers": {"Content-Type": "text/xml"}}),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_tr_08_errors_tell_nothing_about_the_inside(crowd: Crowd, kind):
    """No stack, no path, no SQL (the rig judges), and no name or version of what it is made of."""
    method, path, sent = ERRORS[kind]
    with crowd.client() as client:
        answer = client.request(method, path, **sent)
    assert answer.status_code == int(kind[:3]) or (kind.startswith("413") and answer.status_code in {400, 403})
    said = answer.text + "".join(answer.headers.values())
    assert not re.search(r"(?i)django|python|allauth|unfold|oauthlib|rest_framework|\bdebug\b", said)
    assert not re.search(r"\d+\.\d+\.\d+", answer.headers.get("Server", ""))
    if kind.endswith("API"):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    if kind.endswith("JSON"):
        assert set(answer.json()) <= {"error", "error_description", "error_uri"}


@pytest.mark.parametrize(
    "path", [b"/%", b"/%zz", b"/\xff\xfe", b"/accounts/login/?next=%ff", b"/?%00=%00", b"/api/%ff"], ids=repr
)
def test_tr_08_broken_addresses_are_refusals(crowd: Crowd, path):
    answer = raw(crowd.url, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert re.match(rb"HTTP/1.1 (200|302|400|404)", answer), answer[:100]
    assert b"Traceback" not in answer


def test_tr_10_machines_get_no_cookies_and_the_right_caching(crowd: Crowd):
    machine = crowd.server.demo["applications"]["machine"]
    api, auth = crowd.server.demo["apis"]["demo"], (machine["client_id"], machine["client_secret"])
    with crowd.client() as client:
        token = client.post(
            "/oauth/token", data={"grant_type": "client_credentials", "scope": "orders:read"}, auth=auth
        )
        asked = {"token": token.json()["access_token"]}
        introspected = client.post("/oauth/introspect", data=asked, auth=(api["client_id"], api["client_secret"]))
        answers = {path: client.get(path) for path in (*PUBLIC, "/livez", "/readyz", "/static/css/authcenter.css")}
        answers |= {
            "token": token,
            "introspect": introspected,
            "revoke": client.post("/oauth/revoke", data=asked, auth=auth),
            "userinfo": client.get("/oauth/userinfo", headers=bearer(asked["token"])),
            "api": client.get("/api/me/", headers=bearer(asked["token"])),
        }
        crowd.noted(token.json())
    assert token.status_code == introspected.status_code == 200
    for name, answer in answers.items():
        assert "Set-Cookie" not in answer.headers, name
        caching = answer.headers["Cache-Control"]
        if name in PUBLIC or name.startswith("/static/"):
            assert "public" in caching and "no-store" not in caching, name
            assert "Cookie" not in answer.headers.get("Vary", ""), name
        else:
            assert "no-store" in caching, name
