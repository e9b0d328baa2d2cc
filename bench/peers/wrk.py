"""wrk: one request again and again, or each with the next line of a list; 16 connections, one thread.

wrk itself counts answers above 399. What an answer must say is seen at one request before, by `verify`.
"""

import http.client
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CONNECTIONS = 16

_SCRIPT = """\
wrk.method = {method}
wrk.headers = {{ {headers} }}
wrk.body = {body}
taken, short = 0, 0
local lines, own, threads = {{}}, {{}}, {{}}
for name, value in pairs(wrk.headers) do own[name] = value end

function setup(thread) threads[#threads + 1] = thread end

function init(arguments)
  if arguments[1] then
    for line in io.lines(arguments[1]) do lines[#lines + 1] = line end
  end
end

{request}
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d, "taken": %d,'
      .. ' "short": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, threads[1]:get("taken"), threads[1]:get("short")))
end
"""
_NEXT_LINE = """\
function request()
  if taken == #lines then
    short = 1
    wrk.thread:stop()
  else
    taken = taken + 1
  end
  {use}
end
"""
_AS_BODY = "return wrk.format(nil, nil, nil, lines[taken])"
_AS_BEARER = 'own["Authorization"] = "Bearer " .. lines[taken]\n  return wrk.format(nil, nil, own, nil)'


class Failed(Exception):
    """What a run says that gave no figure."""


class Lines:
    """What is good once: bodies or tokens, of which each run takes its own part."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines, self.used = lines, 0

    @classmethod
    def of(cls, path: Path) -> "Lines":
        return cls(path.read_text().splitlines())

    def next(self) -> str:
        if self.used >= len(self._lines):
            raise Failed("the list of what is good once has come to its end")
        self.used += 1
        return self._lines[self.used - 1]

    def rest(self) -> Sequence[str]:
        return list(islice(self._lines, self.used, None))


@dataclass(frozen=True)
class Ask:
    """A request, and what its answer must be."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    lines: Lines | None = None
    """Where each request is another: its body, or (`bearer`) its token."""

    bearer: bool = False
    status: int = 200
    says: str = ""
    """Something that stands in the right answer."""

    def one(self) -> tuple[dict[str, str], str]:
        """Headers and body of the next request."""
        if self.lines is None:
            return dict(self.headers), self.body
        line = self.lines.next()
        return ({**self.headers, "Authorization": f"Bearer {line}"}, "") if self.bearer else (dict(self.headers), line)


@dataclass(frozen=True)
class Run:
    """What wrk measured: a rate in requests per second, and latencies in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float
    taken: int = 0


def script(ask: Ask) -> str:
    """The Lua that sends `ask`."""
    use = "" if ask.lines is None else _NEXT_LINE.format(use=_AS_BEARER if ask.bearer else _AS_BODY)
    headers = ", ".join(f"[{_lua(name)}] = {_lua(value)}" for name, value in ask.headers.items())
    body = _lua(ask.body) if ask.body else "nil"
    return _SCRIPT.format(method=_lua(ask.method), headers=headers, body=body, request=use)


def parsed(said: str) -> Run:
    """The figures in what wrk has said. Raises `Failed` where any answer was wrong or missing."""
    line = next((line for line in said.splitlines() if line.startswith("{")), "")
    if not line:
        raise Failed(f"wrk told no figures: {said.strip()[-300:]}")
    told: dict[str, int] = json.loads(line)
    if told["short"]:
        raise Failed(f"the list of what is good once was too short: {told['taken']} of it")
    if told["refused"] or told["broken"]:
        raise Failed(f"of {told['requests']} requests {told['refused']} were refused and {told['broken']} broken")
    if not told["requests"]:
        raise Failed("no request was answered")
    rate = told["requests"] / (told["microseconds"] / 1e6)
    return Run(told["requests"], rate, told["p50"] / 1000, told["p99"] / 1000, told["taken"])


def run(url: str, ask: Ask, seconds: float, connections: int = CONNECTIONS) -> Run:
    """Load for so long; wrk knows whole seconds only."""
    with tempfile.TemporaryDirectory(prefix="authcenter-wrk-") as folder:
        lua = Path(folder) / "ask.lua"
        lua.write_text(script(ask))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "-s", str(lua)]
        command += [url + ask.path]
        if ask.lines is not None:
            listed = Path(folder) / "lines"
            listed.write_text("\n".join(ask.lines.rest()) + "\n")
            command.append(str(listed))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"wrk: {done.stdout}{done.stderr}"[-300:])
    if ask.lines is not None and (line := next((at for at in done.stdout.splitlines() if at.startswith("{")), "")):
        ask.lines.used += json.loads(line)["taken"]
    return parsed(done.stdout)


def verify(url: str, ask: Ask) -> bytes:
    """Send it once, look at the answer, and return that."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        headers, content = ask.one()
        line.request(ask.method, ask.path, body=content or None, headers=headers)
        answer = line.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"{ask.method} {ask.path}: {error}") from None
    finally:
        line.close()
    if answer.status != ask.status or ask.says.encode() not in body:
        raise Failed(f"{ask.method} {ask.path}: {answer.status} {body[:300].decode('utf-8', 'replace')}")
    return body


def _lua(text: Any) -> str:
    """A string of Lua."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
