"""manage.py serve: prepare what is missing, then serve with granian. The one way in, for a demo and for production."""

import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from authcenter.checks import refuse_insecure_settings
from authcenter.server.preparation import prepare


class Command(BaseCommand):
    help = "Prepare the database, keys and static files, and serve."
    requires_system_checks = "__all__"

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_insecure_settings()
        _refuse_taken_port()
        prepare(self._say)
        sqlite = connection.vendor == "sqlite"
        connections.close_all()  # the workers are forked from here
        threading.Thread(target=self._greet, daemon=True).start()
        Granian(
            "authcenter.wsgi:application",
            address=settings.HOST,
            port=settings.PORT,
            interface=Interfaces.WSGI,
            workers=settings.WORKERS,
            # More threads fight for one lock: SQLite's one writer, or the interpreter.
            blocking_threads=1 if sqlite else 4,
            backlog=1024,
            respawn_failed_workers=True,
            log_level=LogLevels.warning,
        ).serve()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _greet(self) -> None:
        """Once it answers, and not before: where it is, who may sign in, what to try."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://{settings.HOST}:{settings.PORT}/livez", timeout=5) as answer:  # noqa: S310
                    if answer.status == 200:
                        break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        else:
            return
        self._say(_demo_block() if settings.DEMO else f"{settings.SITE_NAME} serves {settings.ISSUER}")


def _refuse_taken_port() -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Port {settings.PORT} on {settings.HOST} cannot be used ({error.strerror}). "
                f"Choose another: make run PORT={settings.PORT + 1}"
            ) from None


def _demo_block() -> str:
    demo = json.loads((settings.DATA_DIR / "demo.json").read_text())
    people = "\n".join(
        f"    {role:<8} {person['email']:<24} {person['password']}" for role, person in demo["people"].items()
    )
    make = "make tour" if settings.PORT == 8000 else f"make tour PORT={settings.PORT}"
    return f"""
  {settings.SITE_NAME} is running at {settings.ISSUER}

  Sign in as
{people}

  Try
    {settings.ISSUER}/demo/      a sample app: sign in, call an API, refresh, sign out
    {settings.ISSUER}/admin/     the operators' console: revoke something and call again
    {settings.ISSUER}/api/docs/  the API, to try out
    {make:<27} the whole job in the terminal

  Mail that would be sent is in {_short(settings.DATA_DIR / "mail")}. Stop with Ctrl-C; your data stays.
"""


def _short(path: Any) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


