"""GET /.well-known/jwks.json (RFC 7517 section 5). No query: the ring holds it in memory."""

import hashlib
import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from authcenter.keys.ring import ring

MAX_AGE_SECONDS = 300
"""Short enough that a new key is known within minutes; a verifier also asks again when it meets an unknown `kid`."""


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    body = ring.jwks()
    response = JsonResponse(body)
    response["ETag"] = '"' + hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32] + '"'
    response["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
    response["Access-Control-Allow-Origin"] = "*"
    if request.headers.get("If-None-Match") == response["ETag"]:
        response.status_code, response.content = 304, b""
    return response
