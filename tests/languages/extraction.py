"""Every text for people in the sources, as a catalog of gettext: calls in Python, tags in templates.

Pure Python, so that a bare machine can do it: Python's own parser reads modules, Django's template compiler turns tags
into calls that are then read the same way.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent.parent
_ROOMS = ("accounts", "authcenter")

_NAMES = {
    "_": (0,),
    "gettext": (0,),
    "gettext_lazy": (0,),
    "gettext_noop": (0,),
    "ngettext": (0, 1),
    "ngettext_lazy": (0, 1),
    "pgettext": ("context", 0),
    "pgettext_lazy": ("context", 0),
    "npgettext": ("context", 0, 1),
    "npgettext_lazy": ("context", 0, 1),
}
_CALL = re.compile(r"\b(_|n?p?gettext)\(")


@dataclass(frozen=True)
class Text:
    """One text and where it stands. `plural` and `context` are empty where there is none."""

    msgid: str
    plural: str
    context: str
    place: str

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.msgid


def texts() -> list[Text]:
    """Of all sources, in the order of their paths."""
    found: list[Text] = []
    for path in modules():
        found += _of_module(path.read_text(), str(path.relative_to(ROOT)))
    for path in templates():
        found += _of_template(path.read_text(), str(path.relative_to(ROOT)))
    return found


def templates() -> list[Path]:
    """All templates of ours."""
    folder = ROOT / "templates"
    return sorted(path for path in folder.rglob("*") if path.suffix in {".html", ".txt", ".svg"})


def catalog() -> polib.POFile:
    """The template of all catalogs, each text once with every place where it stands."""
    made = polib.POFile(wrapwidth=120)
    entries: dict[tuple[str, str], polib.POEntry] = {}
    for text in texts():
        entry = entries.get(text.key)
        if entry is None:
            entry = entries[text.key] = polib.POEntry(msgid=text.msgid, msgctxt=text.context or None)
            made.append(entry)
        if text.plural and not entry.msgid_plural:
            entry.msgid_plural = text.plural
        place = (text.place, "")
        if place not in entry.occurrences:
            entry.occurrences.append(place)
    return made


def modules() -> Iterator[Path]:
    """All of ours that run in the server."""
    for room in _ROOMS:
        yield from (path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts)


def _of_module(source: str, place: str) -> list[Text]:
    tree = ast.parse(source)
    names = {**_NAMES, **_aliases(tree)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (shape := names.get(_called(node))):
            text = _text(shape, [_literal(argument) for argument in node.args], place)
            if text is not None:
                found.append(text)
    return found


def _aliases(tree: ast.Module) -> dict[str, tuple[int | str, ...]]:
    """`from django.utils.translation import ngettext as _n` and the like."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            found |= {alias.asname: _NAMES[alias.name] for alias in node.names if alias.asname and alias.name in _NAMES}
    return found


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _text(shape: tuple[int | str, ...], given: list[str | None], place: str) -> Text | None:
    """None where an argument is no literal: such a call translates what is marked elsewhere."""
    wanted = given[: len(shape)]
    if len(wanted) < len(shape) or any(one is None for one in wanted):
        return None
    values = [str(one) for one in wanted]
    context = values.pop(0) if shape[0] == "context" else ""
    if not values[0]:
        return None
    return Text(values[0], values[1] if len(values) > 1 else "", context, place)


def _of_template(source: str, place: str) -> list[Text]:
    """Django's compiler writes `gettext('…')` among other things that are no Python: each call is read by itself."""
    compiled = templatize(source, origin=place)
    found = []
    for match in _CALL.finditer(compiled):
        call = _up_to_its_end(compiled, match.start())
        try:
            node = ast.parse(call, mode="eval").body
        except SyntaxError:
            continue
        if isinstance(node, ast.Call):
            text = _text(_NAMES[match[1]], [_literal(argument) for argument in node.args], place)
            if text is not None:
                found.append(text)
    return found


def _up_to_its_end(source: str, start: int) -> str:
    """A call from its name to its closing bracket; brackets in strings do not count."""
    quote, at = "", source.index("(", start) + 1
    while at < len(source):
        letter = source[at]
        if quote:
            if letter == "\\":
                at += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif letter == ")":
            return source[start : at + 1]
        at += 1
    return ""
