"""Attacks on the token endpoint: who an application is, and what it may ask for."""

import pytest

from authcenter.oauth.registration import DEVICE_CODE
from tests.attacks import refusals
from tests.attacks.rig import ok
from tests.oauth.flow import VERIFIER, basic, claims

pytestmark = pytest.mark.live
MACHINE = {"grant_type": "client_credentials", "scope": "films:read"}
SERVER_ENDS = ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device"]


def code_form(rig, app, code):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
    return {**form, "code_verifier": VERIFIER}


@pytest.mark.parametrize("second", ["of-another", "of-itself", "client-id-mismatch", "secret-alone"])
def test_tk_17_two_methods_of_authentication(rig, second):
    form = code_form(rig, rig.web, rig.browser(rig.scene.alice).code(rig.web))
    more = {
        "of-another": {"client_id": rig.web2.id, "client_secret": rig.web2.secret},
        "of-itself": {"client_id": rig.web.id, "client_secret": rig.web.secret},
        "client-id-mismatch": {"client_id": rig.web2.id},
        "secret-alone": {"client_secret": rig.web.secret},
    }[second]
    with rig.untouched():
        refusals.json_error(rig.token(rig.web, {**form, **more}), "invalid_request")
    ok(rig.token(rig.web, {**form, "client_id": rig.web.id}))


@pytest.mark.parametrize("path", SERVER_ENDS)
def test_tk_18_the_method_is_pinned(rig, path):
    """Each application by the methods that are not its own, with the right secret where it has one."""
    web, web2, spa = rig.web, rig.web2, rig.spa
    wrong = [
        ({"client_id": web.id, "client_secret": web.secret}, {}),
        ({"client_id": web.id}, {}),
        ({}, basic(web2.id, web2.secret)),
        ({"client_id": web2.id}, {}),
        ({"client_id": spa.id, "client_secret": "x"}, {}),
        ({"client_id": spa.id}, basic(spa.id, "x")),
        ({}, basic(spa.id, "")),
        ({}, basic(web.id, "")),
        ({"client_id": web2.id, "client_secret": ""}, {}),
    ]
    for data, headers in wrong:
        with rig.untouched():
            response = rig.post(path, {**MACHINE, "token": "x", **data}, **headers)
        refusals.client(rig, response)


def test_tk_18_a_public_application_cannot_introspect(rig):
    refusals.client(rig, rig.post("/oauth/introspect", {"token": "x"}, rig.spa))


@pytest.mark.parametrize("path", SERVER_ENDS)
@pytest.mark.parametrize(
    "secret", ["wrong", "", "x" * 5000, "é", "\x00"], ids=["wrong", "empty", "long", "e-acute", "nul"]
)
def test_tk_20_challenge_scheme(rig, path, secret):
    with rig.untouched():
        response = rig.post(path, {**MACHINE, "token": "x"}, **basic(rig.web.id, secret))
    refusals.client(rig, response)
    assert response.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic =", "Basic !!!", "Basic eA==", "Basic Og==", "Bearer x", "x", "Digest x"]
)
def test_tk_20_a_header_that_is_none(rig, header):
    response = rig.post("/oauth/token", MACHINE, Authorization=header)
    refusals.json_error(response, "invalid_client", 401)
    assert response.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("path", SERVER_ENDS)
def test_tk_21_no_authentication(rig, path):
    got = rig.tokens(rig.web, rig.scene.alice)
    with rig.untouched():
        for data in ({}, {"client_id": rig.web.id}, {"client_id": "nobody"}, {"client_id": rig.disabled.id}):
            sent = {**MACHINE, "token": got["refresh_token"], **data}
            refusals.json_error(rig.post(path, sent), "invalid_client", 401)
        refusals.client(rig, rig.post(path, {**MACHINE, "token": "x"}, rig.disabled))
    ok(rig.refresh(rig.web, got["refresh_token"]))


def test_tk_23_secret_guessing_stops_the_guesser_alone(rig):
    victim = rig.scene.application("machine", "Victim", ["films:read"])
    honest = rig.elsewhere()
    statuses = []
    for number in range(100):
        guess = rig.post("/oauth/token", MACHINE, **basic(victim.id, f"guess{number}"))
        statuses.append(guess.status_code)
        if number % 20 == 0:
            ok(honest.machine_token(app=victim))
    assert statuses[:20] == [401] * 20 and set(statuses[21:]) == {429}, statuses
    assert int(guess.headers["Retry-After"]) > 0
    assert rig.machine_token(app=victim).status_code == 429, "a guesser must not learn that the last guess was right"
    ok(honest.machine_token(app=victim))
    honest.close()


def test_tk_23_secret_spraying_stops_the_address(rig):
    for number in range(201):
        rig.post("/oauth/token", MACHINE, **basic(f"nobody{number}", "x"))
    assert rig.post("/oauth/token", MACHINE, **basic("nobody", "x")).status_code == 429
    honest = rig.elsewhere()
    ok(honest.machine_token())
    honest.close()


@pytest.mark.parametrize(
    ("app", "grant_type"),
    [
        ("web", "client_credentials"),
        ("web", DEVICE_CODE),
        ("spa", "client_credentials"),
        ("kiosk", "authorization_code"),
        ("machine", "authorization_code"),
        ("machine", "refresh_token"),
        ("machine", DEVICE_CODE),
    ],
    ids=lambda value: value.rpartition(":")[2],
)
def test_tk_41_grant_not_allowed(rig, app, grant_type):
    got = rig.tokens(rig.web, rig.scene.alice)
    form = code_form(rig, rig.web, "x") | {"refresh_token": got["refresh_token"], "device_code": "x"}
    with rig.untouched():
        response = rig.token(getattr(rig, app), {**form, "grant_type": grant_type, "scope": "films:read"})
    refusals.grant(rig, response, "unauthorized_client")


@pytest.mark.parametrize("app", ["web", "web2", "spa", "native", "machine", "kiosk"])
@pytest.mark.parametrize("grant_type", ["password", "implicit", "token", "code"])
def test_tk_41_no_password_grant(rig, app, grant_type):
    with rig.untouched():
        form = {"grant_type": grant_type, "username": rig.scene.alice.email, "password": "correct horse battery staple"}
        refusals.json_error(rig.token(getattr(rig, app), form), "unsupported_grant_type")


@pytest.mark.parametrize(
    "scope", [None, "", "nope", "stock:read", "openid", "offline_access", "films:read openid", "films:read stock:read"],
    ids=["none", "empty", "unknown", "not-assigned", "openid", "offline", "with-openid", "with-not-assigned"],
)  # fmt: skip
def test_tk_42_client_credentials_limits(rig, scope):
    with rig.untouched():
        refusals.grant(rig, rig.machine_token(scope), "invalid_scope")


def test_tk_42_what_a_machine_gets(rig):
    with rig.untouched():
        got = ok(rig.machine_token())
    assert not {"refresh_token", "id_token"} & got.keys()
    said = claims(got["access_token"])
    assert said["sub"] == said["client_id"] == rig.machine.id and said["scope"] == "films:read"
    assert not {"sid", "gid", "fid", "auth_time", "amr"} & said.keys()
