"""Servers under test: started on their core, waited for, and read from /proc: CPU time and memory."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
THREADS = 4
"""Blocking threads of granian, as in `manage.py serve`; there SQLite has one, and so it has here."""


class NotRunning(Exception):
    """What a server that does not come up has left in its log."""


@dataclass(frozen=True)
class Server:
    url: str
    process: int
    """Id of the process that was started; 0 where somebody else runs it."""

    def cpu_seconds(self) -> float:
        """Of the process and all it has started, since they began."""
        return sum(_cpu_seconds(each) for each in family(self.process)) if self.process else 0.0

    def worker_megabytes(self) -> float:
        """Resident memory of the largest of its processes, which is the worker."""
        return max((_resident(each) for each in family(self.process)), default=0.0) if self.process else 0.0


@contextmanager
def running(
    command: Sequence[str],
    *,
    url: str,
    ready: str,
    core: int,
    log: Path,
    environment: Mapping[str, str],
    folder: Path = ROOT,
) -> Iterator[Server]:
    """A server on `core` alone, from when it answers at the path `ready`; what it says goes to `log`."""
    with log.open("w") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(url + ready, process, log)
        yield Server(url, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def granian(application: str, port: int, threads: int = THREADS) -> list[str]:
    """The command for one worker, with the options of `manage.py serve`."""
    options = ["--interface=wsgi", f"--port={port}", "--workers=1", f"--blocking-threads={threads}", "--no-ws"]
    return [sys.executable, "-m", "granian", *options, "--http=1", "--log-level=warning", application]


def family(process: int) -> list[int]:
    """This process and all that it has started, and they."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if parent := re.search(r"^PPid:\s+(\d+)$", status.read_text(), re.MULTILINE):
                children.setdefault(int(parent[1]), []).append(int(status.parts[2]))
    found = [process]
    for each in found:  # which grows meanwhile
        found += children.get(each, [])
    return found


def pin(process: int, core: int) -> None:
    """Keep a process, its threads, and what it has started, on one core."""
    for each in family(process):
        subprocess.run(["taskset", "-acp", str(core), str(each)], check=True, stdout=subprocess.DEVNULL)


def _cpu_seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(process: int) -> float:
    with contextlib.suppress(OSError):
        if found := re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE):
            return int(found[1]) / 1024
    return 0.0


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotRunning(f"It stopped:\n{log.read_text()[-3000:]}")
        try:
            if urllib.request.urlopen(url, timeout=5).status == 200:
                return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    raise NotRunning(f"{url} is not ready after two minutes:\n{log.read_text()[-3000:]}")
