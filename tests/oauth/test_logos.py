"""Logos and links of applications: shown from a copy here, and nothing in them runs."""

import pytest
from django.test import Client

from authcenter.oauth.models import Logo
from tests.oauth.flow import HOST
from tests.receiver import listener

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 60


@pytest.fixture
def there(web, settings):
    settings.OUTBOUND_ALLOWED = ["127.0.0.0/8"]
    with listener() as heard:
        heard.status, heard.body = 200, PNG
        web.row.logo_uri, web.row.policy_uri = heard.url, "https://rp1.test/privacy"
        web.row.save()
        yield heard


def shown(web):
    return Client(HTTP_HOST=HOST).get(f"/oauth/logo/{web.row.pk}")


def test_a_copy_is_shown_and_asked_for_once(web, there, browser):
    browser.ask(web)
    page = browser.page.content.decode()
    assert f'src="/oauth/logo/{web.row.pk}"' in page and there.url not in page
    assert 'href="https://rp1.test/privacy" rel="noopener noreferrer"' in page
    for _time in range(3):
        response = shown(web)
        assert response.content == PNG and response["Content-Type"] == "image/png"
        assert response["X-Content-Type-Options"] == "nosniff" and "sandbox" in response["Content-Security-Policy"]
    assert len(there.got) == 1 and Logo.objects.count() == 1


NOT_PICTURES = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<script>alert(1)</script>",
    "nothing": b"",
    "long": PNG + b"x" * 100_000,
}


@pytest.mark.parametrize("body", NOT_PICTURES.values(), ids=NOT_PICTURES.keys())
def test_rg_07_what_is_no_picture_is_a_letter(web, there, body):
    there.body = body
    response = shown(web)
    assert (
        response["Content-Type"] == "image/svg+xml" and b"script" not in response.content and b">W<" in response.content
    )
    assert shown(web).status_code == 200 and len(there.got) == 1  # nobody makes this server hammer another


def test_rg_04_private_addresses_are_not_asked(web, there, settings):
    settings.OUTBOUND_ALLOWED = []
    assert shown(web)["Content-Type"] == "image/svg+xml" and not there.got


def test_another_address_is_another_logo(web, there):
    assert shown(web).content == PNG
    web.row.logo_uri = there.url + "2"
    web.row.name = "<b>"
    web.row.save()
    assert b"&lt;" in shown(web).content


def test_of_nobody(db):
    assert Client(HTTP_HOST=HOST).get("/oauth/logo/4711").status_code == 404


@pytest.mark.parametrize("api", ["api", "demo/api"])
def test_rfc9728_3_protected_resource_metadata(db, api, settings):
    said = Client(HTTP_HOST=HOST).get(f"/.well-known/oauth-protected-resource/{api}").json()
    assert said["resource"] == f"{settings.ISSUER}/{api}" and said["authorization_servers"] == [settings.ISSUER]
    assert said["scopes_supported"] and said["bearer_methods_supported"] == ["header"]
    path = "/api/me/" if api == "api" else "/demo/api/orders/"
    challenge = Client(HTTP_HOST=HOST).get(path)["WWW-Authenticate"]
    assert f'resource_metadata="{settings.ISSUER}/.well-known/oauth-protected-resource/{api}"' in challenge
