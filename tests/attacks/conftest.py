"""A scene a session and kind of server, one attacker a test; and after each test the server serves who asks rightly."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.attacks.inside import Inside
from tests.attacks.outside import Outside
from tests.attacks.places import Genuine
from tests.attacks.rig import Rig, Visitor
from tests.attacks.scene import Scene
from tests.live import Server


@contextmanager
def _scene(server: Server) -> Iterator[Scene]:
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


@contextmanager
def _honest(scene: Scene) -> Iterator[Visitor]:
    rig = Rig(scene)
    yield rig.browser(scene.bob)
    rig.close()


@contextmanager
def _attacker(scene: Scene, honest: Visitor) -> Iterator[Rig]:
    attacker = Rig(scene)
    yield attacker
    attacker.close()
    got = honest.rig.tokens(honest.rig.web, scene.bob, honest, prompt="none")
    assert got["access_token"], "after the attack, nobody is served"


@pytest.fixture(scope="session")
def scene(server: Server) -> Iterator[Scene]:
    with _scene(server) as made:
        yield made


@pytest.fixture(scope="session")
def honest(scene: Scene) -> Iterator[Visitor]:
    """Somebody else, at a browser of her own: whatever attackers do, she is served."""
    with _honest(scene) as visitor:
        yield visitor


@pytest.fixture
def rig(scene: Scene, honest: Visitor) -> Iterator[Rig]:
    with _attacker(scene, honest) as attacker:
        yield attacker


@pytest.fixture(scope="session")
def genuine(scene: Scene) -> Iterator[Genuine]:
    made = Genuine(scene)
    yield made
    made.issuer.stop()


@pytest.fixture
def nothing_is_stored(rig: Rig) -> Iterator[None]:
    with rig.untouched():
        yield


# --- The same at a server that takes applications of strangers --------------------------------------------------


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    made = Outside(tmp_path_factory.mktemp("outside"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Iterator[Server]:
    """Anybody registers, and a document is enough. Of other servers it asks public ones, and one of ours."""
    settings = {"REGISTRATION": "open", "CLIENT_ID_METADATA_DOCUMENTS": "1", **outside.settings}
    running = Server(tmp_path_factory.mktemp("open"), use="open", settings=settings)
    try:
        running.wait()
        yield running
    finally:
        running.stop()
    assert "Traceback (most recent call last)" not in running.log(), running.log()[-5000:]


@pytest.fixture(scope="session")
def open_scene(open_server: Server) -> Iterator[Scene]:
    with _scene(open_server) as made:
        yield made


@pytest.fixture(scope="session")
def open_honest(open_scene: Scene) -> Iterator[Visitor]:
    with _honest(open_scene) as visitor:
        yield visitor


@pytest.fixture
def stranger(open_scene: Scene, open_honest: Visitor) -> Iterator[Rig]:
    """An attacker at a server that takes strangers."""
    with _attacker(open_scene, open_honest) as attacker:
        yield attacker
