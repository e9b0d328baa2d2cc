"""HTTP by hand: a library would refuse to send half of what the fuzzer sends."""

import http.client
import socket
from dataclasses import dataclass

from tests.fuzz.request import Sent

SECONDS = 60
BIG = 200_000
"""Bytes of a body that the server may refuse to read; its answer may be lost when it hangs up."""


class BrokenOff(Exception):
    """No answer, or half of one."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name)

    def has(self, name: str) -> bool:
        return any(key.lower() == name for key, _value in self.headers)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Line:
    """One connection from one address, kept for as long as the server keeps it."""

    def __init__(self, port: int, address: str) -> None:
        self._port, self._address = port, address
        self._socket: socket.socket | None = None

    def ask(self, sent: Sent) -> Answer:
        message = sent.bytes(f"localhost:{self._port}")
        tries = 9 if len(sent.body) > BIG else 2
        for left in reversed(range(tries)):
            fresh = self._socket is None
            try:
                return self._asked(message, sent.method)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # A connection that was kept may have been closed by the server while we wrote: ask once more.
                if not left or (fresh and tries == 2):
                    raise BrokenOff(f"{type(error).__name__}: {error}") from error
        raise AssertionError("unreachable")

    def _asked(self, message: bytes, method: str) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), SECONDS, (self._address, 0))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(message)
        answer = http.client.HTTPResponse(self._socket, method=method)
        answer.begin()
        told = Answer(answer.status, answer.getheaders(), answer.read())
        if answer.will_close:
            self.close()
        return told

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
