"""What a worker does beside answering: a thread for each job, so that an installation needs no cron and no second
service. Every worker of every node runs them all; each job sees to it that a piece of work is done once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from django.db import close_old_connections, connections

from authcenter.outbox import sending
from authcenter.server.sweeping import Cleaner

log = structlog.get_logger("authcenter.server")


@dataclass(frozen=True)
class Job:
    """`run` does what is due and answers in how many seconds it wants to be called again; `wake` calls it sooner."""

    name: str
    run: Callable[[], float]
    wake: threading.Event = field(default_factory=threading.Event)


JOBS = (Job("outbox", sending.run, sending.wake), Job("cleanup", Cleaner().run))

_AFTER_A_FAULT = 5.0

_LONG = 10.0
"""Seconds: who waits longer keeps no connection to the database meanwhile."""


def start() -> None:
    """In each worker process, once it is loaded: threads do not survive a fork."""
    for job in JOBS:
        threading.Thread(target=_for_ever, args=(job,), name=job.name, daemon=True).start()


def _for_ever(job: Job) -> None:
    while True:
        job.wake.clear()
        try:
            pause = job.run()
        except Exception:  # whatever it was, the next round tries again
            log.exception("job_failed", job=job.name)
            pause = _AFTER_A_FAULT
        if pause > _LONG:
            connections.close_all()
        else:
            close_old_connections()
        job.wake.wait(pause)
