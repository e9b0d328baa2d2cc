"""`make test`: the whole suite twice, on SQLite and on PostgreSQL with Redis."""

import os
import subprocess
import sys
import tempfile
import time

from tests import services


def main() -> int:
    services.install_missing()
    arguments = sys.argv[1:]
    with services.postgresql() as postgresql_url, services.redis() as redis_url:
        passes = {
            "SQLite": {},
            "PostgreSQL and Redis": {"DATABASE_URL": postgresql_url, "CACHE_URL": redis_url},
        }
        results = [_run(name, environment, arguments) for name, environment in passes.items()]
    return max(results)


def _run(name: str, environment: dict[str, str], arguments: list[str]) -> int:
    print(f"\n=== {name} ===", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="authcenter-test-") as folder:
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", *arguments]
        inherited = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "CACHE_URL", "ISSUER"}}
        settings = {"DEMO": "1", "PORT": "8000", "DATA_DIR": folder, "PYTHONUNBUFFERED": "1"}
        code = subprocess.run(command, env={**inherited, **settings, **environment}, check=False).returncode
    print(f"=== {name}: {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s ===", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
