"""What the sign-in page costs the server: CPU time of its thread per GET, in microseconds, and as a ratio to the
plainest answer that goes the same way through the middleware (/livez).

The WSGI application in this process, on SQLite, settings as in a demo but for `DEBUG`, which is off in both. Two
visits: a stranger without a cookie, and one whom an application has sent ("to App"), whose cookie leads to its request.

python -m bench.sign_in_page
"""

import json
import subprocess
import sys
import time
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from bench.figures import Row

TARGET = 2_000
WARM, ROUNDS, EACH = 60, 15, 40


def run() -> dict[str, Any]:
    """In a process of its own: settings are read once."""
    done = subprocess.run([sys.executable, "-m", "bench.sign_in_page"], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows(found: dict[str, Any]) -> list[Row]:
    least = found["livez"]
    return [
        Row(
            f"sign-in page, {name}: CPU in the server",
            f"{found[key] / 1000:.2f} ms, {found[key] / least:.1f} times /livez",
            f"≤ {TARGET / 1000:.0f} ms",
            found[key] <= TARGET,
        )
        for key, name in (("plain", "a stranger"), ("to_app", "sent by an application"))
    ]


def measured() -> dict[str, float]:
    from tests import room

    room.STATIC.mkdir(parents=True, exist_ok=True)
    (room.FOLDER / "data" / "static").rmdir()
    (room.FOLDER / "data" / "static").symlink_to(room.STATIC)
    import django

    django.setup()
    from authcenter.server.preparation import prepare
    from authcenter.wsgi import application

    prepare(lambda _line: None)
    answers = {"livez": ("/livez", ""), "plain": ("/accounts/login/", ""), "to_app": _sent_by_an_app(application)}
    taken: dict[str, list[float]] = {name: [] for name in answers}
    for path, cookie in answers.values():
        for _ in range(WARM):
            _get(application, path, cookie)
    for _ in range(ROUNDS):  # in turn, so that a slow moment hits all alike
        for name, (path, cookie) in answers.items():
            began = time.thread_time()
            for _ in range(EACH):
                _get(application, path, cookie)
            taken[name].append((time.thread_time() - began) / EACH * 1e6)
    return {name: min(times) for name, times in taken.items()}  # others on the machine can only make it more


def _sent_by_an_app(application: Any) -> tuple[str, str]:
    """Where the demo's single-page application sends a stranger, and the cookie that knows of it."""
    from authcenter.demo.data_file import read

    app = read()["applications"]["spa"]
    asked = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": app["redirect_uris"][0],
        "scope": "openid",
        "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
    }
    status, headers, _body = _get(application, f"/oauth/authorize?{urlencode(asked)}", "")
    assert status.startswith("302"), status
    cookies = [value.partition(";")[0] for name, value in headers if name == "Set-Cookie"]
    where = dict(headers)["Location"]
    return where, "; ".join(cookies)


def _get(application: Any, path: str, cookie: str) -> tuple[str, list[tuple[str, str]], bytes]:
    from wsgiref.util import setup_testing_defaults

    environ: dict[str, Any] = {"PATH_INFO": path.partition("?")[0], "QUERY_STRING": path.partition("?")[2]}
    environ |= {"HTTP_HOST": "localhost:8000", "HTTP_COOKIE": cookie, "REMOTE_ADDR": "127.0.0.1"}
    environ |= {"wsgi.input": BytesIO(), "HTTP_ACCEPT_LANGUAGE": "en"}
    setup_testing_defaults(environ)
    told: list[Any] = []
    body = b"".join(application(environ, lambda status, headers, _error=None: told.extend((status, headers))))
    assert told[0][:3] in {"200", "302"}, told
    return told[0], told[1], body


if __name__ == "__main__":
    print(json.dumps(measured()))
