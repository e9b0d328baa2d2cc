"""What the tests need from the system: PostgreSQL, Redis, Chromium, and the documentation's curl and jq.

All from Debian's packages. The servers are private to a run: files in a temporary folder, a free port on loopback.
"""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SERVERS = {"redis-server": "redis-server"}
PROGRAMS = {**SERVERS, "chromium": "chromium", "curl": "curl", "jq": "jq"}
"""Program on PATH: Debian's package. PostgreSQL, which is not on PATH, is always wanted."""


def install_missing(programs: Mapping[str, str] = PROGRAMS) -> None:
    """As root on Debian install what is missing; elsewhere say what to install, and stop."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    missing = [package for program, package in programs.items() if not shutil.which(program, path=path)]
    if not _postgresql_tools():
        missing.append("postgresql")
    if "chromium" in missing:
        missing.append("fonts-dejavu-core")  # a bare machine has no font to show a page in
    if not missing:
        return
    names = " ".join(missing)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SystemExit(f"This needs {names}. On Debian: sudo apt-get install {names}")
    print(f"Installing {names} (a few minutes, once) ...", flush=True)
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for pause in (5, 20, 0):
        subprocess.run(["apt-get", "update", "-qq"], env=quietly, check=False)
        done = subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
            env=quietly,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
        print(done.stdout[-2000:], file=sys.stderr, flush=True)
        time.sleep(pause)
    raise SystemExit(f"apt-get could not install {names}.")


def free_port() -> int:
    """Below those that the kernel gives out by itself: seconds may pass until a server has bound it."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


@contextmanager
def postgresql(kept: Path | None = None) -> Iterator[str]:
    """A private cluster, in a folder that is kept or in one of this run; gives the URL of its maintenance database."""
    tools, port = _postgresql_tools(), free_port()
    folder = kept or Path(tempfile.mkdtemp(prefix="authcenter-postgresql-"))
    folder.mkdir(exist_ok=True)
    as_postgres: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "postgres")
        as_postgres = ["runuser", "-u", "postgres", "--"]
    data, log = folder / "data", folder / "log"

    def run(tool: str, *arguments: str) -> None:
        command = [*as_postgres, f"{tools}/{tool}", "-D", str(data), *arguments]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", check=False
        )
        if done.returncode:
            raise SystemExit(f"{tool}: {done.stdout}\n{log.read_text() if log.exists() else ''}")

    # What is of one run needs to outlive no power cut, so it is not synced; commits still wait as they do by default.
    sync = "on" if kept else "off"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync={sync} -c max_connections=200"
    try:
        if not (data / "PG_VERSION").exists():
            run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        run("pg_ctl", "-o", options, "-l", str(log), "-w", "start")
        try:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-m", "fast" if kept else "immediate", "stop")
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[str]:
    """A private server that keeps nothing; gives its URL without a database number."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _attempt in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


def _postgresql_tools() -> str:
    """Debian keeps them off PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    return str(Path(initdb).parent) if initdb else ""


if __name__ == "__main__":
    install_missing()
