"""GET /.well-known/revocations: what was taken back, for those who check tokens offline.

A signed list (JWT, `typ` revocations+jwt). `?after=N` asks for the news since sequence number N; without it, and where
N is older than what is still kept or not of this feed, the answer is a snapshot (`from` is 0) that replaces what the
caller had. Numbers are committed in their order (`revocation.revoke`), so a caller that has `to` has everything up to
it; a restored backup begins a new `feed`, which tells every caller to start over.

Most callers hear that there is nothing new, and it costs no statement: where the feed stands is what this worker's
follower saw, at most `BOUND_SECONDS` ago.
"""

import json
import time
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from authcenter.keys.ring import ring
from authcenter.sessions.models import Revocation
from authcenter.sessions.view import Position, follower

TYP = "revocations+jwt"
MOST_ENTRIES = 5_000
"""Entries of one answer; where there are more, `more` is true and the caller asks again at once."""

KEPT_SECONDS = 0.25
"""How long a worker gives the same signed answer, while nothing is revoked: so much older may its `as_of` be."""

MOST_KEPT = 16
"""Answers that a worker keeps, of half a megabyte each at most."""


@require_safe
def revocations(request: HttpRequest) -> HttpResponse:
    after = _after(request)
    if after is None:
        return HttpResponse(
            json.dumps({"error": "invalid_request", "error_description": "after is a sequence number."}),
            status=400,
            content_type="application/json",
        )
    position = follower.position(at_least=after)
    after = _from(position, after)
    etag = f'"{position.feed or _NO_FEED}-{after}-{position.sequence}"'
    if request.META.get("HTTP_IF_NONE_MATCH") == etag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(_answer(position, after), content_type="application/jwt")
    response["ETag"] = etag
    # A shared cache answers many APIs with one list. A second is the least that can be said and may become two, so
    # followers put the half second into the address; what is not a parameter of ours is not looked at.
    response["Cache-Control"] = "public, max-age=0, s-maxage=1"
    response["Access-Control-Allow-Origin"] = "*"
    return response


_NO_FEED = "00000000-0000-0000-0000-000000000000"
"""Before the first revocation there is no feed yet; the first one begins it."""

_kept: dict[tuple[str, int, int], tuple[float, str]] = {}


def _answer(position: Position, after: int) -> str:
    """The signed list. It is the same for all who ask from the same place, and kept for a moment: signing is dear."""
    key, now = (position.feed, position.sequence, after), time.monotonic()
    kept = _kept.get(key)
    if kept is not None and now - kept[0] < KEPT_SECONDS:
        return kept[1]
    as_of = position.as_of
    claims = {"iss": settings.ISSUER, "iat": int(as_of), "as_of": as_of, **_list(position, after)}
    answer = ring.sign(claims, typ=TYP, algorithm="ES256")
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = now, answer
    return answer


_oldest: dict[tuple[str, int], int] = {}
"""Where the feed stood, to the oldest number that was kept then; of one place only."""


def _from(position: Position, after: int) -> int:
    """Where the answer begins: 0, a snapshot, for a number that is not of this feed or older than what is kept.

    Before anything is kept or asked, so that nobody makes work by making up numbers.
    """
    if not 0 < after < position.sequence:
        return after if after == position.sequence else 0
    place = position.feed, position.sequence
    oldest = _oldest.get(place)
    if oldest is None:
        oldest = Revocation.objects.order_by("sequence").values_list("sequence", flat=True).first() or position.sequence
        _oldest.clear()
        _oldest[place] = oldest
    return after if after >= oldest - 1 else 0


def _list(feed: Position, after: int) -> dict[str, Any]:
    kept = Revocation.objects.filter(sequence__gt=after).order_by("sequence")
    rows = list(kept.values_list("sequence", "kind", "subject", "epoch")[: MOST_ENTRIES + 1])
    more = len(rows) > MOST_ENTRIES
    rows = rows[:MOST_ENTRIES]
    last = rows[-1][0] if rows else 0
    entries = [
        {"kind": kind, "id": subject} if epoch is None else {"kind": kind, "id": subject, "epoch": epoch}
        for _sequence, kind, subject, epoch in rows
    ]
    return {
        "feed": feed.feed or _NO_FEED,
        "from": after,
        "to": last if more else max(last, feed.sequence),  # what was committed meanwhile is here, and all before it
        "entries": entries,
        **({"more": True} if more else {}),
    }


def _after(request: HttpRequest) -> int | None:
    asked = dict(parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)).get("after", "0")
    if not asked.isascii() or not asked.isdigit() or len(asked) > 18:
        return None
    return int(asked)
