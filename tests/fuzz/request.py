"""A request as the fuzzer thinks of it: texts with marks, such as «alice.refresh|flip», for what only a run knows.

So it can be written down as one line of JSON, and sent again to another server, where other people have other tokens.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import quote_from_bytes, quote_plus

MARK = re.compile("«([^«»]*)»")
RAW = "«raw»"
"""Begins a parameter that is sent as it stands, without percent-encoding."""

Fill = Callable[[str], str]
"""What stands for the inside of a mark."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """`form`, `json` or `raw` is the body; `who` is whose cookies it brings; `document` is what lies at «document»."""

    endpoint: str
    method: str
    path: str
    query: Pairs = ()
    headers: Pairs = ()
    form: Pairs | None = None
    json: Any = None
    has_json: bool = False
    raw: str | None = None
    who: str = ""
    document: Any = None
    address: int = 0

    def but(self, **changes: Any) -> "Request":
        return replace(self, **changes)

    def __str__(self) -> str:
        told = {name: value for name, value in asdict(self).items() if value not in (None, (), "", 0, False)}
        return json.dumps(told)

    @classmethod
    def read(cls, line: str) -> "Request":
        """What `str` wrote."""
        told = json.loads(line)
        for name in {"query", "headers", "form"} & told.keys():
            told[name] = tuple((key, value) for key, value in told[name])
        return cls(**told)


@dataclass(frozen=True)
class Sent:
    """The bytes of it."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    beside: str = ""
    """What the caller's own server says when it is asked: the document."""

    def text(self) -> str:
        """All that was sent, to look in for what an answer may say because the caller said it."""
        lines = "\n".join(f"{name}: {value}" for name, value in self.headers)
        return f"{self.method} {self.target}\n{lines}\n{self.body.decode('utf-8', 'replace')}\n{self.beside}"

    def bytes(self, host: str) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        if not any(name.lower() == "host" for name, _value in self.headers):
            lines.append(f"Host: {host}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.method in {"POST", "PUT", "PATCH"}:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + self.body


def sent(request: Request, fill: Fill, cookies: str) -> Sent:
    """The request in this run: marks filled in, parameters encoded."""
    target = _in_line(filled(request.path, fill))
    if request.query:
        target += "?" + _encoded(request.query, fill)
    headers = [(_token(name), _header(filled(value, fill))) for name, value in request.headers]
    named = {name.lower() for name, _value in headers}
    body, usual = b"", ""
    if request.form is not None:
        body, usual = _encoded(request.form, fill).encode("ascii", "replace"), "application/x-www-form-urlencoded"
    elif request.has_json:
        body, usual = json.dumps(filled_json(request.json, fill)).encode(), "application/json"
    elif request.raw is not None:
        body = filled(request.raw, fill).encode("utf-8", "surrogatepass")
    if usual and "content-type" not in named:
        headers.append(("Content-Type", usual))
    if cookies and "cookie" not in named:
        headers.append(("Cookie", cookies))
    return Sent(_token(request.method), target, headers, body)


def filled(text: str, fill: Fill) -> str:
    return MARK.sub(lambda found: fill(found[1]), text) if "«" in text else text


def filled_json(value: Any, fill: Fill) -> Any:
    if isinstance(value, str):
        return filled(value, fill)
    if isinstance(value, list):
        return [filled_json(one, fill) for one in value]
    if isinstance(value, dict):
        return {filled(name, fill): filled_json(one, fill) for name, one in value.items()}
    return value


def _encoded(pairs: Pairs, fill: Fill) -> str:
    return "&".join(f"{_one(name, fill)}={_one(value, fill)}" for name, value in pairs)


def _one(text: str, fill: Fill) -> str:
    if text.startswith(RAW):
        return _in_line(filled(text.removeprefix(RAW), fill))
    return quote_plus(filled(text, fill).encode("utf-8", "surrogatepass"))


def _in_line(text: str) -> str:
    """What would end the request line is encoded: the request would be another, not a stranger one."""
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="/?&=%:;@!$'()*+,-._~[]|\\^`{}<>\"#")


def _header(value: str) -> str:
    return re.sub(r"[\r\n\x00]", " ", value)


def _token(name: str) -> str:
    return re.sub(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]", "", name) or "X"
