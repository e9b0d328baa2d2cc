"""What the tour prints, and the requests that it tells about: one line each, an unexpected answer ends it."""

from typing import Any
from urllib.parse import urlsplit

import requests


class Stopped(Exception):
    """A step did not go as told; the text says which answer was not the expected one."""


class Terminal:
    def __init__(self) -> None:
        self._steps = 0

    def step(self, title: str) -> None:
        self._steps += 1
        print(f"\n{self._steps:2}. {title}", flush=True)

    def tell(self, line: str) -> None:
        print(f"    {line}", flush=True)

    def show(self, claims: dict[str, Any], *names: str) -> None:
        """These members of an answer or a token, one a line."""
        for name in names:
            if name in claims:
                value = claims[name]
                self.tell(f"{name:24} {', '.join(map(str, value)) if isinstance(value, list) else value}")

    def call(self, method: str, url: str, expected: int = 200, **arguments: Any) -> dict[str, Any]:
        """The JSON of the answer; nothing where it has no body."""
        answer = requests.request(method, url, timeout=30, allow_redirects=False, **arguments)
        self.tell(f"{method} {path(url)} → {answer.status_code}")
        if answer.status_code != expected:
            raise Stopped(f"{expected} was expected. {_said(answer)}")
        if not answer.content:
            return {}
        try:
            content = answer.json()
        except requests.JSONDecodeError:
            raise Stopped(f"JSON was expected. {_said(answer)}") from None
        if not isinstance(content, dict):
            raise Stopped("a JSON object was expected.")
        return content


def path(url: str) -> str:
    """Of an address only the path: what stands behind it may be a code."""
    return urlsplit(url).path


def _said(answer: requests.Response) -> str:
    if challenge := answer.headers.get("WWW-Authenticate"):
        return f"The server said: {challenge}"
    if "html" in answer.headers.get("Content-Type", ""):
        return "The server answered with a page."
    return f"The server said: {answer.text[:300].strip()}"
