"""A browser and system in words, from the User-Agent header: enough to recognise one's own device, no more."""

import re

from django.utils.translation import gettext as _

_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Samsung Internet", r"SamsungBrowser/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS|Chromium)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* (?:Mobile/\S+ )?Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("macOS", "Mac OS X|Macintosh"),
    ("ChromeOS", "CrOS"),
    ("Linux", "Linux|X11"),
)


def device_name(user_agent: str) -> str:
    """For example "Firefox 140 on Linux", or "Unknown device"."""
    browser = next(
        (f"{name} {found[1]}" for name, pattern in _BROWSERS if (found := re.search(pattern, user_agent))), ""
    )
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, user_agent)), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    if browser or system:
        return browser or system
    # A program's name, such as python-httpx. Never free text: this goes into mails.
    program = re.match(r"[A-Za-z][A-Za-z0-9_-]{1,29}(?=/|$)", user_agent)
    return program[0] if program else _("Unknown device")


def device_icon(user_agent: str) -> str:
    """`phone` or `computer`."""
    return "phone" if re.search(r"Mobile|iPhone|iPad|Android", user_agent) else "computer"
