"""Every text for people can be translated, and each catalog is whole."""

import ast
import re
from html.parser import HTMLParser

import polib
import pytest

from tests.languages import catalogs, extraction

_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label", "aria-description", "label", "summary"}
_NAMES = {"AuthCenter"}
"""Names, which no language translates."""

_SAMPLES = ("templates/demo/", "templates/api/")
"""Pages for developers: a sample client, and the API's documentation."""


@pytest.mark.parametrize("language", catalogs.languages())
def test_no_text_is_left_out(language):
    if not catalogs.path(language).exists():
        pytest.skip("not translated yet: make messages")
    assert catalogs.faults(language) == []


class _Visible(HTMLParser):
    """What a person would read of a template from which tags and variables are taken away."""

    def __init__(self):
        super().__init__()
        self.read = []
        self.inside = []

    def handle_starttag(self, tag, attrs):
        if tag in {"script", "style", "code", "pre"}:
            self.inside.append(tag)
        self.read += [value for name, value in attrs if name in _ATTRIBUTES and value]

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.read.append(data)


def visible(source):
    source = re.sub(r"{% block main_class %}.*?{% endblock %}", " ", source)
    for kind in ("comment", "blocktranslate", "blocktrans"):
        source = re.sub(rf"{{%-?\s*{kind}\b.*?{{%\s*end{kind}\s*%}}", " ", source, flags=re.S)
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", source, flags=re.S)
    page = _Visible()
    page.feed(source)
    return [text for text in page.read if re.search(r"[A-Za-z]{2,}", text) and text.strip() not in _NAMES]


def test_the_scan_of_templates_sees_what_it_looks_for():
    assert visible('<p class="x">Hello {{ name }}</p>') == ["Hello  "]
    assert visible('<img alt="A cat">') == ["A cat"]
    assert visible('<p title="{% translate "Hello" %}">{% blocktranslate %}Hello{% endblocktranslate %} · </p>') == []


def test_no_template_has_text_that_cannot_be_translated():
    found = []
    for path in extraction.templates():
        name = str(path.relative_to(extraction.ROOT))
        if not name.startswith(_SAMPLES):
            found += [f"{name}: {text.strip()}" for text in visible(path.read_text())]
    assert found == []


_TAKES_TEXT = {"ValidationError", "success", "info", "warning", "error", "add_error"}
_NAMED = {"label", "help_text", "verbose_name", "verbose_name_plural", "empty_label"}


def untranslated(source):
    """Literals that a form, a model or a message shows to people, with no call of gettext around them."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        of_messages = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "messages"
        shown = [keyword.value for keyword in node.keywords if keyword.arg in _NAMED]
        if name == "ValidationError" or (name in _TAKES_TEXT and of_messages) or name == "add_error":
            shown += node.args[1:] if name != "ValidationError" else node.args[:1]
        found += [ast.unparse(one) for one in shown if _is_prose(one)]
    return found


def _is_prose(node):
    literals = node.values if isinstance(node, ast.JoinedStr) else [node]
    said = [one.value for one in literals if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return any(re.search(r"[A-Za-z]{2,}", text) for text in said)


def test_no_form_model_or_message_has_text_that_cannot_be_translated():
    assert untranslated("ValidationError('No.')") == ["'No.'"]
    assert untranslated("ValidationError(_('No.'))") == []
    found = [
        f"{path.relative_to(extraction.ROOT)}: {text}"
        for path in extraction.modules()
        if not path.is_relative_to(extraction.ROOT / "authcenter/api")  # its schema is for developers
        for text in untranslated(path.read_text())
    ]
    assert found == []


def test_no_script_has_text_for_people():
    """Scripts show what `data-` attributes say."""
    prose = re.compile(r"""(["'`])[A-Z][a-z]+ [a-z]+[^"'`\n]*\1""")
    folder = extraction.ROOT / "static/js"
    found = [f"{path.name}: {match[0]}" for path in folder.glob("*.js") for match in prose.finditer(path.read_text())]
    assert found == []


def entry(msgid, msgstr="", **plural):
    return polib.POEntry(msgid=msgid, msgstr=msgstr, **plural)


@pytest.mark.parametrize(
    ("language", "wrong"),
    [
        ("de", entry("Hello")),
        ("de", entry("Hello %(name)s", "Hallo")),
        ("de", entry("Hello %(name)s", "Hallo %(nom)s")),
        ("de", entry("<strong>Hello</strong>", "Hallo")),
        ("de", entry("Hello ", "Hallo")),
        ("de", entry("One", msgid_plural="%(n)s", msgstr_plural={0: "Eins", 1: "Zwei"})),
        ("ja", entry("One", msgid_plural="%(n)s", msgstr_plural={0: "One"})),
        ("ar", entry("One", msgid_plural="%(n)s", msgstr_plural=dict.fromkeys(range(2), "%(n)s"))),
        ("ar", entry("One", msgid_plural="%(n)s", msgstr_plural={**dict.fromkeys(range(6), "%(n)s"), 3: "few"})),
    ],
)
def test_a_translation_that_would_break_its_sentence_is_a_fault(language, wrong):
    assert catalogs.entry_faults(language, wrong)


@pytest.mark.parametrize(
    ("language", "right"),
    [
        ("de", entry("Hello <b>%(name)s</b>", "<b>%(name)s</b>, hallo")),
        ("de", entry("One", msgid_plural="%(n)s apples", msgstr_plural={0: "Ein Apfel", 1: "%(n)s Äpfel"})),
        ("ar", entry("%(n)s a", msgid_plural="%(n)s b", msgstr_plural={**dict.fromkeys(range(6), "%(n)s"), 2: "two"})),
    ],
)
def test_a_translation_may_turn_its_sentence_round(language, right):
    assert catalogs.entry_faults(language, right) == []


def test_translators_get_what_is_missing_and_give_it_back(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogs, "FOLDER", tmp_path)
    catalogs.brought_in_step()
    asked = catalogs.missing("ar")
    assert len(asked) == len(extraction.catalog())
    plural = next(one for one in asked if one["plural"] and "%(count)s" in one["plural"])
    plural["translation"] = ["%(count)s"] * 6
    simple = next(one for one in asked if one["msgid"] == "Sign in")
    assert catalogs.merged("ar", [plural, {**simple, "translation": "تسجيل الدخول"}]) == []
    assert catalogs.merged("ar", [{**simple, "translation": "%(no)s"}]), "a hole that nothing fills is taken"
    left = {one["msgid"] for one in catalogs.missing("ar")}
    assert len(left) == len({one["msgid"] for one in asked}) - 2
    catalogs.brought_in_step()
    assert polib.mofile(str(catalogs.path("ar").with_suffix(".mo"))).find("Sign in").msgstr == "تسجيل الدخول"
    assert any("not translated" in fault for fault in catalogs.faults("ar"))
