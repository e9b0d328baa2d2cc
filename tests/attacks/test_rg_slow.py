"""RG-09: hosts that answer slowly, without end, or too much, while others want tokens."""

import gzip
import json
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from tests.attacks import refusals
from tests.attacks.outside import Outside, document
from tests.attacks.registering import registered
from tests.attacks.rig import ok
from tests.attacks.signing import KEY, proof, said
from tests.attacks.test_rg_documents import asked, refused

pytestmark = pytest.mark.live


@contextmanager
def _told(outside: Outside, **how: object) -> Iterator[str]:
    with outside.publisher() as heard:
        heard.body = json.dumps(document(heard.url)).encode()
        for name, value in how.items():
            setattr(heard, name, value(heard.body) if callable(value) else value)
        yield heard.url


BAD: dict[str, Callable[[Outside], object]] = {
    "a-byte-at-a-time": lambda outside: _told(outside, drip=True, body=lambda body: b" " * 3000 + body),
    "late": lambda outside: _told(outside, pause=8.0),
    "silent": lambda outside: outside.silence(),
    "no-tls": lambda outside: outside.silence(plain=b"HTTP/1.1 200 OK\r\n\r\n{}"),
    "half-a-handshake": lambda outside: outside.silence(plain=b"\x16\x03\x03"),
    "without-end": lambda outside: _told(outside, body=lambda body: b" " * 50_000_000 + body),
    "compressed": lambda outside: _told(
        outside, headers={"Content-Encoding": "gzip"}, body=lambda body: gzip.compress(b" " * 50_000_000 + body)
    ),
    "endless-header": lambda outside: _told(outside, headers={"X": "x" * 1_000_000}),
}


@pytest.mark.parametrize("kind", BAD.keys())
def test_rg_09_each_ends_in_bounded_time(stranger, outside, kind):
    """The rig sees to the bound: no answer takes longer than `SECONDS`."""
    with BAD[kind](outside) as address, stranger.untouched():
        refused(stranger, asked(stranger, address))


def test_rg_09_twenty_redirects_are_none(stranger, outside):
    with outside.publisher() as heard, stranger.untouched():
        heard.status, heard.headers = 302, {"Location": heard.url}
        refused(stranger, asked(stranger, heard.url))
        assert len(heard.got) == 1


@pytest.mark.parametrize("by", ["document", "keys"])
def test_rg_09_a_hundred_that_wait_keep_nobody_else_waiting(stranger, outside, by):
    """While hosts are silent, tokens are given, on every connection; most strangers are refused at once."""
    with ExitStack() as stack, ThreadPoolExecutor(100) as pool:
        silent = [stack.enter_context(outside.silence()) for _number in range(4)]
        crowd = [stranger.elsewhere() for _number in range(100)]
        if by == "document":
            waiting = [pool.submit(asked, crowd[number], silent[number % 4]) for number in range(100)]
        else:
            keyed = {"token_endpoint_auth_method": "private_key_jwt"}
            ids = [registered(crowd[n], jwks_uri=f"{silent[n % 4]}?{n}", **keyed)["client_id"] for n in range(20)]
            waiting = [pool.submit(proof, crowd[n], said(ids[n], stranger.issuer), KEY) for n in range(20)]
        everywhere = stranger.scattered()
        took: list[float] = []
        while len(took) < 20 and not all(each.done() for each in waiting):
            began = time.monotonic()
            ok(everywhere.machine_token())
            took.append(time.monotonic() - began)
        assert len(took) >= 5, "tokens were given only when the silent hosts were given up"
        assert statistics.median(took) < 1, took
        everywhere.close()
        for number, each in enumerate(waiting):
            if by == "document":
                refused(crowd[number], each.result())
            else:
                refusals.client(crowd[number], each.result())
        for each in crowd:
            each.close()
