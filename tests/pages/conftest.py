"""Shared by the tests of pages: the scene, the visitor, and browsers in which somebody is signed in."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live import Server
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
        if who.startswith("newcomer"):
            session = {"name": "session", "value": scene.made[who], "url": server.url}
            page.context.add_cookies([session])
        elif who:
            page.context.add_cookies(signed_in(who, anew))
        return Visitor(page, server, screenshots, faults)

    return start
