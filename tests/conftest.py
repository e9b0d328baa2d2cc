"""Shared by all tests: people, applications, counted SQL, parallel requests, a real running server, a real browser.

The suite runs on whatever DATABASE_URL and CACHE_URL say; `make test` runs it on SQLite and on PostgreSQL with Redis.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

# Before Django reads its settings: a demo on this machine, with a folder of its own for each worker of the run.
os.environ.setdefault("DEMO", "1")
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["DATA_DIR"] = str(Path(os.environ.get("DATA_DIR") or tempfile.mkdtemp(prefix="authcenter-test-")) / _worker)

from tests import services

ROOT = Path(__file__).parent.parent
PASSWORD = "correct horse battery 7"
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", tempfile.gettempdir())) / "authcenter-screenshots"


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A file, so that threads of one test share it; pytest-xdist gives each worker its own name."""
    from django.db import connections

    for connection in connections.all():
        if connection.vendor == "sqlite":
            folder = Path(os.environ["DATA_DIR"])
            folder.mkdir(parents=True, exist_ok=True)
            connection.settings_dict["TEST"]["NAME"] = str(folder / "test.sqlite3")
        else:
            connection.settings_dict["TEST"]["NAME"] = f"test_authcenter_{_worker}"


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    """Keys, the own API and an empty cache for each test that has a database."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    if not {"db", "transactional_db"} & set(request.fixturenames):
        yield
        return
    from django.core.cache import cache
    from django.core.management import call_command

    from authcenter.keys.ring import ring
    from authcenter.keys.rotation import ensure_keys
    from authcenter.oauth.own_api import ensure_own_api

    request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "db")
    call_command("createcachetable", verbosity=0)
    cache.clear()
    ensure_keys()
    ensure_own_api()
    ring.forget()
    ring.jwks()  # warm, so that counted statements are the request's own
    yield
    ring.forget()


@pytest.fixture
def client() -> Any:
    """Django's test client at the issuer's host."""
    from django.test import Client

    return Client(HTTP_HOST="localhost")


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Make a person with a verified address; `PASSWORD` signs in."""

    def make(email: str = "alice@example.com", **fields: Any) -> Any:
        from allauth.account.models import EmailAddress

        from accounts.models import User

        user = User.objects.create_user(email, fields.pop("password", PASSWORD), **fields)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user

    return make


@pytest.fixture
def application(db: None) -> Callable[..., Any]:
    """Make an application of a kind; gives it and its secret."""

    def make(kind: str = "web", name: str = "Example", scopes: Any = (), **fields: Any) -> tuple[Any, str]:
        from authcenter.oauth.registration import new_application

        fields.setdefault("redirect_uris", "" if kind == "machine" else "https://rp.example/cb")
        made, secret = new_application(kind, name, **fields)
        made.save()
        made.scopes.set(scopes)
        return made, secret

    return make


@pytest.fixture
def sign_in() -> Callable[..., None]:
    """Sign a person in through the form, as she would."""

    def act(client: Any, user: Any, password: str = PASSWORD) -> None:
        response = client.post("/accounts/login/", {"login": user.email, "password": password})
        assert response.status_code == 302, response.content.decode()[:2000]

    return act


@dataclass
class Statements:
    sql: list[str]

    def __len__(self) -> int:
        return len(self.sql)

    def at_most(self, most: int) -> None:
        listed = "\n".join(f"  {number}. {sql[:160]}" for number, sql in enumerate(self.sql, 1))
        assert len(self.sql) <= most, f"{len(self.sql)} statements, at most {most} wanted:\n{listed}"


@pytest.fixture
def sql(transactional_db: None) -> Callable[[], Any]:
    """Counts statements, BEGIN and COMMIT too: `with sql() as statements: …; statements.at_most(5)`."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    @contextmanager
    def counted() -> Iterator[Statements]:
        statements = Statements([])
        with CaptureQueriesContext(connection) as captured:
            yield statements
        statements.sql = [query["sql"] for query in captured.captured_queries]

    return counted


@pytest.fixture
def parallel() -> Callable[..., list[Any]]:
    """Run a call n times at once: all threads wait at one barrier. An exception of any fails the test."""

    def run(times: int, call: Callable[[int], Any]) -> list[Any]:
        barrier = threading.Barrier(times)

        def one(number: int) -> Any:
            from django.db import connections

            barrier.wait(30)
            try:
                return call(number)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(one, range(times)))

    return run


class Server:
    """A real AuthCenter, as `make run` starts it: granian, two workers, a database of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        port = services.free_port()
        self.url, self.data_dir = f"http://localhost:{port}", folder / "data"
        self.environment = {
            **os.environ,
            **environment,
            "DEMO": "1",
            "PORT": str(port),
            "DATA_DIR": str(self.data_dir),
            "PYTHONUNBUFFERED": "1",
        }
        self._log = folder / "server.log"
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=self.environment,
            stdout=self._log.open("w"),
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        for _attempt in range(600):
            assert self._process.poll() is None, f"the server stopped:\n{self.log()}"
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the server is not ready:\n{self.log()}")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()

    @property
    def demo(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "demo.json").read_text())

    def mails(self) -> list[str]:
        """Messages in the order they were sent."""
        files = sorted((self.data_dir / "mail").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_text() for file in files]

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server for each worker of the run. A stack in its log fails the run."""
    environment = {}
    if (url := os.environ.get("DATABASE_URL", "")).startswith("postgres"):
        import psycopg

        name = f"live_{_worker}"
        with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        environment["DATABASE_URL"] = url.rsplit("/", 1)[0] + f"/{name}"
    running = Server(tmp_path_factory.mktemp("server"), environment)
    try:
        running.wait()
        yield running
    finally:
        running.stop()
    assert "Traceback (most recent call last)" not in running.log(), running.log()[-5000:]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium under Playwright, without its calls home."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield launched
        launched.close()


@pytest.fixture
def new_page(chromium: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """A page in a browser of its own. A request that leaves the server fails the test."""
    contexts, strayed = [], []

    def make(width: int = 1280, height: int = 800, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="en-US", **options)
        context.set_default_timeout(15_000)
        context.on("request", lambda asked: strayed.append(asked.url) if _strays(asked.url, server.url) else None)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert not strayed, f"requests to other sites: {strayed}"


def _strays(url: str, home: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and parts.netloc != urlsplit(home).netloc


@pytest.fixture
def desktop(new_page: Callable[..., Any]) -> Any:
    return new_page()


@pytest.fixture
def phone(new_page: Callable[..., Any]) -> Any:
    return new_page(390, 844, has_touch=True, is_mobile=True)


@pytest.fixture
def operator_page(new_page: Callable[..., Any]) -> Any:
    return new_page()


@pytest.fixture(scope="session")
def screenshots() -> Callable[[Any, str], None]:
    """Keep a picture of a page under SCREENSHOTS (the system's temporary folder)."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def keep(page: Any, name: str) -> None:
        assert re.fullmatch(r"[a-z0-9-]+", name)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return keep
