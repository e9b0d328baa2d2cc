"""The fixture of `people_rig.py`. A test module asks for it by `pytest_plugins`."""

from collections.abc import Iterator

import pytest

from tests.attacks.people_inside import Inside
from tests.attacks.people_rig import Crowd
from tests.live import Server


@pytest.fixture(scope="session")
def crowd(server: Server) -> Iterator[Crowd]:
    """One for each worker of the run. At the end no secret of any test is in the log."""
    inside = Inside(server)
    made = Crowd(server, inside)
    yield made
    inside.stop()
    made.assert_log_is_clean()
