"""Structured logs: one JSON object a line, on standard output, with the request's id."""

import contextlib
import json
import logging
import re
import threading
from contextvars import ContextVar
from typing import Any

import structlog
from structlog.typing import EventDict

request_id: ContextVar[str] = ContextVar("request_id")
"""Of the request that this thread answers. structlog's own would look through all context variables there are, of which
Django has dozens, for each line."""


def _named(_logger: Any, _method: str, line: EventDict) -> EventDict:
    if known := request_id.get(""):
        line["request_id"] = known
    return line


_SHARED: list[Any] = [
    _named,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
_json = json.JSONEncoder(default=repr).encode
_MAILED = re.compile(r"(/(?:not-me|invitations?)/)[^/\s]+")
"""Addresses that mails lead to end in a secret."""


class RefusedRequests(logging.Filter):
    """What Django refuses (a host, a form, a right) is no fault of the server: one line, no stack, and no alarm. The
    line names the path, but no secret in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(("django.security.", "django.request")) and isinstance(record.args, tuple):
            record.args = tuple(_MAILED.sub(r"\1…", arg) if isinstance(arg, str) else arg for arg in record.args)
        if record.name.startswith("django.security."):
            record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        elif record.name == "django.request" and record.levelno < logging.ERROR:
            record.exc_info = None
        return True


class _Lines:
    """Standard output, for one logger's lines."""

    _one_at_a_time = threading.Lock()

    def __init__(self, name: str) -> None:
        self.name = name

    def _write(self, line: str) -> None:
        # Where nobody reads (a broken pipe, a closed output), that refuses no request.
        with self._one_at_a_time, contextlib.suppress(OSError, ValueError):
            print(line + "\n", end="", flush=True)

    debug = info = warning = error = exception = critical = _write


def formatter(level: str) -> logging.Formatter:
    """The formatter named in `settings.LOGGING`, for the lines of libraries; also sets up structlog, for ours.

    Ours do not pass through the standard library: a token issued is a line, and its records and handlers cost twice
    what the line does.
    """
    # None of the lines says where in the code, by which thread or process it was written; finding out costs most.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    structlog.configure(
        processors=[*_SHARED, structlog.processors.JSONRenderer(lambda line, **_: _json(line))],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
