"""TR: hosts, forwarding headers, methods and sizes that no honest client sends; the log; what is installed."""

import re

import pytest

from tests import room
from tests.attacks.people_rig import NEW, PASSWORD, WRONG, Crowd, bearer, raw
from tests.leaks import told

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def request(head: bytes, *lines: bytes, path: bytes = b"/.well-known/openid-configuration") -> bytes:
    return b"\r\n".join((head.replace(b"PATH", path), *lines, b"Connection: close", b"", b""))


BAD_HOSTS = {
    "unknown": request(b"GET PATH HTTP/1.1", b"Host: evil.test"),
    "two, ours first": request(b"GET PATH HTTP/1.1", b"Host: localhost", b"Host: evil.test"),
    "two, ours last": request(b"GET PATH HTTP/1.1", b"Host: evil.test", b"Host: localhost"),
    "userinfo": request(b"GET PATH HTTP/1.1", b"Host: localhost@evil.test"),
    "ours as userinfo": request(b"GET PATH HTTP/1.1", b"Host: evil.test@localhost"),
    "prefix": request(b"GET PATH HTTP/1.1", b"Host: localhost.evil.test"),
    "a port that is none": request(b"GET PATH HTTP/1.1", b"Host: localhost:evil"),
    "list": request(b"GET PATH HTTP/1.1", b"Host: localhost, evil.test"),
    "path": request(b"GET PATH HTTP/1.1", b"Host: localhost/evil"),
    "blank": request(b"GET PATH HTTP/1.1", b"Host:"),
    "none": request(b"GET PATH HTTP/1.1"),
    "absolute, and another": request(b"GET http://localhostPATH HTTP/1.1", b"Host: evil.test"),
    "broken name": request(b"GET PATH HTTP/1.1", b"Host : localhost"),
}


@pytest.mark.parametrize("kind", BAD_HOSTS)
def test_tr_03_a_strange_host_is_refused(crowd: Crowd, kind):
    # Not the metadata, which asks no host: a page whose addresses could be made from it.
    sent = BAD_HOSTS[kind].replace(b"/.well-known/openid-configuration", b"/accounts/login/")
    answer = raw(crowd.url, sent)
    assert status(answer) == 400 and b"evil" not in answer


@pytest.mark.parametrize(
    "sent",
    [
        request(b"GET PATH HTTP/1.1", b"Host: localhost."),
        request(b"GET PATH HTTP/1.1", b"Host: localhost:4433"),
        request(b"GET http://evil.testPATH HTTP/1.1", b"Host: localhost"),
        *BAD_HOSTS.values(),
    ],
    ids=["dot", "port", "absolute", *BAD_HOSTS],
)
def test_tr_03_no_host_is_in_the_metadata_but_the_issuers(crowd: Crowd, sent):
    answer = raw(crowd.url, sent)
    assert status(answer) in {200, 400}
    assert not re.search(rb"evil|4433|localhost\.", answer)
    if status(answer) == 200:
        assert f'"issuer": "{crowd.url}"'.encode() in answer


FORWARDED = {
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "198.51.100.66",
    "X-Forwarded-Port": "4433",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.test",
    "X-Forwarded-Scheme": "https",
    "X-Script-Name": "/evil",
    "Script-Name": "/evil",
    "Forwarded": "for=198.51.100.66;host=evil.test;proto=https",
    "X-Real-IP": "198.51.100.66",
    "True-Client-IP": "198.51.100.66",
    "X-Original-URL": "/admin/",
    "X-Rewrite-URL": "/admin/",
    "X-URL-Scheme": "https",
    "Front-End-Https": "on",
}


@pytest.mark.parametrize("header", FORWARDED)
def test_tr_04_forwarding_headers_of_strangers_change_nothing(crowd: Crowd, header):
    email = f"forwarded.{header.lower()}@example.com"
    with crowd.client() as client:
        paths = (
            "/.well-known/openid-configuration",
            "/",
            "/account/",
            "/admin/",
            "/accounts/login/",
            "/oauth/authorize",
        )
        for path in paths:
            plain, forged = client.get(path), client.get(path, headers={header: FORWARDED[header]})
            assert forged.status_code == plain.status_code, path
            assert forged.headers.get("Location") == plain.headers.get("Location"), path
            assert not re.search(r"evil|4433|198\.51", forged.text + str(forged.headers)), path
            assert "Strict-Transport-Security" not in forged.headers
            assert "Secure" not in forged.headers.get("Set-Cookie", "")
        client.post("/api/token/", json={"email": email, "password": WRONG}, headers={header: FORWARDED[header]})
    [event] = crowd.events("sign_in_refused", email)
    assert event["address"].startswith("127.9.")


def test_tr_12_no_secret_is_in_the_log(crowd: Crowd):
    """Each kind once, in ways that are refused too; the fixture looks again when all tests are done."""
    alice = crowd.person("alice")
    browser = crowd.signed_in(alice)
    pair, oauth = crowd.pair(alice), crowd.allowed(browser)
    crowd.refreshes(pair), crowd.refreshes(oauth), crowd.refreshes(pair)
    crowd.browser().open("/accounts/password/reset/").submit("email", email=alice.email)
    crowd.secrets |= {browser.http.cookies["session"], *crowd.codes(alice.email)}
    app = crowd.server.demo["applications"]["web"]
    with crowd.client() as client:
        for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
            sent = {
                "token": oauth["access_token"],
                "grant_type": "refresh_token",
                "refresh_token": oauth["refresh_token"],
            }
            client.post(path, data={**sent, "client_id": app["client_id"], "client_secret": app["client_secret"]})
            client.post(path, data={**sent, "client_secret": app["client_secret"], "client_id": "nobody"})
            client.get(path, params=sent)
        client.get("/api/me/", headers=bearer(pair["access"] + "x"))
        client.get(f"/account/?password={NEW.replace(' ', '%20')}&access_token={pair['access']}")
        client.post("/api/token/", json={"email": PASSWORD[:4], "password": [NEW]})
        client.post("/api/token/verify/", json={"token": pair["refresh"]})
    crowd.assert_log_is_clean()
    kept = "from authcenter.audit.models import AuditEvent as E\n"
    kept += "answer = str(list(E.objects.values_list('actor', 'subject', 'client_id', 'detail')))"
    log = crowd.inside(kept)
    assert not told(crowd.secrets, log)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "PROPFIND", "PUT", "DELETE", "PATCH"])
def test_tr_13_unknown_methods_are_refused(crowd: Crowd, method):
    for path in (b"/oauth/token", b"/accounts/login/", b"/.well-known/jwks.json", b"/api/token/", b"/livez"):
        sent = request(method.encode() + b" PATH HTTP/1.1", b"Host: localhost", b"X-Echo: echoed", path=path)
        answer = raw(crowd.url, sent)
        assert status(answer) in {400, 403, 405, 501}, (path, answer[:200])
        assert b"echoed" not in answer


@pytest.mark.parametrize("method", ["TRACE", "FOO", "PUT", "DELETE"])
def test_tr_13_also_from_somebody_who_is_signed_in(crowd: Crowd, method):
    _oscar, console = crowd.operator(is_superuser=True)
    for path in ("/account/", "/account/sessions/", "/oauth/authorize", "/device", "/admin/", "/admin/accounts/user/"):
        answer = console.request(method, path, headers={"X-Echo": "echoed"})
        assert answer.status_code in {400, 403, 405, 501}, path
        assert "echoed" not in answer.text and console.cookies["session"] not in answer.text


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_tr_13_no_header_or_field_overrides_the_method(crowd: Crowd, header):
    pair = crowd.pair(crowd.person("alice"))
    with crowd.client() as client:
        told = {header: "DELETE"} if header != "_method" else {}
        [session] = client.get("/api/sessions/", headers=bearer(pair["access"])).json()["results"]
        at = f"/api/sessions/{session['id']}/"
        answer = client.post(at, headers={**bearer(pair["access"]), **told}, data={"_method": "DELETE"})
        assert answer.status_code == 405
        assert client.get("/oauth/token", headers={header: "POST"} if told else {}).status_code == 405
    assert crowd.opens(pair["access"])


BIG = {
    "200 headers": request(b"GET PATH HTTP/1.1", b"Host: localhost", *(b"X-%d: y" % number for number in range(200))),
    "a header of 64 KiB": request(b"GET PATH HTTP/1.1", b"Host: localhost", b"X-Big: " + b"a" * 65_536),
    "a header of 1 MiB": request(b"GET PATH HTTP/1.1", b"Host: localhost", b"X-Big: " + b"a" * 1_048_576),
    "a cookie of 64 KiB": request(b"GET PATH HTTP/1.1", b"Host: localhost", b"Cookie: session=" + b"a" * 65_536),
    "an address of 64 KiB": request(b"GET PATH HTTP/1.1", b"Host: localhost", path=b"/livez?" + b"a" * 65_536),
    "a path of 64 KiB": request(b"GET PATH HTTP/1.1", b"Host: localhost", path=b"/" + b"a" * 65_536),
}


@pytest.mark.parametrize("kind", BIG)
def test_tr_14_endless_heads_are_refused(crowd: Crowd, kind):
    answer = raw(crowd.url, BIG[kind])
    assert not answer or status(answer) in {400, 414, 431}  # or it hung up
    with crowd.client() as client:
        assert client.get("/livez").status_code == 200


def test_tr_14_two_lengths_are_one_request_at_most(crowd: Crowd):
    """What a proxy and the server would cut in different places (RFC 9112 section 6.3)."""
    smuggled = b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    lengths = (b"Content-Length: 4", b"Transfer-Encoding: chunked")
    head = request(b"POST PATH HTTP/1.1", b"Host: localhost", *lengths, path=b"/oauth/token")
    answer = raw(crowd.url, head + smuggled)
    assert answer.count(b"HTTP/1.1 ") == 1 and status(answer) == 400


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_tr_18_everything_installed_is_pinned_by_hash(name):
    """Known advisories are looked up where the network is: not in a test."""
    text = (room.ROOT / name).read_text()
    packages = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    assert len(packages) > 20
    for package in packages:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[^\s]+", package), package[:80]
        assert "--hash=sha256:" in package, package[:80]
    installs = re.findall(r"\$\(PIP\) install (?!uv)[^\n]*", (room.ROOT / "Makefile").read_text())
    assert len(installs) == 2 and all("--require-hashes" in line for line in installs)
