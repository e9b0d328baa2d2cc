"""An API in a process of its own: keys and revocations over HTTP from a running server, no Django in the API."""

import subprocess
import sys
import time

import httpx
import pytest

from authcenter.resource_server import InvalidToken, RevokedToken, Verifier
from authcenter.resource_server.issuer import Issuer

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
    issuer = Issuer(server.url)
    verifier = Verifier(server.url, audience, keys=issuer, revocations=issuer)
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
        "from authcenter.resource_server import Verifier\n"
        "from authcenter.resource_server.issuer import Issuer\n"
        f"issuer = Issuer({server.url!r})\n"
        f"verifier = Verifier(issuer.url, {audience!r}, keys=issuer, revocations=issuer)\n"
        f"print(verifier.verify({machine_token(server)!r}).client_id)\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in {'django', 'rest_framework', 'accounts'}]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == server.demo["applications"]["machine"]["client_id"]


def test_a_forked_process_follows_by_itself(server, audience):
    code = (
        "import os, time\n"
        "from authcenter.resource_server import RevokedToken, Verifier\n"
        "from authcenter.resource_server.issuer import Issuer\n"
        f"issuer = Issuer({server.url!r})\n"
        f"verifier = Verifier(issuer.url, {audience!r}, keys=issuer, revocations=issuer)\n"
        "token = input()\n"
        "verifier.verify(token)\n"
        "if os.fork() == 0:\n"
        "    verifier.verify(token)\n"
        "    print('ready', flush=True)\n"
        "    deadline = time.monotonic() + 4\n"
        "    while time.monotonic() < deadline:\n"
        "        try: verifier.verify(token)\n"
        "        except RevokedToken: os._exit(0)\n"
        "        time.sleep(0.02)\n"
        "    os._exit(1)\n"
        "print('child', os.waitstatus_to_exitcode(os.wait()[1]), flush=True)\n"
    )
    token = machine_token(server)
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(token + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    take_back(server, token)
    assert process.stdout.readline() == "child 0\n"
    process.wait(5)


@pytest.mark.parametrize(("when_stale", "accepted"), [("refuse", False), ("accept", True)])
def test_a_silent_feed_means_what_the_api_chose(server, audience, when_stale, accepted):
    issuer = Issuer(server.url, stale_after=0.3, when_stale=when_stale, timeout=0.2)
    verifier = Verifier(server.url, audience, keys=issuer, revocations=issuer)
    token = machine_token(server)
    assert verifier.verify(token)
    issuer._get = lambda url: (_ for _ in ()).throw(OSError("cut off"))
    time.sleep(1.2)
    if accepted:
        assert verifier.verify(token)
    else:
        with pytest.raises(RevokedToken):
            verifier.verify(token)


def test_rotation_is_survived(server, audience):
    issuer = Issuer(server.url, keys_again=0)
    verifier = Verifier(server.url, audience, keys=issuer, revocations=issuer)
    old = machine_token(server)
    assert verifier.verify(old)
    server.manage("rotate_keys", "--algorithm", "ES256")
    time.sleep(11)  # the server's workers read the ring again within ten seconds
    new = machine_token(server)
    assert verifier.verify(old) and verifier.verify(new)


def test_another_issuer_s_answers_are_not_believed(server, audience):
    issuer = Issuer(server.url.replace("localhost", "127.0.0.1"))
    verifier = Verifier(server.url, audience, keys=issuer, revocations=issuer)
    with pytest.raises(InvalidToken):
        verifier.verify(machine_token(server))
