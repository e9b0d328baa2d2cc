"""What a worker does beside answering: a thread for each job, so that an installation needs no cron and no second
service. Every worker of every node runs them all; each job sees to it that a piece of work is done once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from django.db import connections

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
        connections.close_all()  # back to the pool: a job that waits holds none
        job.wake.wait(pause)
