"""Attacks on registration: addresses that this server would ask, or send a person's browser to."""

import json
import re
import socket
from typing import Any

import pytest

from tests.attacks.outside import ALLOWED, HERE, HOSTS, SCHEMES, Outside, named
from tests.attacks.registering import BACK, app, consent, links, refused, registered, send, wanted
from tests.attacks.rig import Rig
from tests.attacks.signing import KEY, STRANGER, proof, public, said

pytestmark = pytest.mark.live
KEYED = {"token_endpoint_auth_method": "private_key_jwt"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 60
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def addresses(outside: Outside, host: str) -> list[str]:
    at = f"{host}:{outside.canary.port}"
    return [f"https://{at}/x", f"https://{at}/x.json?y=1"]


@pytest.mark.parametrize("host", [*HERE, "localhost", ALLOWED])
def test_rg_04_the_canary_can_be_hit(outside, host):
    """By this test; and below, by the server itself."""
    before = outside.canary.hits()
    try:
        socket.create_connection((host.strip("[]"), outside.canary.port), timeout=5).close()
    except OSError as error:  # a machine without IPv6
        pytest.skip(f"this machine has no {host}: {error}") if ":" in host else pytest.fail(str(error))
    assert outside.canary.hits() == before + 1


def test_rg_04_the_canary_can_be_hit_by_the_server(stranger, outside):
    before = outside.canary.hits()
    at = registered(stranger, jwks_uri=f"https://{ALLOWED}:{outside.canary.port}/jwks", **KEYED)
    assert proof(stranger, said(at["client_id"], stranger.issuer), KEY).status_code == 401
    assert outside.canary.hits() == before + 1


def used(rig: Rig, answer: Any, member: str) -> None:
    """Whatever makes the server ask the address that was registered as this member."""
    told = registered(rig, answer)
    if member == "jwks_uri":
        assert proof(rig, said(told["client_id"], rig.issuer), KEY).status_code == 401
    if member == "logo_uri":
        picture = rig.http.get(logo_of(rig, told))
        assert picture.headers["Content-Type"] == "image/svg+xml" and b"alert" not in picture.content


def logo_of(rig: Rig, told: dict[str, Any]) -> str:
    return f"/oauth/logo/{rig.inside.registration(told['client_id'])['id']}"


@pytest.mark.parametrize("member", ["jwks_uri", "sector_identifier_uri", "backchannel_logout_uri", "logo_uri"])
@pytest.mark.parametrize("host", HOSTS, ids=named)
def test_rg_04_addresses_of_private_networks_are_never_asked(stranger, outside, host, member):
    """Refused where the address says it, else where the name is resolved; RG-07 and RG-08 are of the same guard."""
    more = KEYED if member == "jwks_uri" else {}
    with outside.canary.silent():
        for address in addresses(outside, host):
            response = send(stranger, wanted(**more, **{member: address}))
            if response.status_code == 201 and member != "sector_identifier_uri":
                used(stranger, response, member)
            else:
                refused(stranger, response, "invalid_client_metadata")


@pytest.mark.parametrize("member", ["jwks_uri", "sector_identifier_uri", "backchannel_logout_uri", "logo_uri"])
@pytest.mark.parametrize("address", SCHEMES, ids=named)
def test_rg_04_other_schemes_are_refused(stranger, outside, address, member):
    with outside.canary.silent(), stranger.untouched():
        for host in ("rp9.test", f"10.0.0.1:{outside.canary.port}"):
            response = send(stranger, wanted(**{member: address.replace("HOST", host)}))
            refused(stranger, response, "invalid_client_metadata")


def test_rg_04_a_redirect_to_a_private_address_is_not_followed(stranger, outside):
    with outside.publisher(public(KEY)) as heard, outside.canary.silent():
        heard.status, heard.headers = 302, {"Location": f"https://{ALLOWED}:{outside.canary.port}/jwks"}
        told = registered(stranger, jwks_uri=heard.url, **KEYED)
        assert proof(stranger, said(told["client_id"], stranger.issuer), KEY).status_code == 401
        assert len(heard.got) == 1


def test_rg_04_what_may_be_asked_is(stranger, outside):
    """The same request in right form; and of a key that is not there nobody is asked twice in a moment."""
    with outside.publisher(public(KEY)) as heard:
        told = registered(stranger, jwks_uri=heard.url, **KEYED)
        for _time in range(3):
            response = proof(stranger, said(told["client_id"], stranger.issuer), KEY)
            assert response.json()["error"] == "unauthorized_client", "who it is was believed"
            assert proof(stranger, said(told["client_id"], stranger.issuer), STRANGER, kid="x").status_code == 401
        assert len(heard.got) == 1


@pytest.mark.parametrize("member", ["logo_uri", "client_uri", "policy_uri", "tos_uri"])
@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:image/svg+xml,x", "data:text/html,x", "vbscript:x",
        "file:///etc/passwd", "http://rp9.test/x", "https://a@evil.test/", "//evil.test/x", "/x",
        'https://rp9.test/"><script>', "https://rp9.test/x y",
    ],
    ids=range(12),
)  # fmt: skip
def test_rg_07_display_addresses_are_https(stranger, member, address):
    with stranger.untouched():
        refused(stranger, send(stranger, wanted(**{member: address})), "invalid_client_metadata")


def test_rg_07_they_are_links_that_lead_away_and_nothing_is_asked(stranger, outside):
    """No page of ours makes a person's browser ask another site."""
    at = f"https://localhost:{outside.canary.port}"
    shown = {"client_uri": f"{at}/home", "policy_uri": f"{at}/policy", "tos_uri": f"{at}/terms"}
    with outside.canary.silent():
        told = registered(stranger, logo_uri=f"{at}/logo.png", **shown)
        page = consent(stranger, app(told))
    for address in shown.values():
        tags = links(page, address)
        assert tags and all(tag.startswith("<a ") and 'rel="noopener noreferrer"' in tag for tag in tags), address
    assert f"{at}/logo.png" not in page
    sources = re.findall(r'<(?:img|script|link|iframe)[^>]* (?:src|href)="([^"]*)"', page)
    assert sources and all(source.startswith("/") and not source.startswith("//") for source in sources)
    headers = stranger.browser(stranger.scene.alice).ask(app(told)).page.headers
    policy = dict(one.strip().partition(" ")[::2] for one in headers["Content-Security-Policy"].split(";"))
    assert set(policy.get("img-src", policy["default-src"]).split()) <= {"'self'", "data:"}


@pytest.mark.parametrize("body", [SVG, b"<script>alert(1)</script>", PNG + b"x" * 100_000], ids=["svg", "html", "long"])
@pytest.mark.parametrize("kind", ["image/png", "image/svg+xml", "text/html"])
def test_rg_07_a_logo_is_pixels_or_a_letter(stranger, outside, body, kind):
    with outside.publisher(body) as heard:
        heard.headers = {"Content-Type": kind}
        where = logo_of(stranger, registered(stranger, logo_uri=heard.url))
        for _time in range(2):
            picture = stranger.http.get(where)
            assert picture.headers["Content-Type"] == "image/svg+xml" and b"alert" not in picture.content
            assert "sandbox" in picture.headers["Content-Security-Policy"]
            assert picture.headers["X-Content-Type-Options"] == "nosniff"
        assert len(heard.got) == 1
        heard.body = PNG
        where = logo_of(stranger, registered(stranger, logo_uri=heard.url))
        assert stranger.http.get(where).headers["Content-Type"] == "image/png"


BOTH = [BACK, "https://rp10.test/cb"]
SECTORS = {
    "not-json": (200, b"<html>"),
    "object": (200, json.dumps({"redirect_uris": BOTH}).encode()),
    "text": (200, json.dumps(BACK).encode()),
    "one-is-missing": (200, json.dumps(BOTH[:1]).encode()),
    "longer": (200, json.dumps([f"{uri}/x" for uri in BOTH]).encode()),
    "huge": (200, b"[" + b'"https://rp9.test/cb",' * 100_000),
    "deep": (200, b"[" * 60_000),
    "not-found": (404, json.dumps(BOTH).encode()),
    "redirect": (302, json.dumps(BOTH).encode()),
}


@pytest.mark.parametrize(("status", "body"), SECTORS.values(), ids=SECTORS.keys())
def test_rg_08_sector_documents(stranger, outside, status, body):
    asked = {"redirect_uris": BOTH, "subject_type": "pairwise"}
    with outside.publisher(body) as heard, outside.canary.silent():
        heard.status = status
        heard.headers = {"Location": f"https://{ALLOWED}:{outside.canary.port}/"} if status == 302 else {}
        with stranger.untouched():
            refused(
                stranger, send(stranger, wanted(**asked, sector_identifier_uri=heard.url)), "invalid_client_metadata"
            )
        assert len(heard.got) == 1
        heard.status, heard.body = 200, json.dumps(BOTH).encode()
        registered(stranger, **asked, sector_identifier_uri=heard.url)


def test_rg_08_two_hosts_without_a_sector(stranger, outside):
    plain = f"http://{ALLOWED}:{outside.canary.port}/sector"
    with stranger.untouched(), outside.canary.silent():
        for more in ({}, {"sector_identifier_uri": plain}):
            response = send(stranger, wanted(redirect_uris=BOTH, subject_type="pairwise", **more))
            refused(stranger, response, "invalid_client_metadata")


def test_rg_08_refused_registrations_do_not_hammer_another(stranger, outside):
    """Thirty requests in five minutes, though a refused registration counts as none."""
    with outside.publisher(b"no") as heard, stranger.untouched():
        for number in range(40):
            response = send(stranger, wanted(sector_identifier_uri=f"{heard.url}?{number}"))
            assert response.status_code == (400 if number < 30 else 429), response.text
        assert len(heard.got) == 30
