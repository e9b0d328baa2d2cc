"""Requests of all endpoints: right ones, right ones with one to four changes, and raw garbage."""

from hypothesis import strategies as st

from tests.fuzz import mutations, values
from tests.fuzz.mutations import Draw
from tests.fuzz.request import Request
from tests.fuzz.right import RIGHT

_WEIGHTS = {"authorize": 5, "token": 8, "register": 5, "session tokens": 2, "public": 1, "logo": 1, "feed": 1}
ENDPOINTS = tuple(name for name in RIGHT for _times in range(_WEIGHTS.get(name, 3)))
"""As often as each has to be looked at."""


@st.composite
def requests(draw: Draw, endpoints: tuple[str, ...] = ENDPOINTS) -> Request:
    request: Request = draw(st.sampled_from(RIGHT[draw(st.sampled_from(endpoints))]))
    how = draw(st.integers(0, 15))
    if how == 0:
        return request
    if how == 1:
        return _garbage(draw, request)
    for _change in range(draw(st.sampled_from((1, 1, 1, 2, 2, 3, 4)))):
        request = mutations.one(draw, request)
    return request


def _garbage(draw: Draw, request: Request) -> Request:
    """The endpoint's address, and nothing else right."""
    headers = draw(st.lists(st.sampled_from(values.OTHER_HEADERS), max_size=2))
    kind = ("Content-Type", draw(st.sampled_from(values.TYPES)))
    authorization = ("Authorization", draw(st.sampled_from(values.AUTHORIZATIONS)))
    names = st.text("abcdefgh_[]%\0é\ud800", max_size=6)
    return Request(
        request.endpoint,
        draw(st.sampled_from(values.METHODS)),
        request.path,
        query=tuple(draw(st.lists(st.tuples(names, mutations.texts), max_size=2))),
        headers=(kind, *((authorization,) if draw(st.booleans()) else ()), *headers),
        raw=draw(st.one_of(st.text(max_size=80), st.sampled_from(values.BODIES))),
        who=draw(st.sampled_from(("", "", "alice"))),
    )
