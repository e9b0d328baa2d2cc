"""Attacks by client ID metadata documents: whose they are, what lies there, and whom this server is made to ask."""

import json
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from authcenter.outbox.outbound import AT_ONCE
from tests.attacks.outside import ALLOWED, HOSTS, REDIRECT, SCHEMES, document, named
from tests.attacks.registering import REFUSED, consent
from tests.attacks.rig import Rig, ok
from tests.oauth.flow import App

pytestmark = pytest.mark.live
EVENTS = ([REFUSED, "authorization_refused"], ["authorization_refused"])
"""Of a document that is not good, and of an ID that nobody has."""


def known_by(address: str) -> App:
    row = SimpleNamespace(client_id=address, token_endpoint_auth_method="none")
    return App(row, "", REDIRECT)  # type: ignore[arg-type]


def asked(rig: Rig, address: str, **changes: Any) -> Any:
    return rig.browser().authorize(known_by(address), **changes)


def refused(rig: Rig, response: Any) -> None:
    """A page, as for any client that is none; what was wrong with the document is written down."""
    assert response.status_code == 400 and "Location" not in response.headers, response.text[:300]
    assert response.headers["Content-Type"].startswith("text/html") and "no-store" in response.headers["Cache-Control"]
    assert rig.audited(response) in EVENTS


def test_rg_19_a_right_document_and_she_is_warned(stranger, outside):
    with outside.publisher() as heard:
        heard.body = json.dumps(document(heard.url)).encode()
        page = consent(stranger, known_by(heard.url))
        assert "Not reviewed." in page and f"by {ALLOWED}" in page and 'class="mono">far.test</strong>' in page
        browser = stranger.browser(stranger.scene.alice)
        ok(stranger.redeem(known_by(heard.url), browser.code(known_by(heard.url))))
        assert len(heard.got) == 1 and "cookie" not in heard.got[0][0] and "authorization" not in heard.got[0][0]


FORMS = {
    "http": lambda url: url.replace("https:", "http:"),
    "capitals": lambda url: url.replace("https:", "HTTPS:"),
    "fragment": lambda url: f"{url}#x",
    "empty-fragment": lambda url: f"{url}#",
    "user": lambda url: url.replace("https://", "https://a@"),
    "user-and-password": lambda url: url.replace("https://", "https://a:b@"),
    "dots": lambda url: url.replace("/client", "/x/../client"),
    "dot": lambda url: url.replace("/client", "/./client"),
    "encoded-dots": lambda url: url.replace("/client", "/x/%2e%2e/client"),
    "no-path": lambda url: url.partition("/client")[0],
    "slash-alone": lambda url: url.partition("client")[0],
    "slash-after": lambda url: f"{url}/",
    "query-added": lambda url: f"{url}?x=1",
    "another-path": lambda url: url.replace("client.json", "client2.json"),
    "blank": lambda url: f" {url}",
    "line": lambda url: f"{url}\r\nX: 1",
    "backslash": lambda url: url.replace("/client", "\\client"),
    "long": lambda url: url + "x" * 300,
    "another-port": lambda url: url.replace(f"{ALLOWED}:", f"{ALLOWED}:0"),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_rg_19_an_id_is_one_address_to_the_letter(stranger, outside, form):
    """A document names its own address, so that another spelling of it, where it is asked at all, is nobody."""
    with outside.publisher() as heard:
        heard.body = json.dumps(document(heard.url)).encode()
        ok(stranger.redeem(known_by(heard.url), stranger.browser(stranger.scene.alice).code(known_by(heard.url))))
        with stranger.untouched():
            refused(stranger, asked(stranger, form(heard.url)))


def test_rg_19_low_ports_are_for_other_services(stranger):
    with stranger.untouched():
        for port in (22, 25, 80, 631):
            refused(stranger, asked(stranger, f"https://rp.example.com:{port}/client.json"))


DOCUMENTS = {
    "another-id": {"client_id": "https://evil.test/client.json"},
    "no-id": {"client_id": None},
    "id-list": {"client_id": []},
    "secret": {"client_secret": "x" * 43},
    "secret-expires": {"client_secret_expires_at": 0},
    "basic": {"token_endpoint_auth_method": "client_secret_basic"},
    "post": {"token_endpoint_auth_method": "client_secret_post"},
    "shared-key": {"token_endpoint_auth_method": "client_secret_jwt"},
    "method-list": {"token_endpoint_auth_method": ["none"]},
    "symmetric-key": {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
    "javascript": {"redirect_uris": ["javascript:alert(1)"]},
    "another-redirect": {"redirect_uris": ["https://far.test/other"]},
    "no-redirect": {"redirect_uris": None},
    "redirect-text": {"redirect_uris": REDIRECT},
    "machine": {"grant_types": ["client_credentials"]},
    "token": {"response_types": ["token"], "grant_types": ["implicit"]},
    "name": {"client_name": "Bank \u202emoc.live"},
    "private-keys-address": {"jwks_uri": "https://10.0.0.1/jwks"},
}


@pytest.mark.parametrize("changes", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_rg_19_documents_that_say_too_much_or_too_little(stranger, outside, changes):
    with outside.publisher() as heard, stranger.untouched() if "redirect_uris" not in changes else ExitStack():
        heard.body = json.dumps(document(heard.url, **changes)).encode()
        refused(stranger, asked(stranger, heard.url))
        assert len(heard.got) == 1


TWICE = '{"client_id": "URL", "redirect_uris": ["https://evil.test/cb"], "redirect_uris": ["REDIRECT"]}'
BODIES = {
    "nothing": "", "half": "{", "list": "[]", "null": "null", "html": "<html>", "deep": "[" * 60_000,
    "no-utf-8": b"\xff", "long": "x" * 100_000, "twice": TWICE,
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_rg_19_what_is_no_document(stranger, outside, body):
    with outside.publisher() as heard, stranger.untouched():
        heard.body = (
            body if isinstance(body, bytes) else body.replace("URL", heard.url).replace("REDIRECT", REDIRECT).encode()
        )
        refused(stranger, asked(stranger, heard.url))


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 401, 404, 500])
def test_rg_19_other_answers(stranger, outside, status):
    with outside.publisher() as heard, outside.canary.silent(), stranger.untouched():
        heard.body = json.dumps(document(heard.url)).encode()
        heard.status = status
        heard.headers = {"Location": f"https://{ALLOWED}:{outside.canary.port}/x"} if 300 < status < 400 else {}
        refused(stranger, asked(stranger, heard.url))
        assert len(heard.got) == 1


@pytest.mark.parametrize("host", HOSTS, ids=named)
def test_rg_20_anonymous_requests_to_private_addresses(stranger, outside, host):
    with outside.canary.silent(), stranger.untouched():
        for path in ("/x", "/x.json?y=1"):
            response = asked(stranger, f"https://{host}:{outside.canary.port}{path}")
            refused(stranger, response)


@pytest.mark.parametrize("address", SCHEMES, ids=named)
def test_rg_20_other_schemes(stranger, outside, address):
    with outside.canary.silent(), stranger.untouched():
        for host in ("127.0.0.1", ALLOWED):
            refused(stranger, asked(stranger, address.replace("HOST", f"{host}:{outside.canary.port}")))


def test_rg_20_the_canary_can_be_hit_this_way(stranger, outside):
    before = outside.canary.hits()
    refused(stranger, asked(stranger, f"https://{ALLOWED}:{outside.canary.port}/x"))
    assert outside.canary.hits() == before + 1


def test_rg_20_a_hundred_different_addresses_at_once(stranger, outside, parallel):
    """One stranger makes this server ask thirty times in five minutes, whomever: at all of its workers together."""
    with outside.publisher(b"no") as heard:
        addresses = [heard.url.replace("client", f"client{number}") for number in range(100)]
        with stranger.untouched():
            answers = parallel(100, lambda number: asked(stranger, addresses[number]))
            assert 0 < len(heard.got) <= 30 and heard.together <= 2 * AT_ONCE, "at both workers"
            answers += [asked(stranger, address) for address in addresses[:40]]
            before = len(heard.got)
            answers += [asked(stranger, address) for address in addresses[:5]]
        assert before == len(heard.got) <= 30
        for answer in answers:
            refused(stranger, answer)
    elsewhere = stranger.elsewhere()
    with outside.publisher() as other:
        other.body = json.dumps(document(other.url)).encode()
        assert asked(elsewhere, other.url).status_code == 302, "others are served"
        assert asked(stranger, other.url).status_code == 302, "what is known is not asked again"
    elsewhere.close()


def test_rg_20_one_host_is_not_hammered_from_many_addresses(stranger, outside, parallel):
    with outside.publisher(b"no") as heard:
        crowd = [stranger.elsewhere() for _number in range(50)]
        answers = parallel(50, lambda number: asked(crowd[number], heard.url))
        assert 0 < len(heard.got) <= 30
        later = [asked(each, heard.url) for each in crowd[:40]]
        assert len(heard.got) <= 30 and {answer.status_code for answer in later} == {400}
        for each, answer in zip(crowd, answers, strict=True):
            refused(each, answer)
            each.close()
