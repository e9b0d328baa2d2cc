"""AuthCenter on a database, as `manage.py serve` runs it, with one worker: started, filled, and what is asked of it.

Settings are a demo's, but for the lives of access tokens (six hours, so that what is minted before is good at the end).
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.peers import processes, sign_in, wrk
from bench.peers.credentials import basic, bearer, code_forms, form, forms, refresh_forms, revocation_forms
from bench.peers.processes import Server
from bench.peers.works import SPARE, Cell
from bench.peers.wrk import Ask
from tests.services import free_port

MOST_PER_SECOND = 2_000
"""More of what is good once is not made for a second."""

TOKEN_SECONDS = 6 * 3600


@contextmanager
def server(core: int, folder: Path, url: str, seconds: float, tokens: int = 0) -> Iterator[Server]:
    """Runs on the database at `url`; `folder` is its data folder. `tokens` so many access tokens of a machine are made
    for an API that checks them by itself."""
    folder.mkdir()
    collected = processes.ROOT / "build" / "static"
    collected.mkdir(parents=True, exist_ok=True)
    (folder / "static").symlink_to(collected)
    port = free_port()
    environment = {
        **os.environ,
        "DEMO": "1",
        "ISSUER": f"http://localhost:{port}",
        "PORT": str(port),
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "WORKERS": "1",
        "ACCESS_TOKEN_SECONDS": str(TOKEN_SECONDS),
        "DJANGO_SETTINGS_MODULE": "authcenter.settings",
    }
    pieces = str(int(MOST_PER_SECOND * seconds) + SPARE)
    command = [sys.executable, "-m", "bench.peers.authcenter_lists", str(folder), pieces, str(tokens)]
    subprocess.run(command, cwd=processes.ROOT, env=environment, check=True)
    with processes.running(
        [sys.executable, "manage.py", "serve"],
        url=f"http://localhost:{port}",
        ready="/readyz",
        core=core,
        log=folder / "log",
        environment=environment,
    ) as started:
        yield Server(f"http://127.0.0.1:{port}", started.process)


def demo(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "demo.json").read_text())
    return found


def cells(started: Server, folder: Path, database: str) -> list[Cell]:
    made, about = json.loads((folder / "made.json").read_text()), demo(folder)
    host = {"Host": about["issuer"].partition("://")[2]}
    own = {name: {**basic(app["client_id"], app["client_secret"]), **host} for name, app in made.items()}
    api = {**basic(about["apis"]["demo"]["client_id"], about["apis"]["demo"]["client_secret"]), **host}
    codes = code_forms((folder / "codes").read_text().split())
    tokens = (folder / "refresh_tokens").read_text().split()
    half = len(tokens) // 2
    refreshes, revocations = refresh_forms(tokens[:half]), revocation_forms(tokens[half:])

    def machines(algorithm: str) -> Ask:
        return form(
            "/oauth/token", own[algorithm], '"access_token"', grant_type="client_credentials", scope="orders:read"
        )

    person = _json(started.url, forms("/oauth/token", own["web"], '"id_token"', codes))["access_token"]
    machine = _json(started.url, machines("ES256"))["access_token"]
    credentials = json.dumps(about["people"]["demo"])
    session = _json(
        started.url,
        Ask("/api/token/", "POST", {**host, "Content-Type": "application/json"}, credentials, says='"access"'),
    )["access"]
    asked = {
        "client_credentials_es256": lambda: machines("ES256"),
        "client_credentials_rs256": lambda: machines("RS256"),
        "code": lambda: forms("/oauth/token", own["web"], '"id_token"', codes),
        "refresh": lambda: forms("/oauth/token", own["web"], '"refresh_token"', refreshes),
        "introspection": lambda: form("/oauth/introspect", api, '"active": true', token=machine),
        "userinfo": lambda: Ask("/oauth/userinfo", headers={**bearer(person), **host}, says='"sub"'),
        "jwks": lambda: Ask("/.well-known/jwks.json", headers=host, says='"keys"'),
        "discovery": lambda: Ask("/.well-known/openid-configuration", headers=host, says='"issuer"'),
        "feed": lambda: _news(started.url, host),
        "sign_in_page": lambda: Ask("/accounts/login/", headers=host, says="csrfmiddlewaretoken"),
        "me_oauth": lambda: Ask("/api/me/", headers={**bearer(person), **host}, says='"sub"'),
        "me_session": lambda: Ask("/api/me/", headers={**bearer(session), **host}, says='"sub"'),
        "revocation": lambda: forms("/oauth/revoke", own["web"], "", revocations),
    }
    found = [Cell(work, "authcenter", database, started, ask) for work, ask in asked.items()]
    person_signs_in = sign_in.load(about["issuer"], about["people"]["demo"], made["web"])
    return [*found, Cell("sign_in", "authcenter", database, started, load=person_signs_in)]


def _json(url: str, ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(wrk.verify(url, ask))
    return found


def _news(url: str, host: dict[str, str]) -> Ask:
    """The feed after its last entry, conditional: 304."""
    after, more = 0, True
    while more:
        body = wrk.verify(url, Ask(f"/.well-known/revocations?after={after}", headers=host))
        claims = json.loads(urlsafe_b64decode(body.split(b".")[1] + b"=="))
        after, more = claims["to"], claims.get("more", False)
    path = f"/.well-known/revocations?after={after}"
    with urllib.request.urlopen(urllib.request.Request(url + path, headers=host)) as answer:
        etag = answer.headers["ETag"]
    return Ask(path, headers={**host, "If-None-Match": etag}, status=304)
