"""A Model Context Protocol client connects to an API behind AuthCenter, and nobody registered it by hand.

The client is the protocol's own Python package; the API is the example of docs/api-developers.md as it stands.
"""

import asyncio
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import uvicorn
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from tests.certificates import self_signed
from tests.live import Server
from tests.receiver import listener
from tests.services import free_port
from tests.stranger import Stranger

pytestmark = pytest.mark.live
PAGE = (Path(__file__).parent.parent / "docs" / "api-developers.md").read_text()
BACK = "http://localhost:33418/callback"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed("localhost", tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, certificate: Any) -> Iterator[Server]:
    """A server that takes strangers, by registration and by document."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRATION", "open")
        patch.setenv("CLIENT_ID_METADATA_DOCUMENTS", "1")
        patch.setenv("OUTBOUND_CA_FILE", str(certificate[1]))
        running = Server(tmp_path_factory.mktemp("provider"), use="mcp", workers=1)
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def orders(provider: Server) -> Iterator[str]:
    """The documented API, served; its address is its identifier."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/mcp"
    provider.python(
        "from authcenter.oauth.models import API, Scope;"
        f"api = API.objects.create(identifier={address!r}, name='Orders by MCP', self_service=True);"
        "Scope.objects.filter(name='orders:read').delete();"
        "Scope.objects.create(api=api, name='orders:read', title='See your orders')"
    )
    code = re.search(r"^### An MCP server\n.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]
    code = code.replace("https://id.example.com", provider.url).replace("https://orders.example.com/mcp", address)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "An MCP server", "exec"), names)
    served = uvicorn.Server(uvicorn.Config(names["app"], host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    while not served.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield address
    served.should_exit = True
    thread.join(10)


class Store:
    """Where the client keeps what it got."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client: Any) -> None:
        self.client = client


def connect(provider: Server, orders: str, store: Store, answer: str = "allow", **how: Any) -> str:
    """Calls the tool as the client does it, with a person at a browser; what the tool says."""
    person, back = provider.demo["people"]["demo"], []

    def browse(url: str) -> None:
        browser = Stranger(provider.url).open(url)
        browser.sign_in(person["email"], person["password"]).submit("allow", press=answer)
        back.append({name: values[0] for name, values in parse_qs(urlsplit(browser.left_to).query).items()})

    async def open_browser(url: str) -> None:
        await asyncio.to_thread(browse, url)

    async def came_back() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=back[0].get("code", ""), state=back[0]["state"], iss=back[0]["iss"])

    async def call() -> str:
        metadata = OAuthClientMetadata(client_name="A client", redirect_uris=[BACK], scope="orders:read")
        auth = OAuthClientProvider(orders, metadata, store, open_browser, came_back, **how)
        async with (
            httpx2.AsyncClient(auth=auth, timeout=30) as http,
            Client(streamable_http_client(orders, http_client=http)) as client,
        ):
            return str((await client.call_tool("orders", {})).content)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, call()).result(60)


def claims(store: Store) -> dict[str, Any]:
    import jwt

    return jwt.decode(store.tokens.access_token, options={"verify_signature": False})


def test_by_its_metadata_document(provider: Server, orders: str, certificate: Any) -> None:
    store = Store()
    with listener(certificate[0]) as heard:
        address = heard.url.replace("127.0.0.1", "localhost").split("/events")[0] + "/client.json"
        document = {"client_id": address, "client_name": "A client", "redirect_uris": [BACK]}
        heard.status, heard.body = 200, json.dumps(document).encode()
        assert "Apple press" in connect(provider, orders, store, client_metadata_url=address)
    said = claims(store)
    assert said["aud"] == orders and said["scope"] == "orders:read" and said["client_id"] == address


def test_by_registering_itself(provider: Server, orders: str) -> None:
    store = Store()
    assert "Quince jelly" in connect(provider, orders, store)
    assert claims(store)["aud"] == orders and store.client.client_id == claims(store)["client_id"]
    assert "Quince jelly" in connect(provider, orders, store)  # with what it keeps, nobody is asked again


def test_a_person_who_says_no_and_a_token_for_another_api(provider: Server, orders: str) -> None:
    with pytest.raises(BaseExceptionGroup):
        connect(provider, orders, Store(), answer="deny")
    machine = provider.demo["applications"]["machine"]
    form = {"grant_type": "client_credentials", "scope": "orders:write"}
    got = httpx2.post(f"{provider.url}/oauth/token", data=form, auth=(machine["client_id"], machine["client_secret"]))
    bearer = {"Authorization": f"Bearer {got.json()['access_token']}"}
    assert httpx2.post(orders, headers=bearer, json={}).status_code == 401
