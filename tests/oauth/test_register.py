"""/oauth/register: RFC 7591, RFC 7592, OpenID Connect Dynamic Client Registration."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from joserfc.jwk import ECKey

from authcenter.audit.models import AuditEvent
from authcenter.checks import faults
from authcenter.oauth.models import Application, InitialAccessToken
from authcenter.oauth.registration import hashed
from authcenter.oidc.discovery import metadata as discovery
from authcenter.server.sweeping import sweep
from tests.certificates import self_signed
from tests.oauth.flow import HOST, App, answer, assert_bearer_401, redeem, secret, userinfo
from tests.receiver import listener

KEY = ECKey.generate_key("P-256", {"kid": "k"})


@pytest.fixture(autouse=True)
def registration(settings):
    settings.REGISTRATION = "open"
    discovery.cache_clear()
    yield
    discovery.cache_clear()


def send(body, method="POST", path="/oauth/register", token="", kind="application/json", address="127.0.0.1"):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client(HTTP_HOST=HOST, REMOTE_ADDR=address).generic(method, path, body, content_type=kind, headers=headers)


def wanted(**changes):
    return {"redirect_uris": ["https://rp9.test/cb"], "client_name": "Nine", **changes}


def registered(**changes):
    response = send(wanted(**changes))
    assert response.status_code == 201, response.content
    for name in ("client_secret", "registration_access_token"):
        secret(response.json().get(name, "x" * 40))
    return response.json()


def at(said, method, body="", **options):
    path = said["registration_client_uri"].removeprefix("http://localhost:8000")
    path = "/oauth/" + path.split("/oauth/")[1]
    return send(body, method, path, said["registration_access_token"], **options)


def refused(response, error="invalid_client_metadata", status=400):
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json") and "no-store" in response["Cache-Control"]
    assert response.json()["error"] == error
    return response.json()["error_description"]


# --- Registering ----------------------------------------------------------------------------------------------


def test_rfc7591_3_2_1_the_answer_is_the_whole_registration(db):
    response = send(wanted(scope="openid profile orders:read", contacts=["ops@rp9.test"]))
    assert response.status_code == 201 and "no-store" in response["Cache-Control"]
    said = response.json()
    assert said["client_name"] == "Nine" and said["redirect_uris"] == ["https://rp9.test/cb"]
    assert said["grant_types"] == ["authorization_code"] and said["response_types"] == ["code"]
    assert said["token_endpoint_auth_method"] == "client_secret_basic" and len(secret(said["client_secret"])) >= 43
    assert said["client_secret_expires_at"] == 0 and isinstance(said["client_id_issued_at"], int)
    assert said["scope"] == "openid profile" and said["id_token_signed_response_alg"] == "RS256"
    assert said["registration_client_uri"].endswith(f"/oauth/register/{said['client_id']}")
    row = Application.objects.get(client_id=said["client_id"])
    assert row.registration_token == hashed(secret(said["registration_access_token"]))
    assert row.client_secret == hashed(said["client_secret"])
    assert row.require_pkce and not row.is_reviewed and not row.skip_authorization
    event = AuditEvent.objects.get(kind="application_registered")
    assert event.subject == said["client_id"] and said["client_secret"] not in str(event.detail)


def test_a_registered_application_works_and_people_are_warned(alice, browser):
    said = registered(grant_types=["authorization_code", "refresh_token"])
    app = App(Application.objects.get(client_id=said["client_id"]), said["client_secret"], "https://rp9.test/cb")
    browser.ask(app, scope="openid email").sign_in(alice)
    assert "Not reviewed." in browser.page.content.decode()
    browser.allow()
    got = redeem(app, answer(browser.left_to)["code"]).json()
    assert userinfo(got["access_token"]).json()["email"] == alice.email and got["refresh_token"]


@pytest.mark.parametrize("member", ["client_id", "client_id_issued_at", "is_reviewed", "skip_authorization", "epoch"])
def test_rg_11_what_is_not_the_clients_to_choose_is_ignored(db, member):
    said = registered(**{member: "chosen"})
    row = Application.objects.get(client_id=said["client_id"])
    assert said["client_id"] != "chosen" and not row.skip_authorization and not row.is_reviewed and row.epoch == 0


KINDS = {
    "public_web_is_a_page": ({"token_endpoint_auth_method": "none"}, "spa", "https://rp9.test"),
    "said_native": ({"application_type": "native", "redirect_uris": ["com.example.nine:/cb"]}, "native", ""),
    "comes_back_to_the_device": ({"redirect_uris": ["http://127.0.0.1:33418/cb"]}, "native", ""),
    "keeps_a_secret": ({}, "web", ""),
}


@pytest.mark.parametrize(("changes", "kind", "origins"), KINDS.values(), ids=KINDS.keys())
def test_the_kind_follows_from_what_is_said(db, changes, kind, origins):
    row = Application.objects.get(client_id=registered(**changes)["client_id"])
    assert row.kind == kind and row.allowed_origins == origins


def test_registration_2_keys_instead_of_a_secret(db):
    jwks = {"keys": [KEY.as_dict(private=False)]}
    said = registered(token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    assert "client_secret" not in said and said["jwks"] == jwks
    assert not Application.objects.get(client_id=said["client_id"]).client_secret


def test_apis_that_are_open_to_strangers(orders, stock):
    stock.self_service = True
    stock.save()
    assert "stock:read" in registered()["scope"].split() and "orders:read" not in registered()["scope"].split()
    assert registered(scope="openid stock:read orders:read account:write")["scope"] == "openid stock:read"


REFUSED = {
    "rg_02_javascript": {"redirect_uris": ["javascript:alert(1)"]},
    "rg_02_javascript_in_mixed_case": {"redirect_uris": ["JavaScript:alert(1)"]},
    "rg_02_data": {"redirect_uris": ["data:text/html,x"]},
    "rg_02_http": {"redirect_uris": ["http://rp9.test/cb"]},
    "rg_02_fragment": {"redirect_uris": ["https://rp9.test/cb#x"]},
    "rg_02_user_name": {"redirect_uris": ["https://a@rp9.test/cb"]},
    "rg_02_wildcard": {"redirect_uris": ["https://*.rp9.test/cb"]},
    "rg_02_dots": {"redirect_uris": ["https://rp9.test/a/../cb"]},
    "rg_02_private_scheme_of_a_web_application": {"redirect_uris": ["com.example:/cb"], "application_type": "web"},
    "rg_02_unclosed_bracket": {"redirect_uris": ["https://[::1/cb"]},
    "rg_02_none": {"redirect_uris": []},
    "rg_02_second_is_wrong": {"redirect_uris": ["https://rp9.test/cb", "javascript:x"]},
    "rg_02_after_logout": {"post_logout_redirect_uris": ["javascript:alert(1)"]},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
def test_rfc7591_3_2_2_redirect_uris(db, changes):
    refused(send(wanted(**changes)), "invalid_redirect_uri")
    assert not Application.objects.exists()
    assert AuditEvent.objects.get().kind == "registration_refused"


METADATA = {
    "rg_11_password": {"grant_types": ["password"]},
    "rg_11_client_credentials": {"grant_types": ["client_credentials"]},
    "rg_11_implicit_type": {"response_types": ["id_token"]},
    "rg_11_type_without_its_grant": {"grant_types": ["refresh_token"], "response_types": ["code"]},
    "rg_13_method": {"token_endpoint_auth_method": "tls_client_auth"},
    "rg_13_alg_none": {"id_token_signed_response_alg": "none"},
    "rg_13_userinfo_alg": {"userinfo_signed_response_alg": "HS256"},
    "rg_13_number": {"client_name": 1},
    "rg_13_list": {"client_name": ["x"]},
    "rg_13_newline": {"client_name": "a\nb"},
    "rg_13_nul": {"client_name": "a\x00b"},
    "rg_13_long": {"client_name": "n" * 300},
    "rg_13_uris_are_a_text": {"redirect_uris": "https://rp9.test/cb"},
    "rg_13_uris_are_numbers": {"redirect_uris": [1]},
    "rg_13_many": {"redirect_uris": [f"https://rp9.test/{n}" for n in range(50)]},
    "rg_13_max_age": {"default_max_age": -1},
    "rg_13_max_age_true": {"default_max_age": True},
    "rg_13_subject": {"subject_type": "secret"},
    "rg_04_jwks_uri_of_a_private_network": {"jwks_uri": "https://169.254.169.254/"},
    "rg_04_jwks_uri_file": {"jwks_uri": "file:///etc/passwd"},
    "rg_04_jwks_uri_http": {"jwks_uri": "http://rp9.test/jwks"},
    "rg_04_backchannel": {"backchannel_logout_uri": "https://10.0.0.1/out"},
    "rg_04_sector": {"sector_identifier_uri": "https://10.0.0.1/s.json"},
    "rg_07_logo": {"logo_uri": "javascript:alert(1)"},
    "rg_07_policy": {"policy_uri": "data:text/html,x"},
    "rg_07_terms": {"tos_uri": "https://a@evil.test/"},
    "rg_07_frame_elsewhere": {"frontchannel_logout_uri": "https://evil.test/out"},
    "3rd_party_initiated_login_http": {"initiate_login_uri": "http://rp9.test/login"},
    "jwks_and_jwks_uri": {"jwks": {"keys": [KEY.as_dict(private=False)]}, "jwks_uri": "https://rp9.test/jwks"},
    "private_key": {"jwks": {"keys": [KEY.as_dict(private=True)]}},
    **{
        f"key_of_which_{name}_is_{value}": {"jwks": {"keys": [{**KEY.as_dict(private=False), name: value}]}}
        for name, value in (("x", None), ("y", ""), ("kty", []), ("crv", {}), ("kid", []), ("alg", {}), ("use", [1]))
    },
    "private_key_jwt_without_keys": {"token_endpoint_auth_method": "private_key_jwt"},
    "software_statement": {"software_statement": "x.y.z"},
    "dpop": {"dpop_bound_access_tokens": True},
    "encryption": {"id_token_encrypted_response_alg": "RSA-OAEP"},
}


@pytest.mark.parametrize("changes", METADATA.values(), ids=METADATA.keys())
def test_rfc7591_3_2_2_metadata(db, changes):
    assert refused(send(wanted(**changes))).split(":")[0].split(" ")[0] in {*changes, "jwks", "response_types"}
    assert not Application.objects.exists()


TWICE = '{"redirect_uris": ["https://rp9.test/cb"], "redirect_uris": ["https://rp9.test/cb"]}'


@pytest.mark.parametrize(
    "body", ["{", "[]", "null", "1", '"x"', "[" * 100_000, b"\xff", '{"redirect_uris":' * 200, TWICE]
)
def test_rg_13_what_is_no_json_object(db, body):
    refused(send(body))


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_rfc7591_3_1_json_alone(db, kind):
    refused(send(wanted(), kind=kind), "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods(db, method):
    response = send("", method)
    assert response.status_code == 405 and response["Allow"] == "POST"


def test_unknown_members_and_null_are_ignored(db):
    said = registered(**{"client_name#fr": "Neuf", "future": {"x": 1}, "logo_uri": None, "request_uris": ["https://x"]})
    assert "future" not in said and "logo_uri" not in said


def test_az_54_markup_in_a_name_is_text(alice, browser):
    said = registered(client_name="<img src=x onerror=alert(1)>", logo_uri="https://rp9.test/logo.png")
    app = App(Application.objects.get(client_id=said["client_id"]), "", "https://rp9.test/cb")
    browser.ask(app).sign_in(alice)
    page = browser.page.content.decode()
    assert "<img src=x" not in page and "&lt;img src=x" in page and "rp9.test/logo.png" not in page


# --- Who may --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/oauth/register", "/oauth/register/x"])
def test_off_it_is_not_there(db, settings, path):
    settings.REGISTRATION = "off"
    discovery.cache_clear()
    refused(send(wanted(), path=path), "not_found", 404)
    said = Client(HTTP_HOST=HOST).get("/.well-known/openid-configuration").json()
    assert "registration_endpoint" not in said and "client_id_metadata_document_supported" not in said


def test_discovery_tells_where(db):
    said = Client(HTTP_HOST=HOST).get("/.well-known/openid-configuration").json()
    assert said["registration_endpoint"].endswith("/oauth/register")


@pytest.fixture
def initial(db, settings):
    settings.REGISTRATION = "token"

    def make(token="t" * 43, uses=1, days=1):
        until = timezone.now() + timedelta(days=days)
        InitialAccessToken.objects.create(name="Ops", token_hash=hashed(secret(token)), uses_left=uses, expires=until)
        return token

    return make


def test_rfc7591_3_an_initial_access_token_is_good_for_so_many(initial):
    token = initial(uses=2)
    assert [send(wanted(), token=token).status_code for _time in range(3)] == [201, 201, 401]


def test_rfc7591_3_without_or_with_another_token(initial):
    initial()
    for token in ("", "x" * 43, "T" * 43):
        response = send(wanted(), token=token)
        refused(response, "invalid_token", 401)
        assert response["WWW-Authenticate"].startswith("Bearer ")
    refused(send(wanted(), token=initial("old" * 15, days=-1)), "invalid_token", 401)
    assert not Application.objects.exists()


def test_a_refused_registration_uses_nothing_up(initial):
    token = initial()
    refused(send(wanted(client_name=1), token=token))
    assert send(wanted(), token=token).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_token_for_one_registration_in_parallel(initial, parallel):
    token = initial()
    statuses = [response.status_code for response in parallel(8, lambda _number: send(wanted(), token=token))]
    assert sorted(statuses) == [201] + [401] * 7 and Application.objects.count() == 1


def test_open_registration_is_limited_by_address(db):
    statuses = [send(wanted()).status_code for _time in range(21)]
    assert statuses == [201] * 20 + [429]
    assert send(wanted(), address="203.0.113.9").status_code == 201


# --- Looking after it -----------------------------------------------------------------------------------------


def test_rfc7592_2_1_reading(db):
    said = registered(software_id="nine", default_max_age=60, initiate_login_uri="https://rp9.test/login")
    response = at(said, "GET")
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    again = response.json()
    assert again["software_id"] == "nine" and again["default_max_age"] == 60
    assert again["initiate_login_uri"] == "https://rp9.test/login" and "client_secret" not in again


def test_rfc7592_2_2_replacing_the_whole(db):
    said = registered(contacts=["a@rp9.test"])
    body = wanted(client_id=said["client_id"], client_name="Ten", redirect_uris=["https://rp10.test/cb"])
    answer = at(said, "PUT", {**body, "client_secret": said["client_secret"]})
    assert answer.status_code == 200 and answer.json()["client_name"] == "Ten" and "contacts" not in answer.json()
    row = Application.objects.get(client_id=said["client_id"])
    assert row.redirect_uris == "https://rp10.test/cb" and row.client_secret == hashed(said["client_secret"])


@pytest.mark.parametrize(
    "changes",
    [{"client_id": "other"}, {"client_id": None}, {"client_secret": "x"}, {"registration_access_token": "x"}],
    ids=["another_id", "no_id", "wrong_secret", "issued_by_us"],
)
def test_rfc7592_2_2_what_must_not_be_sent(db, changes):
    said = registered()
    refused(at(said, "PUT", wanted(**{"client_id": said["client_id"], **changes})), "invalid_request")


def test_rfc7592_2_2_another_method_brings_another_secret(db):
    said = registered()
    body = wanted(client_id=said["client_id"], token_endpoint_auth_method="client_secret_post")
    answer = at(said, "PUT", body).json()
    assert secret(answer["client_secret"]) != said["client_secret"]


def test_rfc7592_2_3_deleting_ends_everything(alice, browser):
    said = registered()
    app = App(Application.objects.get(client_id=said["client_id"]), said["client_secret"], "https://rp9.test/cb")
    token = redeem(app, browser.code(app, alice)).json()["access_token"]
    assert at(said, "DELETE").status_code == 204
    assert not Application.objects.filter(client_id=said["client_id"]).exists()
    assert_bearer_401(userinfo(token))
    assert at(said, "GET").status_code == 401


def test_rfc7592_3_with_another_token_or_for_another_client(db, web):
    said, other = registered(), registered()
    for token in ("", "x" * 43, other["registration_access_token"]):
        response = at({**said, "registration_access_token": token}, "GET")
        refused(response, "invalid_token", 401)
    mine = {**said, "registration_client_uri": f"/oauth/register/{web.id}"}
    assert at(mine, "GET").content == at({**said, "registration_client_uri": "/oauth/register/nobody"}, "GET").content


@pytest.mark.parametrize("name", ["%00", "x%00", "%ff", "%ED%A0%80", "%C3%A9", "%0A", "x" * 5000])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_rfc7592_3_a_client_that_cannot_be(db, name, method):
    """On PostgreSQL too, which takes no NUL."""
    refused(send("", method, f"/oauth/register/{name}", "x" * 43), "invalid_token", 401)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_rfc7592_2_other_methods(db, method):
    assert at(registered(), method).status_code == 405


def test_what_nobody_ever_used_is_swept(db, web):
    said = registered()
    Application.objects.update(created=timezone.now() - timedelta(days=40))
    list(sweep(gently=False))
    assert not Application.objects.filter(client_id=said["client_id"]).exists()
    assert Application.objects.filter(client_id=web.id).exists()


# --- Pairwise sectors -----------------------------------------------------------------------------------------


def test_core_8_1_the_sector_document_names_every_redirect_uri(db, settings, tmp_path):
    context, settings.OUTBOUND_CA_FILE = self_signed("localhost", tmp_path)
    settings.OUTBOUND_CA_FILE, settings.OUTBOUND_ALLOWED = str(settings.OUTBOUND_CA_FILE), ["localhost"]
    uris = ["https://a.test/cb", "https://b.test/cb"]
    with listener(context) as heard:
        sector = heard.url.replace("127.0.0.1", "localhost").split("?")[0]
        heard.status, heard.body = 200, json.dumps(uris).encode()
        asked = {"redirect_uris": uris, "subject_type": "pairwise", "sector_identifier_uri": sector}
        said = registered(**asked)
        assert Application.objects.get(client_id=said["client_id"]).sector == "localhost"
        heard.body = json.dumps(uris[:1]).encode()
        assert "sector_identifier_uri" in refused(send(wanted(**asked)))
        heard.status, heard.headers = 302, {"Location": "https://localhost/elsewhere"}
        refused(send(wanted(**asked)))
    assert "sector_identifier_uri" in refused(send(wanted(redirect_uris=uris, subject_type="pairwise")))


def test_the_server_says_so_where_pkce_is_lifted(settings):
    settings.REGISTRATION_REQUIRES_PKCE = False
    assert "authcenter.W003" in {fault.id for fault in faults()}


def test_rfc7591_3_2_2_what_is_too_long_to_be_kept_in_memory(db):
    """Applications are kept in each worker's memory, and strangers register them."""
    keys = [{"kty": "RSA", "n": "A" * 400, "e": "AQAB", "kid": str(number)} for number in range(200)]
    assert refused(send(wanted(jwks={"keys": keys}))) == "It is longer than 64 KiB."


def test_rfc6749_5_2_descriptions_are_ascii_whatever_language_was_spoken_before(db):
    german = Client(HTTP_HOST=HOST, HTTP_ACCEPT_LANGUAGE="de").get("/accounts/login/")
    assert "Anmelden" in german.content.decode()
    description = refused(send(wanted(redirect_uris=["https://rp9.test/a/../cb"])), "invalid_redirect_uri")
    assert description.isascii() and "dot segments" in description
