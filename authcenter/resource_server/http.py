"""One kept-alive connection to the issuer: no redirects, bounded size and time, https but for loopback."""

import http.client
import ssl
import threading
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

MOST_BYTES = 8_000_000
"""Of one answer: some 60,000 living revocations."""


class Unreachable(Exception):
    """The issuer did not answer, or not with what it should."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Connection:
    """To one origin. Safe for threads: requests wait for each other, `timeout` seconds at most, as for each step."""

    def __init__(self, origin: str, timeout: float, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
            raise ValueError(f"{origin}: the issuer must be an https address (http for loopback only)")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port, self._timeout = host, parts.port, timeout
        self._context = (context or ssl.create_default_context()) if parts.scheme == "https" else None
        self._lock = threading.Lock()
        self._open: http.client.HTTPConnection | None = None

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """The answer, whatever its status. Raises `Unreachable`. A connection that had been closed is opened again."""
        if not url.startswith(f"{self.origin}/"):
            raise Unreachable(f"{url} is not at {self.origin}")
        path = url[len(self.origin) :]
        if not self._lock.acquire(timeout=self._timeout):
            raise Unreachable("others are waiting for an answer")
        try:
            for fresh in (self._open is None, True):
                try:
                    return self._once(method, path, headers, body)
                except (OSError, http.client.HTTPException) as error:
                    self.close()
                    if fresh:
                        raise Unreachable(f"{type(error).__name__}: {error}") from error
            raise AssertionError
        finally:
            self._lock.release()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer of status 200 or 304. Raises `Unreachable` for any other, too."""
        answer = self.ask("GET", url, {"Accept": "application/json, application/jwt", **(headers or {})})
        if answer.status not in {200, 304}:
            raise Unreachable(f"{url} answered {answer.status}")
        return answer

    @property
    def is_busy(self) -> bool:
        return self._lock.locked()

    def forget(self) -> None:
        """In a child process: the socket is the parent's, and so is whoever holds the lock."""
        self._lock, self._open = threading.Lock(), None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _once(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        if self._open is None:
            self._open = (
                http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
                if self._context is None
                else http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._context)
            )
        self._open.request(method, path, body=body, headers=dict(headers))
        response = self._open.getresponse()
        content = response.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise http.client.HTTPException("the answer is too long")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.") or host.endswith(".localhost")
