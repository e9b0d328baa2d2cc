"""Malformed, oversized and hostile input at every endpoint: the RFC's own error, nothing stored, never a 500."""

import random
import time
from io import BytesIO

import pytest
from django.conf import settings
from django.test import Client
from django.utils.http import urlencode

from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import Family, Grant
from tests.oauth.flow import (
    HOST,
    VERIFIER,
    Browser,
    answer,
    assert_page,
    assert_refused,
    basic,
    post,
    redeem,
    refresh,
    stored,
    tokens,
)

FORM = "application/x-www-form-urlencoded"
PROTOCOL = ["/oauth/token", "/oauth/revoke", "/oauth/introspect"]

# Raw bytes as a query may carry them: what is no UTF-8, no percent-encoding, or no character for a database.
GARBAGE = {
    "nul": "%00", "invalid_byte": "%ff", "lone_surrogate": "%ed%a0%80", "overlong": "%c0%af", "cut_utf8": "%e2%82",
    "bad_percent": "%zz", "half_percent": "%4", "percent": "%", "escape": "%1b", "delete": "%7f", "bell": "a%07b",
    "beyond_unicode": "%f5%80%80%80",
}  # fmt: skip
HARMLESS = {
    "newline": "%0a", "tab": "%09", "byte_order_mark": "%ef%bb%bf", "rtl": "%e2%80%ae", "noncharacter": "%ef%bf%bf",
    "emoji": "%f0%9f%a6%8a", "c1": "%c2%85", "line_separator": "%e2%80%a8", "quote": "%27%22%3b--",
    "braces": "%7b%7b7*7%7d%7d",
    "zero_width": "%e2%80%8b",
}  # fmt: skip
PARAMETERS = [
    "client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
    "prompt", "max_age", "login_hint", "id_token_hint", "resource", "response_mode", "request", "request_uri", "claims",
    "ui_locales", "display", "acr_values", "foo", "txn",
]  # fmt: skip


@pytest.mark.parametrize("bad", GARBAGE.values(), ids=GARBAGE.keys())
def test_az_59_garbage_in_each_parameter_of_an_authorization_request(web, browser, bad):
    before = stored()
    for name in PARAMETERS:
        sent = {key: value for key, value in web.request().items() if key != name}
        assert_page(browser.get(f"/oauth/authorize?{urlencode(sent)}&{name}={bad}"))
        assert_page(browser.get(f"/oauth/authorize?{urlencode(sent)}&{name}{bad}=x"))
    assert stored() == before


@pytest.mark.parametrize("odd", HARMLESS.values(), ids=HARMLESS.keys())
def test_az_59_odd_characters_in_each_parameter_of_an_authorization_request(web, alice, browser, odd):
    browser.sign_in(alice)
    before = stored()
    for name in PARAMETERS:
        sent = {key: value for key, value in web.request(prompt="none").items() if key != name}
        response = browser.get(f"/oauth/authorize?{urlencode(sent)}&{name}={odd}")
        assert response.status_code in {302, 303, 400}, name
        if response.status_code != 400:
            assert response["Location"].startswith(web.redirect_uri) or name == "prompt"
            response["Location"].encode("ascii")
    assert stored() == before


OVERSIZED = {
    "state_100k": {"state": "s" * 100_000},
    "state_9k": {"state": "s" * 9_000},
    "nonce_64k": {"nonce": "n" * 65_536},
    "scopes_10k": {"scope": " ".join(f"s{n}" for n in range(10_000))},
    "scopes_1k": {"scope": " ".join(f"s{n}" for n in range(1_000))},
    "redirect_64k": {"redirect_uri": "https://rp1.test/" + "x" * 65_536},
    "name_300": {"n" * 300: "x"},
    "parameters_5000": {f"p{n}": "x" for n in range(5_000)},
    "parameters_150": {f"p{n}": "x" for n in range(150)},
    "client_1m": {"client_id": "x" * 1_000_000},
    "resources_120": {"resource": ["https://orders.test/"] * 120},
}


@pytest.mark.parametrize("changes", OVERSIZED.values(), ids=OVERSIZED.keys())
def test_az_60_oversized(web, browser, changes):
    before, began = stored(), time.monotonic()
    response = browser.authorize(web, **changes)
    assert time.monotonic() - began < 1
    if response.status_code == 303:
        assert answer(response["Location"])["error"] == "invalid_scope"
    else:
        assert response.status_code in {400, 414, 431} and "Location" not in response
    assert stored() == before


def test_az_60_a_nonce_beyond_255_is_kept(web, alice, browser):
    from tests.oauth.flow import claims

    nonce = "n" * 4_000
    assert claims(redeem(web, browser.code(web, alice, nonce=nonce)).json()["id_token"])["nonce"] == nonce


# --- Protocol endpoints ---------------------------------------------------------------------------------------


def send(path, body, kind=FORM, **headers):
    raw = body.encode() if isinstance(body, str) else body
    return Client(HTTP_HOST=HOST).generic("POST", path, raw, content_type=kind, headers=headers)


@pytest.mark.parametrize("path", PROTOCOL)
@pytest.mark.parametrize(
    "kind",
    [
        "application/json", "multipart/form-data; boundary=x", "text/plain", "",
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded; charset=utf-16", "application/x-www-form-urlencoded; charset=x",
        "application/xml",
        "application/x-www-form-urlencoded2", "*/*", "x", ";", "application/x-www-form-urlencoded, text/plain",
    ],
)  # fmt: skip
def test_tk_14_rfc6749_app_b_another_body_is_not_read(web, path, kind):
    before = stored()
    assert_refused(
        send(path, "grant_type=client_credentials&token=x", kind, **basic(web.id, web.secret)), 400, "invalid_request"
    )
    assert stored() == before


@pytest.mark.parametrize(
    "kind", [FORM, f"{FORM}; charset=UTF-8", f'{FORM}; charset="utf-8"', "Application/X-WWW-Form-URLEncoded"]
)
def test_tk_14_a_form_is_read_however_it_is_spelt(web, kind):
    assert send("/oauth/revoke", "token=x", kind, **basic(web.id, web.secret)).status_code == 200


@pytest.mark.parametrize("path", PROTOCOL)
@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head", "trace"])
def test_tk_15_tr_13_only_post(path, method, db):
    client = Client(HTTP_HOST=HOST)
    response = getattr(client, method)(f"{path}?grant_type=client_credentials&client_id=x&client_secret=y&token=z")
    assert response.status_code == 405 and response["Allow"] == "POST" and "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("path", PROTOCOL)
def test_tk_15_rfc6749_2_3_1_parameters_in_the_url_are_not_processed(web2, path):
    query = urlencode(
        {"client_id": web2.id, "client_secret": web2.secret, "token": "x", "grant_type": "client_credentials"}
    )
    assert_refused(send(f"{path}?{query}", ""), 400, "invalid_request")
    assert_refused(send(f"{path}?x=1", "token=x", **basic(web2.id, web2.secret)), 400, "invalid_request")


TWICE = [
    "grant_type",
    "code",
    "client_id",
    "redirect_uri",
    "code_verifier",
    "scope",
    "client_secret",
    "refresh_token",
    "foo",
]


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("same", [True, False])
def test_tk_13_rfc6749_3_2_no_parameter_twice_and_nothing_consumed(web2, alice, browser, name, same):
    code = browser.code(web2, alice)
    right = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": web2.redirect_uri, "code_verifier": VERIFIER,
        "client_id": web2.id, "client_secret": web2.secret,
    }  # fmt: skip
    value = right.get(name, "x")
    for pairs in ([*right.items(), (name, value if same else "y")], [(name, value if same else "y"), *right.items()]):
        if name not in right:
            pairs.append((name, value))
        assert_refused(post("/oauth/token", pairs), 400, "invalid_request")
    assert Grant.objects.get().consumed is None
    assert post("/oauth/token", right).status_code == 200


def test_tk_13_a_refresh_with_two_tokens_consumes_nothing(spa, alice, browser):
    got = tokens(spa, alice, browser)
    pairs = [("grant_type", "refresh_token"), ("client_id", spa.id), ("refresh_token", got["refresh_token"])]
    assert_refused(post("/oauth/token", [*pairs, ("refresh_token", "x")]), 400, "invalid_request")
    assert_refused(post("/oauth/token", [*pairs, ("grant_type", "authorization_code")]), 400, "invalid_request")
    assert Family.objects.get().generation == 1 and refresh(spa, got["refresh_token"]).status_code == 200


@pytest.mark.parametrize("name", ["token", "token_type_hint", "client_id"])
@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_ir_15_no_parameter_twice(web, path, name):
    assert_refused(
        post(path, [("token", "x"), (name, "y"), (name, "y")], **basic(web.id, web.secret)), 400, "invalid_request"
    )


@pytest.mark.parametrize("bad", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("path", PROTOCOL)
def test_tk_47_garbage_in_each_parameter(web2, path, bad):
    before = stored()
    names = [
        "grant_type",
        "code",
        "client_id",
        "client_secret",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "token",
        "resource",
        "foo",
    ]
    for name in names:
        right = {"grant_type": "authorization_code", "token": "x", "client_id": web2.id, "client_secret": web2.secret}
        right.pop(name, None)
        assert_refused(send(path, f"{urlencode(right)}&{name}={bad}"), 400, "invalid_request")
    assert stored() == before


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff",
        b"token=\xc3\xa9",
        b"\x00",
        b"token=x\x00",
        b"a=b=c&&&",
        b"&",
        b"=",
        b"====",
        b"%",
        b";",
        b"{}",
        b"[" * 9000,
    ],
)
@pytest.mark.parametrize("path", PROTOCOL)
def test_tk_47_raw_bytes(db, path, raw):
    response = send(path, raw)
    assert response.status_code in {400, 401} and "error" in response.json()


@pytest.mark.parametrize(
    "name",
    ["grant_type", "code", "client_id", "client_secret", "refresh_token", "scope", "token", "foo", "token_type_hint"],
)
@pytest.mark.parametrize("size", [9_000, 40_000, 1_000_000])
@pytest.mark.parametrize("path", PROTOCOL)
def test_tk_47_ir_15_oversized_values(db, path, name, size):
    assert_refused(send(path, f"{name}={'x' * size}"), 400, "invalid_request")


@pytest.mark.parametrize("path", [*PROTOCOL, "/oauth/authorize", "/oauth/logout", "/oauth/userinfo"])
@pytest.mark.parametrize("length", ["abc", "-1", "9" * 30, "", "1e3", "٣"])
def test_tk_47_a_content_length_that_lies(db, path, length):
    response = Client(HTTP_HOST=HOST).post(path, "token=x", content_type=FORM, CONTENT_LENGTH=length)
    assert response.status_code < 500


def test_tk_47_many_parameters(db):
    for path in PROTOCOL:
        assert_refused(send(path, "&".join(f"p{n}=1" for n in range(5_000))), 400, "invalid_request")


@pytest.mark.parametrize("path", [*PROTOCOL, "/oauth/userinfo"])
def test_tk_16_tr_08_errors_are_not_cached_and_tell_nothing(db, path):
    for response in (
        send(path, ""),
        send(path, "x=1"),
        send(path, "%"),
        Client(HTTP_HOST=HOST).get(path),
        Client(HTTP_HOST=HOST).put(path),
    ):
        assert "no-store" in response["Cache-Control"]
        text = response.content.decode()
        for word in ("Traceback", "django", str(settings.BASE_DIR), "SELECT", "sqlite", "psycopg", ".py"):
            assert word not in text
        assert not response.cookies


def test_a_token_error_does_not_repeat_a_state(web):
    """There is none at this endpoint: what stands there may be anything, and errors end up in logs."""
    response = refresh(web, "rt_x", state="something-secret")
    assert_refused(response, 400, "invalid_grant")
    assert "state" not in response.json()


def test_a_token_request_gets_no_cookie_and_starts_no_session(web):
    from django.contrib.sessions.models import Session

    send("/oauth/token", "grant_type=x", **basic(web.id, web.secret))
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "path",
    [*PROTOCOL, "/oauth/register", "/oauth/device", "/oauth/userinfo", "/.well-known/jwks.json"],
)
def test_a_broken_cookie_is_not_mended_at_the_back_channel(db, path):
    """CSRF protection would set a new one and the session's would be deleted, in answers that caches may keep, too."""
    client = Client(HTTP_HOST=HOST)
    client.cookies["session"], client.cookies["csrf"] = "x", "y"
    for response in (client.get(path), client.post(path, "x=1", content_type=FORM)):
        assert not response.cookies


def test_what_strangers_choose_is_cut_in_the_audit_log(browser, db):
    browser.get("/oauth/authorize?client_id=" + "x" * 4_000)
    assert AuditEvent.objects.get().client_id == "x" * 255


@pytest.mark.parametrize(
    "path", ["/oauth/authorize", "/oauth/consent", "/oauth/logout", "/oauth/userinfo", "/accounts/login/", "/nowhere"]
)
def test_tr_08_a_page_that_refuses_does_not_fail_on_what_it_refuses(db, path):
    """Error pages are rendered for requests whose fields cannot be read: they must not read them again."""
    client = Client(HTTP_HOST=HOST)
    many = "&".join(f"p{n}=1" for n in range(5_000))
    for response in (
        client.get(f"{path}?{many}"),
        client.get(f"{path}?next=http://[x&txn=1"),
        client.get(f"{path}?next=%00%ff"),
        send(path, many),
        send(path, "next=//["),
        send(path, "x=" + "y" * 400_000),
        send(path, "x", "multipart/form-data"),
        send(path, "--x", "multipart/form-data; boundary=x"),
        send(path, "x", "multipart/form-data; boundary=\xe9"),
    ):
        assert response.status_code < 500


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "latin-1", "idna"])
@pytest.mark.parametrize("host", [HOST, "evil.test"])
@pytest.mark.parametrize("path", ["/device", "/oauth/consent", "/accounts/login/", "/oauth/token", "/nowhere"])
def test_tr_08_a_form_that_names_another_charset_is_read_or_refused(db, path, host, charset):
    """CSRF protection and the page that refuses both read the form: neither may fail on its header."""
    client = Client(HTTP_HOST=host, enforce_csrf_checks=True)
    client.cookies["csrf"] = "c" * 32
    response = client.post(path, "csrfmiddlewaretoken=" + "c" * 32, content_type=f"{FORM}; charset={charset}")
    assert response.status_code < 500


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/nowhere", "/oauth//x", "/oauth/logo/999999", "/device", "/accounts/login/"])
def test_tr_08_a_form_that_cannot_be_read_is_no_500_even_where_nothing_is(db, path, kind):
    """Django's page for what is not there checks the form of whoever has a CSRF cookie."""
    client = Client(HTTP_HOST=HOST, enforce_csrf_checks=True)
    client.cookies["csrf"] = "c" * 32
    assert client.post(path, b"x", content_type=kind).status_code in {400, 403, 404, 405}


def test_a_lone_surrogate_can_be_audited(db):
    from authcenter.audit import events

    events.record(None, events.Kind.TOKEN_REFUSED, subject="\ud800", reason="a\udfffb", names=["\ud800"])
    event = AuditEvent.objects.get()
    assert (event.subject, event.detail) == ("?", {"reason": "a?b", "names": ["?"]})


# --- Some hundreds of requests by chance ----------------------------------------------------------------------

PIECES = [
    "", "x", "openid", "code", "none", "S256", "%00", "%ff", "%", "&", "=", "+", "%20", "%0a", "%0d%0a", "\\", "//",
    "://", "@", "#",
    "?", "[", "]", "{", "}", "'", '"', "<", ">", "..", "%2e%2e", "0", "-1", "1e999", "9" * 40, "null", "true", "é",
    "%c3%a9",
    "%f0%9f%a6%8a", "x" * 300, "http://127.0.0.1:1/", "https://rp1.test/cb", "eyJhbGciOiJub25lIn0.e30.", "rt_AAAA",
    "a.b.c", "$", "*",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_by_chance_no_request_is_a_500_or_stores_anything(web, spa, machine, alice, browser, seed):
    chance = random.Random(seed)
    got = tokens(web, alice, browser)
    right = [
        *web.request().items(),
        ("token", got["access_token"]),
        ("grant_type", "authorization_code"),
        ("refresh_token", got["refresh_token"]),
    ]
    names = [
        *PARAMETERS,
        "grant_type",
        "code",
        "token",
        "client_secret",
        "code_verifier",
        "access_token",
        "post_logout_redirect_uri",
    ]
    paths = [
        "/oauth/authorize",
        *PROTOCOL,
        "/oauth/userinfo",
        "/oauth/logout",
        "/oauth/consent",
        "/oauth/switch-account",
    ]
    stranger = Browser(f"10.0.{seed}.1")
    stranger.http.raise_request_exception = False
    before = {**stored(), "generations": 0, "ended": 0}
    for _n in range(120):
        path, pairs = chance.choice(paths), []
        for _p in range(chance.randint(0, 8)):
            name = chance.choice(names)
            if chance.random() < 0.4:
                name, value = chance.choice(right)
                pairs.append(urlencode({name: value}))
            else:
                pairs.append(f"{name}={''.join(chance.choices(PIECES, k=chance.randint(1, 4)))}")
        raw = "&".join(pairs)
        headers = {}
        if chance.random() < 0.5:
            headers["Authorization"] = (
                chance.choice(
                    [
                        f"Bearer {got['id_token']}",
                        f"Bearer {raw[:200]}",
                        "Basic " + raw[:50],
                        basic(machine.id, machine.secret)["Authorization"],
                        basic(web.id, "x")["Authorization"],
                    ]
                )
                .encode("ascii", "replace")
                .decode()
                .replace("\n", "")
            )
        if chance.random() < 0.4:
            response = stranger.http.get(f"{path}?{raw}", headers=headers)
        else:
            kind = chance.choice([FORM, FORM, FORM, "application/json", "multipart/form-data; boundary=x", ""])
            response = stranger.http.post(path, raw.encode("utf-8"), content_type=kind, headers=headers)
        assert response.status_code < 500, (path, raw, headers)
        assert "evil" not in response.get("Location", "")
    assert {**stored(), "generations": 0, "ended": 0} == before


@pytest.mark.parametrize("path", ["/nothing", "/oauth//x", "/oauth/consent", "/accounts/login/"])
@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"]
)
def test_half_a_form_is_no_server_error_wherever_it_is_sent(alice, browser, path, kind):
    browser.enter(alice)
    response = browser.http.generic("POST", path, b"6\x19\xed\xb0\x88\xc3", content_type=kind)
    assert response.status_code in {400, 403, 404}


def test_an_error_of_the_token_endpoint_repeats_nothing_that_was_sent(web):
    from tests.oauth.flow import as_app

    sent = {"grant_type": "authorization_code", "code": "x", "state": "what-was-sent", "scope": "what-was-sent"}
    assert "what-was-sent" not in as_app(web, "/oauth/token", sent).content.decode()


@pytest.mark.parametrize("path", ["/oauth/token", "/accounts/login/", "/.well-known/revocations", "/nowhere"])
def test_tr_08_a_query_is_read_whatever_charset_the_body_has(transactional_db, path):
    """Through the server's own door: Django would decode the query before any middleware could help."""
    from authcenter.handler import Handler

    application = Handler()
    for charset in ("hex", "rot13", "undefined", "punycode", "idna", "utf-16"):
        told = []
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": "after=1&b=%e9", "HTTP_HOST": HOST,
            "SERVER_NAME": HOST, "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": BytesIO(b"x"),
            "CONTENT_TYPE": f"{FORM}; charset={charset}", "CONTENT_LENGTH": "1", "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        application(environ, lambda status, headers, _error=None: told.append((int(status[:3]), dict(headers))))  # noqa: B023
        status, headers = told[0]
        assert 400 <= status < 500 and "X-Request-ID" in headers and "Content-Security-Policy" in headers, charset
