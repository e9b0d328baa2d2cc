"""Once the server answers, and not before: where it is, who may sign in, what to try."""

import http.client
import json
import os
import time
from pathlib import Path

from django.conf import settings


def when_it_answers() -> None:
    """A process of its own waits and prints, for this one is about to become the web server."""
    text, server = _text(), os.getpid()
    if child := os.fork():
        os.waitpid(child, 0)
        return
    if os.fork() == 0:  # a grandchild, so that the web server has no child to bury that it does not know
        try:
            if _answers(server):
                print(text, flush=True)
        except KeyboardInterrupt:
            pass
    os._exit(0)


def _answers(server: int) -> bool:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens, as it was told
    host = everywhere.get(settings.HOST, settings.HOST)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _lives(server):
        connection = http.client.HTTPConnection(host, settings.PORT, timeout=5)
        try:
            connection.request("GET", "/livez", headers={"Host": settings.ISSUER_HOST})
            connection.getresponse()
            return True
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        finally:
            connection.close()
    return False


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _text() -> str:
    if not settings.DEMO:
        return f"{settings.SITE_NAME} {settings.VERSION} serves {settings.ISSUER}"
    demo = json.loads((settings.DATA_DIR / "demo.json").read_text())
    people = "\n".join(
        f"    {who:<6} {person['email']:<22} {person['password']}" for who, person in demo["people"].items()
    )
    tour = "make tour" + (f" PORT={settings.PORT}" if settings.PORT != 8000 else "")
    rows = {
        f"{settings.ISSUER}/demo/": "a sample app: sign in, see its tokens, call an API",
        f"{settings.ISSUER}/admin/": "the operators' console: take the access back, call again",
        f"{settings.ISSUER}/api/docs/": "the API, to try out",
        tour: "the whole job in a second terminal",
    }
    width = max(map(len, rows)) + 2
    tries = "\n".join(f"    {what:<{width}}{why}" for what, why in rows.items())
    return f"""
  {settings.SITE_NAME} is running at {settings.ISSUER}

  Sign in as
{people}

  Try
{tries}

  Mail that would be sent lands in {_short(settings.DATA_DIR / "mail")}. Ctrl-C stops; your data stays.
"""


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
