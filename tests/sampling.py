"""A run of the whole suite has twenty minutes for two databases. Where many cases are alike, it tries a part of them:
the same part in every run, and of each case another. `EVERYTHING=1` tries all; `make test ON=…` sets it.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

EVERYTHING = os.environ.get("EVERYTHING") == "1"
Case = TypeVar("Case")


def a_part(cases: Sequence[Case], of: int, number: int) -> Sequence[Case]:
    """One in `of` of the cases, beginning with that of this number."""
    return cases if EVERYTHING else cases[number % of :: of]
