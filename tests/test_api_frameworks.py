"""The library in other people's APIs: the examples of docs/api-developers.md as they stand, and installed alone."""

import asyncio
import re
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from authcenter.resource_server import Issuer, Verifier
from tests.issuer import API, fake_issuer

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "api-developers.md").read_text()


@pytest.fixture
def there() -> Any:
    with fake_issuer() as issuer:
        yield issuer


def run(coroutine: Any) -> Any:
    """On a loop of its own thread: a browser test of the same worker keeps one in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def example(heading: str, there: Any) -> dict[str, Any]:
    """Runs the first Python block after a heading, with a real issuer and audience."""
    code = re.search(rf"^### {heading}\n.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]
    assert len(code.strip().splitlines()) <= 33 and len(re.sub(r"\n\n+", "\n", code).splitlines()) < 30
    names: dict[str, Any] = {"__name__": "example"}
    code = code.replace("https://id.example.com", there.url).replace("https://orders.example.com", API)
    exec(compile(code, heading, "exec"), names)
    return names


def assert_judged(ask: Any, there: Any) -> None:
    """`ask(headers)` answers status, WWW-Authenticate and JSON."""
    good = there.token(jti="one")
    assert ask({}) == (401, 'Bearer realm="orders"', None)
    assert ask({"Authorization": f"Bearer {good}"}) == (200, None, {"asked_by": "alice"})
    status, challenge, _ = ask({"Authorization": "Bearer nonsense"})
    assert status == 401 and 'error="invalid_token"' in challenge
    status, challenge, _ = ask({"Authorization": f"Bearer {there.token(scope='other')}"})
    assert status == 403 and 'error="insufficient_scope"' in challenge and 'scope="orders:read"' in challenge
    there.revoke("token", "one")
    for _attempt in range(200):
        status = ask({"Authorization": f"Bearer {good}"})[0]
        if status == 401:
            break
    assert status == 401


def test_fastapi(there: Any) -> None:

    app = example("FastAPI and Starlette", there)["app"]

    async def asked(headers: dict[str, str]) -> Any:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://orders.test") as client:
            response = await client.get("/orders", headers=headers)
            await asyncio.sleep(0.01)
        return response.status_code, response.headers.get("www-authenticate"), _json(response)

    assert_judged(lambda headers: run(asked(headers)), there)
    assert run(asked({"Authorization": "Bearer a b"}))[0] == 400


def _json(response: Any) -> Any:
    return response.json() if response.status_code == 200 else None


def test_fastapi_keeps_its_loop_free_while_something_is_fetched(there: Any) -> None:
    import time

    from starlette.requests import Request

    from authcenter.resource_server.starlette import Bearer

    working = there.answer

    def slowly(*arguments: Any) -> Any:
        time.sleep(1)
        return working(*arguments)

    there.answer = slowly
    bearer = Bearer(Verifier(Issuer(there.url, keys_again=0.0), API))
    good, there.kid = there.kid, "made up"
    made_up, there.kid = there.token(), good

    async def longest_stop(token: str) -> float:
        longest = 0.0
        request = Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})
        checking = asyncio.create_task(bearer(request))
        while not checking.done():
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)
        assert (checking.exception() is None) == (token != made_up)
        return longest

    assert run(longest_stop(there.token())) < 0.8  # of the second that each answer takes
    assert run(longest_stop(made_up)) < 0.8  # a key that nobody has is asked for, by another thread


def test_flask(there: Any) -> None:
    import time

    client = example("Flask", there)["app"].test_client()

    def asked(headers: dict[str, str]) -> Any:
        response = client.get("/orders", headers=headers)
        time.sleep(0.01)
        return response.status_code, response.headers.get("WWW-Authenticate"), _json_of_flask(response)

    assert_judged(asked, there)


def _json_of_flask(response: Any) -> Any:
    return response.get_json() if response.status_code == 200 else None


def test_the_other_examples_are_whole(there: Any) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(examples) > 2
    for code in examples:
        compile(code, "example", "exec")


def test_it_installs_alone(tmp_path: Path, there: Any) -> None:
    """As `pip install` does it, from a copy, so that nothing is left behind in the tree."""
    source = shutil.copytree(ROOT / "authcenter" / "resource_server", tmp_path / "source")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-build-isolation", "--target", tmp_path / "alone", source], check=True
    )
    for package in ("joserfc", "cryptography", "cffi", "_cffi_backend*", "pycparser"):
        for found in Path(next(path for path in sys.path if path.endswith("site-packages"))).glob(package):
            (tmp_path / "alone" / found.name).symlink_to(found)
    code = """
        import sys
        from authcenter.resource_server import Issuer, Verifier
        import authcenter.resource_server
        assert authcenter.resource_server.__file__.startswith(sys.argv[1]), authcenter.resource_server.__file__
        print(Verifier(sys.argv[2], sys.argv[3]).verify(sys.argv[4]).subject)
    """
    alone = str(tmp_path / "alone")
    done = subprocess.run(
        [sys.executable, "-S", "-c", textwrap.dedent(code), alone, there.url, API, there.token()],
        env={"PYTHONPATH": alone},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "alice\n", done.stderr
    assert (tmp_path / "alone" / "authcenter" / "resource_server" / "py.typed").exists()
    assert sorted(path.name for path in (tmp_path / "alone" / "authcenter").iterdir()) == ["resource_server"]


def test_a_verifier_and_its_push_receiver_share_a_source(there: Any) -> None:
    issuer = Issuer(there.url)
    assert Verifier(issuer, API).source is issuer and isinstance(Verifier(there.url, API).source, Issuer)
