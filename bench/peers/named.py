"""Any server, named by its issuer: BENCH_URL. Its discovery document says where the rest is.

BENCH_CLIENT=id:secret is a client with `client_secret_basic`; BENCH_SCOPE and BENCH_RESOURCE are what its client
credentials ask for. Nobody pins it to a core, and neither its CPU time nor its memory is known: the ratio is of
another kind.
"""

import json
import os
import urllib.error
import urllib.request
from functools import partial
from urllib.parse import urlsplit

from bench.peers import wrk
from bench.peers.credentials import basic, form
from bench.peers.processes import Server
from bench.peers.works import Cell
from bench.peers.wrk import Ask, Failed


def cells() -> list[Cell]:
    """Empty where no server is named. Raises `Failed` where it does not answer."""
    issuer = os.environ.get("BENCH_URL", "").rstrip("/")
    if not issuer:
        return []
    well_known = f"{issuer}/.well-known/openid-configuration"
    try:
        with urllib.request.urlopen(well_known, timeout=10) as answer:
            told: dict[str, str] = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Failed(f"{well_known}: {error}") from None
    server = Server(f"{urlsplit(issuer).scheme}://{urlsplit(issuer).netloc}", 0)

    def path(name: str) -> str:
        return urlsplit(told[name]).path

    asked = {
        "jwks": Ask(path("jwks_uri"), says='"keys"'),
        "discovery": Ask(urlsplit(well_known).path, says='"issuer"'),
    }
    client_id, colon, secret = os.environ.get("BENCH_CLIENT", "").partition(":")
    if colon:
        fields = {"grant_type": "client_credentials"}
        fields |= {
            name: value for name in ("scope", "resource") if (value := os.environ.get(f"BENCH_{name.upper()}", ""))
        }
        headers = basic(client_id, secret)
        asked["client_credentials_es256"] = form(path("token_endpoint"), headers, '"access_token"', **fields)
        if "introspection_endpoint" in told:
            token = json.loads(wrk.verify(server.url, asked["client_credentials_es256"]))["access_token"]
            asked["introspection"] = form(path("introspection_endpoint"), headers, '"active"', token=token)
    return [Cell(work, "named", "", server, partial(_the_same, ask)) for work, ask in asked.items()]


def _the_same(ask: Ask) -> Ask:
    return ask
