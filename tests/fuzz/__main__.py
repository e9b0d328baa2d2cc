"""python -m tests.fuzz [--requests 100000] [--threads 4] [--minutes N] [--seed N] [--request JSON]: see docs/fuzz.md.

Each thread runs Hypothesis in rounds, every round from a seed of its own, so that no round's memory grows.
"""

import argparse
import logging
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import django

from tests import room  # sets the environment that Django's settings are read from

django.setup()

from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402

from tests.fuzz.api_schema import cases  # noqa: E402
from tests.fuzz.attempt import attempt  # noqa: E402
from tests.fuzz.request import Request  # noqa: E402
from tests.fuzz.strategies import requests  # noqa: E402
from tests.fuzz.tally import Tally, stack_traces  # noqa: E402
from tests.fuzz.world import Caller, World, running  # noqa: E402

ROUND = 500
SCHEMA_EVERY = 12
"""One round of so many is of the API's schema."""


def fuzz(world: World, tally: Tally, wanted: int, threads: int, first_seed: int, minutes: float) -> None:
    """So many requests, from so many threads at once; no new round after so many minutes."""
    latest = time.monotonic() + 60 * minutes
    numbers, lock = iter(range(-(-wanted // ROUND))), threading.Lock()

    def work() -> None:
        try:
            rounds()
        except BaseException as error:  # else a thread would end in silence, and the others alone be judged
            tally.broken.append(repr(error))
            raise

    def rounds() -> None:
        caller = Caller(world)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None or time.monotonic() > latest:
                return
            _round(caller, tally, first_seed + number, is_schema=number % SCHEMA_EVERY == 1)

    workers = [threading.Thread(target=work, daemon=True) for _thread in range(threads)]
    for worker in workers:
        worker.start()
    began = shown = time.monotonic()
    while any(worker.is_alive() for worker in workers):
        time.sleep(0.5)
        while tally.news:
            print(tally.news.pop(0), flush=True)
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            rate = tally.requests / (shown - began)
            print(f"{tally.requests:,} requests, {rate:.0f} a second, {tally.total_faults} faults", flush=True)
    for worker in workers:
        worker.join()


def _round(caller: Caller, tally: Tally, number: int, *, is_schema: bool) -> None:
    strategy = cases(caller.world) if is_schema else requests()

    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(asked: Request) -> None:
        attempt(caller, tally, asked)

    run()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=1e6, help="at the most")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; random where it is not given")
    parser.add_argument("--request", default="", help="send this one and show the answer")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    first = random.randrange(2**31) if arguments.seed is None else arguments.seed
    tally = Tally()
    with tempfile.TemporaryDirectory(dir=room.FOLDER) as folder, running(Path(folder)) as world:
        if arguments.request:
            asked = Request.read(arguments.request)
            print(*attempt(Caller(world), tally, asked), sep="\n")
        else:
            print(f"seed {first}", flush=True)
            fuzz(world, tally, arguments.requests, arguments.threads, first, arguments.minutes)
        log = world.server.log()
        stacks = stack_traces(log)
    print(tally.table(), tally.reproductions(), sep="\n")
    for stack, times in Counter(stacks).most_common(20):
        print(f"\nIn the server's log, {times} times:\n{stack}")
    if tally.total_faults or stacks:
        kept = room.ROOT / "build" / "fuzz-server.log"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(log)
        print(f"\nThe server's log is kept: {kept.relative_to(room.ROOT)}")
    print(*(f"\nA thread of the fuzzer ended: {end[-600:]}" for end in tally.broken), sep="")
    print(f"\n{tally.requests:,} requests, seed {first}: {tally.total_faults} faults, {len(stacks)} stack traces.")
    return 1 if tally.total_faults or tally.broken or stacks else 0


if __name__ == "__main__":
    sys.exit(main())
