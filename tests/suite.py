"""`make test`: the whole suite on SQLite, then on PostgreSQL with Redis.

python -m tests.suite [sqlite | postgresql] [what pytest takes ...]
"""

import os
import signal
import subprocess
import sys
import time

from tests import services

_WITHOUT_ATTACKS = ["--ignore=tests/attacks"]
"""They are tried on PostgreSQL here, and on both by `make attack`: the whole is to end within twenty minutes."""

_WITHOUT_PAGES = ["-m", "not browser or everywhere"]
"""What Chromium sees does not depend on the database: pages are looked at on SQLite. The whole journey runs on both."""


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that being killed ends the services too
    only = arguments.pop(0) if arguments and arguments[0] in {"sqlite", "postgresql"} else ""
    services.install_missing()
    results = []
    if only != "postgresql":
        results.append(_run("SQLite", {}, arguments or ([] if only else _WITHOUT_ATTACKS)))
    if only != "sqlite":
        with services.postgresql() as database, services.redis() as cache:
            urls = {"TEST_DATABASE_URL": database, "TEST_REDIS_URL": cache}
            results.append(_run("PostgreSQL and Redis", urls, arguments or ([] if only else _WITHOUT_PAGES)))
    print(f"\nThe suite {'FAILED' if any(results) else 'passed'} in {time.monotonic() - began:.0f} s.", flush=True)
    return max(results)


def _run(name: str, urls: dict[str, str], arguments: list[str]) -> int:
    print(f"\n=== On {name} ===", flush=True)
    workers = [] if {"-n", "--pdb", "-s"} & set(arguments) else ["-n", "2", "--dist", "loadfile"]
    command = [sys.executable, "-m", "pytest", "-q", *workers, *arguments]
    return subprocess.run(command, env={**os.environ, **urls}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
