"""Where an address is, by the operator's own file; nothing is asked of anybody."""

import pytest
from django.utils import translation

from accounts.letters import compose
from authcenter.audit import place
from tests.accounts.people import sign_in

BERLIN = {
    "city": {"names": {"en": "Berlin", "de": "Berlin"}},
    "country": {"names": {"en": "Germany", "de": "Deutschland", "zh-CN": "德国"}},
}


class File:
    """As `maxminddb` reads one."""

    def __init__(self, **found):
        self.found = found

    def get(self, address):
        if ":" in address:
            raise ValueError("IPv6 in a file of IPv4")
        return self.found.get(address)


@pytest.fixture
def file(monkeypatch, settings):
    settings.GEOIP_FILE = "/anywhere.mmdb"
    known = {"203.0.113.7": BERLIN, "203.0.113.8": {"country": {"names": {"en": "France"}}}, "203.0.113.9": "bent"}
    monkeypatch.setattr(place, "_reader", lambda path: File(**known))


@pytest.mark.parametrize(
    ("address", "language", "said"),
    [
        ("203.0.113.7", "en", "Berlin, Germany (approximate)"),
        ("203.0.113.7", "de", "Berlin, Deutschland"),
        ("203.0.113.7", "zh-hans", "Berlin, 德国"),
        ("203.0.113.8", "en", "France (approximate)"),
        ("203.0.113.9", "en", ""),
        ("203.0.113.1", "en", ""),
        ("2001:db8::1", "en", ""),
        ("", "en", ""),
    ],
)
def test_a_place_is_told_in_the_readers_language(file, address, language, said):
    with translation.override(language):
        assert place.place_of(address).startswith(said) and bool(place.place_of(address)) == bool(said)


def test_pages_and_mails_tell_it(file, client, browser, person):
    user = person("alice@example.com")
    sign_in(browser(REMOTE_ADDR="203.0.113.7"), user.email)
    sign_in(client, user.email)
    for path in ("/account/sessions/", "/account/activity/"):
        assert "Berlin, Germany (approximate)" in client.get(path).content.decode()
    message = compose("account/email/new_device", user.email, {"address": "203.0.113.7", "at": user.date_joined})
    assert "Place: Berlin, Germany (approximate)" in message.body


@pytest.mark.parametrize("content", [None, b"", b"not a file of places"])
def test_a_file_that_cannot_be_read_is_told_in_the_log_and_stops_nobody(tmp_path, settings, caplog, content):
    path = tmp_path / "places.mmdb"
    if content is not None:
        path.write_bytes(content)
    settings.GEOIP_FILE = str(path)
    assert place.place_of("203.0.113.7") == "" and "geoip_file_not_read" in caplog.text


def test_without_a_file_nothing_is_told(settings):
    settings.GEOIP_FILE = ""
    assert place.place_of("203.0.113.7") == ""
