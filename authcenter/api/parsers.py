"""Bodies of requests: bounded, UTF-8 whatever the header says, and no input that ends in a stack.

The framework's own parsers read without bound, trust any `charset` and fall over deeply nested JSON.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.http import QueryDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from authcenter.api.problems import BodyTooLarge


class JSONBody(BaseParser):
    """RFC 8259: UTF-8, without NaN and infinities."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            return json.loads(_text(stream), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise ParseError("The body is not JSON that can be read.") from None


class FormBody(BaseParser):
    """A form; each field once."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        form = QueryDict(_text(stream), encoding="utf-8")
        if any(len(values) > 1 for _, values in form.lists()):
            raise ParseError("A field was sent more than once.")
        return form


def _text(stream: Any) -> str:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = stream.read(most + 1)
    if len(body) > most:
        raise BodyTooLarge
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
