"""Typed readers of environment variables for `settings.py`. Each fails loudly and names the variable."""

import ipaddress
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

INSECURE_SECRET = "insecure-unset"


class Environment:
    """Reads `NAME`, or the file named by `NAME_FILE` (twelve-factor, docker and systemd secrets)."""

    def __init__(self) -> None:
        self._environ = environ.FileAwareEnv()

    def text(self, name: str, *, default: str) -> str:
        try:
            return str(self._environ.str(name, default=default)).strip()  # a file ends with a line break
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: {error.strerror}: {error.filename}") from None

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self.text(name, default=str(default)).strip().lower()
        if value in {"1", "true", "yes", "on"}:
            return True
        if value in {"0", "false", "no", "off", ""}:
            return False
        raise ImproperlyConfigured(f"{name}: {value!r} is neither true nor false")

    def choice(self, name: str, among: tuple[str, ...], *, default: str) -> str:
        value = self.text(name, default=default).lower()
        if value not in among:
            raise ImproperlyConfigured(f"{name}: {value!r} is none of {', '.join(among)}")
        return value

    def integer(self, name: str, *, default: int) -> int:
        value = self.text(name, default=str(default))
        try:
            return int(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name}: {value!r} is not a whole number") from None

    def path(self, name: str, *, default: Path) -> Path:
        return Path(self.text(name, default=str(default))).resolve()

    def url(self, name: str, *, default: str) -> str:
        value = self.text(name, default=default)
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ImproperlyConfigured(f"{name}: {value!r} is not an http(s) URL without query and fragment")
        return value

    def strings(self, name: str, *, default: list[str]) -> list[str]:
        value = self.text(name, default=",".join(default))
        return [part.strip() for part in value.split(",") if part.strip()]

    def networks(self, name: str, *, default: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        try:
            return [ipaddress.ip_network(part) for part in self.strings(name, default=default)]
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}") from None

    def secret(self, name: str, *, kept_in: Path | None) -> str:
        """One secret; in a demo it is made once and kept in `kept_in` (mode 600)."""
        value = self.text(name, default="")
        if value:
            return value
        return INSECURE_SECRET if kept_in is None else _kept(kept_in / f"{name.lower()}.secret")

    def secrets(self, name: str, *, kept_in: Path | None) -> list[str]:
        """A comma-separated list of secrets, newest first."""
        return self.strings(name, default=[]) or [self.secret(name, kept_in=kept_in)]

    def database(self, name: str, *, default: str) -> dict[str, Any]:
        """`sqlite:///file` or `postgres://user:password@host:port/name?option=value`: libpq's options, and
        `prepared_statements=off`."""
        url = self.text(name, default=default)
        parts = urlsplit(url)
        if parts.scheme in {"sqlite", "sqlite3"}:
            return _sqlite(unquote(parts.path)[1:])
        if parts.scheme not in {"postgres", "postgresql"}:
            raise ImproperlyConfigured(f"{name}: scheme {parts.scheme!r} is neither sqlite nor postgres")
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        host = options.pop("host", parts.hostname or "")
        # A pooler that gives each transaction another connection has to know of prepared statements.
        prepares = options.pop("prepared_statements", "on")
        if prepares not in {"on", "off"}:
            raise ImproperlyConfigured(f"{name}: prepared_statements is on or off, not {prepares!r}")
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": host,
            "PORT": str(parts.port or ""),
            # Each thread keeps its connection, and what is prepared there: to give it to a pool and take it back cost
            # a tenth of a request that asks one thing.
            "CONN_MAX_AGE": 1800,
            # A host that swallows what it is sent would hold a thread for two minutes, and readiness with it.
            "OPTIONS": {"connect_timeout": "10", **options, "prepare_threshold": 5 if prepares == "on" else None},
        }

    def cache(self, name: str, *, default: str) -> dict[str, Any]:
        """`database://` (a table of the database) or `redis://host:port/n` (Redis or Valkey)."""
        url = self.text(name, default=default)
        if url.startswith(("redis://", "rediss://", "unix://")):
            return {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": url,
                "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1, "health_check_interval": 30},
            }
        if url != "database://":
            raise ImproperlyConfigured(f"{name}: neither database:// nor redis://")
        return {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "django_cache",
            # Django's default of 300 would cull limits and codes under the first small attack.
            "OPTIONS": {"MAX_ENTRIES": 200_000, "CULL_FREQUENCY": 4},
        }

    def email(self, name: str, *, default: str) -> dict[str, Any]:
        """`files://` (DATA_DIR/mail and the log) or `smtp://`, `smtp+tls://`, `smtp+ssl://` user:password@host:port."""
        url = self.text(name, default=default)
        if url == "files://":
            return {"EMAIL_BACKEND": "accounts.mail.FileAndLogBackend"}
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtp+tls", "smtp+ssl"}:
            raise ImproperlyConfigured(f"{name}: scheme {parts.scheme!r} is none of files, smtp, smtp+tls, smtp+ssl")
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname or "",
            "EMAIL_PORT": parts.port or {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}[parts.scheme],
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
            "EMAIL_USE_SSL": parts.scheme == "smtp+ssl",
            "EMAIL_TIMEOUT": 10,
        }


def _sqlite(path: str) -> dict[str, Any]:
    # WAL lets readers go on while one writes; IMMEDIATE takes the write lock at BEGIN, where waiting works.
    # Measured without it: seven of ten concurrent writes lost to "database is locked". No mmap_size: pages are read
    # into memory of one's own, so that a file that another process changes cannot change under a reader.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": 600,  # to open it, with what stands below, takes longer than most pages ask it for
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
                " PRAGMA cache_size=-20000; PRAGMA temp_store=MEMORY;"
            ),
        },
    }


def _kept(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()
