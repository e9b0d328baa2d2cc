"""Structured logs: one JSON object a line, on standard output, with the request's id."""

import logging
import re
from typing import Any

import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
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


def formatter() -> logging.Formatter:
    """The formatter named in `settings.LOGGING`; also points structlog at the standard library."""
    # None of the lines says where in the code, by which thread or process it was written; finding out costs most.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
