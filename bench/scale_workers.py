"""Two workers against one: requests a second, and the processor's time that a request takes.

Where the machine has two cores only, the load and PostgreSQL take their part of them, and two workers cannot show
twice the requests. What can be shown there is that a request takes no more of a processor with two than with one. That
is no proof of twice the requests where cores are free: it does not see whether one worker waits for the other.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import production_like, scale_load
from bench.figures import Row
from tests import services

SECONDS, ROUNDS, TARGET = 8, 3, 1.8
_TICKS = os.sysconf("SC_CLK_TCK")


def compared(environment: dict[str, str], machine: dict[str, str]) -> dict[str, Any]:
    """Tokens of a machine, from servers of one and of two workers with this environment, in turn."""
    found: dict[str, list[tuple[float, float]]] = {"1": [], "2": []}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "token.lua"
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = "grant_type=client_credentials&scope=orders:read"\n'
            f'wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"\n'
            f'wrk.headers["Host"] = "{urlsplit(environment["ISSUER"]).netloc}"\n'
            f'wrk.headers["Authorization"] = "{scale_load.basic(machine)}"\n'
        )
        for _ in range(ROUNDS):
            for workers, figures in found.items():
                own = environment | {"WORKERS": workers, "PORT": str(services.free_port())}
                with production_like.server(own, Path(folder) / "log") as process:
                    _asked(own["PORT"], script, 2)
                    spent = _spent(process.pid)
                    each, count = _asked(own["PORT"], script, SECONDS)
                    figures.append((each, (_spent(process.pid) - spent) / count))
    median = {
        workers: [sorted(column)[ROUNDS // 2] for column in zip(*figures, strict=True)]
        for workers, figures in found.items()
    }
    return {
        "cores": len(os.sched_getaffinity(0)),
        "one": {"per_second": round(median["1"][0]), "cpu_us": round(median["1"][1] * 1e6)},
        "two": {"per_second": round(median["2"][0]), "cpu_us": round(median["2"][1] * 1e6)},
    }


def _asked(port: str, script: Path, seconds: int) -> tuple[float, int]:
    """Requests a second, and how many."""
    command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/oauth/token"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    each, count = re.search(r"Requests/sec:\s+([\d.]+)", told), re.search(r"(\d+) requests in", told)
    if each is None or count is None or "Non-2xx" in told:
        raise SystemExit(told)
    return float(each[1]), int(count[1])


def _spent(session: int) -> float:
    """Seconds of processor that the processes of this session have used: the server and its workers."""
    spent = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == session:
            spent += int(fields[11]) + int(fields[12])
    return spent / _TICKS


def rows(found: dict[str, Any]) -> list[Row]:
    one, two, cores = found["one"], found["two"], found["cores"]
    ratio, free = two["per_second"] / one["per_second"], cores > 2
    return [
        Row(
            f"two workers to one, requests a second, on {cores} cores shared with load and database",
            f"{two['per_second']:,} to {one['per_second']:,}: {ratio:.2f} ×",
            f"≥ {TARGET} ×" if free else f"(≥ {TARGET} × where two are free)",
            ratio >= TARGET if free else None,
        ),
        Row(
            "processor's time of a request, two workers and one",
            f"{two['cpu_us']} µs, {one['cpu_us']} µs ({two['cpu_us'] / one['cpu_us']:.2f} ×)",
        ),
    ]
