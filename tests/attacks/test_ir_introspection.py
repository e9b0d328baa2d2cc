"""Attacks on introspection, revocation and userinfo."""

import json
import secrets

import pytest

from tests.attacks import forge, refusals
from tests.attacks.rig import FORM, ok, soon
from tests.attacks.scene import PASSWORD
from tests.oauth.flow import basic, claims

pytestmark = pytest.mark.live
ENDS = ["/oauth/introspect", "/oauth/revoke"]
FULL = "openid films:read account:read orders:read"


@pytest.fixture
def got(rig):
    return rig.tokens(rig.web, rig.scene.alice, scope=FULL)


def test_ir_01_introspection_needs_a_caller(rig, got):
    token = {"token": got["access_token"]}
    with rig.untouched():
        refusals.json_error(rig.post("/oauth/introspect", token), "invalid_client", 401)
        for data, headers in (
            ({"client_id": rig.spa.id}, {}),
            ({"client_id": rig.web.id}, {}),
            ({}, basic(rig.web.id, "wrong")),
            ({}, basic(rig.scene.films.id, "wrong")),
            ({}, basic(rig.scene.films.id, "")),
            ({"client_id": rig.scene.films.id}, {}),
            ({}, basic("authcenter", "")),
        ):
            refusals.client(rig, rig.post("/oauth/introspect", {**token, **data}, **headers))
        bearer = {"Authorization": f"Bearer {got['access_token']}"}
        refusals.json_error(rig.post("/oauth/introspect", token, **bearer), "invalid_client", 401)
    assert rig.is_active(rig.web, got["access_token"]) and rig.is_active(rig.scene.films, got["access_token"])


def test_ir_02_wrong_resource_server(rig, got):
    refusals.inactive(rig.introspect(rig.scene.stock, got["access_token"]))
    refusals.inactive(rig.introspect(rig.scene.stock, ok(rig.machine_token())["access_token"]))
    refusals.inactive(rig.introspect(rig.scene.films, got["refresh_token"]))


def test_ir_03_ordinary_client(rig, got):
    for caller in (rig.web2, rig.machine, rig.camera):
        refusals.inactive(rig.introspect(caller, got["access_token"]))
        refusals.inactive(rig.introspect(caller, got["refresh_token"]))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ENDS)
def test_ir_04_ir_15_other_methods(rig, got, path, method):
    with rig.untouched():
        headers = basic(rig.web.id, rig.web.secret)
        response = rig.http.request(method, path, params={"token": got["access_token"]}, headers=headers)
    assert response.status_code == 405 and "active" not in response.text
    assert rig.is_active(rig.web, got["access_token"])


def test_ir_05_one_negative_answer(rig, got):
    right = claims(got["access_token"])
    stranger = forge.ECKey.generate_key("P-256")
    dead = rig.tokens(rig.web, rig.scene.alice)
    assert rig.revoke(rig.web, dead["refresh_token"]).status_code == 200
    session = ok(rig.http.post("/api/token/", json={"email": rig.scene.bob.email, "password": PASSWORD}))
    tokens = {
        "unknown": secrets.token_urlsafe(32),
        "unknown opaque": "oat_" + secrets.token_urlsafe(32),
        "unknown refresh": "rt_" + secrets.token_urlsafe(52),
        "expired": rig.scene.sign({**right, "exp": right["iat"] - 10}, "at+jwt"),
        "revoked": dead["access_token"],
        "revoked refresh": dead["refresh_token"],
        "malformed": "a.b.c",
        "half": got["access_token"][:-5],
        "id token": got["id_token"],
        "session": rig.scene.secret(session["access"]),
        "session refresh": rig.scene.secret(session["refresh"]),
        "issuer": rig.scene.sign({**right, "iss": "https://evil.test"}, "at+jwt"),
        "key": forge.compact({"alg": "ES256", "typ": "at+jwt"}, right, forge.es256(stranger)),
        "blank": " ",
    }
    for name, token in tokens.items():
        for caller in (rig.web, rig.scene.films):
            response = rig.introspect(caller, token)
            assert response.content == b'{"active": false}', name
            refusals.inactive(response)
    assert rig.is_active(rig.web, rig.scene.sign(right, "at+jwt")), "the same claims, rightly signed, are active"


@pytest.mark.parametrize(
    "hint", ["access_token", "refresh_token", "id_token", "nope", "x" * 8_000, ""], ids=lambda h: h[:13]
)
def test_ir_07_refresh_tokens_and_hints(rig, got, hint):
    for token in (got["refresh_token"], got["access_token"]):
        assert ok(rig.introspect(rig.web, token, token_type_hint=hint))["active"] is True
        refusals.inactive(rig.introspect(rig.web2, token, token_type_hint=hint))
    assert rig.revoke(rig.web, got["refresh_token"], token_type_hint=hint).status_code == 200
    refusals.inactive(rig.introspect(rig.web, got["refresh_token"], token_type_hint=hint))


def test_ir_07_a_hint_of_a_megabyte(rig, got):
    for path in ENDS:
        response = rig.post(path, {"token": got["access_token"], "token_type_hint": "x" * 1_000_000}, rig.web)
        assert response.status_code in {400, 413}
    assert rig.is_active(rig.web, got["access_token"])


CHANGES = ["person disabled", "application disabled", "session ended", "consent withdrawn", "everything of the person"]


@pytest.mark.parametrize("change", [*CHANGES, "everything of the application"])
def test_ir_08_state_changes_show_at_once(rig, change):
    """At every worker, for a token that no other check would refuse."""
    person = rig.scene.person("changing")
    app = rig.scene.application("web", "Changing", ["films:read"], redirect_uris="https://rp8.test/cb")
    browser = rig.browser()
    got = rig.tokens(app, person, browser.sign_in_anew(person), scope="openid films:read")
    everywhere = rig.scattered()
    assert everywhere.is_active(rig.scene.films, got["access_token"]) and everywhere.is_active(
        app, got["refresh_token"]
    )
    if change == "consent withdrawn":
        (granted,) = rig.inside.authorizations(person.id, app.id)
        browser.remove_app(granted["id"])
        assert rig.inside.authorizations(person.id, app.id) == []
    elif change == "session ended":
        rig.inside.end_session(claims(got["access_token"])["sid"])
    elif change == "application disabled":
        rig.inside.activate(app.id, False)
    else:
        {
            "person disabled": lambda: rig.inside.disable(person.id),
            "everything of the person": lambda: rig.inside.end_all_of_user(person.id),
            "everything of the application": lambda: rig.inside.end_all_of_application(app.id),
        }[change]()
    for _connection in range(12):
        refusals.inactive(everywhere.introspect(rig.scene.films, got["access_token"]))
        refusals.bearer(everywhere.userinfo(got["access_token"]))
    if change != "application disabled":
        refusals.inactive(everywhere.introspect(app, got["refresh_token"]))
        refusals.inactive(everywhere.introspect(app, got["access_token"]))
    everywhere.close()


def test_ir_10_token_guessing(rig):
    """Guesses are never active; each kind costs nothing that grows: no row is written, nobody is locked out."""
    with rig.untouched():
        for number in range(100):
            for prefix in ("oat_", "rt_", ""):
                refusals.inactive(rig.introspect(rig.scene.films, prefix + secrets.token_urlsafe(32 + number % 3)))


def test_ir_11_revocation_needs_the_client(rig, got):
    with rig.untouched():
        for token in (got["access_token"], got["refresh_token"]):
            refusals.json_error(rig.revoke(None, token), "invalid_client", 401)
            for data in ({"client_id": rig.web.id}, {"client_id": rig.web.id, "client_secret": "wrong"}):
                refusals.client(rig, rig.post("/oauth/revoke", {"token": token, **data}))
    assert rig.is_active(rig.web, got["access_token"]) and rig.is_active(rig.web, got["refresh_token"])


def test_ir_12_revoking_a_foreign_token(rig, got):
    with rig.untouched():
        for thief in (rig.web2, rig.spa, rig.machine):
            for token in (got["access_token"], got["refresh_token"]):
                response = rig.revoke(thief, token)
                assert response.status_code == 200 and response.content == b"", response.text
    assert rig.is_active(rig.web, got["access_token"])
    ok(rig.refresh(rig.web, got["refresh_token"]))


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_ir_13_cascade_and_immediacy(rig, got, which):
    """Either token ends both: at once where somebody asks, a moment later at an API that follows the feed."""
    everywhere, orders = rig.scattered(), "/demo/api/orders/"
    assert everywhere.get_as(got["access_token"], orders).status_code == 200
    response = rig.revoke(rig.web, got[which])
    assert response.status_code == 200 and rig.audited(response) == ["token_revoked"]
    for _connection in range(12):
        refusals.inactive(everywhere.introspect(rig.web, got["access_token"]))
        refusals.inactive(everywhere.introspect(rig.scene.films, got["access_token"]))
        refusals.bearer(everywhere.userinfo(got["access_token"]))
    refusals.grant(rig, rig.refresh(rig.web, got["refresh_token"]))
    soon(lambda: {everywhere.get_as(got["access_token"], orders).status_code for _ in range(12)} == {401})
    everywhere.close()


@pytest.mark.parametrize("path", ENDS)
def test_ir_15_bad_input(rig, got, path):
    right = got["access_token"]
    with rig.untouched():
        for sent in ({}, {"token": ""}, [("token", right), ("token", right)], [("token", right), ("token", "x")]):
            refusals.json_error(rig.post(path, sent, rig.web), "invalid_request")
        for raw in (b"token=%00", b"token=%ff", b"token", b"\x00", b"token=" + b"x" * 1_000_000):
            response = rig.post(path, raw, rig.web)
            assert response.status_code in {400, 413} and "error" in response.json()
        as_json = {"Content-Type": "application/json"}
        refusals.json_error(rig.post(path, json.dumps({"token": right}), rig.web, **as_json), "invalid_request")
    assert rig.is_active(rig.web, right)


def test_ir_18_userinfo_transport(rig, got):
    token = got["access_token"]
    header, form = {"Authorization": f"Bearer {token}"}, {"Content-Type": FORM}
    get, post = rig.http.get, rig.http.post
    bad = [
        get(f"/oauth/userinfo?access_token={token}"),
        get(f"/oauth/userinfo?access_token={token}", headers=header),
        post("/oauth/userinfo", content=f"access_token={token}", headers={**header, **form}),
        post("/oauth/userinfo", content=f"access_token={token}&access_token={token}", headers=form),
        get("/oauth/userinfo", headers={"Authorization": f"Basic {token}"}),
        get("/oauth/userinfo", headers={"Authorization": token}),
    ]
    for response in bad:
        assert response.status_code == 400 and 'error="invalid_request"' in response.headers["WWW-Authenticate"]
        assert "sub" not in response.json()
    assert post("/oauth/userinfo", json={"access_token": token}).status_code == 401
    assert get("/oauth/userinfo").headers["WWW-Authenticate"] == 'Bearer realm="AuthCenter"'
    without_openid = rig.tokens(rig.web, rig.scene.alice, scope="films:read")["access_token"]
    for narrow in (without_openid, ok(rig.machine_token())["access_token"]):
        response = rig.userinfo(narrow)
        assert response.status_code == 403 and 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
    assert rig.userinfo(token).json()["sub"] == rig.scene.alice.id
