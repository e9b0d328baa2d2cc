"""Our own lines of the log: one JSON object each, and never a reason to refuse a request."""

import io
import json
import sys

import pytest
import structlog

from authcenter.audit import logs


@pytest.fixture
def log():
    """structlog as the server has it."""
    kept = structlog.get_config()
    logs.formatter("WARNING")
    yield structlog.get_logger("authcenter.here")
    structlog.configure(**kept)


def test_a_line_is_one_json_object_from_the_level_upwards(log, capsys):
    logs.request_id.set("abc12345")
    log.info("not_told")
    log.warning("told", what="two\nlines")
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    told_once = {"event": "told", "what": "two\nlines", "level": "warning"}
    assert told == {**told_once, "logger": "authcenter.here", "request_id": "abc12345"}


def test_an_exception_is_told_with_its_stack(log, capsys):
    try:
        raise LookupError("gone")
    except LookupError:
        log.exception("failed")
    assert "LookupError: gone" in json.loads(capsys.readouterr().out)["exception"]


@pytest.mark.parametrize("output", ["none", "closed", "broken"])
def test_where_nobody_reads_nothing_is_refused(log, monkeypatch, output):
    written = []

    class Broken(io.StringIO):
        def write(self, text):
            written.append(text)
            raise BrokenPipeError

    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", {"none": None, "closed": closed, "broken": Broken()}[output])
    assert log.error("nobody reads this") is None
    assert bool(written) == (output == "broken")


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL"])
def test_levels_are_those_of_logging(log, capsys, level):
    assert logs.formatter(level)
    structlog.get_logger("authcenter.here").critical("worst")
    assert json.loads(capsys.readouterr().out)["event"] == "worst"
