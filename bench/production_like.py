"""make production-like: PostgreSQL, Redis, two nodes and a proxy on this machine, from Debian's packages.

The data stays in a folder of the system's temporary directory (or FOLDER); Ctrl-C stops everything.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import services

ROOT = Path(__file__).resolve().parent.parent
NODES, WORKERS = 2, 2


def main() -> int:
    port = int(os.environ.get("PORT", "8000"))
    folder = Path(os.environ.get("FOLDER", Path(tempfile.gettempdir()) / "authcenter-production-like"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    services.install_missing({**services.SERVERS, "nginx": "nginx"})
    try:
        with stack(folder, port) as nodes:
            _greet(folder, port, nodes)
            while all(process.poll() is None for _port, process in nodes):
                time.sleep(0.5)
            raise SystemExit(f"A node has stopped. Its log is in {folder}.")
    except KeyboardInterrupt:
        print("\nStopped. The data is kept; the next start takes it up again.")
    return 0


@contextmanager
def stack(folder: Path, port: int) -> Iterator[list[tuple[int, subprocess.Popen[bytes]]]]:
    """Everything running and ready; gives the port and process of each node."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o711)  # the database's own user passes through
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
            "WORKERS": str(WORKERS),
        }
        nodes = []
        for number in range(NODES):
            _say(f"Node {number + 1} of {NODES} ...")
            own = services.free_port()
            log = running.enter_context((folder / f"node-{number + 1}.log").open("w"))
            command = [sys.executable, "manage.py", "serve"]
            node = running.enter_context(_process(command, {**environment, "PORT": str(own)}, log, cwd=ROOT))
            _until_ready(f"http://127.0.0.1:{own}/readyz", node, folder / f"node-{number + 1}.log")
            nodes.append((own, node))
        _say("The proxy ...")
        written = _nginx_conf(folder / "nginx", port, [own for own, _node in nodes])
        log = running.enter_context((folder / "nginx.log").open("w"))
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        proxy = running.enter_context(_process([nginx, "-c", str(written)], dict(os.environ), log))
        _until_ready(f"http://127.0.0.1:{port}/readyz", proxy, folder / "nginx.log")
        yield nodes


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
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


def _greet(folder: Path, port: int, nodes: list[tuple[int, subprocess.Popen[bytes]]]) -> None:
    people = json.loads((folder / "data" / "demo.json").read_text())["people"]
    own = ", ".join(f"http://127.0.0.1:{port}" for port, _process in nodes)
    print(
        f"""
  AuthCenter on {len(nodes)} nodes       http://localhost:{port}/
  console                   http://localhost:{port}/admin/
  a person                  {people["demo"]["email"]}   {people["demo"]["password"]}
  an operator               {people["admin"]["email"]}   {people["admin"]["password"]}

  The nodes                 {own}
  Logs and data             {folder}

  Try: `make tour PORT={port} DATA_DIR={folder / "data"}`, and stop a node while it runs (kill {nodes[-1][1].pid}).
  Ctrl-C stops everything.
""",
        flush=True,
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
