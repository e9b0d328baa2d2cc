"""Two workers against one: requests a second, and the processor's time that a request takes.

Where the machine has two cores only, the load and PostgreSQL take their part of them, and two workers cannot show
twice the requests. So there are two kinds of work: tokens by ES256, of which the load takes a good part, and tokens by
RS256, of which nearly all is the worker's own (a signature, and no statement): these come near to twice the requests
unless one worker waits for the other.

python -m bench.scale_workers       on an empty SQLite
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import figures, production_like, scale_load
from bench.figures import Row
from tests import services

SECONDS, ROUNDS, TARGET = 8, 3, 1.8
ALGORITHMS = ("ES256", "RS256")
_MACHINES = f"""
import json
from bench.peers.authcenter_lists import machine
print(json.dumps({{algorithm: machine(algorithm) for algorithm in {ALGORITHMS}}}))
"""
_TICKS = os.sysconf("SC_CLK_TCK")


def compared(environment: dict[str, str]) -> dict[str, Any]:
    """Tokens of machines, from servers of one and of two workers with this environment, in turn."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {name: {"1": [], "2": []} for name in ALGORITHMS}
    with tempfile.TemporaryDirectory() as folder:
        log, scripts = Path(folder) / "log", _scripts(environment, Path(folder))
        for _ in range(ROUNDS):
            for workers in ("1", "2"):
                own = environment | {"WORKERS": workers, "PORT": str(services.free_port())}
                with production_like.server(own, log) as process:
                    for algorithm, script in scripts.items():
                        _asked(own["PORT"], script, 2)
                        spent = _spent(process.pid)
                        each, count = _asked(own["PORT"], script, SECONDS)
                        found[algorithm][workers].append((each, (_spent(process.pid) - spent) / count))
    told = {name: {workers: _median(runs) for workers, runs in each.items()} for name, each in found.items()}
    return {"cores": len(os.sched_getaffinity(0)), "algorithms": told}


def _median(runs: list[tuple[float, float]]) -> dict[str, int]:
    rate, spent = (sorted(column)[len(runs) // 2] for column in zip(*runs, strict=True))
    return {"per_second": round(rate), "cpu_us": round(spent * 1e6)}


def _scripts(environment: dict[str, str], folder: Path) -> dict[str, Path]:
    """What wrk sends, for each algorithm in the name of a machine of its own."""
    machines = json.loads(production_like.python(_MACHINES, environment))
    found = {}
    for algorithm, machine in machines.items():
        found[algorithm] = folder / f"{algorithm}.lua"
        found[algorithm].write_text(
            f'wrk.method = "POST"\nwrk.body = "grant_type=client_credentials&scope=orders:read"\n'
            f'wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"\n'
            f'wrk.headers["Host"] = "{urlsplit(environment["ISSUER"]).netloc}"\n'
            f'wrk.headers["Authorization"] = "{scale_load.basic(machine)}"\n'
        )
    return found


def _asked(port: str, script: Path, seconds: int) -> tuple[float, int]:
    """Requests a second, and how many."""
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/oauth/token"]
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
    return [row for algorithm in ALGORITHMS for row in _rows(found["cores"], algorithm, found["algorithms"][algorithm])]


def _rows(cores: int, algorithm: str, told: dict[str, dict[str, int]]) -> list[Row]:
    one, two = told["1"], told["2"]
    ratio = two["per_second"] / one["per_second"]
    judged = cores > 2 or algorithm == "RS256"
    return [
        Row(
            f"{algorithm}: two workers to one, requests a second, on {cores} cores shared with the load",
            f"{two['per_second']:,} to {one['per_second']:,}: {ratio:.2f} ×",
            f"≥ {TARGET} ×" if judged else f"(≥ {TARGET} × where two are free)",
            ratio >= TARGET if judged else None,
        ),
        Row(
            f"{algorithm}: processor's time of a request, two workers and one",
            f"{two['cpu_us']} µs, {one['cpu_us']} µs ({two['cpu_us'] / one['cpu_us']:.2f} ×)",
        ),
    ]


def alone() -> dict[str, Any]:
    """On an empty SQLite of its own."""
    with tempfile.TemporaryDirectory(prefix="authcenter-workers-") as folder:
        own = {"DEMO": "1", "DATA_DIR": folder, "ISSUER": "http://localhost:8000", "PYTHONUNBUFFERED": "1"}
        passed = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        environment = passed | own
        production_like.python("from authcenter.server.preparation import prepare; prepare(print)", environment)
        return compared(environment)


def main() -> int:
    found = alone()
    told = rows(found)
    print(figures.table(("scale_workers", row) for row in told))
    print(figures.keep("scale_workers", found, told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
