"""GET /.well-known/revocations: what was taken back, for those who check tokens offline.

A signed list (JWT, `typ` revocations+jwt). `?after=N` asks for the news since sequence number N; without it, and where
N is older than what is still kept or not of this feed, the answer is a snapshot (`from` is 0) that replaces what the
caller had. Numbers are committed in their order (`revocation.revoke`), so a caller that has `to` has everything up to
it; a restored backup begins a new `feed`, which tells every caller to start over.
"""

import json
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from authcenter.keys.ring import ring
from authcenter.sessions.models import Feed, Revocation

TYP = "revocations+jwt"
MOST_ENTRIES = 5_000
"""Entries of one answer; where there are more, `more` is true and the caller asks again at once."""


@require_safe
def revocations(request: HttpRequest) -> HttpResponse:
    after = _after(request)
    if after is None:
        return HttpResponse(
            json.dumps({"error": "invalid_request", "error_description": "after is a sequence number."}),
            status=400,
            content_type="application/json",
        )
    as_of = time.time()  # before the look, so that the list is never younger than it says
    feed = Feed.objects.filter(pk=1).first() or Feed(sequence=0, feed=_NO_FEED)
    etag = f'"{feed.feed}-{after}-{feed.sequence}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        claims = {"iss": settings.ISSUER, "iat": int(as_of), "as_of": as_of, **_list(feed, after)}
        response = HttpResponse(ring.sign(claims, typ=TYP, algorithm="ES256"), content_type="application/jwt")
    response["ETag"] = etag
    # A shared cache may answer many APIs with one list; with their half second it stays well under two.
    response["Cache-Control"] = "public, max-age=0, s-maxage=1"
    response["Access-Control-Allow-Origin"] = "*"
    return response


_NO_FEED = "00000000-0000-0000-0000-000000000000"
"""Before the first revocation there is no feed yet; the first one begins it."""


def _list(feed: Feed, after: int) -> dict[str, Any]:
    living = Revocation.objects.filter(expires__gt=timezone.now()).order_by("sequence")
    oldest = living.values_list("sequence", flat=True).first() if 0 < after < feed.sequence else None
    if after > feed.sequence or (oldest is not None and after < oldest - 1):
        after = 0
    rows = list(
        living.filter(sequence__gt=after).values_list("sequence", "kind", "subject", "epoch")[: MOST_ENTRIES + 1]
    )
    more = len(rows) > MOST_ENTRIES
    rows = rows[:MOST_ENTRIES]
    entries = [
        {"kind": kind, "id": subject} if epoch is None else {"kind": kind, "id": subject, "epoch": epoch}
        for _sequence, kind, subject, epoch in rows
    ]
    return {
        "feed": str(feed.feed),
        "from": after,
        "to": rows[-1][0] if more else feed.sequence,
        "entries": entries,
        **({"more": True} if more else {}),
    }


def _after(request: HttpRequest) -> int | None:
    asked = request.GET.get("after", "0")
    if not asked.isascii() or not asked.isdigit() or len(asked) > 18:
        return None
    return int(asked)
