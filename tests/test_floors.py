"""The floors of the design: a room imports from its own floor and from those below, and no two modules need each other.

Every import counts, also inside functions, so that none is hidden there.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOF = 5
FLOORS = {
    "authcenter.keys": 0,
    "authcenter.sessions": 0,
    "authcenter.audit": 0,
    "authcenter.outbox": 0,
    "authcenter.branding": 0,
    "authcenter.ids": 0,
    "authcenter.indexes": 0,
    "authcenter.limits": 0,
    "authcenter.prepared": 0,
    "accounts": 1,
    "authcenter.oauth": 2,
    "authcenter.oidc": 3,
    "authcenter.console": 4,
    "authcenter.portal": 4,
    "authcenter.api": 4,
    "authcenter.demo": 4,
    "authcenter.server": 4,
    "authcenter.apps": ROOF,
    "authcenter.back_channel": ROOF,
    "authcenter.checks": ROOF,
    "authcenter.environment": ROOF,
    "authcenter.handler": ROOF,
    "authcenter.libraries": ROOF,
    "authcenter.middleware": ROOF,
    "authcenter.settings": ROOF,
    "authcenter.urls": ROOF,
    "authcenter.worker": ROOF,
    "authcenter.wsgi": ROOF,
}
BESIDE = "authcenter.resource_server"


def _modules() -> dict[str, Path]:
    found = {}
    for top in ("accounts", "authcenter"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts:
                found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


MODULES = _modules()


def _imported(path: Path) -> Iterator[str]:
    """Names of our modules that this file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where they lead"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            module = name if name in MODULES else name.rpartition(".")[0]
            if module in MODULES:
                yield module


IMPORTS = {name: set(_imported(path)) - {name} for name, path in MODULES.items()}


def _room(module: str) -> str:
    return next((room for room in [*FLOORS, BESIDE] if module == room or module.startswith(room + ".")), module)


def test_every_module_is_in_a_room() -> None:
    lost = {module for module in MODULES if _room(module) not in {*FLOORS, BESIDE, "authcenter"}}
    assert not lost, f"no room of the design: {sorted(lost)}"


def test_nothing_imports_upwards() -> None:
    upwards = [
        f"{module} (floor {FLOORS[_room(module)]}) imports {other} (floor {FLOORS[_room(other)]})"
        for module, others in IMPORTS.items()
        for other in others
        if _room(module) in FLOORS and _room(other) in FLOORS and FLOORS[_room(other)] > FLOORS[_room(module)]
    ]
    assert not upwards, "\n".join(sorted(upwards))


def test_what_an_api_installs_imports_nothing_of_the_server() -> None:
    strangers = [
        f"{module} imports {other}"
        for module, others in IMPORTS.items()
        for other in others
        if _room(module) == BESIDE and _room(other) != BESIDE
    ]
    assert not strangers, "\n".join(sorted(strangers))


def test_no_modules_need_each_other() -> None:
    cycle = _cycle(IMPORTS)
    assert not cycle, " -> ".join(cycle)


def test_no_rooms_need_each_other() -> None:
    rooms: dict[str, set[str]] = {}
    for module, others in IMPORTS.items():
        rooms.setdefault(_room(module), set()).update({_room(other) for other in others} - {_room(module)})
    cycle = _cycle(rooms)
    assert not cycle, " -> ".join(cycle)


def test_a_cycle_is_found() -> None:
    assert _cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert _cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """One way round, or nothing."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for other in sorted(graph.get(node, ())):
            if found := walk(other, [*way, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := walk(node, []))), [])
