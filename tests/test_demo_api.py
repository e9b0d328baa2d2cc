"""The demo API: which tokens open it, by scope and by role, and what bad bodies get."""

import json
from typing import Any

import pytest
from django.conf import settings as configured

from authcenter.sessions.revocation import Kind, end_all_of_application, end_all_of_user, revoke
from tests.tokens import access_claims, access_token, assert_problem, get, session_token

pytestmark = pytest.mark.django_db
ORDERS, REPORTS = "/demo/api/orders/", "/demo/api/reports/"
AUDIENCE = f"{configured.ISSUER}/demo/api"
ORDER = {"item": "Bramley apples", "quantity": 3}


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com", name="Alice Liddell")


@pytest.fixture(autouse=True)
def app(application: Any) -> Any:
    """Tokens of an application that is not there are dead."""
    return application("web", client_id="app")[0]


def token(user: Any, scope: str = "orders:read", **changes: Any) -> str:
    return access_token(user, **{"aud": AUDIENCE, "scope": scope, **changes})


def place(client: Any, bearer: str, body: Any = ORDER, content_type: str = "application/json") -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(ORDERS, text, content_type=content_type, HTTP_AUTHORIZATION=f"Bearer {bearer}")


def test_reading_needs_orders_read_and_says_who_asked(client: Any, alice: Any) -> None:
    answer = get(client, ORDERS, token(alice))
    assert answer.status_code == 200
    assert answer.json()["asked_by"] == {"sub": str(alice.pk), "client_id": "app", "scope": "orders:read"}
    assert len(answer.json()["orders"]) == 3


def test_a_machine_may_read_and_write_for_itself(client: Any) -> None:
    assert get(client, ORDERS, token(None)).json()["asked_by"]["sub"] == "app"
    assert place(client, token(None, "orders:write")).status_code == 201


def test_writing_needs_orders_write_and_answers_201(client: Any, alice: Any) -> None:
    answer = place(client, token(alice, "orders:read orders:write"))
    assert answer.status_code == 201
    assert answer.json()["item"] == "Bramley apples" and answer.json()["status"] == "received"


@pytest.mark.parametrize(
    ("method", "carried", "needed"), [("get", "orders:write", "orders:read"), ("post", "orders:read", "orders:write")]
)
def test_another_scope_is_403_and_names_the_one_that_is_needed(
    client: Any, alice: Any, method: str, carried: str, needed: str
) -> None:
    answer = get(client, ORDERS, token(alice, carried)) if method == "get" else place(client, token(alice, carried))
    assert_problem(answer, 403, "insufficient_scope")
    assert f'scope="{needed}"' in answer["WWW-Authenticate"]


def test_without_a_token_there_is_a_challenge_and_no_error_code(client: Any) -> None:
    answer = client.get(ORDERS)
    assert_problem(answer, 401, "not_authenticated")
    about = "http://localhost:8000/.well-known/oauth-protected-resource/demo/api"
    assert answer["WWW-Authenticate"] == f'Bearer realm="Demo orders", resource_metadata="{about}"'


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": configured.OWN_API},
        {"aud": [configured.OWN_API, AUDIENCE + "/"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"client_id": None},
    ],
)
def test_tokens_for_others_and_old_ones_are_refused(client: Any, alice: Any, changes: dict[str, Any]) -> None:
    answer = get(client, ORDERS, token(alice, **changes))
    assert_problem(answer, 401, "invalid_token")
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_session_token_does_not_open_orders_nor_an_access_token_reports(client: Any, alice: Any) -> None:
    assert_problem(
        get(client, ORDERS, session_token(alice, scope="orders:read", client_id="app")), 401, "invalid_token"
    )
    assert_problem(get(client, REPORTS, token(alice, roles=["operator"])), 401, "invalid_token")


def test_what_was_taken_back_is_refused_at_the_next_request(client: Any, alice: Any, app: Any) -> None:
    for act in (
        lambda claims: revoke(Kind.AUTHORIZATION, claims["gid"], reason="test"),
        lambda claims: revoke(Kind.FAMILY, claims["fid"], reason="test"),
        lambda claims: revoke(Kind.SESSION, claims["sid"], reason="test"),
        lambda claims: end_all_of_application(app.client_id, reason="test"),
        lambda claims: end_all_of_user(alice.pk, reason="test"),
    ):
        alice.refresh_from_db()
        app.refresh_from_db()
        claims = access_claims(alice, app.client_id, aud=AUDIENCE, scope="orders:read", aep=app.epoch)
        bearer = access_token(alice, app.client_id, **claims)
        assert get(client, ORDERS, bearer).status_code == 200
        act(claims)
        assert_problem(get(client, ORDERS, bearer), 401, "invalid_token")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"#/item", "#/quantity"}),
        ({"item": "", "quantity": 1}, {"#/item"}),
        ({"item": "x" * 101, "quantity": 1}, {"#/item"}),
        ({"item": "nul\x00", "quantity": 1}, {"#/item"}),
        ({"item": "x", "quantity": 0}, {"#/quantity"}),
        ({"item": "x", "quantity": 10**400}, {"#/quantity"}),
        ({"item": "x", "quantity": "many"}, {"#/quantity"}),
        ([], {"#"}),
    ],
)
def test_a_wrong_order_names_its_fields(client: Any, alice: Any, body: Any, pointers: set[str]) -> None:
    answer = place(client, token(alice, "orders:write"), body)
    assert_problem(answer, 400, "invalid")
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers


@pytest.mark.parametrize(("body", "status"), [("{", 400), (b"\xff\xfe", 400), ("null", 400), ('"x"', 400), ("", 400)])
def test_what_is_no_order_is_never_a_500(client: Any, alice: Any, body: Any, status: int) -> None:
    assert place(client, token(alice, "orders:write"), body).status_code == status


def test_another_content_type_is_415(client: Any, alice: Any) -> None:
    assert_problem(place(client, token(alice, "orders:write"), "<x/>", "text/xml"), 415, "unsupported_media_type")


def test_one_order_and_none(client: Any, alice: Any) -> None:
    assert get(client, f"{ORDERS}1063/", token(alice)).json()["item"] == "Apple press"
    assert_problem(get(client, f"{ORDERS}1/", token(alice)), 404, "not_found")
    assert_problem(client.get("/demo/api/nothing/"), 404, "not_found")


def test_reports_are_for_the_role_operator(client: Any, alice: Any) -> None:
    assert get(client, REPORTS, session_token(alice, roles=["operator"])).json() == {"orders": 3, "items": 15}
    assert_problem(get(client, REPORTS, session_token(alice, roles=["customer"])), 403, "permission_denied")
    assert_problem(client.get(REPORTS), 401, "not_authenticated")


def test_a_call_costs_one_statement(client: Any, alice: Any, sql: Any) -> None:
    bearer = token(alice)
    with sql() as statements:
        assert get(client, ORDERS, bearer).status_code == 200
    statements.assert_at_most(1)


def test_the_apis_description_names_scopes_and_refusals(client: Any) -> None:
    from drf_spectacular.generators import SchemaGenerator

    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    assert {"200", "401", "403"} <= set(paths[ORDERS]["get"]["responses"])
    assert {"201", "400", "415"} <= set(paths[ORDERS]["post"]["responses"])
    assert paths[ORDERS]["get"]["security"] == [{"ordersToken": []}]
    assert paths[REPORTS]["get"]["security"] == [{"sessionToken": []}]
