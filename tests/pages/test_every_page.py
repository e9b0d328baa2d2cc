"""Every page of the table, looked at; and every page that there is, in the table."""

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.urls.exceptions import Resolver404

from tests.pages.table import ELSEWHERE, NOT_FOR_PEOPLE, PAGES, REASONS


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    """The path and the name of each route that people may open."""
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if path.startswith((*NOT_FOR_PEOPLE, *ELSEWHERE)):
            continue
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path, pattern.name or ""


def test_every_page_is_in_the_table_or_has_a_reason_not_to_be():
    there = {name: path for path, name in routes(get_resolver().url_patterns)}
    listed = {page.route for page in PAGES if page.route} | set(REASONS)
    assert not [f"{name}: {path}" for name, path in there.items() if name not in listed]
    assert not listed - set(there), "what is listed is gone"
    assert len({page.name for page in PAGES}) == len(PAGES)


@pytest.mark.live
@pytest.mark.browser
def test_the_terms(visit, scene, server):
    published = (
        "Terms.objects.create(version='2026-11', published=timezone.now(), text='Be kind.\\n\\n' + 'Law. ' * 300)"
    )
    imports = "from django.utils import timezone; from accounts.admission import Terms; "
    number = server.python(f"{imports}print({published}.pk)").split()[-1]
    try:
        visitor = visit()
        visitor.open(f"/accounts/terms/{number}/").look("terms-text", ".")
        visitor.open("/accounts/signup/").look("sign-up-terms", "Create an account")
        visitor.open("/accounts/login/").send(login=scene.made["plain"], password=scene.password("plain"))
        visitor.look("terms", ".")
        assert not visitor.faults, "\n".join(visitor.faults)
    finally:
        server.python(f"{imports}Terms.objects.all().delete()")


@pytest.mark.live
@pytest.mark.browser
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page(page, visit_anew, scene):
    visitor = visit_anew(page.who, page.anew)
    page.go(visitor, scene)
    path = visitor.page.evaluate("location.pathname")
    try:
        route = resolve(path).url_name
    except Resolver404:
        route = ""
    if route != page.route:
        visitor.faults.append(f"{page.name}: is at {path}, the route {route}, and not {page.route}")
    visitor.look(page.name, page.heading)
    assert not visitor.faults, "\n".join(visitor.faults)
