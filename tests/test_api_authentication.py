"""Which tokens open the API, and which never do (RFC 6750, RFC 8725, RFC 9068). /api/me/ stands for every route."""

import hmac
import json
import time
from typing import Any

import pytest
from django.conf import settings
from joserfc import jws
from joserfc.jwk import ECKey

from authcenter.audit.models import AuditEvent
from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.sessions.revocation import (
    Kind,
    end_all_of_application,
    end_all_of_user,
    end_session,
    revoke,
)
from authcenter.sessions.start import start_api_session
from tests.tokens import (
    INVALID,
    METADATA,
    REALM,
    access_claims,
    access_token,
    assert_problem,
    b64,
    get,
    parts,
    post,
    session_claims,
    session_token,
)

ME = "/api/me/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(person: Any) -> Any:
    return person("alice@example.com", name="Alice Liddell")


@pytest.fixture
def app(application: Any) -> Any:
    return application("web")[0]


def assert_refused(client: Any, token: str, path: str = ME) -> None:
    response = get(client, path, token)
    assert_problem(response, 401, "invalid_token")
    assert response["WWW-Authenticate"] in {INVALID, f"{INVALID}, {METADATA}"}  # of a session token, of an access token


# --- What is accepted -----------------------------------------------------------------------------------------


def test_a_session_token_and_an_access_token_are_good(client: Any, alice: Any, app: Any) -> None:
    assert get(client, ME, session_token(alice)).status_code == 200
    assert get(client, ME, access_token(alice, app.client_id)).status_code == 200
    assert (
        get(client, ME, access_token(alice, app.client_id, aud=["https://other.test/", settings.OWN_API])).status_code
        == 200
    )


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr"])
def test_the_scheme_has_no_case(client: Any, alice: Any, scheme: str) -> None:
    assert client.get(ME, HTTP_AUTHORIZATION=f"{scheme} {session_token(alice)}").status_code == 200


def test_each_costs_one_statement(client: Any, sql: Any, person: Any, application: Any, fresh_view: None) -> None:
    alice, app = person(), application("web")[0]
    for token in (session_token(alice), access_token(alice, app.client_id)):
        with sql() as statements:
            assert get(client, ME, token).json()["email_verified"] is True
        statements.assert_at_most(1)


def test_a_clock_ahead_by_half_a_minute_is_forgiven_and_by_two_is_not(client: Any, alice: Any) -> None:
    now = int(time.time())
    assert get(client, ME, session_token(alice, iat=now + 30)).status_code == 200
    assert get(client, ME, session_token(alice, nbf=now + 30)).status_code == 200
    assert_refused(client, session_token(alice, iat=now + 120))
    assert_refused(client, session_token(alice, nbf=now + 120))


# --- Without credentials, and malformed ones ------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"HTTP_AUTHORIZATION": "Basic YTpi"}, {"HTTP_AUTHORIZATION": "Bearerish x"}])
def test_rfc6750_3_without_a_token_there_is_no_error_code(client: Any, headers: dict[str, str]) -> None:
    response = client.get(ME, **headers)
    assert_problem(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == f"{REALM}, {METADATA}"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b", "bearer  x y z"])
def test_rfc6750_3_1_a_header_without_one_token_is_an_invalid_request(client: Any, header: str) -> None:
    response = client.get(ME, HTTP_AUTHORIZATION=header)
    assert_problem(response, 400, "invalid_request")
    assert 'error="invalid_request"' in response["WWW-Authenticate"]


def test_a_token_in_the_url_or_body_is_no_token(client: Any, alice: Any) -> None:
    response = client.get(ME, {"access_token": session_token(alice)})
    assert_problem(response, 401, "not_authenticated")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d.e",
        "é.è.ê",
        "%00",
        "x,Bearer",
        "." * 10_000,
        "a" * 20_000,
        "eyJhbGciOiJFUzI1NiJ9.." + "A" * 40,
        b64("a string") + ".e30.AA",
        b64(["a list"]) + ".e30.AA",
        b64({"alg": "ES256", "kid": None}) + ".e30.AA",
        b64({"alg": ["ES256"], "kid": {"a": 1}}) + ".e30.AA",
        b64({"alg": "ES256", "kid": "../../dev/null"}) + ".e30.AA",
        b64({"alg": "ES256", "kid": "' OR 1=1--"}) + ".e30.AA",
        b64({"alg": "ES256", "kid": "a\x00b"}) + ".e30.AA",
        b64({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}) + "..AA.AA.AA",
        b64(b"[" * 300) + ".e30.AA",
        b64(b"\xff\xfe") + ".e30.AA",
    ],
)
def test_garbage_is_refused_and_not_audited(client: Any, token: str, db: None) -> None:
    assert_refused(client, token)
    assert not AuditEvent.objects.exists()


# --- Kinds of tokens ------------------------------------------------------------------------------------------


def test_asvs_9_2_2_other_kinds_of_tokens_are_refused(client: Any, alice: Any, app: Any) -> None:
    id_token = access_claims(alice, app.client_id, aud=app.client_id)
    assert_refused(client, ring.sign(id_token, typ="JWT", algorithm="ES256"))
    for typ in ("JWT", "at+jwt+x", "logout+jwt", "session-refresh+jwt", "revocations+jwt", ""):
        assert_refused(client, ring.sign(access_claims(alice, app.client_id), typ=typ, algorithm="ES256"))
        assert_refused(client, ring.sign(session_claims(alice), typ=typ, algorithm="ES256"))


def test_neither_kind_passes_for_the_other(client: Any, alice: Any, app: Any) -> None:
    assert_refused(client, ring.sign(access_claims(alice, app.client_id), typ="session+jwt", algorithm="ES256"))
    assert_refused(client, ring.sign(session_claims(alice), typ="at+jwt", algorithm="ES256"))
    assert_refused(client, access_token(alice, app.client_id, aud=settings.SESSION_AUDIENCE))
    assert_refused(client, session_token(alice, aud=settings.OWN_API))


def test_a_refresh_token_opens_nothing(client: Any, alice: Any) -> None:
    pair = post(client, "/api/token/", {"email": alice.email, "password": "correct horse battery 7"}).json()
    assert_refused(client, pair["refresh"])
    assert get(client, ME, pair["access"]).status_code == 200


def test_a_misused_token_of_ours_is_audited_once(client: Any, alice: Any, app: Any) -> None:
    token = ring.sign(access_claims(alice, app.client_id), typ="JWT", algorithm="ES256")
    for _ in range(3):
        assert_refused(client, token)
    event = AuditEvent.objects.get(kind=AuditEvent.Kind.TOKEN_REFUSED)
    assert event.subject == str(alice.pk) and event.client_id == app.client_id


# --- Signatures -----------------------------------------------------------------------------------------------


def test_any_changed_part_is_refused(client: Any, alice: Any) -> None:
    token = session_token(alice)
    header, payload, signature = token.split(".")
    claims = parts(token)[1]
    for changed in (
        f"{header}.{b64({**claims, 'roles': ['operator']})}.{signature}",
        f"{b64({**parts(token)[0], 'x': 1})}.{payload}.{signature}",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload}.",
        f"{header}..{signature}",
        f"{header}.{payload}.{signature}x",
        f"{header}.{payload}.{signature}.",
    ):
        assert_refused(client, changed)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, "HS256", "RS256", "ES384", "ES256K", 5])
def test_rfc8725_3_1_another_algorithm_is_refused(client: Any, alice: Any, alg: Any) -> None:
    token = session_token(alice)
    header, payload = parts(token)
    signature = token.split(".")[2]
    changed = {name: value for name, value in {**header, "alg": alg}.items() if value is not None}
    for end in (signature, ""):
        assert_refused(client, f"{b64(changed)}.{b64(payload)}.{end}")


def test_rfc8725_3_1_the_public_key_is_no_shared_secret(client: Any, alice: Any) -> None:
    for row in Key.objects.filter(state=Key.State.ACTIVE):
        jwk = row.public_jwk
        public = ring.key(row.kid)
        assert public is not None
        pem = public[1].as_pem(private=False)
        for secret in (pem, pem.strip(), b"\n" + pem, public[1].as_der(private=False), json.dumps(jwk).encode()):
            signed = f"{b64({'alg': 'HS256', 'typ': 'session+jwt', 'kid': row.kid})}.{b64(session_claims(alice))}"
            assert_refused(client, f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}")


def test_rfc8725_3_10_keys_in_the_header_are_not_trusted(client: Any, alice: Any) -> None:
    own = ECKey.generate_key("P-256")
    active = Key.objects.get(algorithm="ES256", state=Key.State.ACTIVE)
    public = own.as_dict(private=False)
    for extra in (
        {"jwk": public},
        {"jwk": public, "kid": active.kid},
        {"jku": "https://canary.test/jwks", "kid": "stranger"},
        {"x5u": "https://canary.test/x5u", "kid": active.kid},
        {"x5c": ["AAAA"], "kid": active.kid},
        {"kid": active.kid},
        {"kid": "stranger"},
        {},
    ):
        header = {"alg": "ES256", "typ": "session+jwt", **extra}
        assert_refused(
            client, jws.serialize_compact(header, json.dumps(session_claims(alice)), own, algorithms=["ES256"])
        )


def test_rfc7515_4_1_11_a_critical_header_is_refused(client: Any, alice: Any) -> None:
    token = session_token(alice)
    header, payload = parts(token)
    for crit in (["x"], ["exp"], [], "exp", ["b64"], 1):
        assert_refused(client, f"{b64({**header, 'crit': crit, 'x': 1})}.{b64(payload)}.{token.split('.')[2]}")


def test_a_retired_key_still_verifies_and_a_revoked_one_does_not(client: Any, alice: Any) -> None:
    token = session_token(alice)
    keys = Key.objects.filter(kid=parts(token)[0]["kid"])
    keys.update(state=Key.State.RETIRED)
    ring.forget()
    assert get(client, ME, token).status_code == 200
    keys.update(state=Key.State.REVOKED)
    ring.forget()
    assert_refused(client, token)


# --- Claims ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "https://evil.test",
        f"{settings.ISSUER}/",
        settings.ISSUER[:-1],
        f"{settings.ISSUER}.evil.test",
        7,
        [settings.ISSUER],
        None,
    ],
)
def test_rfc8725_3_8_the_issuer_is_compared_exactly(client: Any, alice: Any, app: Any, issuer: Any) -> None:
    assert_refused(client, access_token(alice, app.client_id, iss=issuer))
    assert_refused(client, session_token(alice, iss=issuer))


@pytest.mark.parametrize(
    "audience", ["", "https://other.test/", ["https://other.test/"], [], 7, {"a": 1}, [settings.OWN_API, 7], None]
)
def test_rfc9068_4_the_audience_must_be_this_api(client: Any, alice: Any, app: Any, audience: Any) -> None:
    assert_refused(client, access_token(alice, app.client_id, aud=audience))


@pytest.mark.parametrize(
    "exp", [0, -1, 1, True, "9999999999", 9999999999.5, float("nan"), float("inf"), 2**63, 10**400, [1], {}, None]
)
def test_rfc7519_4_1_4_exp_must_be_an_instant_to_come(client: Any, alice: Any, app: Any, exp: Any) -> None:
    assert_refused(client, access_token(alice, app.client_id, exp=exp))
    assert_refused(client, session_token(alice, exp=exp))


@pytest.mark.parametrize("name", ["iat", "nbf"])
@pytest.mark.parametrize("value", [True, "1", -1, 1.5, 2**63, {}])
def test_other_instants_must_be_instants(client: Any, alice: Any, app: Any, name: str, value: Any) -> None:
    assert_refused(client, access_token(alice, app.client_id, **{name: value}))


def test_a_token_is_not_accepted_one_second_too_long(client: Any, alice: Any) -> None:
    assert_refused(client, session_token(alice, exp=int(time.time())))


@pytest.mark.parametrize("name", ["sub", "client_id", "jti", "iat", "aud", "iss", "exp"])
def test_rfc9068_2_2_required_claims(client: Any, alice: Any, app: Any, name: str) -> None:
    assert_refused(client, access_token(alice, app.client_id, **{name: None}))
    assert_refused(client, access_token(alice, app.client_id, **{name: ""}))


@pytest.mark.parametrize("claims", [{"scope": ["openid"]}, {"roles": "operator"}, {"roles": [1]}, {"sub": "no-uuid"}])
def test_claims_of_the_wrong_form_are_refused(client: Any, alice: Any, app: Any, claims: Any) -> None:
    assert_refused(client, access_token(alice, app.client_id, **claims))


def test_an_epoch_is_required_of_a_persons_token(client: Any, alice: Any, app: Any) -> None:
    assert_refused(client, access_token(alice, app.client_id, uep=None))
    assert_refused(client, session_token(alice, uep=None))


# --- Revocation, at the next request --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Kind.SESSION, "sid"), (Kind.AUTHORIZATION, "gid"), (Kind.FAMILY, "fid"), (Kind.TOKEN, "jti")],
)
def test_what_a_token_stands_on_is_taken_back(client: Any, alice: Any, app: Any, kind: Any, name: str) -> None:
    token, other = access_token(alice, app.client_id), access_token(alice, app.client_id)
    assert get(client, ME, token).status_code == 200
    revoke(kind, parts(token)[1][name], reason="test")
    assert_refused(client, token)
    assert get(client, ME, other).status_code == 200
    assert AuditEvent.objects.filter(kind=AuditEvent.Kind.TOKEN_REFUSED).count() == 1


def test_the_end_of_a_session_ends_both_kinds_of_tokens(client: Any, alice: Any, app: Any, rf: Any) -> None:
    session = start_api_session(rf.get("/"), alice, amr=["pwd"], acr="")
    tokens = [session_token(alice, sid=str(session.pk)), access_token(alice, app.client_id, sid=str(session.pk))]
    assert [get(client, ME, token).status_code for token in tokens] == [200, 200]
    end_session(session.pk, reason="test")
    for token in tokens:
        assert_refused(client, token)


def test_a_raised_epoch_of_the_user_ends_all_and_new_tokens_live(client: Any, alice: Any, app: Any) -> None:
    tokens = [session_token(alice), access_token(alice, app.client_id)]
    end_all_of_user(alice.pk, reason="test")
    for token in tokens:
        assert_refused(client, token)
    alice.refresh_from_db()
    assert get(client, ME, session_token(alice)).status_code == 200
    assert get(client, ME, access_token(alice, app.client_id)).status_code == 200


def test_a_raised_epoch_of_the_application_ends_its_tokens_only(client: Any, alice: Any, application: Any) -> None:
    one, two = application("web", "One")[0], application("web", "Two")[0]
    end_all_of_application(one.client_id, reason="test")
    assert_refused(client, access_token(alice, one.client_id))
    assert get(client, ME, access_token(alice, one.client_id, aep=1)).status_code == 200
    assert get(client, ME, access_token(alice, two.client_id)).status_code == 200
    assert get(client, ME, session_token(alice)).status_code == 200


def test_a_disabled_person_is_refused_at_once(client: Any, alice: Any, app: Any) -> None:
    tokens = [session_token(alice), access_token(alice, app.client_id)]
    alice.is_active = False
    alice.save()
    for token in tokens:
        assert_refused(client, token)


def test_a_deleted_person_is_refused_at_once(client: Any, alice: Any, app: Any) -> None:
    tokens = [session_token(alice), access_token(alice, app.client_id)]
    alice.delete()
    for token in tokens:
        assert_refused(client, token)


# --- Machines and scopes --------------------------------------------------------------------------------------


def test_a_machine_has_no_account(client: Any, application: Any) -> None:
    machine = application("machine")[0]
    response = get(client, ME, access_token(None, machine.client_id))
    assert_problem(response, 403, "permission_denied")


def test_a_machine_is_refused_when_its_application_is_revoked(client: Any, application: Any) -> None:
    machine = application("machine")[0]
    end_all_of_application(machine.client_id, reason="test")
    assert_refused(client, access_token(None, machine.client_id))


def test_rfc6750_3_1_a_missing_scope_is_named(client: Any, alice: Any, app: Any) -> None:
    response = get(client, ME, access_token(alice, app.client_id, scope="profile email"))
    assert_problem(response, 403, "insufficient_scope")
    assert response["WWW-Authenticate"] == (
        f'{REALM}, error="insufficient_scope", '
        'error_description="The access token does not carry the scope that this needs.", scope="openid"'
    )


@pytest.mark.parametrize("scope", ["", "openidx", "OPENID", "open id", None])
def test_scopes_are_compared_exactly(client: Any, alice: Any, app: Any, scope: Any) -> None:
    assert_problem(get(client, ME, access_token(alice, app.client_id, scope=scope)), 403, "insufficient_scope")
