"""node-oidc-provider (`provider.mjs`): fetched by npm into build/bench/, started as one process, and what is asked."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import processes, wrk
from bench.peers.credentials import (
    CHALLENGE,
    REDIRECT_URI,
    basic,
    bearer,
    code_forms,
    form,
    forms,
    refresh_forms,
    revocation_forms,
)
from bench.peers.processes import Server
from bench.peers.works import SPARE, Cell
from bench.peers.wrk import Ask
from tests.services import free_port

PACKAGE, VERSION = "oidc-provider", "9.13.3"
FETCHED = processes.ROOT / "build" / "bench" / f"{PACKAGE}-{VERSION}"
MOST_PER_SECOND = 4_000
"""More of what is good once is not made for a second."""

_SECRET = secrets.token_urlsafe(32)


class Missing(Exception):
    """Why this peer is left out."""


@contextmanager
def server(core: int, folder: Path, seconds: float) -> Iterator[Server]:
    """`folder` is its own, for its lists. Raises `Missing`."""
    node = _fetched()
    folder.mkdir()
    port = free_port()
    environment = {**os.environ, "BENCH_SECRET": _SECRET, "BENCH_CHALLENGE": CHALLENGE, "NODE_ENV": "production"}
    environment |= {"BENCH_REDIRECT_URI": REDIRECT_URI, "BENCH_FOLDER": str(folder)}
    with processes.running(
        [node, "provider.mjs", str(port), str(int(MOST_PER_SECOND * seconds) + SPARE)],
        url=f"http://127.0.0.1:{port}",
        ready="/.well-known/openid-configuration",
        core=core,
        log=folder / "log",
        environment=environment,
        folder=FETCHED,
    ) as started:
        yield started


def cells(started: Server, folder: Path) -> list[Cell]:
    machine, web = basic("machine", _SECRET), basic("web", _SECRET)
    codes = code_forms((folder / "codes").read_text().split())
    tokens = (folder / "refresh_tokens").read_text().split()
    half = len(tokens) // 2
    refreshes, revocations = refresh_forms(tokens[:half]), revocation_forms(tokens[half:])
    access = json.loads((folder / "made.json").read_text())["access"]
    mine = {"grant_type": "client_credentials", "scope": "read"}

    def machines(**more: str) -> Ask:
        return form("/token", machine, '"access_token"', **{**mine, **more})

    opaque = json.loads(wrk.verify(started.url, machines()))["access_token"]
    asked = {
        "client_credentials_opaque": machines,
        "client_credentials_es256": lambda: machines(resource="urn:api:ES256"),
        "client_credentials_rs256": lambda: machines(resource="urn:api:RS256"),
        "code": lambda: forms("/token", web, '"id_token"', codes),
        "refresh": lambda: forms("/token", web, '"refresh_token"', refreshes),
        "introspection": lambda: form("/token/introspection", machine, '"active":true', token=opaque),
        "userinfo": lambda: Ask("/me", headers=bearer(access), says='"sub"'),
        "jwks": lambda: Ask("/jwks", says='"keys"'),
        "discovery": lambda: Ask("/.well-known/openid-configuration", says='"issuer"'),
        "revocation": lambda: forms("/token/revocation", web, "", revocations),
    }
    return [Cell(work, "node", "", started, ask) for work, ask in asked.items()]


def _fetched() -> str:
    """The program `node`, with the provider beside it, fetched once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node:
        raise Missing("there is no Node on this machine")
    if not (FETCHED / "node_modules" / PACKAGE / "package.json").exists():
        if not npm:
            raise Missing("there is no npm on this machine")
        FETCHED.mkdir(parents=True, exist_ok=True)
        (FETCHED / "package.json").write_text(json.dumps({"private": True, "type": "module"}))
        command = [npm, "install", "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(
            [*command, f"{PACKAGE}@{VERSION}"], cwd=FETCHED, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Missing(f"npm could not fetch it: {(done.stdout + done.stderr).strip()[-200:]}")
    shutil.copy(Path(__file__).parent / "provider.mjs", FETCHED)
    return node
