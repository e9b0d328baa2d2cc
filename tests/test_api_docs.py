"""/api/schema/ describes what there is, and /api/docs/ shows it in a browser under the strict policy."""

from typing import Any

import pytest
import yaml

from tests.tokens import REALM


@pytest.fixture
def described(client: Any, db: None) -> dict[str, Any]:
    response = client.get("/api/schema/")
    assert response.status_code == 200
    return yaml.safe_load(response.content)  # type: ignore[no-any-return]


def test_every_route_is_described_with_its_problems(described: dict[str, Any]) -> None:
    for path in ("/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/logout/", "/api/me/"):
        operation = next(iter(described["paths"][path].values()))
        assert operation["summary"] and operation["description"]
        assert "application/problem+json" in operation["responses"]["401"]["content"]
    assert {"sessionToken", "accessToken"} <= set(described["components"]["securitySchemes"])
    assert described["paths"]["/api/me/"]["get"]["security"] == [{"sessionToken": []}, {"accessToken": []}]


@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
def test_the_docs_do_not_mind_a_body(client: Any, db: None, media_type: str) -> None:
    """What every page needs to know is looked for in it too."""
    assert client.generic("GET", "/api/docs/", "{", content_type=media_type).status_code == 200


@pytest.mark.live
@pytest.mark.browser
def test_the_docs_work_under_the_strict_policy_without_any_outside_request(
    server: Any, desktop: Any, screenshots: Any
) -> None:
    complaints: list[str] = []
    desktop.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    desktop.on("pageerror", lambda error: complaints.append(str(error)))
    answer = desktop.goto(f"{server.url}/api/docs/")
    assert "unsafe" not in answer.headers["content-security-policy"]
    me = desktop.locator("#operations-Own_account-me")
    me.click()
    me.get_by_role("button", name="Execute").click()
    me.locator(".live-responses-table").get_by_text("not_authenticated").first.wait_for()
    assert REALM.replace('"', "") in me.locator(".live-responses-table").inner_text().replace('"', "")
    screenshots(desktop, "api-docs")
    assert [text for text in complaints if "401" not in text] == []
