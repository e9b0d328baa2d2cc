"""What a program is told: JSON that nobody keeps. Written once an answer, by an encoder that is made once."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

_json = json.JSONEncoder().encode


def json_answer(told: Mapping[str, Any], **headers: str) -> HttpResponse:
    """`told` as `application/json`, with `Cache-Control: no-store` (RFC 6749 section 5.1, RFC 7662 section 4)."""
    return HttpResponse(
        _json(told).encode(), content_type="application/json", headers={"Cache-Control": "no-store", **headers}
    )
