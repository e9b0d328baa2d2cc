"""Starting: what `make run` does before it serves, and what it says where it cannot."""

import os
import subprocess
import sys

import pytest

from tests import room

PREPARE = "import django; django.setup(); from authcenter.server.preparation import prepare; prepare(print)"


@pytest.fixture
def node(tmp_path):
    """One node of a server in production; all share a database."""

    def start(number: int) -> subprocess.Popen[str]:
        folder = tmp_path / f"node-{number}"
        environment = {
            **os.environ,
            **room.environment(folder, 8000, "nodes"),
            "DEMO": "0",
            "SECRET_KEY": "x" * 40,
            "ENCRYPTION_KEYS": "y" * 40,
        }
        room.STATIC.mkdir(parents=True, exist_ok=True)
        (folder / "static").symlink_to(room.STATIC)
        return subprocess.Popen(
            [sys.executable, "-c", PREPARE],
            cwd=room.ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


@pytest.mark.postgres
def test_nodes_that_start_at_once_prepare_their_database_once(node):
    room.create_database(f"nodes_{room.WORKER}")
    nodes = [node(number) for number in range(3)]
    outputs = [each.communicate(timeout=120)[0] for each in nodes]
    assert [each.returncode for each in nodes] == [0, 0, 0], outputs
    assert sum("Made 4 signing keys" in output for output in outputs) == 1
    again = node(3)
    assert again.communicate(timeout=120)[0] == ""


def test_a_database_that_does_not_answer_is_said_in_plain_words(tmp_path):
    environment = {**os.environ, **room.environment(tmp_path / "data", 18099, "tests")}
    environment["DATABASE_URL"] = "postgres://nobody@127.0.0.1:1/none"
    done = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=room.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "The database does not answer" in done.stderr
    assert "Traceback" not in done.stderr
