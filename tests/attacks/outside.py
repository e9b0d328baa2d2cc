"""The world that a server may be sent to: a canary on every address of this machine, and hosts that it may ask.

The guard lets the server reach `ALLOWED` alone. The canary listens on all addresses, that one too: so it can be hit,
and where an attack leaves it silent, it was the guard.
"""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.certificates import self_signed
from tests.receiver import Listener, listener

ALLOWED = "127.0.0.9"
REDIRECT = "https://far.test/cb"

HERE = ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "[::]", "0.0.0.0", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"]
"""What leads to this machine as this machine's resolver reads it. A name that does is `localhost`."""

HOSTS = [
    *HERE, "localhost", "localhost.", "LOCALHOST", "169.254.169.254", "10.0.0.1", "192.168.0.1", "172.16.0.1",
    "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "255.255.255.255",
    "224.0.0.1",
]  # fmt: skip
SCHEMES = ["file:///etc/passwd", "ftp://HOST/x", "data:application/json,{}", "gopher://HOST/x", "http://HOST/x"]


def named(text: str) -> str:
    """A test's id for an address."""
    return text.replace("[", "").replace("]", "").replace(":", ".").replace("/", "-") or "empty"


_OURS = "127.0.0.77"
"""Where the canary's own looks come from, and nobody else."""


class Canary:
    """Whoever connects is remembered with its first bytes, and sent away."""

    def __init__(self) -> None:
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        self._line = socket.create_server(("", 0), family=family, dualstack_ipv6=dual, backlog=200)
        self.port: int = self._line.getsockname()[1]
        self._looks: set[int] = set()
        self._heard: list[tuple[str, bytes]] = []
        self._seen = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                line, peer = self._line.accept()
            except OSError:
                return
            ours, first = peer[0].endswith(_OURS), b""
            with line, suppress(OSError):
                line.settimeout(0.2)
                first = b"" if ours else line.recv(80)
            with self._seen:
                if ours:
                    self._looks.add(peer[1])
                else:
                    self._heard.append((f"{peer[0]} {peer[1]}", first))
                self._seen.notify_all()

    def heard(self) -> list[tuple[str, bytes]]:
        """Who came so far: connections are taken in order, so a look of our own that was taken says that all were."""
        with socket.create_connection(("127.0.0.1", self.port), source_address=(_OURS, 0)) as mine:
            own = mine.getsockname()[1]
            with self._seen:
                assert self._seen.wait_for(lambda: own in self._looks, 30)
                self._looks.discard(own)
                return list(self._heard)

    def hits(self) -> int:
        return len(self.heard())

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nobody connects meanwhile."""
        before = self.hits()
        yield
        assert not self.heard()[before:], "the server asked a forbidden address"

    def close(self) -> None:
        self._line.close()


class Outside:
    def __init__(self, folder: Path) -> None:
        self.secure, self.certificate = self_signed("localhost", folder, ["127.0.0.1", ALLOWED])
        self.canary = Canary()
        self.settings = {"OUTBOUND_ALLOWED": f"{ALLOWED}/32", "OUTBOUND_CA_FILE": str(self.certificate)}

    @contextmanager
    def publisher(self, body: Any = b"") -> Iterator[Listener]:
        """Somebody's web server that the guard lets through; a body that is not bytes is told as JSON."""
        with listener(self.secure, ALLOWED) as heard:
            heard.status, heard.body = 200, body if isinstance(body, bytes) else json.dumps(body).encode()
            heard.url = heard.url.partition("/events")[0] + "/client.json"
            yield heard

    @contextmanager
    def silence(self, *, plain: bytes = b"") -> Iterator[str]:
        """A host that takes connections and says nothing, or these bytes before any TLS; gives its address."""
        kept: list[socket.socket] = []
        with socket.create_server((ALLOWED, 0), backlog=200) as line:

            def listen() -> None:
                while True:
                    try:
                        kept.append(line.accept()[0])
                        kept[-1].sendall(plain)
                    except OSError:
                        return

            threading.Thread(target=listen, daemon=True).start()
            yield f"https://{ALLOWED}:{line.getsockname()[1]}/client.json"
        for each in kept:
            each.close()

    def close(self) -> None:
        self.canary.close()


def document(address: str, **changes: Any) -> dict[str, Any]:
    """A right client metadata document; a change to None leaves the member out."""
    said = {"client_id": address, "client_name": "Far away", "redirect_uris": [REDIRECT], **changes}
    return {name: value for name, value in said.items() if value is not None}
