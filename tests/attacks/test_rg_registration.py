"""Attacks on registration: who may, how often, what of it is kept, and what becomes of secrets."""

import secrets
from collections.abc import Iterator

import pytest

from tests.attacks import refusals
from tests.attacks.registering import BACK, REFUSED, REGISTER, app, refused, registered, send, wanted
from tests.attacks.rig import Rig, ok
from tests.attacks.scene import PASSWORD
from tests.live import Server
from tests.oauth.flow import basic

pytestmark = pytest.mark.live


@pytest.fixture(scope="session")
def by_token(tmp_path_factory: pytest.TempPathFactory, open_server: Server) -> Iterator[str]:
    """The address of a node beside the open one that registers only who brings an initial access token."""
    folder = tmp_path_factory.mktemp("by-token")
    node = Server(folder, beside=open_server, workers=1, settings={"REGISTRATION": "token"})
    try:
        node.wait()
        yield node.url
    finally:
        node.stop()


@pytest.mark.parametrize("token", ["", "x" * 43, "user", "session"])
@pytest.mark.parametrize("path", [REGISTER, f"{REGISTER}/nobody"])
def test_rg_01_off_nobody_registers(rig, genuine, token, path):
    token = {"user": genuine.tokens["access"], "session": genuine.tokens["session"]}.get(token, token)
    with rig.untouched():
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        response = rig.http.post(path, json=wanted(), headers=headers)
    assert refused(rig, response, "not_found", 404)
    assert "registration_endpoint" not in rig.scene.metadata


def bearers(rig: Rig) -> dict[str, str]:
    """What is no initial access token."""
    rig.inside.initial_access_token(expired := rig.scene.secret(secrets.token_urlsafe(32)), days=-1)
    rig.inside.initial_access_token(used := rig.scene.secret(secrets.token_urlsafe(32)), uses=0)
    pair = ok(rig.http.post("/api/token/", json={"email": rig.scene.alice.email, "password": PASSWORD}))
    return {
        "none": "",
        "unknown": "x" * 43,
        "expired": expired,
        "used-up": used,
        "of-a-person": rig.tokens(rig.web, rig.scene.alice)["access_token"],
        "of-a-machine": ok(rig.machine_token())["access_token"],
        "of-a-session": rig.scene.secret(pair["access"]),
        "of-a-client": registered(rig)["registration_access_token"],
        "a-secret": rig.web.secret,
    }


def test_rg_01_only_an_initial_access_token_registers(stranger, by_token):
    for told, token in bearers(stranger).items():
        with stranger.untouched():
            response = send(stranger, wanted(), token, url=by_token)
        refused(stranger, response, "invalid_token", 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer "), told
    with stranger.untouched():
        response = send(stranger, wanted(), url=by_token, Authorization=basic(stranger.web.id, stranger.web.secret)[
            "Authorization"
        ])  # fmt: skip
    refused(stranger, response, "invalid_token", 401)


def test_rg_01_nobody_is_asked_for_whom_may_not_register(stranger, by_token, outside):
    with outside.publisher(b"no") as heard:
        refused(stranger, send(stranger, wanted(sector_identifier_uri=heard.url), url=by_token), "invalid_token", 401)
        assert not heard.got


def test_rg_01_an_initial_access_token_is_good_for_as_many_as_it_says(stranger, by_token, parallel):
    stranger.inside.initial_access_token(token := stranger.scene.secret(secrets.token_urlsafe(32)), uses=2)
    refused(stranger, send(stranger, wanted(client_name=1), token, url=by_token), "invalid_client_metadata")
    answers = parallel(8, lambda _number: send(stranger, wanted(), token, url=by_token))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [401] * 6
    for answer in answers:
        if answer.status_code == 201:
            registered(stranger, answer)


def test_rg_01_a_registration_is_looked_after_by_its_own_token_alone(stranger):
    said, other = registered(stranger), registered(stranger)
    own = f"{REGISTER}/{said['client_id']}"
    body = wanted(client_id=said["client_id"], redirect_uris=["https://evil.test/cb"])
    theirs = [f"{REGISTER}/{stranger.web.id}", f"{REGISTER}/nobody", f"{REGISTER}/{other['client_id']}"]
    tries = [(own, token) for token in ("", "x" * 43, other["registration_access_token"], said["client_secret"])]
    tries += [(path, said["registration_access_token"]) for path in theirs]
    answers = set()
    for path, token in tries:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for method in ("GET", "PUT", "DELETE"):
            with stranger.untouched():
                response = stranger.http.request(method, path, json=body if method == "PUT" else None, headers=headers)
            refusals.json_error(response, "invalid_token", 401)
            assert stranger.audited(response) == [REFUSED]
            answers.add(response.content)
    assert len(answers) == 1, "an unknown client and a wrong token can be told apart"
    assert stranger.get_as(said["registration_access_token"], own).json()["redirect_uris"] == [BACK]


def test_rg_22_mass_registration(stranger, parallel):
    """Twenty an hour from one address, however many at once; the others are told when to come again."""
    answers = parallel(60, lambda _number: send(stranger, wanted()))
    made = [registered(stranger, answer) for answer in answers if answer.status_code == 201]
    assert len(made) == 20
    with stranger.untouched():
        for _time in range(20):
            response = send(stranger, wanted())
            assert stranger.audited(response) in ([REFUSED], []), "written down within a limit"
            assert response.status_code == 429 and int(response.headers["Retry-After"]) > 0
            assert not {"client_id", "client_secret"} & response.json().keys()
    elsewhere = stranger.elsewhere()
    registered(elsewhere)
    elsewhere.close()
    used, *idle = made
    browser = stranger.browser(stranger.scene.alice)
    stranger.tokens(app(used), stranger.scene.alice, browser)
    client_ids = [said["client_id"] for said in made]
    assert len(stranger.inside.sweep_after(client_ids, 1)) == 20, "they have a month to find somebody"
    assert stranger.inside.sweep_after(client_ids, 40) == [used["client_id"]], "what nobody used goes"
    assert len(idle) == 19


def test_rg_23_a_secret_is_shown_once(stranger):
    """Its absence in log and audit is seen at the end of the run: `registered` remembers it for that."""
    said = registered(stranger)
    kept = stranger.inside.registration(said["client_id"])
    for name in ("client_secret", "registration_access_token"):
        assert len(said[name]) >= 43, "256 bits"
        assert said[name] not in str(kept), "it is stored as a hash"
    assert registered(stranger)["client_secret"] != said["client_secret"]
    address = f"{REGISTER}/{said['client_id']}"
    again = stranger.get_as(said["registration_access_token"], address)
    assert "client_secret" not in ok(again) and said["client_secret"] not in again.text
    assert "no-store" in again.headers["Cache-Control"]
    ok(stranger.introspect(app(said), "x"))


def test_rg_23_nor_does_the_console_show_it(stranger):
    said = registered(stranger)
    kept = stranger.inside.registration(said["client_id"])
    root = stranger.scene.person("root", is_staff=True, is_superuser=True)
    console = stranger.browser().sign_in_anew(root).http
    for address in ("/admin/oauth/application/", f"/admin/oauth/application/{kept['id']}/change/"):
        page = console.get(address, follow_redirects=True)
        assert page.status_code == 200 and "Nine" in page.text, page.url
        for secret in (said["client_secret"], said["registration_access_token"]):
            assert secret not in page.text
        for column in ("client_secret", "registration_token"):
            assert kept[column] and kept[column] not in page.text
