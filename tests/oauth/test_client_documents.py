"""Client ID metadata documents: an application that is known by an https address, and by nothing else."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from authcenter.audit.models import AuditEvent
from authcenter.oauth.client_documents import is_address
from authcenter.oauth.models import Application
from authcenter.oidc.discovery import metadata as discovery
from tests.certificates import self_signed
from tests.oauth.flow import HOST, App, answer, assert_page, redeem, secret, userinfo
from tests.receiver import listener


@pytest.fixture
def document(db, settings, tmp_path):
    """A document on a server of its own; `put(**changes)` writes it, `app` is its application."""
    context, trusted = self_signed("localhost", tmp_path)
    settings.CLIENT_ID_METADATA_DOCUMENTS = True
    settings.OUTBOUND_CA_FILE, settings.OUTBOUND_ALLOWED = str(trusted), ["localhost"]
    with listener(context) as heard:
        address = heard.url.replace("127.0.0.1", "localhost").split("/events")[0] + "/client.json"
        heard.status = 200

        def put(**changes):
            said = {"client_id": address, "client_name": "Far away", "redirect_uris": ["https://far.test/cb"]}
            said = {name: value for name, value in {**said, **changes}.items() if value is not None}
            heard.body = json.dumps(said).encode()

        put()
        heard.put, heard.address = put, address
        heard.app = App(Application(client_id=address), "", "https://far.test/cb")
        yield heard


def test_a_stranger_by_its_address_alone(document, alice, browser):
    app = document.app
    browser.ask(app, scope="openid email").sign_in(alice)
    page = browser.page.content.decode()
    assert "Far away" in page and "Not reviewed." in page and "localhost" in page
    browser.allow()
    app.row = Application.objects.get(client_id=app.id)
    assert app.row.is_public and app.row.require_pkce and app.row.origin == "document"
    got = redeem(app, answer(browser.left_to)["code"])
    assert got.status_code == 200, got.content
    assert userinfo(secret(got.json()["access_token"])).json()["email"] == alice.email
    assert len(document.got) == 1  # asked once, kept since


def test_4_4_it_is_asked_again_when_it_is_old(document, browser):
    document.headers = {"Cache-Control": "max-age=7200"}
    browser.ask(document.app)
    row = Application.objects.get()
    assert timedelta(hours=1, minutes=59) < row.document_until - timezone.now() <= timedelta(hours=2)
    document.put(redirect_uris=["https://far.test/new"])
    assert browser.authorize(document.app).status_code == 302 and len(document.got) == 1
    Application.objects.update(document_until=timezone.now())
    assert_page(browser.authorize(document.app))  # the old address is not in it any more
    assert browser.authorize(document.app, redirect_uri="https://far.test/new").status_code == 302
    assert len(document.got) == 2


def test_what_was_good_stays_good_for_a_day_where_nobody_answers(document, browser):
    browser.ask(document.app)
    document.status = 503
    Application.objects.update(document_until=timezone.now())
    assert browser.authorize(document.app).status_code == 302
    Application.objects.update(document_until=timezone.now() - timedelta(hours=25))
    assert_page(browser.authorize(document.app))


BAD = {
    "another_id": {"client_id": "https://localhost/other.json"},
    "no_id": {"client_id": None},
    "secret": {"client_secret": "x" * 43},
    "secret_method": {"token_endpoint_auth_method": "client_secret_basic"},
    "redirect": {"redirect_uris": ["javascript:alert(1)"]},
    "no_redirect": {"redirect_uris": None},
    "name": {"client_name": 7},
    "machine": {"grant_types": ["client_credentials"]},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
def test_rg_01_a_bad_document_is_a_page(document, browser, changes):
    document.put(**changes)
    assert_page(browser.authorize(document.app))
    assert not Application.objects.exists()
    assert AuditEvent.objects.filter(kind="registration_refused").count() == 1


BODIES = [b"", b"{", b"[]", b"null", b"\xff", b"x" * 100_000, b"[" * 60_000]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_rg_04_whatever_lies_there(document, browser, body):
    document.body = body
    assert_page(browser.authorize(document.app))


def test_rg_08_redirects_are_not_followed(document, browser):
    document.status, document.headers = 302, {"Location": document.address}
    assert_page(browser.authorize(document.app))
    assert len(document.got) == 1


def test_rg_04_private_addresses_are_not_asked(document, settings, browser):
    settings.OUTBOUND_ALLOWED = []
    assert_page(browser.authorize(document.app))
    assert not document.got


def test_strangers_cannot_make_this_server_hammer_another(document, browser):
    document.body = b"no"
    for _time in range(35):
        assert browser.authorize(document.app).status_code in {400, 429}
    assert len(document.got) == 30


ADDRESSES = {
    "https://rp.example.com/client.json": True,
    "https://rp.example.com/a/b?x=1": True,
    "https://rp.example.com": False,
    "https://rp.example.com/": False,
    "http://rp.example.com/client.json": False,
    "https://a@rp.example.com/client.json": False,
    "https://rp.example.com/a/../client.json": False,
    "https://rp.example.com/client.json#x": False,
    "https://127.0.0.1/client.json": False,
    "https://rp.example.com/" + "a" * 300: False,
    "rp.example.com/client.json": False,
    "https://[::1/x": False,
}


@pytest.mark.parametrize(("address", "good"), ADDRESSES.items(), ids=range(len(ADDRESSES)))
def test_3_the_form_of_an_id(settings, address, good):
    settings.OUTBOUND_ALLOWED = []
    assert is_address(address) is good


def test_off_nothing_is_asked(document, settings, browser):
    settings.CLIENT_ID_METADATA_DOCUMENTS = False
    assert_page(browser.authorize(document.app))
    assert not document.got


def test_discovery_says_so(document):
    discovery.cache_clear()
    said = Client(HTTP_HOST=HOST).get("/.well-known/oauth-authorization-server").json()
    discovery.cache_clear()
    assert said["client_id_metadata_document_supported"] is True
