"""Attacks on the authorization endpoint: where the answer goes. Whatever is not registered gets a page."""

from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from tests.attacks import refusals
from tests.attacks.rig import Rig
from tests.attacks.scene import WITH_QUERY
from tests.oauth.flow import answer

pytestmark = pytest.mark.live
HOST = "rp1.test"


def refused(rig: Rig, redirect_uri: str, app: str = "web") -> None:
    """Somebody is signed in and has agreed before, so that a code would be to be had."""
    with rig.untouched():
        browser = rig.browser(rig.scene.alice)
        refusals.page(rig, browser.authorize(getattr(rig, app), redirect_uri=redirect_uri))
        refusals.page(rig, browser.authorize(getattr(rig, app), redirect_uri=redirect_uri, prompt="none"))


def error_at(rig: Rig, redirect_uri: str, app: str = "web") -> str:
    """The error that a stranger's silent request gets, at this very address."""
    response = rig.browser().authorize(getattr(rig, app), redirect_uri=redirect_uri, prompt="none")
    location = response.headers["Location"]
    assert location.startswith(redirect_uri + ("&" if "?" in redirect_uri else "?"))
    return answer(location)["error"]


def test_az_01_trailing_slash(rig):
    refused(rig, f"https://{HOST}/cb/")


def test_az_02_added_query_parameter(rig):
    refused(rig, f"https://{HOST}/cb?x=1")


@pytest.mark.parametrize("query", ["a=2&b=2", "b=2&a=1", "a=1&a=1&b=2", "a=1&a=1", "a=1", "", "a=1&b=2&"])
def test_az_03_registered_query_altered(rig, query):
    refused(rig, f"https://{HOST}/q?{query}")


def test_az_03_the_exact_query_works(rig):
    assert error_at(rig, WITH_QUERY) == "login_required"


@pytest.mark.parametrize("fragment", ["#x", "#", "%23x#y"])
def test_az_04_fragment(rig, fragment):
    refused(rig, f"https://{HOST}/cb{fragment}")


@pytest.mark.parametrize(
    "authority",
    ["evil@rp1.test", "rp1.test@evil.test", "a@b@rp1.test", "rp1.test:80@evil.test", "@rp1.test", ":@rp1.test"],
)
def test_az_05_userinfo(rig, authority):
    refused(rig, f"https://{authority}/cb")


@pytest.mark.parametrize(
    "path",
    [
        "/x/../cb",
        "/./cb",
        "/cb/%2e%2e/cb",
        "/cb/%2E%2E/cb",
        "/%252e%252e/cb",
        "/x/%252e%252e/cb",
        "/cb%2f",
        "/%63b",
        "//cb",
    ],
)
def test_az_07_dot_segments_and_encodings(rig, path):
    refused(rig, f"https://{HOST}{path}")


@pytest.mark.parametrize(
    "host", ["rp1.test.evil.test", "evilrp1.test", "rp1atest", "rp1.test.", "RP1.test", "rp1.test:443", "rp1.test:8443"]
)
def test_az_08_host_prefix_or_suffix(rig, host):
    refused(rig, f"https://{host}/cb")


@pytest.mark.parametrize(
    "address",
    [
        "https://rp1.test\\@evil.test/cb",
        "https://rp1.test/cb\\",
        " https://rp1.test/cb",
        "https://rp1.test/cb ",
        "https://rp1.test/cb\t",
        "\thttps://rp1.test/cb",
        "https://rp1.test/cb\nX:1",
        "https://rp1.test/cb%0d%0aX:1",
        "https://rp1.test/cb%09",
    ],
    ids=lambda address: address.encode("unicode_escape").decode().replace("%", "pct").replace("/", "-"),
)
def test_az_11_backslash_blank_and_encoded_control(rig, address):
    refused(rig, address)


@pytest.mark.parametrize("control", ["%0d%0aX:1", "%0d%0a%0d%0a%3Cscript%3E", "%00", "%7f", "%0aSet-Cookie:a=b"])
def test_az_11_control_characters(rig, control):
    browser = rig.browser(rig.scene.alice)
    sent = urlencode(rig.web.request(redirect_uri=None))
    for prefix, suffix in (("", control), (control, "")):
        with rig.untouched():
            response = browser.raw(f"/oauth/authorize?{sent}&redirect_uri={prefix}https://rp1.test/cb{suffix}")
        refusals.page(rig, response)
        assert "X" not in response.headers and "a=b" not in response.headers.get("Set-Cookie", "")


@pytest.mark.parametrize("port", ["", ":80", ":51004", ":1", ":65535"])
def test_az_13_a_native_application_chooses_its_loopback_port(rig, port):
    assert error_at(rig, f"http://127.0.0.1{port}/cb", "native") == "login_required"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/cb?x=1",
        "http://127.0.0.1:51004/cb/",
        "http://localhost:51004/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "http://127.0.0.1:51004@evil.test/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.2:51004/cb",
        "http://127.1:51004/cb",
        "http://2130706433/cb",
        "http://[::1]:51004/cb",
        "https://127.0.0.1:51004/cb",
        "com.example.app:/cb/",
        "com.example.app://cb",
    ],
    ids=lambda address: address.replace("/", "-"),
)
def test_az_13_loopback_any_port_is_port_only(rig, address):
    refused(rig, address, "native")


def test_az_13_any_port_is_for_native_applications_alone(rig):
    refused(rig, f"https://{HOST}:51004/cb")


@pytest.mark.parametrize("address", ["http://rp1.test/cb", "//rp1.test/cb", "/cb", "cb", "https:/cb", ""])
def test_az_15_scheme_downgrade_or_relative(rig, address):
    refused(rig, address)


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value or "" for name, value in attrs if name in {"href", "action", "src", "formaction", "content"}
        ]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)//",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "blob:https://rp1.test/1",
    ],
    ids=["javascript", "data", "vbscript", "file", "mixed-case", "newline-inside", "blob"],
)
@pytest.mark.parametrize("app", ["web", "native"])
def test_az_16_dangerous_schemes(rig, app, address):
    refused(rig, address, app)
    addresses = _Addresses()
    addresses.feed(rig.browser(rig.scene.alice).authorize(getattr(rig, app), redirect_uri=address).text)
    assert not [found for found in addresses.found if address[-9:] in found]


@pytest.mark.parametrize(("app", "scope"), [("web", "openid"), ("web", "films:read"), ("web2", "openid")])
def test_az_17_missing_redirect_uri(rig, app, scope):
    """With several addresses nobody can tell which; with one, OpenID Connect still wants to be told."""
    browser = rig.browser(rig.scene.alice)
    with rig.untouched():
        refusals.page(rig, browser.authorize(getattr(rig, app), redirect_uri=None, scope=scope))


def test_az_19_prompt_none_is_no_open_redirect(rig):
    with rig.untouched():
        refusals.page(rig, rig.browser().authorize(rig.web, prompt="none", redirect_uri="https://evil.test"))


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "nope"},
        {"response_type": None},
        {"scope": "nope"},
        {"scope": "films:read"},
        {"scope": None},
        {"code_challenge": None, "code_challenge_method": None},
        {"client_id": "nobody"},
        {"client_id": None},
        {"request": "garbage"},
        {"prompt": "none login"},
        {"response_mode": "fragment"},
    ],
    ids=[
        "response-type", "no-response-type", "scope", "no-openid", "no-scope", "no-pkce", "client", "no-client",
        "request-object", "prompt", "response-mode",
    ],
)  # fmt: skip
def test_az_20_early_errors_are_no_open_redirect(rig, changes):
    for browser in (rig.browser(), rig.browser(rig.scene.alice)):
        with rig.untouched():
            refusals.page(rig, browser.authorize(rig.web, redirect_uri="https://evil.test/cb", **changes))
