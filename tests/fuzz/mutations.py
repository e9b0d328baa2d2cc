"""Changes of a right request, each by a draw: drop, repeat, replace, move, other bodies, headers, methods and paths."""

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.fuzz import values
from tests.fuzz.request import Pairs, Request

Draw = Callable[[st.SearchStrategy[Any]], Any]

hostile = st.sampled_from(values.HOSTILE)
changed_token = st.builds(
    lambda who, kind, change: f"«{who}.{kind}|{change}»",
    st.sampled_from(("alice", "bob")),
    st.sampled_from(values.JWTS),
    st.sampled_from(values.CHANGES),
)
assertions = st.builds(
    lambda whose, claim, text: f"«assert:{whose}|{claim}={text}»",
    st.sampled_from(("keyjwt", "secretjwt", "voucher")),
    st.sampled_from(values.CLAIMS[:8]),
    st.sampled_from(values.JSON_TEXTS),
)
texts = st.one_of(hostile, st.sampled_from(values.REAL), changed_token, assertions, st.text(max_size=12))
"""Any value of a parameter."""

_names = st.sampled_from(
    (
        *("client_id", "client_secret", "client_assertion", "client_assertion_type", "scope", "resource", "audience"),
        *("redirect_uri", "state", "nonce", "prompt", "max_age", "claims", "id_token_hint", "request", "request_uri"),
        *("registration", "response_mode", "response_type", "acr_values", "code_challenge", "code_verifier", "code"),
        *("grant_type", "refresh_token", "token", "access_token", "actor_token", "username", "password", "txn", "x"),
        *("requested_token_type", "subject_token", "user_code", "after", "limit", "offset", "format", "lang", "next"),
    )
)
_json = st.one_of(st.sampled_from(values.JSON), texts)


def _position(draw: Draw, items: Any) -> int:
    return int(draw(st.integers(0, len(items) - 1)))


def pairs(draw: Draw, before: Pairs) -> Pairs:
    """One change of parameters."""
    how = draw(st.sampled_from(("drop", "repeat", "replace", "replace", "replace", "again", "add", "rename", "garble")))
    if how == "add" or not before:
        return (*before, (draw(_names), draw(texts)))
    at = _position(draw, before)
    name, value = before[at]
    if how == "drop":
        return before[:at] + before[at + 1 :]
    if how == "repeat":
        return (*before, before[at])
    if how == "again":
        return (*before, (name, draw(texts)))
    if how == "rename":
        return (*before[:at], (draw(st.one_of(_names, hostile)), value), *before[at + 1 :])
    if how == "garble":
        value = draw(st.sampled_from(("{}x", "x{}", " {}", "{}\0", "{}%00", "{} {}", "{}\n", "{}#", "{}&a=b"))).format(
            value, value
        )
    else:
        value = _changed(draw, value)
    return (*before[:at], (name, value), *before[at + 1 :])


def _changed(draw: Draw, value: str) -> str:
    """Another value, or the same credential with changed parts."""
    if value.startswith("«") and value.endswith("»") and "|" not in value and draw(st.booleans()):
        if ":" not in value:
            return f"{value[:-1]}|{draw(st.sampled_from(values.CHANGES))}»"
        if value.startswith("«assert:"):
            claim, text = draw(st.sampled_from(values.CLAIMS[:8])), draw(st.sampled_from(values.JSON_TEXTS))
            return f"{value[:-1]}|{claim}={text}»"
    return str(draw(texts))


def json_value(draw: Draw, before: Any) -> Any:
    """One change somewhere in a JSON value."""
    value = copy.deepcopy(before)
    if not isinstance(value, dict) or not value or draw(st.integers(0, 19)) == 0:
        return draw(_json)
    name = draw(st.sampled_from(sorted(value)))
    how = draw(st.sampled_from(("drop", "replace", "replace", "inside", "add")))
    if how == "drop":
        del value[name]
    elif how == "inside" and isinstance(value[name], list):
        value[name].append(draw(_json))
    elif how == "inside" and isinstance(value[name], dict):
        value[name] = json_value(draw, value[name])
    elif how == "inside" and isinstance(value[name], str):
        value[name] = _changed(draw, value[name])
    elif how == "add":
        value[draw(st.one_of(_names, hostile))] = draw(_json)
    else:
        value[name] = draw(_json)
    return value


def _headers(draw: Draw, request: Request) -> Request:
    name, value = draw(
        st.one_of(
            st.sampled_from(values.OTHER_HEADERS),
            st.tuples(st.just("Authorization"), st.sampled_from(values.AUTHORIZATIONS)),
            st.tuples(st.just("Authorization"), changed_token.map(lambda token: f"Bearer {token}")),
            st.tuples(st.just("Content-Type"), st.sampled_from(values.TYPES)),
        )
    )
    kept = tuple(pair for pair in request.headers if pair[0] != name)
    return request.but(headers=(*kept, (name, value)))


def _path(draw: Draw, request: Request) -> Request:
    text = draw(
        st.sampled_from(("/", "//", "/x", ".json", "%00", "%2f", "%ff", ";a=b", "/../", "?", "%0d%0a", "é", "_"))
    )
    head, _, last = request.path.rpartition("/")
    return request.but(path=draw(st.sampled_from((request.path + text, f"{head}{text}{last}", f"{head}/{text}"))))


def _body(draw: Draw, request: Request) -> Request:
    raw = draw(st.one_of(st.sampled_from(values.BODIES), st.text(max_size=60)))
    kind = "application/json" if request.has_json else "application/x-www-form-urlencoded"
    headers = tuple(pair for pair in request.headers if pair[0] != "Content-Type")
    return request.but(form=None, json=None, has_json=False, raw=raw, headers=(*headers, ("Content-Type", kind)))


def one(draw: Draw, request: Request) -> Request:
    """The request with one change; mostly in what it says, sometimes in how."""
    how = draw(st.sampled_from(("say",) * 12 + ("header", "header", "method", "path", "body", "who", "address")))
    if how == "header":
        return _headers(draw, request)
    if how == "method":
        return request.but(method=draw(st.sampled_from(values.METHODS)))
    if how == "path":
        return _path(draw, request)
    if how == "body":
        return _body(draw, request)
    if how == "who":
        return request.but(who=draw(st.sampled_from(("", "alice", "bob"))))
    if how == "address":
        return request.but(address=draw(st.integers(0, 3)))
    if request.document is not None and draw(st.booleans()):
        return request.but(document=json_value(draw, request.document))
    if request.has_json:
        return request.but(json=json_value(draw, request.json))
    if request.form is not None:
        return request.but(form=pairs(draw, request.form))
    if any(name == "Authorization" for name, _value in request.headers) and draw(st.booleans()):
        return _headers(draw, request)
    return request.but(query=pairs(draw, request.query))
