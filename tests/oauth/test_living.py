"""What a token stands on, asked exactly: a statement names what the token has, and reads what the answer needs."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from authcenter.oauth import access_token, living
from authcenter.oauth.claims import about_person, columns
from authcenter.oauth.scopes import IDENTITY
from authcenter.sessions.models import Revocation
from authcenter.sessions.revocation import revoke
from tests.oauth.flow import as_app, machine_token, tokens, userinfo

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = {
    "sid": Revocation.Kind.SESSION,
    "gid": Revocation.Kind.AUTHORIZATION,
    "fid": Revocation.Kind.FAMILY,
    "mid": Revocation.Kind.MEMBERSHIP,
    "jti": Revocation.Kind.TOKEN,
    "kid": Revocation.Kind.KEY,
}
SCOPES = [name for name in ("profile", "email", "address", "phone") if name in IDENTITY]


@pytest.fixture
def got(web, alice):
    return dict(access_token.read(tokens(web, alice, scope="openid orders:read")["access_token"]))


@pytest.mark.parametrize("name", KINDS)
def test_what_a_token_names_ends_it_and_nothing_else_does(got, name):
    claims = {**got, "mid": str(uuid.uuid4())}
    without = {key: value for key, value in claims.items() if key != name}
    assert living.is_alive(claims) and living.is_alive(without)
    revoke(KINDS[name], claims[name], reason="test")
    assert not living.is_alive(claims) and living.person_behind(claims) is None
    assert living.is_alive(without) and living.is_alive({**claims, name: str(uuid.uuid4())})


@pytest.mark.parametrize("name", ["jti", "kid"])
def test_a_machine_s_token_too(machine, name):
    claims = dict(access_token.read(machine_token(machine).json()["access_token"]))
    assert living.is_machine(claims) and living.is_alive(claims)
    revoke(KINDS[name], claims[name], reason="test")
    assert not living.is_alive(claims) and living.is_alive({**claims, name: "another"})


def test_without_its_epoch_or_with_claims_of_another_type_a_token_is_dead(got, machine):
    for name in ("uep", "sub", "client_id"):
        assert not living.is_alive({**got, name: 7 if name != "uep" else -1})
    assert not living.is_alive({key: value for key, value in got.items() if key != "uep"})
    claims = dict(access_token.read(machine_token(machine).json()["access_token"]))
    assert not living.is_alive({key: value for key, value in claims.items() if key != "aep"})
    assert not living.is_alive({**claims, "aep": "0"})


@pytest.mark.parametrize("asked", [*SCOPES, " ".join(SCOPES)])
def test_userinfo_reads_those_columns_that_it_tells_and_no_more(web, alice, sql, asked):
    everything = {name: f"x-{name}" for name in ("given_name", "family_name", "nickname", "website", "phone_number")}
    User.objects.filter(pk=alice.pk).update(**everything, address={"country": "NL"}, birthdate="1990-01-01")
    token = tokens(web, alice, scope=f"openid {asked}")["access_token"]
    with CaptureQueriesContext(connection) as statements:
        said = userinfo(token).json()
    of_people = [one["sql"] for one in statements if '"accounts_user"."id"' in one["sql"]]
    assert len(of_people) == 1, of_people
    assert all(f'"{column}"' in of_people[0] for column in columns(asked.split()))
    assert '"password"' not in of_people[0] and '"last_login"' not in of_people[0]
    person = User.objects.get(pk=alice.pk)
    assert said == {"sub": str(alice.pk), **about_person(person, ["openid", *asked.split()], told_to=web.id)}
    assert len(said) > 1


def test_introspection_reads_nothing_of_a_person_but_whether_she_is_there(web, alice):
    token = tokens(web, alice)["access_token"]
    with CaptureQueriesContext(connection) as statements:
        assert as_app(web, "/oauth/introspect", {"token": token}).json()["active"] is True
    [asked] = [one["sql"] for one in statements if '"accounts_user"."id"' in one["sql"]]
    assert '"accounts_user"."epoch"' in asked and '"accounts_user"."name"' not in asked
