"""An API in a process of its own: keys and revocations over HTTP from a running server, no Django in the API."""

import subprocess
import sys
import time

import httpx
import pytest

from authcenter.resource_server import InvalidToken, Issuer, RevokedToken, Verifier

pytestmark = pytest.mark.live


def machine_token(server):
    application = server.demo["applications"]["machine"]
    answer = httpx.post(
        f"{server.url}/oauth/token",
        data={"grant_type": "client_credentials", "scope": "orders:read"},
        auth=(application["client_id"], application["client_secret"]),
    )
    return answer.json()["access_token"]


def take_back(server, token):
    application = server.demo["applications"]["machine"]
    httpx.post(
        f"{server.url}/oauth/revoke",
        data={"token": token},
        auth=(application["client_id"], application["client_secret"]),
    ).raise_for_status()


@pytest.fixture
def audience(server):
    return server.demo["apis"]["demo"]["identifier"]


def test_a_token_is_checked_offline_and_dies_within_two_seconds(server, audience):
    verifier = Verifier(server.url, audience)
    token, other = machine_token(server), machine_token(server)
    assert verifier.verify(token).scopes == {"orders:read"}
    take_back(server, token)
    began = time.monotonic()
    while time.monotonic() - began < 2:
        try:
            verifier.verify(token)
        except RevokedToken:
            break
        time.sleep(0.01)
    else:
        pytest.fail("still accepted two seconds after its revocation")
    assert verifier.verify(other)


def test_the_core_needs_no_django(server, audience):
    code = (
        "import sys\n"
        "from authcenter.resource_server import Issuer, Verifier\n"
        f"issuer = Issuer({server.url!r})\n"
        f"verifier = Verifier(issuer, {audience!r})\n"
        f"print(verifier.verify({machine_token(server)!r}).client_id)\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in {'django', 'rest_framework', 'accounts'}]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == server.demo["applications"]["machine"]["client_id"]


def test_rotation_is_survived(server, audience):
    issuer = Issuer(server.url, keys_again=0)
    verifier = Verifier(issuer, audience)
    old = machine_token(server)
    assert verifier.verify(old)
    server.manage("rotate_keys", "--algorithm", "ES256")
    time.sleep(11)  # the server's workers read the ring again within ten seconds
    new = machine_token(server)
    assert verifier.verify(old) and verifier.verify(new)


def test_another_issuer_s_answers_are_not_believed(server, audience):
    issuer = Issuer(server.url.replace("localhost", "127.0.0.1"))
    verifier = Verifier(issuer, audience)
    with pytest.raises(InvalidToken):
        verifier.verify(machine_token(server))
