"""The feed with 10,000 living revocations: its size, the time to build it, and requests per second for "nothing new".

One worker of granian on the first core; wrk, PostgreSQL and everything else on the others. The yardstick is the
plainest JSON view of Django (bench.plain) on the same granian, asked in turn with the feed; figures are medians.

python -m bench.feed
"""

import gzip
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import production_like
from bench.figures import Row
from bench.peers import plain, processes

LIVING, ROUNDS, SECONDS, CONNECTIONS = 10_000, 3, 2, 8
TARGET = 0.3
SNAPSHOTS = 20
HEADERS = {"Host": "localhost"}

FILL = """
from datetime import timedelta
from itertools import cycle
from uuid import uuid4
from django.utils import timezone
from authcenter.sessions.models import Feed, Revocation
now, kinds = timezone.now(), cycle(["session", "session", "authorization", "family", "token", "user"])
Feed.objects.update_or_create(pk=1, defaults={{"sequence": {living}}})
Revocation.objects.bulk_create([
    Revocation(sequence=number, kind=kind, subject=str(uuid4()), epoch=1 if kind == "user" else None, reason="bench",
               expires=now + timedelta(hours=24))
    for number, kind in zip(range(1, {living} + 1), kinds)
], batch_size=1000)
"""


def run() -> dict[str, Any]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("This needs two cores: one for the server, one for the load.")
    os.sched_setaffinity(0, cores[1:])  # and so for all that is started from here
    try:
        with ExitStack() as running:
            stack = running.enter_context(production_like.stack_of_one_run(nodes=1, workers=1))
            stack.python(FILL.format(living=LIVING))
            node = stack.nodes[0]
            processes.pin(node.process.pid, cores[0])
            folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="authcenter-plain-")))
            yardstick = running.enter_context(plain.server(cores[0], folder / "log"))
            return {"living": LIVING, **_snapshot(node.url), **_rates(node.url, yardstick.url)}
    finally:
        os.sched_setaffinity(0, cores)


def _snapshot(url: str) -> dict[str, Any]:
    """Size in bytes, and seconds from the question to the last byte, over all pieces of a snapshot."""
    taken = []
    for _ in range(SNAPSHOTS):
        time.sleep(1.1)  # what the server keeps of an answer is older than that
        began, pieces, after, more = time.perf_counter(), list[bytes](), 0, True
        while more:
            _status, body, _etag = _get(f"{url}/.well-known/revocations?after={after}")
            claims = json.loads(urlsafe_b64decode(body.split(b".")[1] + b"=="))
            pieces, after, more = [*pieces, body], claims["to"], claims.get("more", False)
        taken.append(time.perf_counter() - began)
    assert after == LIVING
    return {
        "pieces": len(pieces),
        "bytes": sum(map(len, pieces)),
        "bytes_gzip": sum(len(gzip.compress(piece)) for piece in pieces),
        "build_ms": round(1000 * statistics.median(taken), 1),
    }


def _rates(url: str, yardstick: str) -> dict[str, Any]:
    news = f"{url}/.well-known/revocations?after={LIVING}"
    status, _body, etag = _get(news)
    assert status == 200
    assert _get(news, {"If-None-Match": etag})[0] == 304
    asked: dict[str, tuple[str, dict[str, str]]] = {
        "plain": (f"{yardstick}/plain", {"Host": "127.0.0.1"}),
        "not_modified": (news, {**HEADERS, "If-None-Match": etag}),
        "empty_list": (news, HEADERS),
    }
    rates: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(ROUNDS + 1):
        for name, (address, headers) in asked.items():
            rate = _wrk(address, headers)
            if number:  # the first is to warm up
                rates[name].append(rate)
    median = {name: round(statistics.median(values)) for name, values in rates.items()}
    return {
        "requests_per_second": median,
        "ratio_not_modified": round(median["not_modified"] / median["plain"], 3),
        "ratio_empty_list": round(median["empty_list"] / median["plain"], 3),
    }


def _get(url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={**HEADERS, **(headers or {})})) as answer:
            return answer.status, answer.read(), answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:  # which 304 is, to urllib
        return error.code, b"", error.headers.get("ETag", "")


def _wrk(url: str, headers: dict[str, str]) -> float:
    lines = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *lines, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said and "Socket errors" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    return float(found[1])


def rows(figures: dict[str, Any]) -> list[Row]:
    rate, plain = figures["requests_per_second"], figures["requests_per_second"]["plain"]

    def told(what: str, name: str) -> Row:
        ratio = figures[f"ratio_{name}"]
        figure = f"{rate[name]:,} a second, {ratio:.2f} of the plain view's {plain:,}"
        return Row(what, figure, f"≥ {TARGET}", ratio >= TARGET)

    return [
        Row(
            f"everything, {figures['living']:,} living revocations",
            f"{figures['bytes'] / 1000:,.0f} kB in {figures['pieces']} pieces ({figures['bytes_gzip'] / 1000:,.0f} kB"
            f" by gzip), built and sent in {figures['build_ms']:.0f} ms",
        ),
        told("nothing new, by If-None-Match (304), one core", "not_modified"),
        told("nothing new, a signed empty list, one core", "empty_list"),
    ]


if __name__ == "__main__":
    print(*rows(run()), sep="\n")
