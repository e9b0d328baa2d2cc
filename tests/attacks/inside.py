"""What the attacks arrange and look at behind the server's back. Runs in the server's own Django, asked over a pipe.

A process of its own, started once, because starting Django for each look would take longer than the attacks do.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests import live, room


class Inside:
    """`inside.stored()` calls `stored` of `tests/attacks/inside_acts.py` in the server's Django."""

    def __init__(self, server: live.Server) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", "from tests.attacks import inside_loop"],
            cwd=room.ROOT,
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __getattr__(self, act: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps([act, arguments, named]) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
            assert "fault" not in answer, f"{act}: {answer['fault']}"
            return answer["told"]

        return call

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)
