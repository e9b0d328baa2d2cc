"""Stock django-oauth-toolkit (`toolkit_site`) on a database: started, filled, and what is asked of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.peers import processes
from bench.peers.credentials import (
    CHALLENGE,
    basic,
    bearer,
    code_forms,
    form,
    forms,
    refresh_forms,
    revocation_forms,
)
from bench.peers.processes import Server
from bench.peers.works import SPARE, SQLITE, Cell
from bench.peers.wrk import Ask
from tests.services import free_port

MOST_PER_SECOND = 1_000
"""More of what is good once is not made for a second: it does not come near."""

HASHED_SECONDS = 6.0
"""Of the one run with hashed secrets, by as many connections as the server has threads: an answer takes so long."""


@contextmanager
def server(core: int, folder: Path, database: str, url: str, seconds: float) -> Iterator[Server]:
    """Runs on the database at `url`; `folder` is its own, for its lists."""
    folder.mkdir()
    environment = {**os.environ, "BENCH_DATABASE": url, "BENCH_CHALLENGE": CHALLENGE, "BENCH_RSA_KEY": _key()}
    pieces = str(int(MOST_PER_SECOND * seconds) + SPARE)
    command = [sys.executable, "-m", "bench.peers.toolkit_site", str(folder), pieces]
    subprocess.run(command, cwd=processes.ROOT, env=environment, check=True)
    port = free_port()
    threads = 1 if database == SQLITE else processes.THREADS
    with processes.running(
        processes.granian("bench.peers.toolkit_site:application", port, threads),
        url=f"http://127.0.0.1:{port}",
        ready="/o/.well-known/openid-configuration",
        core=core,
        log=folder / "log",
        environment=environment,
    ) as started:
        yield started


def cells(started: Server, folder: Path, database: str) -> list[Cell]:
    made = json.loads((folder / "made.json").read_text())
    machine, web = basic(made["machine"], made["secret"]), basic(made["web"], made["secret"])
    hashed = basic(made["hashed"], made["secret"])
    codes = code_forms((folder / "codes").read_text().split())
    tokens = (folder / "refresh_tokens").read_text().split()
    half = len(tokens) // 2
    refreshes, revocations = refresh_forms(tokens[:half]), revocation_forms(tokens[half:])
    mine = {"grant_type": "client_credentials", "scope": "read"}

    def machines() -> Ask:
        return form("/o/token/", machine, '"access_token"', **mine)

    asked = {
        "client_credentials_opaque": machines,
        "code": lambda: forms("/o/token/", web, '"id_token"', codes),
        "refresh": lambda: forms("/o/token/", web, '"refresh_token"', refreshes),
        "introspection": lambda: form("/o/introspect/", web, '"active": true', token=made["access"]),
        "userinfo": lambda: Ask("/o/userinfo/", headers=bearer(made["access"]), says='"sub"'),
        "jwks": lambda: Ask("/o/.well-known/jwks.json", says='"keys"'),
        "discovery": lambda: Ask("/o/.well-known/openid-configuration", says='"issuer"'),
        "drf_toolkit": lambda: Ask("/who/toolkit", headers=bearer(made["access"]), says='"sub"'),
        "drf_simplejwt": lambda: Ask("/who/simplejwt", headers=bearer(made["simple"]), says='"sub"'),
        "drf_simplejwt_stateless": lambda: Ask("/who/stateless", headers=bearer(made["simple"]), says='"sub"'),
        "revocation": lambda: forms("/o/revoke_token/", web, "", revocations),
    }
    found = [Cell(work, "toolkit", database, started, ask) for work, ask in asked.items()]

    def slow() -> Ask:
        return form("/o/token/", hashed, '"access_token"', **mine)

    hashing = Cell(
        "client_credentials_hashed",
        "toolkit",
        database,
        started,
        slow,
        connections=processes.THREADS,
        seconds=HASHED_SECONDS,
    )
    return [*found, hashing]


def _key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
