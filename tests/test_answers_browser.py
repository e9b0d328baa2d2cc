"""Pages that a browser leaves by itself: the form that carries an answer, and the frames that tell applications of the
end. The application lives at a made-up address that the browser is told to answer itself.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from tests.live import Server

pytestmark = [pytest.mark.live, pytest.mark.browser]
APP = "https://rp.example"
MAKE = """
import json
from authcenter.oauth.registration import new_application
app, secret = new_application(
    "web", "A shop elsewhere", redirect_uris="https://rp.example/cb", post_logout_redirect_uris="https://rp.example/bye",
    frontchannel_logout_uri="https://rp.example/out", skip_authorization=True,
)
app.save()
print(json.dumps({"id": app.client_id, "secret": secret}))
"""


@pytest.fixture(scope="module")
def app(server: Server) -> dict[str, str]:
    return json.loads(server.python(MAKE).splitlines()[-1])


@pytest.fixture(params=[True, False], ids=["javascript", "without"])
def scripts(request: Any) -> bool:
    return bool(request.param)


@pytest.fixture
def heard() -> list[tuple[str, str, str]]:
    """What the application was sent: method, path with query, body."""
    return []


@pytest.fixture
def page(chromium: Any, server: Server, scripts: bool, heard: list[Any]) -> Iterator[Any]:
    context = chromium.new_context(java_script_enabled=scripts, viewport={"width": 390, "height": 844})
    context.set_default_timeout(30_000)

    def answer(route: Any, asked: Any) -> None:
        parts = urlsplit(asked.url)
        heard.append((asked.method, f"{parts.path}?{parts.query}", asked.post_data or ""))
        route.fulfill(status=200, content_type="text/html", body="<h1>The shop</h1>")

    context.route(f"{APP}/**", answer)
    yield context.new_page()
    context.close()


def sign_in(page: Any, server: Server, app: dict[str, str], **changes: str) -> None:
    asked = {
        "client_id": app["id"], "redirect_uri": f"{APP}/cb", "response_type": "code", "scope": "openid", "state": "s&é",
        "code_challenge": "c" * 43, "code_challenge_method": "S256", **changes,
    }  # fmt: skip
    person = server.demo["people"]["demo"]
    page.goto(f"{server.url}/oauth/authorize?{urlencode(asked)}")
    page.fill("[name=login]", person["email"])
    page.fill("[name=password]", person["password"])
    page.press("[name=password]", "Enter")


def test_form_post_goes_on_by_itself_or_by_a_button(page, server, app, heard, scripts, screenshots):
    sign_in(page, server, app, response_mode="form_post")
    if not scripts:
        page.wait_for_selector("form#form-post")
        screenshots(page, "form-post")
        page.click("form#form-post button")
    page.wait_for_url(f"{APP}/cb")
    [(method, path, body)] = [one for one in heard if one[1].startswith("/cb")]
    told = {name: values[0] for name, values in parse_qs(body, strict_parsing=True).items()}
    assert method == "POST" and path == "/cb?"
    assert told["state"] == "s&é" and told["iss"] == server.url and len(told["code"]) >= 22


def test_the_frames_are_loaded_and_then_it_goes_on(page, server, app, heard, scripts, screenshots):
    sign_in(page, server, app)
    page.wait_for_url(f"{APP}/cb?*")
    sid = page.context.cookies(server.url)
    assert sid
    back = urlencode({"client_id": app["id"], "post_logout_redirect_uri": f"{APP}/bye", "state": "x"})
    page.goto(f"{server.url}/oauth/logout?{back}")
    page.click("[name=confirm]")
    if not scripts:
        page.wait_for_selector("#onward")
        page.wait_for_load_state("load")
        screenshots(page, "signing-out")
        page.click("#onward")
    page.wait_for_url(f"{APP}/bye?state=x")
    frames = [dict(parse_qsl(urlsplit(path).query)) for _method, path, _body in heard if path.startswith("/out")]
    assert len(frames) == 1 and frames[0]["iss"] == server.url and len(frames[0]["sid"]) == 36
