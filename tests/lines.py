"""Kept connections to a server, each with the worker process at its other end."""

import http.client
import json
import os
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit


class Line:
    """One connection to the server at `url`; `worker` is the process id of who answers it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self._open = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=10)
        self._host = f"{parts.hostname}:{parts.port}"
        self.ask("GET", "/livez")
        self.worker = _process_behind(self._open.sock.getsockname()[1], parts.port)

    def ask(self, method: str, path: str, *, auth: Any = None, bearer: str = "", **form: str) -> tuple[int, Any]:
        """The status, and what the JSON body says."""
        headers = {"Host": self._host}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        if auth:
            headers["Authorization"] = f"Basic {b64encode(':'.join(auth).encode()).decode()}"
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._open.request(method, path, body=urlencode(form) if form else None, headers=headers)
        answer = self._open.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body else None

    def close(self) -> None:
        self._open.close()


def one_to_each_worker(urls: list[str], workers: int) -> list[Line]:
    """A line to each of the `workers` of the servers at `urls`, in the order of the servers."""
    found: dict[int, tuple[int, Line]] = {}
    for _attempt in range(40 * workers):  # the kernel spreads connections by chance
        for number, url in enumerate(urls):
            line = Line(url)
            if line.worker in found:
                line.close()
            else:
                found[line.worker] = number, line
        if len(found) == workers:
            return [line for _number, line in sorted(found.values(), key=lambda each: each[0])]
    raise AssertionError(f"only {len(found)} of {workers} workers were reached")


def _process_behind(client_port: int, server_port: int) -> int:
    """The process that holds the server's end of a connection on loopback."""
    ends = (f":{server_port:04X}", f":{client_port:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, *rest = line.split()[1:]
        if local.endswith(ends[0]) and remote.endswith(ends[1]):
            wanted = f"socket:[{rest[6]}]"
            for link in Path("/proc").glob("[0-9]*/fd/*"):
                try:
                    if os.readlink(link) == wanted:
                        return int(link.parts[2])
                except OSError:
                    continue
    raise AssertionError("no process holds the other end")
