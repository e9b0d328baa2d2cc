"""make production-like: PostgreSQL, Redis, two nodes and a proxy on this machine, from Debian's packages.

The data stays in a folder of the system's temporary directory (or FOLDER); Ctrl-C stops everything.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests import services

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = {**services.SERVERS, "nginx": "nginx"}


@dataclass(frozen=True)
class Node:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Stack:
    """What runs: the proxy, which is the issuer, and the nodes behind it, all with one environment but for the port."""

    url: str
    nodes: list[Node]
    environment: dict[str, str]

    @property
    def demo(self) -> dict[str, Any]:
        return dict(json.loads((Path(self.environment["DATA_DIR"]) / "demo.json").read_text()))

    def python(self, code: str) -> str:
        return python(code, self.environment)


def python(code: str, environment: dict[str, str]) -> str:
    """Run a few lines in the Django of a server with this environment and return what they print."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def main() -> int:
    port = int(os.environ.get("PORT", "8000"))
    folder = Path(os.environ.get("FOLDER", Path(tempfile.gettempdir()) / "authcenter-production-like"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        services.install_missing(PROGRAMS)
        with stack(folder, port) as running:
            _greet(folder, running)
            while all(node.process.poll() is None for node in running.nodes):
                time.sleep(0.5)
            raise SystemExit(f"A node has stopped. Its log is in {folder}.")
    except KeyboardInterrupt:
        print("\nStopped. The data is kept; the next start takes it up again.")
    return 0


@contextmanager
def stack(folder: Path, port: int, *, nodes: int = 2, workers: int = 2) -> Iterator[Stack]:
    """Everything running and ready, with the proxy on `port`, and `workers` processes in each node."""
    _refuse_taken_port(port)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # the database's own user passes through
    with ExitStack() as running:
        _say("PostgreSQL and Redis ...")
        database = running.enter_context(services.postgresql(folder / "postgresql"))
        cache = running.enter_context(services.redis())
        environment = {
            **os.environ,
            "DEMO": "1",
            "ISSUER": f"http://localhost:{port}",
            "DATABASE_URL": database,
            "CACHE_URL": f"{cache}/0",
            "DATA_DIR": str(folder / "data"),
            "SECRET_KEY": _kept_secret(folder / "secret-key"),
            "ENCRYPTION_KEYS": _kept_secret(folder / "encryption-keys"),
            "TRUSTED_PROXIES": "127.0.0.0/8",
            "WORKERS": str(workers),
        }
        started: list[Node] = []
        for number in range(nodes):
            _say(f"Node {number + 1} of {nodes} ...")
            own = services.free_port()
            log = folder / f"node-{number + 1}.log"
            started.append(Node(own, running.enter_context(server({**environment, "PORT": str(own)}, log))))
        _say("The proxy ...")
        written = _nginx_conf(folder / "nginx", port, [node.port for node in started])
        log = running.enter_context((folder / "nginx.log").open("w"))
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        proxy = running.enter_context(_process([nginx, "-c", str(written)], dict(os.environ), log))
        _until_ready(f"http://127.0.0.1:{port}/readyz", proxy, folder / "nginx.log")
        yield Stack(environment["ISSUER"], started, environment)


@contextmanager
def server(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py serve` with this environment, ready; its processes are one group."""
    with (
        log.open("w") as written,
        _process([sys.executable, "manage.py", "serve"], environment, written, cwd=ROOT) as process,
    ):
        _until_ready(f"http://127.0.0.1:{environment['PORT']}/readyz", process, log)
        yield process


@contextmanager
def stack_of_one_run(**shape: int) -> Iterator[Stack]:
    """The same on a free port, in a folder that goes afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="authcenter-bench-") as folder,
        stack(Path(folder), services.free_port(), **shape) as running,
    ):
        yield running


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SystemExit(
                f"Port {port} cannot be used: {error.strerror}. "
                f"Stop what uses it, or choose another: make production-like PORT={port + 1}"
            ) from None


def _nginx_conf(folder: Path, port: int, nodes: list[int]) -> Path:
    folder.mkdir(exist_ok=True)
    servers = "\n".join(f"        server 127.0.0.1:{own} max_fails=1 fail_timeout=2s;" for own in nodes)
    text = (ROOT / "bench" / "nginx.conf").read_text()
    for name, value in {"folder": str(folder), "nodes": servers, "port": str(port)}.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    if os.geteuid() == 0:
        text = f"user root;\n{text}"  # its folder is root's too
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


@contextmanager
def _process(
    command: list[str], environment: dict[str, str], log: object, **more: object
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches this program alone, which stops them in their order
        **more,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT if "manage.py" in command else signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"It stopped:\n{log.read_text()[-3000:]}")
        try:
            request = urllib.request.Request(url, headers={"Host": "localhost"})
            if urllib.request.urlopen(request, timeout=5).status == 200:
                return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    raise SystemExit(f"{url} is not ready after two minutes:\n{log.read_text()[-3000:]}")


def _kept_secret(path: Path) -> str:
    if not path.exists() or not path.stat().st_size:
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


def _greet(folder: Path, running: Stack) -> None:
    people, port, last = running.demo["people"], urlsplit(running.url).port, running.nodes[-1].process.pid
    own = ", ".join(node.url for node in running.nodes)
    print(
        f"""
  AuthCenter on {len(running.nodes)} nodes       http://localhost:{port}/
  console                   http://localhost:{port}/admin/
  a person                  {people["demo"]["email"]}   {people["demo"]["password"]}
  an operator               {people["admin"]["email"]}   {people["admin"]["password"]}

  The nodes                 {own}
  Logs and data             {folder}

  Try: `make tour PORT={port} DATA_DIR={folder / "data"}`, and stop a node while it runs (kill {last}).
  Ctrl-C stops everything.
""",
        flush=True,
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
