"""Reading protocol parameters, strictly: before anything is looked up, everything malformed is refused.

RFC 6749 sections 3.1 and 3.2: parameters without a value are as if omitted, unknown ones are ignored, none may be
repeated (but `resource`, RFC 8707, and `audience`, RFC 8693). Bytes that are no UTF-8, NUL, bad percent signs and
over-long values never reach a database or the library.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from authcenter.oauth.errors import InvalidRequestError, MethodNotAllowed

MAX_VALUE = 8_192
MAX_PARAMETERS = 100
MAX_QUERY = 32_768
_MAY_REPEAT = {"resource", "audience"}
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Parameters:
    """What was sent: pairs in order, and the names that were sent more than once though they may not be."""

    pairs: tuple[tuple[str, str], ...] = ()
    repeated: frozenset[str] = field(default_factory=frozenset)

    def get(self, name: str) -> str | None:
        """The value, or None where it was omitted or empty."""
        return next((value for key, value in self.pairs if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def required(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise InvalidRequestError(description=f"Missing {name} parameter.")
        return value


def from_form(request: HttpRequest) -> Parameters:
    """The body of a POST to a protocol endpoint. Raises `MethodNotAllowed`, `InvalidRequestError`."""
    if request.method != "POST":
        raise MethodNotAllowed
    if request.META.get("QUERY_STRING"):
        raise InvalidRequestError(description="Parameters belong in the body, not in the URL.")
    if request.content_type != "application/x-www-form-urlencoded":
        raise InvalidRequestError(description="The body must be application/x-www-form-urlencoded.")
    if (request.content_params or {}).get("charset", "utf-8").strip('"').lower() not in {"utf-8", "us-ascii"}:
        raise InvalidRequestError(description="The body must be UTF-8.")
    parameters = parsed(body_of(request))
    if parameters.repeated:
        raise InvalidRequestError(description="A parameter was sent more than once.")
    return parameters


def body_of(request: HttpRequest) -> bytes:
    """The body, whatever length it claims: Django's own refusal is a page, and its reading of the length can fail."""
    try:
        return request.body
    except (RequestDataTooBig, ValueError):
        raise InvalidRequestError(description="The body is too large.") from None


def parsed(raw: bytes | str) -> Parameters:
    """Pairs of a query or form body. Raises `InvalidRequestError` on anything malformed or too long."""
    if len(raw) > MAX_QUERY:
        raise InvalidRequestError(description="The request is too large.")
    try:
        text = raw.decode("ascii") if isinstance(raw, bytes) else raw
        text.encode("ascii")
        if _BAD_PERCENT.search(text):
            raise InvalidRequestError(description="A percent sign is not followed by two hexadecimal digits.")
        pairs = parse_qsl(text, encoding="utf-8", errors="strict", max_num_fields=MAX_PARAMETERS)
    except (UnicodeError, ValueError):
        raise InvalidRequestError(description="The parameters are not well-formed UTF-8.") from None
    for name, value in pairs:
        if len(value) > MAX_VALUE or len(name) > 256:
            raise InvalidRequestError(description="A parameter is too long.")
        if _CONTROL.search(value) or _CONTROL.search(name):
            raise InvalidRequestError(description="A parameter holds a control character.")
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        return Parameters(tuple(pairs))
    repeated = frozenset(name for name, count in Counter(names).items() if count > 1 and name not in _MAY_REPEAT)
    return Parameters(tuple(pairs), repeated)
