"""make bench: the benches one after the other, their figures in one table, and as JSON under build/bench/.

python -m bench [name ...]

In less than ten minutes; BENCH=full takes longer, for longer runs and for what is slow.
"""

import importlib
import os
import signal
import sys
import time
from contextlib import ExitStack

from bench import figures
from tests import services

BENCHES = ("library", "feed", "revocation_delay", "rows_per_token", "sign_in_page", "against_peers")
SLOW = ("cleanup", "scale", "growth")
PROGRAMS = {**services.SERVERS, "nginx": "nginx", "wrk": "wrk", "taskset": "util-linux"}
LEFT_OUT = """\
Left out: the network (all is on this machine, and it shares its cores with the load), TLS, and what a restart costs.
Targets are of the design; a figure is of this machine today, a ratio travels further."""


def main(names: list[str]) -> int:
    if unknown := set(names) - {*BENCHES, *SLOW}:
        raise SystemExit(f"There is no bench {', '.join(sorted(unknown))}. There are {', '.join(BENCHES + SLOW)}.")
    full = os.environ.get("BENCH") == "full"
    left_out = [] if full or names else [f"Left to BENCH=full: {', '.join(SLOW)}."]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows: list[tuple[str, figures.Row]] = []
    services.install_missing(PROGRAMS)
    with ExitStack() as running:
        for name in names or (*BENCHES, *(SLOW if full else ())):
            print(f"\n=== {name} ===", flush=True)
            began = time.monotonic()
            if name == "cleanup":  # it starts its server as the tests do, on what they use
                os.environ["TEST_DATABASE_URL"] = running.enter_context(services.postgresql())
                os.environ["TEST_REDIS_URL"] = running.enter_context(services.redis())
            bench = importlib.import_module(f"bench.{name}")
            found = bench.run()
            told = bench.rows(found)
            path = figures.keep(name, found, told)
            rows += [(name, row) for row in told]
            print(f"{time.monotonic() - began:.0f} s; {path.relative_to(figures.RESULTS.parent.parent)}", flush=True)
    print("\n".join(["", figures.table(rows), "", *left_out, LEFT_OUT]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
