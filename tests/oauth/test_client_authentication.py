"""Applications prove who they are by exactly the registered method, at token, revocation and introspection alike."""

import base64

import pytest
from django.test import Client

from authcenter import limits
from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import API, Application, Family, Grant
from authcenter.oauth.registration import set_new_secret
from tests.oauth.flow import (
    HOST,
    App,
    as_app,
    assert_refused,
    basic,
    machine_token,
    post,
    redeem,
    secret,
    stored,
    tokens,
)

CODE = {
    "grant_type": "authorization_code",
    "code": "x",
    "redirect_uri": "https://rp1.test/cb",
    "code_verifier": "v" * 43,
}
ENDPOINTS = {"token": ("/oauth/token", CODE), "revoke": ("/oauth/revoke", {"token": "x"})}
ALL = {**ENDPOINTS, "introspect": ("/oauth/introspect", {"token": "x"})}


def _assert_basic_challenge(response):
    assert_refused(response, 401, "invalid_client")
    assert response["WWW-Authenticate"].startswith("Basic realm=")
    assert "Bearer" not in response["WWW-Authenticate"]


@pytest.mark.parametrize("endpoint", ALL)
@pytest.mark.parametrize("wrong", ["x", "", "é", "x" * 5000, "'; --"])
def test_tk_20_rfc6749_5_2_a_wrong_basic_secret_is_a_401_that_names_basic(web, endpoint, wrong):
    path, form = ALL[endpoint]
    before = stored()
    _assert_basic_challenge(post(path, form, **basic(web.id, wrong)))
    assert stored() == before
    event = AuditEvent.objects.get(kind="client_refused")
    assert event.client_id == web.id and event.detail == {"method": "client_secret_basic", "reason": "wrong secret"}


@pytest.mark.parametrize("endpoint", ALL)
def test_tk_18_the_method_is_the_registered_one_and_no_other(web, web2, spa, endpoint):
    path, form = ALL[endpoint]
    attempts = {
        "basic client by post": post(path, {**form, "client_id": web.id, "client_secret": web.secret}),
        "post client by basic": post(path, form, **basic(web2.id, web2.secret)),
        "confidential client by none": post(path, {**form, "client_id": web.id}),
        "public client with a secret": post(path, {**form, "client_id": spa.id, "client_secret": "x"}),
        "public client by basic": post(path, form, **basic(spa.id, "x")),
        "public client by basic without secret": post(path, form, **basic(spa.id, "")),
        "assertion": post(
            path,
            {
                **form,
                "client_id": web.id,
                "client_assertion": "x",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            },
        ),
    }
    for response in attempts.values():
        _assert_basic_challenge(response)


@pytest.mark.parametrize("endpoint", ALL)
def test_tk_21_ir_11_without_any_authentication(web, db, endpoint):
    path, form = ALL[endpoint]
    _assert_basic_challenge(post(path, form))


@pytest.mark.parametrize("endpoint", ALL)
def test_tk_17_rfc6749_2_3_two_methods_at_once(web, web2, endpoint):
    path, form = ALL[endpoint]
    header = basic(web.id, web.secret)
    for more in (
        {"client_id": web2.id, "client_secret": web2.secret},
        {"client_id": web.id, "client_secret": web.secret},
        {"client_secret": web.secret},
        {"client_assertion": "x", "client_assertion_type": "y"},
        {"client_id": web2.id},
        {"client_id": web.id.upper()},
    ):
        assert_refused(post(path, {**form, **more}, **header), 400, "invalid_request")


def test_tk_17_nothing_is_consumed_by_two_methods(web, web2, alice, browser):
    code = browser.code(web, alice)
    assert_refused(redeem(web, code, client_id=web2.id, client_secret=web2.secret), 400, "invalid_request")
    assert Grant.objects.get().consumed is None
    assert redeem(web, code, client_id=web.id).status_code == 200  # naming oneself beside Basic is no second method


def test_m9_a_wrong_header_with_a_right_body_is_refused(web2):
    path, form = ENDPOINTS["revoke"]
    response = post(path, {**form, "client_id": web2.id, "client_secret": web2.secret}, **basic(web2.id, "wrong"))
    assert_refused(response, 400, "invalid_request")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_m9_rfc7617_2_the_scheme_has_no_case(web, scheme):
    header = basic(web.id, web.secret)["Authorization"].replace("Basic", scheme)
    assert post("/oauth/revoke", {"token": "x"}, Authorization=header).status_code == 200


def _b64(raw: bytes) -> str:
    return "Basic " + base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    "header",
    [
        "Basic", "Basic ", "Basic !!!", "Basic " + "A" * 5, "Bearer x", "Digest x", "x", ":", "Basic é", "Basic\tx",
        _b64(b"noseparator"), _b64(b":"), _b64(b":secret"), _b64(b"\xff\xfe:x"), _b64(b"%ff:x"), _b64(b"%00:x"),
        _b64(b"a\x00b:x"), _b64(b"a:%ff"), _b64(b"a:\x00"), _b64(b"x" * 70_000 + b":y"), _b64("é:é".encode()),
        _b64("é:é".encode("latin-1")), _b64(b"\xed\xa0\x80:x"), _b64(b"a\r\nb:c"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("endpoint", ALL)
def test_tk_47_malformed_authorization_headers(db, endpoint, header):
    path, form = ALL[endpoint]
    _assert_basic_challenge(post(path, form, Authorization=header))


def test_rfc6749_2_3_1_id_and_secret_are_form_encoded_before_they_are_joined(web):
    Application.objects.filter(pk=web.row.pk).update(client_id="a:b c%d+é"[:8])
    odd = App(Application.objects.get(pk=web.row.pk), web.secret, web.redirect_uri)
    assert post("/oauth/revoke", {"token": "x"}, **basic(odd.id, odd.secret)).status_code == 200


def test_a_secret_of_nothing_opens_nothing(web, machine, orders):
    Application.objects.update(client_secret="")
    API.objects.update(client_secret="")
    _assert_basic_challenge(post("/oauth/revoke", {"token": "x"}, **basic(web.id, "")))
    _assert_basic_challenge(post("/oauth/introspect", {"token": "x"}, **basic(orders.client_id, "")))
    _assert_basic_challenge(post("/oauth/introspect", {"token": "x", "client_id": orders.client_id}))


def test_the_stored_hash_is_not_the_secret(web, orders):
    web.row.refresh_from_db()
    _assert_basic_challenge(post("/oauth/revoke", {"token": "x"}, **basic(web.id, web.row.client_secret)))
    _assert_basic_challenge(post("/oauth/introspect", {"token": "x"}, **basic(orders.client_id, orders.client_secret)))


def test_a_rolled_secret_ends_the_old_one(web):
    old, web.secret = web.secret, secret(set_new_secret(web.row))
    web.row.save()
    _assert_basic_challenge(post("/oauth/revoke", {"token": "x"}, **basic(web.id, old)))
    assert as_app(web, "/oauth/revoke", {"token": "x"}).status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_api_s_credentials_are_no_application_s(orders, endpoint):
    path, form = ALL[endpoint]
    _assert_basic_challenge(post(path, form, **basic(orders.client_id, orders.plain_secret)))


@pytest.mark.parametrize("endpoint", ALL)
def test_a_disabled_application_is_unknown(web, endpoint):
    path, form = ALL[endpoint]
    Application.objects.update(is_active=False)
    disabled = as_app(web, path, form)
    unknown = post(path, form, **basic("nobody", "x"))
    _assert_basic_challenge(disabled)
    assert disabled.content == unknown.content


def test_h1_the_device_grant_type_does_not_open_introspection(spa):
    form = {"token": "x", "client_id": spa.id, "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    _assert_basic_challenge(post("/oauth/introspect", form))


# --- Limits (TK-23) -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ALL)
def test_tk_23_a_guesser_is_stopped_and_the_true_server_is_not(web, endpoint):
    path, form = ALL[endpoint]
    statuses = [post(path, form, address="10.0.0.1", **basic(web.id, f"wrong{n}")).status_code for n in range(30)]
    assert statuses[:20] == [401] * 20 and set(statuses[20:]) == {429}
    response = post(path, form, address="10.0.0.1", **basic(web.id, web.secret))
    assert response.status_code == 429 and int(response["Retry-After"]) > 0
    assert "no-store" in response["Cache-Control"]
    assert as_app(web, "/oauth/revoke", {"token": "x"}, address="10.0.0.2").status_code == 200
    assert AuditEvent.objects.filter(kind="limit_reached", client_id=web.id).exists()


def test_tk_23_successes_are_not_counted(machine):
    for _n in range(30):
        assert machine_token(machine).status_code == 200


def test_tk_23_unknown_applications_are_counted_too(db):
    statuses = {post("/oauth/token", CODE, **basic("nobody", f"{n}")).status_code for n in range(25)}
    assert statuses == {401, 429}


def test_tk_23_a_sprayer_over_many_applications_is_stopped(db, monkeypatch):
    real = limits.application_secret

    def narrow(request, client_id):
        return [
            window if "secret-from" not in window.what else limits.Window(window.what, 8, 300)
            for window in real(request, client_id)
        ]

    monkeypatch.setattr(limits, "application_secret", narrow)
    statuses = [post("/oauth/token", CODE, **basic(f"nobody{n}", "x")).status_code for n in range(10)]
    assert statuses == [401] * 8 + [429] * 2


def test_tk_23_x_forwarded_for_from_a_stranger_changes_nothing(web):
    for n in range(21):
        post("/oauth/token", CODE, **basic(web.id, "x"), **{"X-Forwarded-For": f"10.9.9.{n}"})
    response = post("/oauth/token", CODE, **basic(web.id, "x"), **{"X-Forwarded-For": "10.9.8.1"})
    assert response.status_code == 429


def test_wrong_codes_are_limited_for_their_client(web, web2):
    statuses = [redeem(web, f"guess{n}").status_code for n in range(103)]
    assert statuses[:100] == [400] * 100 and statuses[-1] == 429
    assert redeem(web2, "guess").status_code == 400


def test_a_wrong_method_is_told_nothing_more_than_a_wrong_secret(web, spa):
    answers = {
        post("/oauth/token", CODE, **basic(web.id, "wrong")).content,
        post("/oauth/token", {**CODE, "client_id": web.id}).content,
        post("/oauth/token", CODE, **basic("nobody", "wrong")).content,
        post("/oauth/token", CODE, **basic(spa.id, "wrong")).content,
        post("/oauth/token", CODE).content,
    }
    assert len(answers) == 1


def test_a_query_string_is_no_way_to_authenticate(web):
    response = Client(HTTP_HOST=HOST).post(f"/oauth/token?client_id={web.id}&client_secret={web.secret}")
    assert_refused(response, 400, "invalid_request")


def test_a_refusal_writes_no_family(web, alice, browser):
    got = tokens(web, alice, browser)
    before = stored()
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    _assert_basic_challenge(post("/oauth/token", form, **basic(web.id, "wrong")))
    assert stored() == before and Family.objects.get().generation == 1
