"""One scene a session, one attacker a test; and after each test the server serves whoever asks rightly."""

from collections.abc import Iterator

import pytest

from tests.attacks.inside import Inside
from tests.attacks.places import Genuine
from tests.attacks.rig import Rig, Visitor
from tests.attacks.scene import Scene
from tests.live import Server


@pytest.fixture(scope="session")
def scene(server: Server) -> Iterator[Scene]:
    inside = Inside(server)
    scene = Scene(server, inside)
    first = Rig(scene)
    for person in (scene.alice, scene.bob):
        first.tokens(first.web, person)
    first.close()
    yield scene
    log, audit = server.log(), inside.audit_text()
    inside.close()
    for secret in scene.secrets:
        assert secret not in log, "a secret is in the log"
        assert secret not in audit, "a secret is in the audit log"


@pytest.fixture(scope="session")
def honest(scene: Scene) -> Iterator[Visitor]:
    """Somebody else, at a browser of her own: whatever attackers do, she is served."""
    rig = Rig(scene)
    yield rig.browser(scene.bob)
    rig.close()


@pytest.fixture
def rig(scene: Scene, honest: Visitor) -> Iterator[Rig]:
    attacker = Rig(scene)
    yield attacker
    attacker.close()
    got = honest.rig.tokens(honest.rig.web, scene.bob, honest, prompt="none")
    assert got["access_token"], "after the attack, nobody is served"


@pytest.fixture(scope="session")
def genuine(scene: Scene) -> Iterator[Genuine]:
    made = Genuine(scene)
    yield made
    made.issuer.stop()


@pytest.fixture
def nothing_is_stored(rig: Rig) -> Iterator[None]:
    with rig.untouched():
        yield
