"""What lies below: the client's address, what is logged, the headers of pages."""

import pytest

from authcenter.audit.address import client_address
from authcenter.audit.models import AuditEvent
from tests.accounts.people import WRONG, sign_in

ADDRESSES = {
    # peer, X-Forwarded-For, what it is with 10.0.0.0/8 and 2001:db8:aaaa::/48 trusted
    "no proxy": ("203.0.113.9", "", "203.0.113.9"),
    "untrusted peer": ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
    "one proxy": ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
    "two proxies": ("10.0.0.1", "198.51.100.1, 10.9.9.9", "198.51.100.1"),
    "forged by the client": ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
    "forged as a proxy": ("10.0.0.1", "10.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
    "proxies alone": ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    "garbage": ("10.0.0.1", "a", "10.0.0.1"),
    "garbage first": ("10.0.0.1", "unknown, 198.51.100.1", "198.51.100.1"),
    "garbage last": ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
    "empty hops": ("10.0.0.1", " , ,", "10.0.0.1"),
    "a port": ("10.0.0.1", "198.51.100.1:1234", "10.0.0.1"),
    "IPv6": ("2001:db8:aaaa::1", "2001:DB8::0001", "2001:db8::1"),
    "IPv6 in brackets": ("10.0.0.1", "[2001:db8::1]", "10.0.0.1"),
    "IPv6 with a zone": ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
    "mapped peer": ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
    "mapped client": ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
    "a socket": ("", "198.51.100.1", ""),
    "no address at all": ("unix:", "198.51.100.1", ""),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_one_definition_of_the_address(rf, settings, case):
    from ipaddress import ip_network

    peer, forwarded, expected = ADDRESSES[case]
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:aaaa::/48")]
    meta = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    assert client_address(rf.get("/", REMOTE_ADDR=peer, **meta)) == expected


def test_a_forwarded_address_from_an_untrusted_peer_is_not_recorded(client, person):
    sign_in(client, person().email, WRONG, **{})
    client.post("/accounts/login/", {"login": "x@example.com", "password": WRONG}, HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert set(AuditEvent.objects.values_list("address", flat=True)) == {"127.0.0.1"}


def test_a_password_in_the_wrong_field_is_not_recorded(client, caplog):
    client.post("/accounts/login/", {"login": "my secret sentence 1", "password": "my secret sentence 1"})
    assert not AuditEvent.objects.exists() and "my secret sentence" not in caplog.text


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/confirm/",
        "/accounts/password/reset/complete/",
        "/accounts/password/reset/done/",
        "/accounts/confirm-email/",
        "/accounts/reauthenticate/",
        "/accounts/email/",
        "/accounts/inactive/",
        "/accounts/passkey/",
        "/accounts/passkey/options/",
        "/accounts/2fa/passkey/",
        "/accounts/2fa/set-up/passkey/",
        "/accounts/signup/passkey/",
        "/accounts/reauthenticate/passkey/",
        "/account/security/passkeys/add/",
        "/accounts/logout/",
        "/accounts/",
        "/account/",
    ],
)
def test_no_input_makes_an_error(client, db, method, path):
    odd = {
        "login": "\x00",
        "email": "a@b.c\x00",
        "password": "\x00",
        "password1": "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        "code": "é" * 3000,
        "credential": "\x00{",
        "next": "http://[",
        "action": "\x00",
        "remember": "maybe",
        "page": "9" * 400,
    }
    assert getattr(client, method)(path, odd).status_code < 500
    assert getattr(client, method)(f"{path}?next=%00&login=%ff&login_hint=%c3%28&email=%00").status_code < 500


def test_pages_carry_the_headers(client):
    answer = client.get("/accounts/login/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert answer["X-Frame-Options"] == "DENY" and answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"] and answer["Referrer-Policy"] == "same-origin"


def test_pages_are_whole(client):
    text = client.get("/accounts/login/").content.decode()
    assert '<html lang="en" dir="ltr"' in text and 'content="noindex"' in text
    assert text.count("<h1>") == 1 and text.count("<main") == 1 and "<title>Sign in · AuthCenter</title>" in text
    assert "style=" not in text and "<script>" not in text and "onclick" not in text
    assert 'autocomplete="username webauthn"' in text and 'autocomplete="current-password"' in text


def test_every_account_page_is_served():
    """What django-allauth offers beyond these pages stays out."""
    from django.urls import get_resolver

    served = {name for name in get_resolver().reverse_dict if isinstance(name, str) and name.startswith("account_")}
    assert served == {
        "account_login",
        "account_request_login_code",
        "account_confirm_login_code",
        "account_logout",
        "account_signup",
        "account_signup_by_passkey",
        "account_inactive",
        "account_reauthenticate",
        "account_email_verification_sent",
        "account_email",
        "account_change_password",
        "account_set_password",
        "account_reset_password",
        "account_confirm_password_reset_code",
        "account_complete_password_reset",
        "account_password_reset_completed",
    }
