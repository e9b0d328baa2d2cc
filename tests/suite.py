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

_ON_POSTGRESQL_ALONE = (
    *("attacks", "test_fuzz.py", "test_api_authentication.py", "test_long_lists.py"),
    "test_console_[adfgopru]*.py",
    *("oauth/test_bad_input.py", "oauth/test_c[lr]*.py", "oauth/test_authorize.py", "oauth/test_userinfo.py"),
    *("oauth/test_token_[cme]*.py", "oauth/test_logo*.py", "oauth/test_re[qsg]*.py", "oauth/test_reviewed_flows.py"),
    *("oauth/test_introspect.py", "oauth/test_par.py", "oauth/test_legacy_flows.py", "oauth/test_jwt_bearer.py"),
    *("oauth/test_device.py", "oauth/test_pairwise.py", "oauth/test_discovery.py", "oauth/test_password_grant.py"),
)
"""The protocol, the console, attacks and odd input: PostgreSQL refuses more (NUL, dates, locks)."""

_ON_SQLITE_ALONE = (
    *("test_issuer*.py", "test_resource_server.py", "test_api_[dfp]*.py", "test_settings.py", "test_start.py"),
    *("test_docs.py", "test_languages.py", "test_branding.py", "test_mcp.py", "test_relying_party_authlib.py"),
    *("test_demo_*.py", "test_error_pages.py", "test_console_mails.py", "test_session_tokens_cookies.py"),
    *("accounts/test_h*.py", "accounts/test_m*.py", "accounts/test_la*.py", "accounts/test_p[ilw]*.py"),
    *("accounts/test_password*.py", "accounts/test_e*.py", "accounts/test_a*.py", "accounts/test_kept_page.py"),
    *("accounts/test_st*.py", "accounts/test_sign_in.py", "accounts/test_so*.py", "accounts/test_terms.py"),
    *("accounts/test_organisation_sign_in.py", "accounts/test_factor_policy.py"),
    *("oauth/test_redirect_uris.py", "oauth/test_consent.py", "oauth/test_device_page.py"),
    *("test_ends.py", "test_push.py", "test_health.py"),
)
"""What asks no database, or nothing that differs. On both runs what rows and locks decide: people's acts, refresh,
revocation, sessions, races, sweeping, counts of statements; and the whole journey in Chromium, whose pages are else
looked at on SQLite. `make test ON=sqlite` and `ON=postgresql` run all there is. So the whole ends
within twenty minutes."""

_WITHOUT_PAGES = ["-m", "not browser or everywhere"]


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that being killed ends the services too
    # An image of a machine often says so; then each of some hundred processes would compile every module anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if {"sqlite", "postgresql"} & set(arguments[:1]):
        os.environ.setdefault("EVERYTHING", "1")
    only = arguments.pop(0) if arguments and arguments[0] in {"sqlite", "postgresql"} else ""
    if not only and not arguments:
        os.environ.setdefault("SCREENSHOTS", "no")  # nobody looks at five hundred pictures
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
    return [f"--ignore-glob=tests/{name}" for name in names]


def _run(name: str, urls: dict[str, str], arguments: list[str]) -> int:
    print(f"\n=== On {name} ===", flush=True)
    two = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]  # in the order that conftest.py gives
    workers = [] if {"-n", "--pdb", "-s"} & set(arguments) else two
    command = [sys.executable, "-m", "pytest", "-q", *workers, *arguments]
    return subprocess.run(command, env={**os.environ, **urls}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
