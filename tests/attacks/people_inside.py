"""A look inside the running server, and a hand there: lines of Python in its environment."""

import json
import subprocess
import sys
from typing import Any

from tests import room
from tests.live import Server

_LOOP = """
import json, sys, traceback
from django.db import connections
for line in sys.stdin:
    asked = json.loads(line)
    names = dict(asked["values"])
    try:
        exec(asked["code"], names)
        told = {"answer": names.get("answer")}
    except Exception:
        told = {"fault": traceback.format_exc()}
    connections.close_all()
    print("\\x01" + json.dumps(told, default=str), flush=True)
"""


class Inside:
    """One Python process in the server's environment: lines run in milliseconds, `answer` is what they give back."""

    def __init__(self, server: Server) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", _LOOP],
            cwd=room.ROOT,
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, code: str, **values: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"code": code, "values": values}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("\x01"):  # the rest is its log
                told = json.loads(line[1:])
                assert "fault" not in told, told["fault"]
                return told["answer"]
        raise AssertionError("the process inside is gone")

    def stop(self) -> None:
        self._process.communicate(timeout=30)
