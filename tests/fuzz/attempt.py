"""One request sent and judged."""

from tests.fuzz import properties
from tests.fuzz.request import Request
from tests.fuzz.tally import Tally
from tests.fuzz.wire import Answer, BrokenOff
from tests.fuzz.world import Caller


def attempt(caller: Caller, tally: Tally, asked: Request) -> tuple[Answer | None, list[str]]:
    """The answer, if there was one, and what is wrong with it."""
    try:
        sent, answer = caller.send(asked)
    except BrokenOff as error:
        found = [f"broken off: {error}"]
        tally.add(asked, "none", found)
        return None, found
    found = list(properties.faults(caller.world, asked, sent, answer))
    tally.add(asked, str(answer.status), found)
    return answer, found
