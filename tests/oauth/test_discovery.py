"""Both metadata documents: true, cacheable, about the configured issuer whatever the request says."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve

from authcenter.keys.ring import ring
from authcenter.oauth.models import Application
from tests.oauth.flow import HOST

PATHS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]


def read(path=PATHS[0], **headers):
    return Client(HTTP_HOST=HOST).get(path, headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_rfc8414_3_what_is_required(path, db):
    response = read(path)
    assert response.status_code == 200 and response["Content-Type"] == "application/json"
    said = response.json()
    assert said["issuer"] == settings.ISSUER
    for name, value in said.items():
        if name.endswith(("_endpoint", "jwks_uri")):
            assert value.startswith(settings.ISSUER + "/")
            assert resolve(value.removeprefix(settings.ISSUER))
        assert value not in (None, "", []), f"{name}: RFC 8414 section 3.2 leaves empty values out"
    assert said["response_types_supported"] == ["code"]
    assert said["response_modes_supported"] == ["query", "fragment", "form_post"]
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert "none" not in said["id_token_signing_alg_values_supported"]
    assert "RS256" in said["id_token_signing_alg_values_supported"]  # OpenID Connect Discovery section 3: MUST
    assert said["subject_types_supported"] == ["public", "pairwise"]
    assert "none" not in said["introspection_endpoint_auth_methods_supported"]


def test_both_documents_are_the_same(db):
    assert read(PATHS[0]).content == read(PATHS[1]).content


def test_what_is_said_is_what_there_is(db):
    said = read().json()
    from authcenter.oauth.server import server

    assert set(said["grant_types_supported"]) == set(server().grants) - {"password"}
    assert not {"implicit", "password"} & set(said["grant_types_supported"])
    assert set(said["id_token_signing_alg_values_supported"]) == set(ring.algorithms())
    assert set(said["token_endpoint_auth_methods_supported"]) <= set(Application.AuthMethod.values)
    for flag in ("request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration"):
        assert said[flag] is True
    assert "none" not in said["request_object_signing_alg_values_supported"]
    assert said["claims_parameter_supported"] is True
    assert said["device_authorization_endpoint"] == f"{settings.ISSUER}/oauth/device"  # RFC 8628 section 4
    assert said["pushed_authorization_request_endpoint"] == f"{settings.ISSUER}/oauth/par"  # RFC 9126 section 5
    assert "registration_endpoint" not in said


@pytest.mark.parametrize("path", PATHS)
def test_az_31_rfc8414_3_3_the_issuer_is_not_taken_from_the_request(path, db):
    for headers in (
        {"X-Forwarded-Host": "evil.test"},
        {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "443", "X-Forwarded-Prefix": "/x"},
        {"Forwarded": "host=evil.test;proto=https"},
        {"X-Original-Host": "evil.test", "X-Host": "evil.test"},
    ):
        assert read(path, **headers).json()["issuer"] == settings.ISSUER
        assert "evil" not in read(path, **headers).content.decode()


@pytest.mark.parametrize("path", [*PATHS, "/.well-known/jwks.json", "/oauth/authorize", "/oauth/token"])
@pytest.mark.parametrize(
    "host", ["evil.test", "localhost.evil.test", "localhost@evil.test", "localhost:80@evil.test", "a b", ""]
)
def test_tr_03_a_strange_host_is_refused(path, host, db):
    response = Client(HTTP_HOST=host, SERVER_NAME="evil.test").get(path)
    assert response.status_code == 400 and "evil.test" not in str(response.headers)


@pytest.mark.parametrize("path", [*PATHS, "/.well-known/jwks.json"])
def test_tr_07_tr_10_public_documents(path, db):
    response = read(path, Origin="https://anywhere.test")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response
    assert "max-age=" in response["Cache-Control"] and "public" in response["Cache-Control"]
    assert not response.cookies and "Cookie" not in response.get("Vary", "")


@pytest.mark.parametrize("path", [*PATHS, "/.well-known/jwks.json"])
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_tr_13_only_reading(path, method, db):
    assert getattr(Client(HTTP_HOST=HOST), method)(path).status_code == 405
    assert Client(HTTP_HOST=HOST).head(path).status_code == 200
