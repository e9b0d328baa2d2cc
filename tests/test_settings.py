"""Settings come from the environment, are read loudly, and insecure ones are refused, all at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from authcenter.checks import faults, refuse_insecure_settings
from authcenter.environment import INSECURE_SECRET, Environment

ROOT = Path(__file__).parent.parent
SECRET = "a secret that is long enough for anybody's taste"
PRODUCTION = {
    "ISSUER": "https://id.example.com",
    "SECRET_KEY": SECRET,
    "ENCRYPTION_KEYS": SECRET[::-1],
    "EMAIL_URL": "smtp+tls://mail.example.com",
}


@pytest.fixture
def started(tmp_path):
    """Start something with just this environment; gives exit code and output."""

    def run(*command: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


INSECURE = {"ISSUER": "http://id.example.com", "DEBUG": "1", "ALLOWED_HOSTS": "*"}
FAULTS = ("authcenter.E002", "authcenter.E003", "authcenter.E004", "authcenter.E005", "authcenter.E006")


@pytest.mark.parametrize(
    "command",
    [("manage.py", "check"), ("manage.py", "serve"), ("-c", "import authcenter.wsgi")],
    ids=["check", "serve", "wsgi"],
)
def test_insecure_settings_are_refused_and_every_fault_is_named(started, command):
    code, output = started(*command, **INSECURE)
    assert code != 0
    assert [fault for fault in FAULTS if fault not in output] == []


@pytest.fixture
def production(settings):
    """Settings of a server in production."""
    settings.DEMO = settings.DEBUG = False
    settings.ISSUER, settings.ISSUER_HOST, settings.SECURE = "https://id.example.com", "id.example.com", True
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = SECRET, [SECRET[::-1], SECRET]
    settings.ALLOWED_HOSTS = ["id.example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.STAFF_SECOND_FACTOR = True
    return settings


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, None),
        ({"SECRET_KEY": INSECURE_SECRET}, "authcenter.E002"),
        ({"SECRET_KEY": "short"}, "authcenter.E002"),
        ({"ENCRYPTION_KEYS": [INSECURE_SECRET]}, "authcenter.E003"),
        ({"ENCRYPTION_KEYS": [SECRET, "short"]}, "authcenter.E003"),
        ({"SECURE": False}, "authcenter.E004"),
        ({"SECURE": False, "ISSUER_HOST": "localhost"}, None),
        ({"DEBUG": True}, "authcenter.E005"),
        ({"ALLOWED_HOSTS": ["id.example.com", "*"]}, "authcenter.E006"),
        ({"DEMO": True}, "authcenter.E001"),
        ({"EMAIL_BACKEND": "accounts.mail.FileAndLogBackend"}, "authcenter.W001"),
        ({"STAFF_SECOND_FACTOR": False}, "authcenter.W004"),
        ({"ISSUER_HOST": "192.0.2.1"}, "authcenter.W005"),
        ({"DELETION_GRACE_DAYS": -1}, "authcenter.E020"),
        ({"GEOIP_FILE": "/nowhere.mmdb"}, "authcenter.W020"),
    ],
)
def test_one_insecure_setting_is_enough(production, changed, fault):
    for name, value in changed.items():
        setattr(production, name, value)
    found = faults()
    assert [each.id for each in found] == ([fault] if fault else [])
    assert SECRET not in repr(found)
    if found and found[0].is_serious():
        with pytest.raises(ImproperlyConfigured, match=fault):
            refuse_insecure_settings()


def test_secure_settings_start(started):
    assert started("manage.py", "check", **PRODUCTION) == (0, "System check identified no issues (1 silenced).\n")
    code, output = started("-W", "ignore", "-c", "import authcenter.wsgi; print('started')", **PRODUCTION)
    assert (code, output) == (0, "started\n")


def test_a_secret_may_come_from_a_file(started, tmp_path):
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"):
        (tmp_path / name).write_text(f"postgres://me:{SECRET[:8]}@db/a" if name == "DATABASE_URL" else f"{SECRET}\n")
    code, output = started(
        "-c",
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.SECRET_KEY, s.ENCRYPTION_KEYS, s.DATABASES['default']['PASSWORD'], sep='\\n')",
        DJANGO_SETTINGS_MODULE="authcenter.settings",
        **{f"{name}_FILE": str(tmp_path / name) for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL")},
    )
    assert (code, output.splitlines()) == (0, [SECRET, str([SECRET]), SECRET[:8]])


def test_a_demo_makes_its_secrets_once_and_keeps_them_to_its_owner(started, tmp_path):
    command = ("-c", "from authcenter import settings as s; print(s.SECRET_KEY, *s.ENCRYPTION_KEYS)")
    first, again = started(*command, DEMO="1"), started(*command, DEMO="1")
    assert first == again
    secrets = first[1].split()
    assert len(set(secrets)) == 2 and all(len(secret) >= 48 for secret in secrets)
    kept = sorted((tmp_path / "data").glob("*.secret"))
    assert [file.stat().st_mode & 0o777 for file in kept] == [0o600, 0o600]


def test_a_value_that_cannot_be_read_is_named_and_nothing_starts(started):
    code, output = started("manage.py", "serve", **{**PRODUCTION, "PORT": "80a"})
    assert (code, output) == (
        1,
        "AuthCenter does not start with these settings. PORT: '80a' is not a whole number\n",
    )


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("boolean", "maybe"),
        ("integer", "80a"),
        ("url", "id.example.com"),
        ("url", "https://id.example.com/?a=b"),
        ("networks", "10.0.0.1/8"),
        ("database", "mysql://db/a"),
        ("cache", "memcached://cache"),
        ("email", "mail.example.com"),
    ],
)
def test_every_reader_says_which_variable_is_wrong(monkeypatch, reader, value):
    monkeypatch.setenv("THE_NAME", value)
    with pytest.raises(ImproperlyConfigured, match=r"^THE_NAME: "):
        getattr(Environment(), reader)("THE_NAME", default="")


def test_a_file_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("THE_NAME_FILE", "/there/is/no/such/file")
    with pytest.raises(ImproperlyConfigured, match=r"^THE_NAME_FILE: No such file .*: /there/is/no/such/file$"):
        Environment().secret("THE_NAME", kept_in=None)


def test_lists_are_trimmed_and_empty_parts_left_out(monkeypatch):
    monkeypatch.setenv("A_LIST", " a, ,b ,")
    assert Environment().strings("A_LIST", default=["c"]) == ["a", "b"]


def test_sqlite_waits_for_its_turn_instead_of_failing(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////tmp/a.sqlite3")
    database = Environment().database("DATABASE_URL", default="")
    assert database["NAME"] == "/tmp/a.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


def test_postgresql_urls_are_taken_apart(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://me:p%40ss@db.example.com:5433/auth?sslmode=verify-full")
    database = Environment().database("DATABASE_URL", default="")
    expected = {"USER": "me", "PASSWORD": "p@ss", "HOST": "db.example.com", "PORT": "5433", "NAME": "auth"}
    assert {name: database[name] for name in expected} == expected
    assert database["OPTIONS"]["sslmode"] == "verify-full"
    assert database["OPTIONS"]["prepare_threshold"] == 5


def test_a_host_that_swallows_what_it_is_sent_is_given_up_soon(monkeypatch):
    for query, seconds in (("", "10"), ("?connect_timeout=3", "3")):
        monkeypatch.setenv("DATABASE_URL", f"postgres://me@db/auth{query}")
        assert Environment().database("DATABASE_URL", default="")["OPTIONS"]["connect_timeout"] == seconds


def test_a_pooler_between_can_do_without_prepared_statements(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://me@db/auth?prepared_statements=off")
    options = Environment().database("DATABASE_URL", default="")["OPTIONS"]
    assert options["prepare_threshold"] is None and "prepared_statements" not in options
    monkeypatch.setenv("DATABASE_URL", "postgres://me@db/auth?prepared_statements=false")
    with pytest.raises(ImproperlyConfigured, match="on or off"):
        Environment().database("DATABASE_URL", default="")
