"""Five hundred requests of the fuzzer, the same in every run; `python -m tests.fuzz` sends as many others as wanted."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.api_schema import cases
from tests.fuzz.attempt import attempt
from tests.fuzz.request import Request
from tests.fuzz.right import RIGHT
from tests.fuzz.strategies import requests
from tests.fuzz.tally import Tally, stack_traces
from tests.fuzz.world import Caller, World, running

pytestmark = pytest.mark.live

_PROTOCOL = 450
_SCHEMA = 50
_REFUSED = {"/oauth/logo/«disabled.pk»": 404}
"""What is asked rightly of something that is not there."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("fuzz")) as made:
        yield made
        assert not stack_traces(made.server.log())


@pytest.fixture(scope="module")
def caller(world: World) -> Iterator[Caller]:
    made = Caller(world)
    yield made
    made.close()


def _send(caller: Caller, strategy: st.SearchStrategy[Request], times: int) -> Tally:
    tally = Tally()

    @settings(
        max_examples=times,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(asked: Request) -> None:
        attempt(caller, tally, asked)

    run()
    return tally


def test_what_is_right_is_answered(caller: Caller) -> None:
    """Else the fuzzer would stay at the first checks. What another has used up or ended is asked again, anew."""
    for asked in (asked for endpoint in RIGHT.values() for asked in endpoint):
        if not _is_answered(caller, asked):
            caller.renew()
            assert _is_answered(caller, asked), str(asked)


def _is_answered(caller: Caller, asked: Request) -> bool:
    answer, faults = attempt(caller, Tally(), asked)
    assert answer is not None and not faults, (faults, str(asked))
    return answer.status < 400 or answer.status == _REFUSED.get(asked.path) or "authorization_pending" in answer.text


def test_no_change_of_a_right_request_brings_a_fault(caller: Caller) -> None:
    tally = _send(caller, requests(), _PROTOCOL)
    assert tally.requests >= _PROTOCOL and not tally.faults, tally.reproductions()


def test_the_api_keeps_to_its_schema_under_any_input(caller: Caller, world: World) -> None:
    tally = _send(caller, cases(world), _SCHEMA)
    assert tally.requests >= _SCHEMA and not tally.faults, tally.reproductions()


def test_a_request_can_be_written_down_and_sent_again() -> None:
    every: list[Any] = [asked for right in RIGHT.values() for asked in right]
    assert [Request.read(str(asked)) for asked in every] == every
