"""What many tests begin with, made once: a transaction around them keeps it, and each has its own within that one.

Its rows are as they were made whenever a test begins, as the test before is rolled back to them; its objects are copied
for each.
"""

import copy
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, TypeVar

from django.db import transaction

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """What `make` makes. After so many seconds it is made anew, before what it has made is too old to be used."""

    def __init__(self, make: Callable[[], Made], seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._around, self._made, self._over = ExitStack(), list[Made](), 0.0

    def ready(self) -> None:
        """It is in the database. To be called outside of a test's transaction, and before each."""
        if self._made and time.monotonic() < self._over:
            return
        self.end()
        around = transaction.atomic()
        around._from_testcase = True  # type: ignore[attr-defined]  # as that of a test, it hides from `durable=True`
        self._around.enter_context(around)
        self._around.callback(transaction.set_rollback, True)
        self._over = time.monotonic() + self._seconds
        self._made = [self._make()]

    def copied(self) -> Made:
        return copy.deepcopy(self._made[0])

    def end(self) -> None:
        self._made = []
        self._around.close()
