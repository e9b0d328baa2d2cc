"""GET /.well-known/jwks.json (RFC 7517 section 5). No query, and nothing to write: the ring holds it in memory."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from authcenter.keys.ring import ring

MAX_AGE_SECONDS = 300
"""Short enough that a new key is known within minutes; a verifier also asks again when it meets an unknown `kid`."""


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    published = ring.published()
    known = request.META.get("HTTP_IF_NONE_MATCH") == published.etag
    response = HttpResponse(b"" if known else published.body, "application/json", status=304 if known else 200)
    response["ETag"] = published.etag
    response["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
    response["Access-Control-Allow-Origin"] = "*"
    return response
