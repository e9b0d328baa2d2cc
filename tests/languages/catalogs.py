"""The catalogs in locale/: brought in step with the sources, filled by translators, compiled, and judged."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.utils.translation import to_locale

from tests.languages import extraction

FOLDER = extraction.ROOT / "locale"
_PLURALS = {
    "de": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
    "es": "nplurals=2; plural=(n != 1);",
    "pt-br": "nplurals=2; plural=(n > 1);",
    "zh-hans": "nplurals=1; plural=0;",
    "ja": "nplurals=1; plural=0;",
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
}
_EXACT = {"de": {0}, "fr": {0}, "es": {0}, "pt-br": {0}, "zh-hans": set(), "ja": set(), "ar": {0, 1, 2}}
"""Plural forms that stand for one number (or for hardly another): such a form need not say it."""

_HOLES = re.compile(r"%(?:\((\w+)\))?[sdif]|\{(\w*)\}")
_TAGS = re.compile(r"</?[a-z][^>]*>")


def languages() -> list[str]:
    """Those that are translated to; English is what the sources are written in."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def path(language: str) -> Path:
    """The catalog of a language; beside it lies the compiled one, with the suffix .mo."""
    return FOLDER / to_locale(language) / "LC_MESSAGES" / "django.po"


def read(language: str) -> polib.POFile:
    """Empty where there is no catalog yet."""
    file = path(language)
    catalog = polib.pofile(str(file), wrapwidth=120) if file.exists() else polib.POFile(wrapwidth=120)
    catalog.metadata = {
        "Project-Id-Version": "AuthCenter",
        "Language": to_locale(language),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": _PLURALS[language],
    }
    return catalog


def write(language: str, catalog: polib.POFile) -> None:
    """The catalog and its compiled form, which is what the server reads: no tool of gettext is needed to run it."""
    file = path(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    catalog.save(str(file))
    catalog.save_as_mofile(str(file.with_suffix(".mo")))


def brought_in_step() -> None:
    """Every catalog has the texts of the sources and no others; what is translated stays."""
    wanted = extraction.catalog()
    for language in languages():
        catalog = read(language)
        catalog.merge(wanted)
        for gone in catalog.obsolete_entries():
            catalog.remove(gone)
        for entry in catalog:
            if entry.msgid_plural:
                entry.msgstr_plural = {form: entry.msgstr_plural.get(form, "") for form in range(_forms(language))}
        write(language, catalog)


def missing(language: str) -> list[dict[str, Any]]:
    """What is not translated, as a translator fills it in: `translation` is a text, or one for each plural form."""
    return [
        {
            "context": entry.msgctxt or "",
            "msgid": entry.msgid,
            "plural": entry.msgid_plural or "",
            "places": [place for place, _line in entry.occurrences],
            "translation": [""] * _forms(language) if entry.msgid_plural else "",
        }
        for entry in read(language)
        if not entry.translated()
    ]


def merged(language: str, filled: Iterable[dict[str, Any]]) -> list[str]:
    """Take what translators filled in; the faults of what was not taken."""
    catalog, faults = read(language), []
    entries = {(entry.msgctxt or "", entry.msgid): entry for entry in catalog}
    for given in filled:
        entry = entries.get((given.get("context", ""), given["msgid"]))
        if entry is None:
            faults.append(f"{language}: no such text: {given['msgid']!r}")
            continue
        before = entry.msgstr, dict(entry.msgstr_plural), list(entry.flags)
        translation = given["translation"]
        if entry.msgid_plural:
            entry.msgstr_plural = dict(enumerate([translation] if isinstance(translation, str) else translation))
        else:
            entry.msgstr = translation
        entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
        if found := entry_faults(language, entry):
            faults += found
            entry.msgstr, entry.msgstr_plural, entry.flags = before
    write(language, catalog)
    return faults


def faults(language: str) -> list[str]:
    """What a catalog lacks: texts of the sources, translations, placeholders, and a compiled form in step."""
    catalog = read(language)
    here = {(entry.msgctxt or "", entry.msgid): entry for entry in catalog}
    found = []
    for wanted in extraction.catalog():
        entry = here.get((wanted.msgctxt or "", wanted.msgid))
        if entry is None or (entry.msgid_plural or "") != (wanted.msgid_plural or ""):
            found.append(f"{language}: not in the catalog, run make messages: {wanted.msgid!r}")
        else:
            found += entry_faults(language, entry)
    compiled = path(language).with_suffix(".mo")
    if not compiled.exists() or _said(polib.mofile(str(compiled))) != _said(catalog):
        found.append(f"{language}: the compiled catalog is not in step, run make messages")
    return found


def entry_faults(language: str, entry: polib.POEntry) -> list[str]:
    """What is wrong with one translation; nothing where it may be shown to people."""
    if not entry.translated():
        return [f"{language}: not translated: {entry.msgid!r}"]
    if not entry.msgid_plural:
        return [f"{language}: {why}: {entry.msgid!r}" for why in _differences(entry.msgid, entry.msgstr)]
    forms = entry.msgstr_plural
    if sorted(forms) != list(range(_forms(language))) or not all(forms.values()):
        return [f"{language}: {_forms(language)} plural forms are wanted: {entry.msgid!r}"]
    found = []
    for number, form in forms.items():
        differences = _differences(entry.msgid_plural, form, may_lack=1 if number in _EXACT[language] else 0)
        found += [f"{language}: plural form {number}: {why}: {entry.msgid!r}" for why in differences]
    return found


def _differences(text: str, translation: str, *, may_lack: int = 0) -> list[str]:
    """`may_lack` holes: the number, in a plural form that stands for one number."""
    found = []
    wanted, given = set(_holes(text)), set(_holes(translation))
    if given - wanted or len(wanted - given) > may_lack:
        found.append(f"placeholders differ, {sorted(wanted)} and {sorted(given)}")
    if sorted(_TAGS.findall(text)) != sorted(_TAGS.findall(translation)):
        found.append("the HTML in it differs")
    if (text[:1].isspace(), text[-1:].isspace()) != (translation[:1].isspace(), translation[-1:].isspace()):
        found.append("white space at an end differs")
    return found


def _holes(text: str) -> list[str]:
    return [match[0] for match in _HOLES.finditer(text.replace("%%", ""))]


def _forms(language: str) -> int:
    return int(_PLURALS[language].removeprefix("nplurals=")[0])


def _said(catalog: Any) -> dict[tuple[str, str], Any]:
    """What a catalog answers for each text that is translated."""
    return {
        (entry.msgctxt or "", entry.msgid): dict(entry.msgstr_plural) or entry.msgstr
        for entry in catalog
        if entry.msgstr or any(dict(entry.msgstr_plural).values())
    }
