"""Shared by all tests: people, applications, counted SQL, parallel requests, a real server, a real browser.

`make test` runs the suite on SQLite, then on PostgreSQL with Redis; plain `pytest` runs it on SQLite. See README.md.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django
import pytest
import structlog
from django.test import client as test_client

from authcenter.handler import Request
from tests import room  # sets the environment that Django's settings are read from
from tests.live import Server, chromium_browser, seen, strays

django.setup()  # now, so that the conftests below this one can import models
test_client.WSGIRequest = Request  # Django's test client makes requests as the server does
structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())  # `caplog` sees our lines too, not only libraries'

PASSWORD = "correct horse battery 7"


_LONG = (
    *("pages/test_every_page.py", "test_ends.py", "test_console_browser.py", "test_console_fuzz.py", "test_fuzz.py"),
    *("test_two_nodes.py", "test_demo_live.py", "pages/test_passkeys.py", "test_social_browser.py"),
    *("test_journey_browser.py", "test_languages.py", "test_restore.py", "test_issuer_over_http.py", "test_start.py"),
)
"""Files that take half a minute and more; and those of some fifteen seconds that would else come last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The long ones first: else one worker is at them still when the other has nothing left to do.
    items.sort(key=lambda item: not item.path.as_posix().endswith(_LONG))
    for item in items:
        if item.get_closest_marker("postgres") and not room.POSTGRES:
            item.add_marker(pytest.mark.skip(reason="on PostgreSQL only"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Workers inherit this environment. With this name in it they read the settings before their own room is made,
    and then share one Redis database, where each test of one empties the other's."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


PAGES = pytest.StashKey[list[Any]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test of a browser that fails says what stood on its pages, as nobody was there to look."""
    report = yield
    if report.when == "call" and report.failed:
        for page in item.stash.get(PAGES, []):
            report.sections.append((f"page {page.url}", seen(page)))
    return report


@pytest.fixture(scope="session", autouse=True)
def _plain_static_files(django_test_environment: None) -> Iterator[None]:
    """Tests of pages need no collected files; the real server has them."""
    from django.conf import settings
    from django.test import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture(scope="session", autouse=True)
def _middleware_is_built_once(django_test_environment: None) -> Iterator[None]:
    """As in a server. Django's test client builds it anew for each client, which takes longer than most requests; here
    only after a setting was changed, as some are read when it is built."""
    from django.core.handlers.base import BaseHandler
    from django.core.signals import setting_changed

    built: dict[type, Any] = {}
    build = BaseHandler.load_middleware

    def load(handler: Any, is_async: bool = False) -> None:
        kept = built.get(type(handler))
        if kept is None or is_async:
            build(handler, is_async)
            kept = handler
        if not is_async:
            built[type(handler)] = kept
            handler.__dict__.update({name: value for name, value in kept.__dict__.items() if "middleware" in name})

    def forget(**_what: Any) -> None:
        built.clear()

    setting_changed.connect(forget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseHandler, "load_middleware", load)
        yield
    setting_changed.disconnect(forget)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """Takes the place of pytest-django's, which would run all migrations: the tables are copied."""
    from django.db import connection, connections

    name = room.database()
    with django_db_blocker.unblock():
        connection.close()
        room.create_tables(f"postgres:///{name}" if room.POSTGRES else f"sqlite:///{name}")
        connection.settings_dict["NAME"] = name
        yield
        connections.close_all()


@pytest.fixture(scope="session")
def signing_keys(django_db_setup: None, django_db_blocker: Any) -> list[Any]:
    """Slow to make: made once a run, and put back where a test's end swept them away."""
    from authcenter.keys.models import Key
    from authcenter.keys.rotation import ensure_keys
    from authcenter.oauth.own_api import ensure_own_api

    with django_db_blocker.unblock():
        ensure_keys()
        ensure_own_api()
        return list(Key.objects.all())


@pytest.fixture(autouse=True)
def _in_english() -> None:
    """A language that an earlier test asked for is not left to the next."""
    from django.utils import translation

    translation.deactivate()


@pytest.fixture
def beforehand() -> Any:
    """What is in the database before a test's own transaction begins, and after it. A module whose tests all begin
    with the same overrides it: see `tests/kept.py`."""
    return None


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test that has a database finds keys, the own API and an empty cache."""
    marked = request.node.get_closest_marker("django_db")
    if not marked and not {"db", "transactional_db"} & set(request.fixturenames):
        yield
        return
    keys = request.getfixturevalue("signing_keys")
    request.getfixturevalue("beforehand")
    request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "db")
    as_new(keys)
    from authcenter.keys.ring import ring

    yield
    ring.forget()


def as_new(keys: list[Any]) -> None:
    """Keys and the own API are there, the cache is empty, and this process remembers nothing."""
    from django.core.cache import cache

    from accounts import kept_page
    from authcenter.branding import current
    from authcenter.keys.models import Key
    from authcenter.keys.ring import ring
    from authcenter.oauth.own_api import ensure_own_api
    from authcenter.sessions.view import follower

    cache.clear()
    kept_page.forget()
    current.forget()
    current.FRESH_SECONDS = 60.0  # looked at now, so that counted statements are the request's own
    current.brand()
    if not Key.objects.exists():
        Key.objects.bulk_create(keys)
        ensure_own_api()
    follower.forget()
    ring.forget()
    ring.jwks()  # read now, so that counted statements are the request's own


@pytest.fixture
def client() -> Any:
    """Django's test client, at the issuer's host."""
    from django.test import Client

    return Client(HTTP_HOST="localhost")


def new_person(email: str = "alice@example.com", password: str = PASSWORD, **fields: Any) -> Any:
    from allauth.account.models import EmailAddress

    from accounts.models import User

    user = User.objects.create_user(email, password, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one entry with each Argon2 hash."""
    from accounts.hashers import Argon2

    seen: list[str] = []

    def counted(name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            seen.append(name)
            return real(*args, **kwargs)

        return call

    for name in ("encode", "verify"):
        monkeypatch.setattr(Argon2, name, counted(name, getattr(Argon2, name)))
    return seen


@pytest.fixture(autouse=True)
def _people_with_quick_passwords(request: pytest.FixtureRequest) -> Iterator[None]:
    """Argon2 is meant to be slow: making a person and signing her in would take longer than most tests. Those that
    count hashes have it, and every real server."""
    from django.test import override_settings

    used = set(request.fixturenames)
    if "person" in used and "hashes" not in used:
        with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
            yield
    else:
        yield


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Makes a person with a verified address; `PASSWORD` signs in."""
    return new_person


def with_defaults(kind: str = "web", name: str = "Example", scopes: Any = (), **fields: Any) -> tuple[Any, str]:
    from authcenter.oauth.registration import new_application

    fields.setdefault("redirect_uris", "" if kind == "machine" else "https://rp.example/cb")
    made, secret = new_application(kind, name, **fields)
    made.save()
    made.scopes.set(scopes)
    return made, secret


@pytest.fixture
def application(db: None) -> Callable[..., Any]:
    """Makes an application of a kind with the defaults of that kind; gives it and its secret."""
    return with_defaults


@pytest.fixture
def sign_in() -> Callable[..., None]:
    """Signs a person in through the form, as she would."""

    def act(client: Any, user: Any, password: str = PASSWORD) -> None:
        response = client.post("/accounts/login/", {"login": user.email, "password": password})
        assert response.status_code == 302, response.content.decode()[:2000]

    return act


@dataclass
class Statements:
    sql: list[str]

    def __len__(self) -> int:
        return len(self.sql)

    def assert_at_most(self, most: int) -> None:
        listed = "\n".join(f"  {number}. {sql[:200]}" for number, sql in enumerate(self.sql, 1))
        assert len(self.sql) <= most, f"{len(self.sql)} statements, at most {most} wanted:\n{listed}"


@pytest.fixture
def sql(fresh_view: None) -> Callable[[], Any]:
    """Counts statements, BEGIN and COMMIT too: `with sql() as statements: …`, then `statements.assert_at_most(5)`.

    Not the looks for news and keys, which are asked by the clock, whatever is asked of the server.
    """
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
def fresh_view(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has looked for revocations and keys a moment ago; the test is quicker than the next look."""
    from authcenter.keys import ring
    from authcenter.sessions import view

    monkeypatch.setattr(ring, "REFRESH_SECONDS", 60.0)

    monkeypatch.setattr(view, "FRESH_SECONDS", 60.0)
    monkeypatch.setattr(view, "BOUND_SECONDS", 60.0)
    view.follower.is_revoked({})


@pytest.fixture
def one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the clocks of this process to the beginning of a step of authenticator apps, so that none ends in a test."""
    from django.utils import timezone

    now, clock = timezone.now, time.time
    ahead = 31 - clock() % 30
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=ahead))
    monkeypatch.setattr(time, "time", lambda: clock() + ahead)


@pytest.fixture
def parallel() -> Callable[..., list[Any]]:
    """Runs `call(number)` n times at once: all threads wait at one barrier. An exception in one fails the test."""

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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server for each worker of the run. A stack trace in its log fails the run."""
    running = Server(tmp_path_factory.mktemp("server"))
    try:
        running.wait()
        yield running
    finally:
        running.stop()
    assert "Traceback (most recent call last)" not in running.log(), running.log()[-5000:]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop in this thread is none that Django runs in
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def new_page(chromium: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """A page in a browser profile of its own. A request that leaves the server fails the test."""
    contexts, strayed = [], []
    pages = request.node.stash.setdefault(PAGES, [])

    def make(width: int = 1280, height: int = 800, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="en-US", **options)
        context.set_default_timeout(30_000)
        context.on("request", lambda asked: strayed.append(asked.url) if strays(asked.url, server.url) else None)
        contexts.append(context)
        pages.append(context.new_page())
        return pages[-1]

    yield make
    for context in contexts:
        context.close()
    assert not strayed, f"requests to other sites: {strayed}"


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
    """Keeps a picture of a page under build/screenshots."""
    room.SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def keep(page: Any, name: str) -> None:
        if os.environ.get("SCREENSHOTS") == "no":
            return
        page.screenshot(path=room.SCREENSHOTS / f"{name}.png", full_page=True)

    return keep
