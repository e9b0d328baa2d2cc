"""AZ-35: markup in what the browser posts to an application (OAuth 2.0 Form Post Response Mode)."""

from html.parser import HTMLParser

import pytest

from tests.attacks import refusals
from tests.attacks.rig import Visitor, ok

pytestmark = pytest.mark.live
STATES = {
    "ends-an-attribute": '"><script>x</script>',
    "quote": "' onload='alert(1)",
    "tag": "<img src=x onerror=alert(1)>",
    "ends-the-form": "</form><form action=https://evil.test>",
    "entities": "&quot;&gt;&#60;script&#62;",
    "template": "{{ 7|add:7 }}{% debug %}",
    "letters": "é\u2028\u202e<",
    "lines": "a\r\nX: 1",
}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))


def is_safe(page, application) -> None:
    """Nothing in the page runs but what this server wrote, and it goes nowhere but to the application."""
    assert page.headers["Content-Type"].startswith("text/html") and "no-store" in page.headers["Cache-Control"]
    assert page.headers["X-Content-Type-Options"] == "nosniff" and "Location" not in page.headers
    policy = dict(one.strip().partition(" ")[::2] for one in page.headers["Content-Security-Policy"].split(";"))
    assert "unsafe" not in policy.get("script-src", policy["default-src"])
    assert policy["frame-ancestors"] == "'none'" and policy["base-uri"] in {"'none'", "'self'"}
    tags = _Tags()
    tags.feed(page.text)
    assert "1414" not in page.text
    for tag, attributes in tags.seen:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert tag != "script" or attributes.keys() & {"src", "nonce"}, attributes
        assert tag != "img" or attributes["src"].startswith("/"), attributes
        assert tag != "form" or attributes["action"].startswith((application.redirect_uri, "/")), attributes


def form_of(visitor: Visitor, having: str, action: str) -> dict[str, str]:
    form = visitor.form(having)
    assert form.action == action and form.method == "post"
    return form.fields


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_az_35_state_is_text(rig, state):
    browser = rig.browser(rig.scene.alice)
    browser.ask(rig.web, response_mode="form_post", state=state)
    is_safe(browser.page, rig.web)
    fields = form_of(browser, "code", rig.web.redirect_uri)
    assert fields.keys() == {"code", "state", "iss"} and fields["iss"] == rig.issuer
    assert fields["state"].split() == state.split()
    ok(rig.redeem(rig.web, rig.scene.secret(fields["code"])))


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_az_35_in_errors_too(rig, state):
    browser = rig.browser()
    with rig.untouched():
        browser.ask(rig.web, response_mode="form_post", prompt="none", state=state)
    is_safe(browser.page, rig.web)
    fields = form_of(browser, "error", rig.web.redirect_uri)
    assert fields["error"] == "login_required" and fields["state"].split() == state.split()
    assert not refusals.FORBIDDEN & fields.keys()
    assert rig.audited(browser.page) == ["authorization_refused"]


def test_az_35_to_registered_addresses_alone(rig):
    for address in ("https://evil.test/cb", '"><script>x</script>', "javascript:alert(1)", "https://rp1.test/cb?x="):
        with rig.untouched():
            response = rig.browser(rig.scene.alice).authorize(rig.web, response_mode="form_post", redirect_uri=address)
        refusals.page(rig, response)
        assert address not in response.text
