"""From the revoking request to the first refusal, in milliseconds: p50 and p99 over 100 revocations (BENCH=full: 200).

The clock starts before RFC 7009's request is sent and stops when a refusal is in hand, so everything is in the figure.
Four workers of the node that revoked and four of another are asked in turn; API processes of their own check offline:
one follows the feed at a node, three through the proxy, whose cache they share, one is told by push. Where there are
several, the figure is of the last one.

python -m bench.revocation_delay [revocations]
"""

import os
import random
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

from bench import production_like
from bench.figures import Row, quantile
from tests.lines import Line, one_to_each_worker
from tests.services import free_port

WORKERS = 4
ORDERS = "/demo/api/orders/"
TARGETS = {
    "own API, the node that revoked": 300,
    "own API, another node": 300,
    "an API that polls a node": 2000,
    "APIs that poll through a cache": 2000,
    "an API that is told by push": 300,
}
NODE, OTHER, POLL, CACHED, PUSH = TARGETS

RECEIVER = """
from authcenter.keys import vault
from authcenter.oauth.models import API
from authcenter.sessions.models import Receiver
api = API.objects.get(identifier={audience!r})
Receiver.objects.create(api=api, url="http://127.0.0.1:{port}/events", secret=vault.encrypt({secret!r}))
"""


class ApiProcess:
    """bench.api_process, and when it refused what."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.refused: dict[int, float] = {}
        self._changed = threading.Condition()
        self._accepted: set[int] = set()
        threading.Thread(target=self._read, daemon=True).start()

    def watch(self, number: int, token: str) -> None:
        """Give it a token and wait until it has accepted it."""
        assert self._process.stdin
        print(number, token, file=self._process.stdin, flush=True)
        self._wait(lambda: number in self._accepted)

    def wait(self, count: int) -> None:
        """Until it has refused so many."""
        self._wait(lambda: len(self.refused) >= count)

    def _wait(self, met: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(met, timeout=30), "an API process does not answer, or never refuses"

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            number, said = line.split()
            with self._changed:
                if said == "accepted":
                    self._accepted.add(int(number))
                else:
                    self.refused[int(number)] = float(said)
                self._changed.notify_all()


@contextmanager
def api_process(*arguments: str, **environment: str) -> Iterator[ApiProcess]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.api_process", *arguments],
        cwd=production_like.ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield ApiProcess(process)
    finally:
        process.kill()
        process.wait()


def run(revocations: int = 0) -> dict[str, Any]:
    revocations = revocations or (200 if os.environ.get("BENCH") == "full" else 100)
    with ExitStack() as running:
        stack = running.enter_context(production_like.stack_of_one_run(nodes=2, workers=WORKERS))
        audience, secret, port = stack.demo["apis"]["demo"]["identifier"], secrets.token_urlsafe(32), free_port()
        stack.python(RECEIVER.format(audience=audience, port=port, secret=secret))
        here, there = (one_to_each_worker([node.url], WORKERS) for node in stack.nodes)
        apis = {
            POLL: [running.enter_context(api_process(stack.url, audience, stack.nodes[1].url))],
            CACHED: [running.enter_context(api_process(stack.url, audience, "proxy")) for _ in range(3)],
            PUSH: [running.enter_context(api_process(stack.url, audience, "push", str(port), PUSH_SECRET=secret))],
        }
        app = stack.demo["applications"]["machine"]
        return _measured(revocations, {NODE: here, OTHER: there}, apis, (app["client_id"], app["client_secret"]))


def _measured(
    revocations: int, lines: dict[str, list[Line]], apis: dict[str, list[ApiProcess]], machine: tuple[str, str]
) -> dict[str, Any]:
    began: dict[int, float] = {}
    taken: dict[str, list[float]] = {name: [] for name in TARGETS}
    for number in range(revocations):
        token = _token(lines[NODE][number % WORKERS], machine)
        for api in chain(*apis.values()):
            api.watch(number, token)
        for each in [*lines[NODE], *lines[OTHER]]:  # every worker's view is fresh, as under load
            assert each.ask("GET", ORDERS, bearer=token)[0] == 200
        time.sleep(random.uniform(0, 1.2))  # in step with nobody's poll, and with what the cache has kept meanwhile
        began[number] = time.monotonic()
        status, _body = lines[NODE][(number + 1) % WORKERS].ask("POST", "/oauth/revoke", auth=machine, token=token)
        assert status == 200
        for name, seconds in _last_refusals(lines, token, began[number]).items():
            taken[name].append(seconds)
    for api in chain(*apis.values()):  # those that poll are behind by some revocations, and tell when they refused each
        api.wait(revocations)
    for name, alike in apis.items():
        taken[name] = [max(api.refused[number] for api in alike) - began[number] for number in range(revocations)]
    return {name: _summary([1000 * seconds for seconds in values]) for name, values in taken.items()}


def _token(line: Line, machine: tuple[str, str]) -> str:
    status, body = line.ask("POST", "/oauth/token", auth=machine, grant_type="client_credentials", scope="orders:read")
    assert status == 200, body
    return str(body["access_token"])


def _last_refusals(lines: dict[str, list[Line]], token: str, began: float) -> dict[str, float]:
    """Seconds until the last worker of each node refused; the nodes are asked in turn, as each request takes time."""
    left, last = {name: list(of_node) for name, of_node in lines.items()}, dict[str, float]()
    while any(left.values()):
        for name, of_node in left.items():
            for line in list(of_node):
                if line.ask("GET", ORDERS, bearer=token)[0] == 401:
                    of_node.remove(line)
                    last[name] = time.monotonic() - began
        assert time.monotonic() - began < 10, "a worker never refuses"
    return last


def _summary(milliseconds: list[float]) -> dict[str, float]:
    return {
        "revocations": len(milliseconds),
        "p50_ms": round(quantile(milliseconds, 0.5), 1),
        "p99_ms": round(quantile(milliseconds, 0.99), 1),
        "longest_ms": round(max(milliseconds), 1),
    }


def rows(figures: dict[str, Any]) -> list[Row]:
    return [
        Row(
            f"revoked to refused, {name}",
            f"p50 {found['p50_ms']:.0f} ms, p99 {found['p99_ms']:.0f} ms",
            f"p99 ≤ {TARGETS[name]} ms",
            found["p99_ms"] <= TARGETS[name],
        )
        for name, found in figures.items()
    ]


if __name__ == "__main__":
    print(*rows(run(int(sys.argv[1]) if len(sys.argv) > 1 else 0)), sep="\n")
