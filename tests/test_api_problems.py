"""Whatever is sent to /api/: a problem of RFC 9457, never a stack and never a 500."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.tokens import assert_problem, get, post, session_token

ROUTES = ["/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/logout/"]
JSON = "application/json"
pytestmark = pytest.mark.django_db


@pytest.fixture(params=ROUTES)
def route(request: Any) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing/", "/api/token", "/api/me", "/api/%00/", "/api/%ff/", "/api/a/b/c"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_what_is_not_there_is_a_problem_too(client: Any, path: str, method: str) -> None:
    assert_problem(getattr(client, method)(path), 404, "not_found")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_other_methods_are_405_and_say_which_are_allowed(client: Any, route: str, method: str) -> None:
    response = getattr(client, method)(route)
    assert_problem(response, 405, "method_not_allowed")
    assert "POST" in response["Allow"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data", "x", "", "a/b;c"])
def test_other_content_types_are_415(client: Any, route: str, content_type: str) -> None:
    assert_problem(client.post(route, "{}", content_type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "x",
        '{"a":NaN}',
        "[" * 100_000,
        '{"a":' * 20_000 + "1" + "}" * 20_000,
        b"\xff\xfe\x00",
        b"\x00",
        "1" * 5000,
        '{"email": 1e400',
    ],
)
def test_broken_json_is_400(client: Any, route: str, body: Any) -> None:
    assert_problem(client.post(route, body, content_type=JSON), 400, "parse_error")


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "1", "[[]]", "1e400", "true"])
def test_json_that_is_no_object_is_400(client: Any, route: str, body: str) -> None:
    assert_problem(client.post(route, body, content_type=JSON), 400, "invalid")


@pytest.mark.parametrize("charset", ["hex", "rot13", "zlib", "utf-7", "utf-16", "idna", "nonsense"])
@pytest.mark.parametrize("content_type", [JSON, "application/x-www-form-urlencoded"])
def test_a_charset_changes_nothing(client: Any, route: str, content_type: str, charset: str) -> None:
    response = client.generic("POST", route, b"{}", content_type=f"{content_type}; charset={charset}")
    assert response.status_code in {400, 415} and response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "value", [["x"], {"a": 1}, None, True, "", " ", "a\x00b", "\ud800", "x" * 20_000, "é" * 300, {"$ne": ""}]
)
@pytest.mark.parametrize("field", ["email", "password", "transport", "refresh", "token"])
def test_senseless_values_name_the_field(client: Any, route: str, field: str, value: Any) -> None:
    sent = {"email": "a@example.com", "password": "x", field: value}
    response = post(client, route, sent)
    assert response.status_code in {400, 401}
    assert response["Content-Type"] == "application/problem+json"
    if route == "/api/token/" and field in {"email", "transport"} and response.status_code == 400:
        assert {error["pointer"] for error in json.loads(response.content)["errors"]} == {f"#/{field}"}


def test_each_missing_field_is_named(client: Any) -> None:
    response = post(client, "/api/token/", {})
    assert_problem(response, 400, "invalid")
    assert {error["pointer"] for error in json.loads(response.content)["errors"]} == {"#/email", "#/password"}


def test_a_huge_body_is_413(client: Any, route: str) -> None:
    assert_problem(client.post(route, json.dumps({"email": "x" * 300_000}), content_type=JSON), 413, "body_too_large")


def test_a_repeated_field_of_a_form_is_400(client: Any, route: str) -> None:
    body = "email=a&email=b&password=x&refresh=a&refresh=b&token=a&token=b"
    assert_problem(client.post(route, body, content_type="application/x-www-form-urlencoded"), 400, "parse_error")


def test_a_form_of_too_many_fields_is_400(client: Any, route: str) -> None:
    body = "&".join(f"f{number}=x" for number in range(5000))
    assert client.post(route, body, content_type="application/x-www-form-urlencoded").status_code == 400


def test_a_wanted_answer_that_is_not_json_is_406(client: Any, person: Any) -> None:
    assert_problem(get(client, "/api/me/", session_token(person()), HTTP_ACCEPT="image/png"), 406, "not_acceptable")


@pytest.mark.parametrize("parameter", ["x*=nope''a", "x*1=a; x*=b", 'y="a; x*1=b; x*=c"', "y=\"a; x*=nope''a\""])
@pytest.mark.parametrize("path", ["/api/me/", "/api/schema/"])
def test_a_wanted_answer_that_nobody_can_read_is_406(client: Any, person: Any, path: str, parameter: str) -> None:
    """RFC 9110 section 12.5.1: the rest of the list counts."""
    token = session_token(person())
    assert_problem(get(client, path, token, HTTP_ACCEPT=f"*/*; {parameter}"), 406, "not_acceptable")
    assert get(client, path, token, HTTP_ACCEPT=f"*/*; {parameter}, */*;q=0.1").status_code == 200


def test_a_foreign_host_changes_nothing(person: Any) -> None:
    response = Client(HTTP_HOST="evil.test").get("/api/me/")
    assert response.status_code == 400


def test_no_answer_repeats_what_was_sent(client: Any, route: str) -> None:
    response = post(
        client, route, {"email": "sentinel@x", "password": "sentinel", "token": "sentinel", "refresh": "sentinel"}
    )
    assert b"sentinel" not in response.content
