"""One who looks at a page as every visitor would, and notes what is wrong with it.

With eyes: WCAG 2.2 AA and best practice by axe, in light and dark, narrow and wide; nothing hangs over the edge, in
either direction of writing; what is pressed is big enough. With a keyboard: each control in the page's order, visibly.
With a slow line: what a first visit loads. And the browser complains of nothing, such as a breach of the policy.
"""

import re
import zlib
from contextlib import suppress
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.live import Server
from tests.sampling import EVERYTHING

NARROW, PHONE, DESKTOP = (320, 800), (390, 844), (1280, 800)
MOST_BYTES = 30_000
"""Of a first visit: the page, its style sheet, its scripts and pictures, as they are sent."""

WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
}
LOOKS = [
    ((NARROW, "phone"), "light"),
    ((DESKTOP, "desktop"), "dark"),
    ((NARROW, "phone"), "dark"),
    ((DESKTOP, "desktop"), "light"),
]
"""Each page is looked at in the first two or the last two, so in both widths and both schemes; in all four where
everything is tried."""

WIDTH_AND_COLOURS = {
    **WCAG,
    "runOnly": {"type": "rule", "values": ["color-contrast", "target-size", "link-in-text-block"]},
}
"""The rules that width and scheme matter for: the others have seen the page already."""

_AXE = Axe().axe_script
_WIDTH = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_RIGHT_TO_LEFT = """() => {
    const root = document.documentElement, before = root.dir;
    root.dir = "rtl";
    const over = Math.max(0, ...[...document.querySelectorAll("body *:not(.skip, .hidden-text)")].map(
        e => -e.getBoundingClientRect().left));
    root.dir = before;
    return over;
}"""
_SMALL = """() => [...document.querySelectorAll("button, .button, select, textarea, input")]
    .filter(e => e.checkVisibility() && !["checkbox", "radio", "hidden"].includes(e.type))
    .filter(e => e.getBoundingClientRect().height < 43.5 || e.getBoundingClientRect().width < 43.5)
    .map(e => e.outerHTML.slice(0, 120))"""
_STOPS = """() => {
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
    const radio = e => e.type !== "radio" || e.checked
        || !document.querySelector(`[name="${e.name}"]:checked`) && e === document.querySelector(`[name="${e.name}"]`);
    const seen = e => e.checkVisibility({visibilityProperty: true});
    const tell = e => `${e.tagName} ${e.name || e.getAttribute("href") || e.textContent.trim().slice(0, 30)}`;
    window.stops = all.filter(e => e.tabIndex >= 0 && !e.disabled && e.type !== "hidden" && seen(e) && radio(e));
    window.met = [];
    addEventListener("focusin", ({target: e}) => {
        const look = getComputedStyle(e), box = e.getBoundingClientRect();
        const bare = look.outlineStyle === "none" || parseFloat(look.outlineWidth) < 2;
        window.met.push([tell(e), bare || box.width < 8 || box.height < 8, e.tabIndex]);
    });
    window.stops[0]?.focus();
    return window.stops.map(tell);
}"""
_BYTES = """async () => {
    await Promise.all([...document.querySelectorAll("link[rel=icon]")].map(icon => fetch(icon.href)));
    return Object.fromEntries([...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource")].map(e => [e.name, e.encodedBodySize]));
}"""


def _looks_at(name: str) -> list[Any]:
    if EVERYTHING:
        return LOOKS
    return LOOKS[2:] if zlib.crc32(name.encode()) % 2 else LOOKS[:2]


class Visitor:
    def __init__(self, page: Any, server: Server, screenshots: Any, faults: list[str]) -> None:
        self.page, self.server, self.screenshots, self.faults, self.name = page, server, screenshots, faults, "?"
        self._heard = {"pageerror": self._error, "console": self._console, "response": self._policy}
        for event, told in self._heard.items():
            page.on(event, told)

    def leave(self) -> None:
        """Of a tab that another visitor comes to."""
        for event, told in self._heard.items():
            self.page.remove_listener(event, told)

    def _error(self, error: Any) -> None:
        self.faults.append(f"{self.name}: {error}")

    def _console(self, message: Any) -> None:
        loaded = re.match(r"Failed to load resource: the server responded with a status of 4\d\d", message.text)
        if message.type in {"error", "warning"} and not loaded:
            self.faults.append(f"{self.name}: console: {message.text}")

    def _policy(self, response: Any) -> None:
        if response.request.is_navigation_request() and response.status not in {301, 302, 303, 307, 308}:
            policy = response.headers.get("content-security-policy", "")
            if "script-src 'self'" not in policy or "unsafe" in policy:
                self.faults.append(f"{response.url}: its policy is {policy!r}")

    def open(self, path: str) -> "Visitor":
        self.page.goto(self.server.url + path)
        return self

    def send(self, **fields: str) -> "Visitor":
        """Fill in the form of the page, and press its first button."""
        for name, value in fields.items():
            self.page.fill(f"main input[name={name}]", value)
        within = f"form:has([name={next(iter(fields))}])" if fields else "form"
        return self.press(self.page.locator(f"main {within} button[type=submit]").first)

    def press(self, link_or_button: Any) -> "Visitor":
        """Until the answer is here: Argon2 and a mail take longer than a click."""
        with self.page.expect_navigation():
            link_or_button.click()
        return self

    def look(self, name: str, heading: str) -> None:
        self.name = name
        h1 = self.page.locator("h1")
        with suppress(PlaywrightTimeout):  # a click does not wait for the page that it leads to
            h1.filter(has_text=re.compile(heading)).first.wait_for()
        self.page.wait_for_load_state()
        if h1.count() != 1 or not re.search(heading, h1.inner_text()):
            self.faults.append(f"{name}: another page: {self.page.url} {h1.all_inner_texts()}")
            return
        for number, (((width, height), size), scheme) in enumerate(_looks_at(name)):
            self._resize(width, height, scheme)
            self._fits(width)
            self._axe(f"{name} at {width}, {scheme}", WIDTH_AND_COLOURS if number and not EVERYTHING else WCAG)
            if width == NARROW[0]:
                self._resize(*PHONE, scheme)
            self.screenshots(self.page, f"page-{name}-{size}-{scheme}")
        self._weighs()
        self._takes_keys()

    def _resize(self, width: int, height: int, scheme: str) -> None:
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": height})

    def _fits(self, width: int) -> None:
        for direction, over in (
            ("", self.page.evaluate(_WIDTH)),
            (", from the right", self.page.evaluate(_RIGHT_TO_LEFT)),
        ):
            if over > 0:
                self.faults.append(f"{self.name} at {width}{direction}: {over} px too wide")
        self.faults += [f"{self.name} at {width}: smaller than 44 px: {html}" for html in self.page.evaluate(_SMALL)]

    def _axe(self, where: str, options: dict[str, Any]) -> None:
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_AXE)
        for fault in self.page.evaluate("options => axe.run(document, options)", options)["violations"]:
            nodes = " | ".join(node["html"][:160] for node in fault["nodes"][:3])
            self.faults.append(f"{where}: {fault['id']}: {fault['help']}: {nodes}")

    def _weighs(self) -> None:
        sent = self.page.evaluate(_BYTES)
        total = sum(sent.values())
        if total > MOST_BYTES or total < 1000:
            self.faults.append(f"{self.name}: a first visit loads {total} bytes: {sent}")

    def _takes_keys(self) -> None:
        """The Tab key comes by each control once, in the order of the page, and everybody sees where it is."""
        stops = self.page.evaluate(_STOPS)
        for _ in stops[1:]:
            self.page.keyboard.press("Tab")
        met = self.page.evaluate("window.met")
        if [told for told, *_ in met] != stops:
            self.faults.append(f"{self.name}: the Tab key meets {[told for told, *_ in met]}, and not {stops}")
        for told, unseen, tab_index in met:
            if unseen or tab_index > 0:
                self.faults.append(f"{self.name}: {told} has focus, and nobody sees it (or out of turn: {tab_index})")
