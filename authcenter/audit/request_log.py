"""The request's id: taken from a proxy where it looks like one, else made; sent back, logged and audited."""

import random
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from authcenter.audit import logs

_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


class RequestLogMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.META.get("HTTP_X_REQUEST_ID", "")
        # It names a request and protects nothing; the system's random numbers would cost more than the rest of this.
        request_id = asked if _ID.match(asked) else f"{random.getrandbits(64):016x}"
        request.request_id = request_id  # type: ignore[attr-defined]
        logs.request_id.set(request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response
