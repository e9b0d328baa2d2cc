"""Shared by the tests of pages: the scene, the visitor, and browsers in which somebody is signed in."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.live import Server, strays
from tests.pages.scene import Scene
from tests.pages.visitor import Visitor

SIGNED_IN_FOR = 150
"""Seconds that a sign-in is used for: after 300 it must be repeated before things that matter."""


@pytest.fixture(scope="session")
def scene(server: Server) -> Scene:
    return Scene.make(server)


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """Everything that is wrong on any page: all of it is told at the end."""
    found: list[str] = []
    yield found
    assert not found, "\n".join(found)


@pytest.fixture(scope="session")
def signed_in(server: Server, scene: Scene) -> Callable[..., list[dict[str, Any]]]:
    """The cookies of a browser in which this person has signed in, by the form, a short while ago."""
    import httpx

    from tests.stranger import Stranger

    kept: dict[str, tuple[float, list[dict[str, Any]]]] = {}

    def cookies(who: str, anew: bool = False) -> list[dict[str, Any]]:
        at, found = kept.get(who, (0.0, []))
        if not anew and time.monotonic() - at < SIGNED_IN_FOR and found:
            return found
        browser = Stranger(server.url).open("/accounts/login/")
        if who == "social":  # she has no password
            browser.open("/accounts/login/code/").submit("email", email=scene.made[who])
            browser.submit("code", code=scene.mailed_code(scene.made[who]))
        else:
            browser.sign_in(scene.made[who], scene.password(who))
        if who == "careful":
            browser.open("/accounts/2fa/?way=recovery_codes").submit("code", code=scene.made["codes"].pop())
        jar: httpx.Cookies = browser.http.cookies
        found = [{"name": name, "value": value, "url": server.url} for name, value in jar.items()]
        if not anew:
            kept[who] = (time.monotonic(), found)
        return found

    return cookies


def _become(
    page: Any, who: str, anew: bool, server: Server, scene: Scene, signed_in: Callable[..., list[dict[str, Any]]]
) -> None:
    if who.startswith("newcomer"):
        page.context.add_cookies([{"name": "session", "value": scene.made[who], "url": server.url}])
    elif who:
        page.context.add_cookies(signed_in(who, anew))


@pytest.fixture
def visit(
    new_page: Callable[..., Any],
    server: Server,
    scene: Scene,
    screenshots: Any,
    faults: list[str],
    signed_in: Callable[..., list[dict[str, Any]]],
) -> Callable[..., Visitor]:
    """A visitor in a browser of her own, signed in as `who`."""

    def start(who: str = "", anew: bool = False, **options: Any) -> Visitor:
        page = new_page(reduced_motion="reduce", **options)
        _become(page, who, anew, server, scene, signed_in)
        return Visitor(page, server, screenshots, faults)

    return start


@dataclass
class Tab:
    page: Any
    session: Any
    """Of the browser's developer tools, with this tab."""
    strayed: list[str]


@pytest.fixture(scope="session")
def tab(chromium: Any, server: Server) -> Iterator[Tab]:
    """One for many pages, each as in a browser of her own: a new one takes Chromium half a second of a processor."""
    context = chromium.new_context(locale="en-US", reduced_motion="reduce")
    context.set_default_timeout(30_000)
    strayed: list[str] = []
    context.on("request", lambda asked: strayed.append(asked.url) if strays(asked.url, server.url) else None)
    page = context.new_page()
    yield Tab(page, context.new_cdp_session(page), strayed)
    context.close()


@pytest.fixture
def visit_anew(
    tab: Tab,
    server: Server,
    scene: Scene,
    screenshots: Any,
    faults: list[str],
    signed_in: Callable[..., list[dict[str, Any]]],
) -> Iterator[Callable[..., Visitor]]:
    """As `visit`, for one visitor: in a tab in which others were, and of which nothing is left."""
    visitors = []

    def start(who: str = "", anew: bool = False) -> Visitor:
        page = tab.page
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")
        _become(page, who, anew, server, scene, signed_in)
        visitors.append(Visitor(page, server, screenshots, faults))
        return visitors[-1]

    yield start
    for visitor in visitors:
        visitor.leave()
    tab.page.evaluate("sessionStorage.clear()")
    tab.page.goto("about:blank")
    tab.page.context.clear_cookies()
    tab.session.send("Storage.clearDataForOrigin", {"origin": server.url, "storageTypes": "all"})
    tab.session.send("Network.clearBrowserCache")
    strayed, tab.strayed[:] = list(tab.strayed), []
    assert not strayed, f"requests to other sites: {strayed}"
