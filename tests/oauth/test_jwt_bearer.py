"""grant_type jwt-bearer (RFC 7523 section 2.1): who is trusted vouches for a person; consent and ends stay."""

import json
import secrets
import time

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from joserfc import jws
from joserfc.jwk import ECKey

from authcenter.oauth import granting
from authcenter.oauth.granting import Wanted
from authcenter.oauth.models import TrustedIssuer
from authcenter.oauth.withdrawal import withdraw
from tests.oauth.flow import as_app, assert_bearer_401, assert_refused, claims, secret, userinfo

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY, STRANGER = ECKey.generate_key("P-256", {"kid": "k"}), ECKey.generate_key("P-256", {"kid": "k"})
THEIRS = "https://hr.example"


@pytest.fixture
def issuer(web):
    web.row.grant_types = [*web.row.grant_types, GRANT]
    web.row.save()
    issuer = TrustedIssuer(issuer=THEIRS, name="HR", jwks={"keys": [KEY.as_dict(private=False)]})
    issuer.full_clean()
    issuer.save()
    issuer.applications.add(web.row)
    return issuer


def vouched(person, key=KEY, **changes):
    now = int(time.time())
    said = {"iss": THEIRS, "sub": str(person.pk), "aud": settings.ISSUER, "exp": now + 60, "iat": now}
    said = {**said, "jti": secrets.token_urlsafe(8), **changes}
    said = {name: value for name, value in said.items() if value is not None}
    header = {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
    return secret(jws.serialize_compact(header, json.dumps(said), key, algorithms=["ES256"]))


def ask(app, assertion, **changes):
    form = {"grant_type": GRANT, "assertion": assertion, "scope": "openid email"}
    return as_app(app, "/oauth/token", {**form, **changes})


@pytest.fixture
def agreed(web, alice, issuer):
    return granting.grant(alice, web.row, Wanted(["openid", "email", "orders:read"]))


def test_rfc7523_2_1_what_the_person_granted_and_no_more(web, alice, agreed):
    response = ask(web, vouched(alice))
    assert response.status_code == 200, response.content
    said = response.json()
    assert "refresh_token" not in said and "id_token" not in said
    got = claims(said["access_token"])
    assert got["sub"] == str(alice.pk) and got["gid"] == str(agreed.pk) and "amr" not in got and "auth_time" not in got
    assert userinfo(said["access_token"]).json()["email"] == alice.email
    assert set(ask(web, vouched(alice), scope=None).json()["scope"].split()) == {"openid", "email", "orders:read"}
    assert_refused(ask(web, vouched(alice), scope="openid profile"), 400, "invalid_grant")
    withdraw(agreed.pk, reason="test")
    assert_bearer_401(userinfo(said["access_token"]))


def test_an_assertion_is_no_way_into_an_application_that_wants_two_factors(web, alice, agreed):
    web.row.second_factor = True
    web.row.save()
    assert_refused(ask(web, vouched(alice)), 400, "invalid_grant")


def test_tk_44_consent_is_not_skipped(web, alice, issuer):
    assert_refused(ask(web, vouched(alice)), 400, "invalid_grant")
    web.row.skip_authorization = True
    web.row.save()
    assert ask(web, vouched(alice)).status_code == 200


WRONG = {
    "another_key": {"key": STRANGER},
    "another_issuer": {"iss": "https://evil.test"},
    "audience": {"aud": "https://other.test"},
    "audiences": {"aud": [settings.ISSUER]},
    "past": {"exp": 1_700_000_000},
    "far_ahead": {"exp": int(time.time()) + 10 * 86_400},
    "no_exp": {"exp": None},
    "no_jti": {"jti": None},
    "nobody": {"sub": "00000000-0000-4000-8000-000000000000"},
    "no_uuid": {"sub": "alice"},
    "for_another_client": {"client_id": "other"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_tk_44_rfc7523_3_wrong_assertions(web, alice, agreed, changes):
    assert_refused(ask(web, vouched(alice, **changes)), 400, "invalid_grant")


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "." * 50])
def test_garbage(web, agreed, assertion):
    error = "invalid_grant" if assertion else "invalid_request"
    assert_refused(ask(web, assertion), 400, error)


def test_rfc7523_3_once(web, alice, agreed):
    assertion = vouched(alice)
    assert ask(web, assertion).status_code == 200
    assert_refused(ask(web, assertion), 400, "invalid_grant")


def test_tk_44_a_disabled_person(web, alice, agreed):
    alice.is_active = False
    alice.save()
    assert_refused(ask(web, vouched(alice)), 400, "invalid_grant")


def test_an_issuer_speaks_to_the_named_applications_while_it_is_active(web, web2, alice, issuer, agreed):
    web2.row.grant_types = [*web2.row.grant_types, GRANT]
    web2.row.skip_authorization = True
    web2.row.save()
    assert_refused(ask(web2, vouched(alice)), 400, "invalid_grant")
    issuer.is_active = False
    issuer.save()
    assert_refused(ask(web, vouched(alice)), 400, "invalid_grant")


def test_by_an_address_that_both_have_verified(web, alice, bob, issuer, agreed):
    issuer.finds_people_by = "email"
    issuer.save()
    at_theirs = {"sub": "4711", "email": alice.email.upper(), "email_verified": True}
    assert claims(ask(web, vouched(alice, **at_theirs)).json()["access_token"])["sub"] == str(alice.pk)
    for changes in ({"email_verified": False}, {"email_verified": "true"}, {"email": None}, {"email": "x@y.test"}):
        assert_refused(ask(web, vouched(alice, **{**at_theirs, **changes})), 400, "invalid_grant")
    alice.emailaddress_set.update(verified=False)
    assert_refused(ask(web, vouched(alice, **at_theirs)), 400, "invalid_grant")


def test_tk_41_not_without_the_grant_type_and_never_for_public_applications(web2, spa, alice, issuer):
    assert_refused(ask(web2, vouched(alice)), 400, "unauthorized_client")
    spa.row.grant_types = [*spa.row.grant_types, GRANT]
    spa.row.save()
    issuer.applications.add(spa.row)
    assert_refused(ask(spa, vouched(alice)), 400, "unauthorized_client")


def test_an_issuer_needs_its_keys(db):
    with pytest.raises(ValidationError):
        TrustedIssuer(issuer=THEIRS, name="HR").full_clean()
