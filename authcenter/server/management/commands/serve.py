"""manage.py serve: prepare what is missing, then become granian. The one way in, for a demo and for production."""

import os
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections

from accounts.models import IdentityProvider
from authcenter.server import greeting
from authcenter.server.preparation import prepare


class Command(BaseCommand):
    help = "Prepare the database, keys and static files, and serve."
    requires_system_checks = "__all__"  # these name every insecure setting, and nothing starts

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_taken_port()
        try:
            prepare(self._say)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}") from None
        self.stdout.flush()
        blocking_threads = _threads(connection.vendor)
        for each in connections.all():
            each.close()
        greeting.when_it_answers()
        # A new program, so that no worker shares a connection, a thread or a lock with what ran here, and signals
        # (SIGTERM to stop, SIGHUP to reload) go to granian itself.
        os.environ.update(DJANGO_SETTINGS_MODULE="authcenter.settings", DATA_DIR=str(settings.DATA_DIR))
        granian = [sys.executable, "-m", "granian", *_options(blocking_threads), "authcenter.worker:application"]
        os.execv(sys.executable, granian)  # noqa: S606 - no shell, and no input of others

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


THREADS = 4
"""Of each worker: more would only fight for the interpreter."""


def _threads(vendor: str) -> int:
    """On SQLite one, unless other servers are asked: then others serve while `outbound.AT_ONCE` wait."""
    strangers = settings.REGISTRATION != "off" or settings.CLIENT_ID_METADATA_DOCUMENTS
    asks = strangers or IdentityProvider.objects.filter(is_active=True).exists()
    return 1 if vendor == "sqlite" and not asks else THREADS


def _options(blocking_threads: int) -> list[str]:
    return [
        "--interface=wsgi",
        f"--host={settings.HOST}",
        f"--port={settings.PORT}",
        f"--workers={settings.WORKERS}",
        f"--blocking-threads={blocking_threads}",
        "--respawn-failed-workers",
        "--workers-kill-timeout=10",
        "--no-ws",
        "--http=1",  # as proxies speak to it; HTTP/2 would bring limits of its own, of 16 MiB for headers
        f"--http1-buffer-size={32 * 1024}",  # headers that do not fit are refused: 431
        "--log-level=warning",
        f"--working-dir={settings.BASE_DIR}",
    ]


def _refuse_taken_port() -> None:
    # granian shares its port with whoever asks (SO_REUSEPORT): half of the requests would go to an older server.
    with socket.socket(socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Port {settings.PORT} on {settings.HOST} cannot be used: {error.strerror}. "
                f"Stop what uses it, or choose another: make run PORT={settings.PORT + 1}"
            ) from None
