"""The one way out: every request that this server makes to an address that somebody else chose.

The name is resolved once and the connection goes to the address that was judged (no DNS rebinding). Addresses of
private networks are refused, and so are redirects, user names in URLs, odd ports, and answers that are long or slow.
`OUTBOUND_ALLOWED` names the hosts and networks of one's own that may be reached all the same, also by plain http.
"""

import base64
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import urllib3
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_match_hostname import CertificateError

from authcenter.outbox import networks

SECONDS = 5.0
"""For finding the address of a name, for the connection, and for the whole exchange on it."""

MOST_BYTES = 64 * 1024
AT_ONCE = 2
"""Of a process's threads, `serve.THREADS`."""

PATIENCE = 1.5
"""Seconds that a request for a person who waits anyway stands in line."""

_waiting = threading.BoundedSemaphore(AT_ONCE)


class Refused(Exception):
    """The address is none that this server asks; the text says why and may be shown to an operator."""


class Failed(Exception):
    """No whole answer came in time."""


class Busy(Failed):
    """Nobody was asked: enough requests of this process wait for other servers."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str
    address: str


def fault(url: str) -> str:
    """Why this address would be refused, without resolving its name; empty where it would not. For forms."""
    try:
        _parsed(url)
    except Refused as refused:
        return str(refused)
    return ""


def get(url: str, *, accept: str) -> Answer:
    """For a request that waits for it: so many of a process's threads may, whatever strangers name; the others serve.

    Raises `Busy` at once where they all wait, and what `send` raises.
    """
    if not _waiting.acquire(blocking=False):
        raise Busy("Too many other servers are being asked at the moment.")
    try:
        return send("GET", url, headers={"Accept": accept})
    finally:
        _waiting.release()


def ask(method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """The same for addresses that an operator chose: it waits some seconds for its turn before it is `Busy`."""
    if not _waiting.acquire(timeout=PATIENCE):
        raise Busy("Too many other servers are being asked at the moment.")
    try:
        return send(method, url, headers=headers, body=body)
    finally:
        _waiting.release()


def basic(user: str, password: str) -> dict[str, str]:
    """The header of RFC 7617."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def send(method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", seconds: float = SECONDS) -> Answer:
    """The answer, whatever its status; redirects are not followed. Raises `Refused`, `Failed`."""
    target = _resolved(url, seconds)
    authority = f"[{target.host}]" if ":" in target.host else target.host
    host = authority if target.port == _PORTS[target.scheme] else f"{authority}:{target.port}"
    try:
        line = socket.create_connection((target.address, target.port), seconds)
    except OSError as error:
        raise Failed(_said(error)) from error
    connection = _connection(target, seconds, line)
    # Each step has its time-out; this one is for a stranger who shakes hands or answers a byte at a time. TLS takes the
    # socket for its own, so the line is cut by a second handle.
    late, handle = threading.Event(), line.dup()
    timer = threading.Timer(seconds, _cut, [handle, late])
    timer.start()
    try:
        connection.connect()
        connection.request(
            method,
            target.path,
            body=body,
            headers={**headers, "Host": host, "User-Agent": "AuthCenter"},
            preload_content=False,
            decode_content=False,
        )
        response = connection.getresponse()
        content = response.read(MOST_BYTES + 1)
        if late.is_set():
            raise Failed("The answer took too long.")
        if len(content) > MOST_BYTES:
            raise Failed("The answer is too long.")
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content)
    except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
        raise Failed("The answer took too long." if late.is_set() else _said(error)) from error
    finally:
        timer.cancel()
        connection.close()
        line.close()
        handle.close()


class _Plain(HTTPConnection):
    """On a line that is open already."""

    line: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.line


class _Secure(HTTPSConnection):
    line: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.line


def _connection(target: _Target, seconds: float, line: socket.socket) -> HTTPConnection:
    connection: _Plain | _Secure
    if target.scheme == "http":
        connection = _Plain(target.address, target.port, timeout=seconds)
    else:
        connection = _Secure(
            target.address,
            target.port,
            timeout=seconds,
            server_hostname=target.host,
            assert_hostname=target.host,
            ca_certs=settings.OUTBOUND_CA_FILE or None,
        )
    connection.line = line
    return connection


def _cut(line: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


_PORTS = {"https": 443, "http": 80}


def _parsed(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port, and path with query."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("This is not an address.") from None
    if parts.scheme not in _PORTS or not host or not url.isascii() or any(c.isspace() or ord(c) < 33 for c in url):
        raise Refused("The address must begin with https:// and a host.")
    if parts.username is not None or parts.password is not None:
        raise Refused("The address must not carry a user name or password.")
    if parts.fragment:
        raise Refused("The address must not have a fragment.")
    port = port if port is not None else _PORTS[parts.scheme]
    literal = networks.literal_of(host)
    if not networks.is_allowed(host, port, literal):
        if parts.scheme != "https":
            raise Refused("The address must begin with https://.")
        if port != 443 and port < 1024:
            raise Refused(f"Port {port} is for other services.")
        if literal is not None:
            _judge(literal)
    path = parts.path or "/"
    return parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path


def _resolved(url: str, seconds: float) -> _Target:
    scheme, host, port, path = _parsed(url)
    found = _looked_up(host, port, seconds)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:  # all of them: one public address among private ones is a trap
        if not networks.is_allowed(host, port, address):
            _judge(address)
    return _Target(scheme, host, port, path, str(addresses[0]))


def _looked_up(host: str, port: int, seconds: float) -> list[Any]:
    """In a thread, for the resolver cannot be told how long to look."""
    found: list[Any] = []

    def look() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(seconds)
    if looking.is_alive():
        raise Failed(f"The name {host} took too long to resolve.")
    if not found:
        raise Failed(f"The name {host} does not resolve.")
    return found


def _judge(address: networks.Address) -> None:
    if not networks.is_public(address):
        raise Refused(f"{address} is an address of a private network. OUTBOUND_ALLOWED may name it.")


def _said(error: Exception) -> str:
    """Short, and without what a stranger's server may have put into it."""
    if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError):
        return "The answer took too long."
    if isinstance(error, ConnectionRefusedError):
        return "The connection was refused."
    if isinstance(error, ssl.CertificateError | CertificateError):
        return "The certificate is not good."
    return f"The exchange failed ({type(error).__name__})."
