"""TR, and what of AC and AD needs it: a server as in production, with an https issuer behind a proxy that ends TLS."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests import room
from tests.attacks.people_rig import PASSWORD
from tests.live import Server
from tests.services import free_port

pytestmark = pytest.mark.live

PROXY, STRANGER = "127.0.0.1", "127.8.0.1"
HOST = "id.example.com"
SETTINGS = {
    "DEMO": "0",
    "ISSUER": f"https://{HOST}",
    "ALLOWED_HOSTS": f"{HOST},localhost",
    "SECRET_KEY": "a secret of a test that is long enough, and more",
    "ENCRYPTION_KEYS": "another secret of a test that is long enough",
    "TRUSTED_PROXIES": f"{PROXY}/32",
}
_PERSON = """
from allauth.account.models import EmailAddress
from accounts.models import User
print("people", User.objects.count())
user = User.objects.create_user("alice@example.com", {password!r})
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("production"), use="production", settings=SETTINGS)
    try:
        running.wait()
        yield running
    finally:
        running.stop()
    assert "Traceback (most recent call last)" not in running.log(), running.log()[-5000:]


@pytest.fixture(scope="module")
def nobody_was_there(production: Server) -> bool:
    """Makes a person, and tells whether she is the first."""
    return "people 0" in production.python(_PERSON.format(password=PASSWORD))


@pytest.fixture(scope="module")
def call(production: Server, nobody_was_there: bool) -> Callable[..., httpx.Response]:
    """By the proxy, unless told from where. Cookies are carried by hand: the bare connection is http."""

    def ask(method: str, path: str, by: str = PROXY, scheme: str = "https", **options) -> httpx.Response:
        told = {"Host": HOST, "X-Forwarded-For": "203.0.113.7"} | ({"X-Forwarded-Proto": scheme} if scheme else {})
        with httpx.Client(transport=httpx.HTTPTransport(local_address=by), timeout=60) as client:
            given = {**told, **options.pop("headers", {})}
            answer = client.request(method, production.url + path, headers=given, **options)
        assert answer.status_code < 500
        return answer

    return ask


PATHS = [
    "/",
    "/accounts/login/",
    "/oauth/token",
    "/api/token/",
    "/.well-known/openid-configuration",
    "/static/css/none",
]


@pytest.mark.parametrize("path", PATHS)
def test_tr_01_what_came_in_the_clear_is_refused(call, path):
    answer = call("POST" if "token" in path else "GET", path, scheme="http")
    assert answer.status_code == 400 and "Location" not in answer.headers and not answer.cookies


def test_tr_01_no_token_goes_over_http(call):
    sent = {"email": "alice@example.com", "password": PASSWORD}
    refused = call("POST", "/api/token/", scheme="http", json=sent)
    assert refused.status_code == 400 and "access" not in refused.text
    assert call("POST", "/api/token/", json=sent).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_tr_01_browsers_are_told_to_come_by_https_for_a_year(call, path):
    assert call("GET", path).headers["Strict-Transport-Security"] == "max-age=31536000"


def test_tr_01_every_address_in_the_metadata_is_https(call):
    told = call("GET", "/.well-known/openid-configuration").json()
    assert told["issuer"] == f"https://{HOST}"
    assert all(
        value.startswith(f"https://{HOST}/") for name, value in told.items() if name.endswith(("_endpoint", "_uri"))
    )


def flags(line: str) -> set[str]:
    return {part.strip().lower().partition(";")[0] for part in line.split(";")[1:]}


def test_ac_45_on_https_every_cookie_is_secure_and_bound_to_this_host(call):
    page = call("GET", "/accounts/login/")
    token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    form = {"login": "alice@example.com", "password": PASSWORD, "csrfmiddlewaretoken": token}
    signed_in = call("POST", "/accounts/login/", data=form, headers={"Cookie": cookie, "Origin": f"https://{HOST}"})
    sent = {"email": "alice@example.com", "password": PASSWORD, "transport": "cookie"}
    by_app = call("POST", "/api/token/", json=sent, headers={"Origin": f"https://{HOST}"})
    assert (signed_in.status_code, by_app.status_code) == (302, 200)
    lines = [line for answer in (page, signed_in, by_app) for line in answer.headers.get_list("set-cookie")]
    names = {line.partition("=")[0] for line in lines}
    assert names == {"__Host-csrf", "__Host-session", "__Host-browser", "__Host-access", "__Secure-refresh"}
    for line in lines:
        assert {"secure", "httponly"} <= flags(line) and "domain" not in line.lower(), line
        assert "path=/" in flags(line) or line.startswith("__Secure-refresh="), line
        assert {"samesite=lax", "samesite=strict"} & flags(line), line


@pytest.mark.parametrize("scheme", ["", "https"])
def test_tr_04_a_strangers_word_about_his_address_is_nothing(call, production, scheme):
    sent = {"email": f"nobody{len(scheme)}@example.com", "password": "wrong"}
    call("POST", "/api/token/", by=STRANGER, scheme=scheme, json=sent)
    call("POST", "/api/token/", by=PROXY, json={**sent, "email": f"proxied{len(scheme)}@example.com"})
    told = [json.loads(line) for line in production.log().splitlines() if "sign_in_refused" in line]
    addresses = {line["detail_email"]: line["address"] for line in told}
    assert addresses[sent["email"]] == STRANGER
    assert addresses[f"proxied{len(scheme)}@example.com"] == "203.0.113.7"


def test_tr_04_of_a_chain_the_last_stranger_counts(call, production):
    """What he put before it is his own invention."""
    chain = {"X-Forwarded-For": "10.0.0.1, 198.51.100.1, 203.0.113.99, 127.0.0.1"}
    call("POST", "/api/token/", headers=chain, json={"email": "chained@example.com", "password": "wrong"})
    [line] = [line for line in production.log().splitlines() if "chained@example.com" in line]
    assert json.loads(line)["address"] == "203.0.113.99"


def test_ad_14_nobody_is_there_by_default(production, nobody_was_there):
    assert nobody_was_there
    assert not (production.data_dir / "demo.json").exists()


@pytest.mark.parametrize("path", ["/demo/", "/demo/web/", "/demo/api/orders/"])
def test_ad_14_the_samples_are_not_served(call, path):
    assert call("GET", path).status_code == 404


UNSAFE = {
    "all at once": (
        {
            "SECRET_KEY": "short",
            "ENCRYPTION_KEYS": "short",
            "ISSUER": f"http://{HOST}",
            "DEBUG": "1",
            "ALLOWED_HOSTS": "*",
        },
        {"E002", "E003", "E004", "E005", "E006"},
    ),
    "no secrets": ({"SECRET_KEY": "", "ENCRYPTION_KEYS": ""}, {"E002", "E003"}),
    "a demo for the world": ({"DEMO": "1"}, {"E001"}),
}


@pytest.mark.parametrize("unsafe", UNSAFE)
def test_ad_14_unsafe_settings_do_not_start(tmp_path, unsafe):
    change, faults = UNSAFE[unsafe]
    place = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "CACHE_URL": "database://", "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=room.ROOT,
        env={**os.environ, **SETTINGS, **place, **change, "PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert set(re.findall(r"\(authcenter\.(E\d+)\)", done.stderr)) == faults
