"""What was asked and what came of it, by endpoint; and each kind of fault once, with a request that shows it."""

import json
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.fuzz.request import Request

_SHOWN = 3
"""Requests of each kind of fault."""


@dataclass
class Tally:
    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    faults: dict[tuple[str, str], list[Request]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    news: list[str] = field(default_factory=list)
    """What is to be told at once: a run is long."""
    broken: list[str] = field(default_factory=list)
    """What ended a thread of the fuzzer itself."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request: Request, status: str, found: list[str]) -> None:
        with self.lock:
            self.statuses[request.endpoint][status] += 1
            for fault in found:
                kind = request.endpoint, fault
                self.counts[kind] += 1
                if len(self.faults[kind]) < _SHOWN:
                    self.faults[kind].append(request)
                    self.news.append(f"{request.endpoint}: {fault}\n  {_shortened(request)}")

    @property
    def requests(self) -> int:
        return sum(sum(counts.values()) for counts in self.statuses.values())

    @property
    def total_faults(self) -> int:
        return sum(self.counts.values())

    def table(self) -> str:
        """As it stands in docs/fuzz.md."""
        lines = ["| endpoint | requests | statuses | faults |", "|---|---|---|---|"]
        for endpoint, counts in sorted(self.statuses.items()):
            told = ", ".join(f"{status} × {count:,}" for status, count in sorted(counts.items()))
            wrong = sum(count for (where, _fault), count in self.counts.items() if where == endpoint)
            lines.append(f"| {endpoint} | {sum(counts.values()):,} | {told} | {wrong} |")
        return "\n".join([*lines, f"| all | {self.requests:,} | | {self.total_faults} |"])

    def reproductions(self) -> str:
        lines = []
        for (endpoint, fault), shown in self.faults.items():
            lines.append(f"\n{endpoint}: {fault} ({self.counts[endpoint, fault]} times)")
            lines += [f"  {shortened}" for shortened in map(_shortened, shown)]
        return "\n".join(lines)


def _shortened(request: Request) -> str:
    text = str(request)
    return f"python -m tests.fuzz --request '{text}'" if len(text) < 6000 else f"{text[:6000]} …"


def stack_traces(log: str) -> list[str]:
    """The ends of those in a server's log: what was raised, and where."""
    found = []
    for line in log.splitlines():
        if "Traceback (most recent call last)" not in line:
            continue
        try:
            text = str(json.loads(line).get("exception", line))
        except ValueError:
            text = line
        own = [part for part in text.splitlines() if "/authcenter/" in part or "/accounts/" in part]
        found.append("\n".join([*own[-3:], text.splitlines()[-1][:300]]))
    return found
