"""Ids that rise with time (UUID version 7, RFC 9562 section 5.7).

The newest of them lie side by side in every index that names them, so a new row meets pages that are in memory; ids at
random meet another page of each index with each row, and where there are millions, one from the disk.

They tell when they were made: for what happens at a moment that its tokens tell anyway, and so not for people, whose
id would tell each application how long they have had their account.
"""

import secrets
import time
from uuid import UUID

_RANDOM = 62
"""Bits at random after the variant; twelve more stand before it."""


def new_id() -> UUID:
    """48 bits of milliseconds since 1970, the version, and 74 bits at random around the variant."""
    milliseconds = time.time_ns() // 1_000_000
    head = milliseconds << 16 | 7 << 12 | secrets.randbits(12)
    return UUID(int=head << 64 | 0b10 << _RANDOM | secrets.randbits(_RANDOM))
