"""A real AuthCenter, as `make run` starts it, and Debian's Chromium to look at it with."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests import room
from tests.services import free_port


class Server:
    """granian with two workers, and a database, cache and folder of its own; or all but the port of another node.

    It is a demo, unless `settings`, which are environment variables, say otherwise. A browser keeps one jar of cookies
    for a host, whatever the port: two servers in one browser need two names.
    """

    def __init__(
        self,
        folder: Path,
        *,
        use: str = "server",
        workers: int = 2,
        beside: "Server | None" = None,
        settings: Mapping[str, str] | None = None,
        host: str = "localhost",
    ) -> None:
        port = free_port()
        self.url, self.data_dir = f"http://{host}:{port}", folder / "data"
        if beside is None:
            self.environment = {**os.environ, **room.environment(self.data_dir, port, use), "PYTHONUNBUFFERED": "1"}
            self.environment["ISSUER"] = self.url
            room.create_tables(self.environment["DATABASE_URL"])
            room.STATIC.mkdir(parents=True, exist_ok=True)
            (self.data_dir / "static").symlink_to(room.STATIC)
        else:
            self.data_dir = beside.data_dir
            self.environment = {**beside.environment, "PORT": str(port)}
        self.environment |= {"WORKERS": str(workers), **(settings or {})}
        self._log = folder / f"server-{port}.log"
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=room.ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the server stopped:\n{self.log()}"
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the server is not ready:\n{self.log()}")

    def stop(self) -> None:
        """As Ctrl-C does it: the whole group is interrupted."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(9)  # before granian would kill a worker that hangs
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server does not stop when asked:\n{self.log()}") from None

    @property
    def demo(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "demo.json").read_text())

    def mails(self) -> list[str]:
        """What was sent, oldest first."""
        files = sorted((self.data_dir / "mail").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_text() for file in files]

    def manage(self, *arguments: str) -> str:
        """Run a management command in the server's environment and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=room.ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        """Run a few lines in the server's Django and return what they print."""
        return self.manage("shell", "--no-imports", "-c", code)

    def log(self) -> str:
        return self._log.read_text()


@contextmanager
def chromium_browser() -> Iterator[Any]:
    """Chromium without its calls home."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",  # it refuses to run as root with one
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-domain-reliability",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield browser
        browser.close()


def seen(page: Any) -> str:
    """What stands on a page, and what its console said: for a report, so whatever is asked of it may fail."""
    from playwright.sync_api import Error

    try:
        told = [f"console: {line.text}" for line in page.console_messages()]
        return "\n".join([page.inner_text("body", timeout=1000), *told])
    except Error as error:
        return f"cannot be looked at: {error}"


def strays(url: str, home: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != urlsplit(home).netloc
