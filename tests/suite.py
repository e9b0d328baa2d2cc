"""`make test`: the whole suite on SQLite, then on PostgreSQL with Redis.

python -m tests.suite [sqlite | postgresql] [what pytest takes ...]
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

from tests import services

_ON_POSTGRESQL_ALONE = ("attacks", "test_console_fuzz.py", "test_fuzz.py", "oauth/test_bad_input.py")
"""Attacks and odd input: PostgreSQL refuses more of it (NUL, numbers, dates) than SQLite. `make attack` tries both. The
whole is to end within twenty minutes on two cores."""

_ON_SQLITE_ALONE = (
    *("test_issuer.py", "test_issuer_over_http.py", "test_resource_server.py", "test_api_frameworks.py"),
    *("test_settings.py", "test_start.py", "test_docs.py", "test_languages.py", "test_branding.py", "test_mcp.py"),
    *("test_relying_party_authlib.py", "test_demo_pages.py", "test_error_pages.py", "test_console_mails.py"),
    *("accounts/test_hygiene.py", "accounts/test_mail.py", "accounts/test_languages.py"),
    *("accounts/test_password_rules.py", "oauth/test_redirect_uris.py", "test_api_problems.py"),
)
"""What asks no database, or nothing that differs; and what Chromium sees. The whole journey runs on both."""

_WITHOUT_PAGES = ["-m", "not browser or everywhere"]


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that being killed ends the services too
    only = arguments.pop(0) if arguments and arguments[0] in {"sqlite", "postgresql"} else ""
    services.install_missing()
    results = []
    if only != "postgresql":
        results.append(_run("SQLite", {}, arguments or ([] if only else _without(_ON_POSTGRESQL_ALONE))))
    if only != "sqlite":
        with services.postgresql() as database, services.redis() as cache:
            urls = {"TEST_DATABASE_URL": database, "TEST_REDIS_URL": cache}
            results.append(
                _run(
                    "PostgreSQL and Redis",
                    urls,
                    arguments or ([] if only else [*_without(_ON_SQLITE_ALONE), *_WITHOUT_PAGES]),
                )
            )
    print(f"\nThe suite {'FAILED' if any(results) else 'passed'} in {time.monotonic() - began:.0f} s.", flush=True)
    return max(results)


def _without(names: Iterable[str]) -> list[str]:
    return [f"--ignore=tests/{name}" for name in names]


def _run(name: str, urls: dict[str, str], arguments: list[str]) -> int:
    print(f"\n=== On {name} ===", flush=True)
    workers = [] if {"-n", "--pdb", "-s"} & set(arguments) else ["-n", "2", "--dist", "loadfile"]
    command = [sys.executable, "-m", "pytest", "-q", *workers, *arguments]
    return subprocess.run(command, env={**os.environ, **urls}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
