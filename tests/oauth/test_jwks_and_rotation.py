"""The JWK Set and the key ring: only public halves, no living token lost by a rotation, a revoked key is gone."""

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from authcenter.keys import vault
from authcenter.keys.models import Key
from authcenter.keys.ring import InvalidToken, Ring, ring
from authcenter.keys.rotation import ensure_keys, revoke_key, rotate
from tests.oauth.flow import HOST, claims, refresh, tokens, userinfo


def published(**headers):
    return Client(HTTP_HOST=HOST).get("/.well-known/jwks.json", headers=headers)


def test_jw_27_rfc7517_4_only_public_members(db):
    keys = published().json()["keys"]
    assert {key["alg"] for key in keys} == {"ES256", "RS256"} and len(keys) == 4
    assert len({key["kid"] for key in keys}) == 4
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & key.keys()
        assert key["use"] == "sig" and key["kid"] and key["kty"] in {"EC", "RSA"}
        if key["kty"] == "RSA":
            assert RSAKey.import_key(key).raw_value.key_size >= 2048 and key["e"] == "AQAB"
        else:
            assert key["crv"] == "P-256"


def test_a_stranger_verifies_our_tokens_by_the_jwk_set_alone(web, alice, browser):
    got = tokens(web, alice, browser)
    for token in (got["access_token"], got["id_token"]):
        header = claims(token, 0)
        jwk = next(key for key in published().json()["keys"] if key["kid"] == header["kid"])
        assert jwk["alg"] == header["alg"]
        key = {"EC": ECKey, "RSA": RSAKey}[jwk["kty"]].import_key(jwk)
        assert jws.deserialize_compact(token, key, algorithms=[jwk["alg"]])


def test_conditional_get(db):
    first = published()
    again = published(**{"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and again.content == b"" and again["ETag"] == first["ETag"]
    rotate("ES256")
    assert published(**{"If-None-Match": first["ETag"]}).status_code == 200


def test_private_halves_are_encrypted_at_rest(db):
    for row in Key.objects.all():
        assert not {"d", "p", "q"} & row.public_jwk.keys()
        private = json.loads(vault.decrypt(row.private_key))
        assert private["d"] not in row.private_key and private["d"] not in json.dumps(row.public_jwk)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_rotation_loses_no_living_token(web, alice, browser, algorithm):
    got = tokens(web, alice, browser)
    before = {key["kid"] for key in published().json()["keys"]}
    active = rotate(algorithm)
    assert active.kid in before, "a key that signs was published before"
    assert userinfo(got["access_token"]).status_code == 200
    new = refresh(web, got["refresh_token"]).json()
    token = new["access_token" if algorithm == "ES256" else "id_token"]
    assert claims(token, 0)["kid"] == active.kid
    assert before < {key["kid"] for key in published().json()["keys"]}
    states = sorted(Key.objects.filter(algorithm=algorithm).values_list("state", flat=True))
    assert states == ["active", "next", "retired"]
    # an old ID token still says who is there
    told = browser.authorize(web, prompt="none", id_token_hint=got["id_token"])["Location"]
    assert "code=" in told


def test_the_command_rotates(db):
    before = set(Key.objects.filter(state="active").values_list("kid", flat=True))
    call_command("rotate_keys")
    assert not before & set(Key.objects.filter(state="active").values_list("kid", flat=True))
    assert before == set(Key.objects.filter(state="retired").values_list("kid", flat=True))


def test_retired_keys_leave_when_nothing_they_signed_lives(db):
    rotate("ES256")
    old = Key.objects.get(algorithm="ES256", state="retired")
    Key.objects.filter(pk=old.pk).update(retired=timezone.now() - settings.KEY_RETIRED_FOR - timedelta(hours=1))
    rotate("ES256")
    assert not Key.objects.filter(pk=old.pk).exists()
    assert Key.objects.filter(algorithm="ES256", state="retired").count() == 1


@pytest.mark.parametrize("state", ["active", "next", "retired"])
def test_a_revoked_key_is_gone_and_another_signs(db, state):
    rotate("ES256")
    kid = Key.objects.get(algorithm="ES256", state=state).kid
    assert revoke_key(kid).state == "revoked" and revoke_key(kid) is None and revoke_key("nobody") is None
    assert kid not in {key["kid"] for key in published().json()["keys"]}
    counts = list(Key.objects.filter(algorithm="ES256").exclude(state="retired").values_list("state", flat=True))
    assert sorted(counts) == ["active", "next", "revoked"]
    assert ring.verify(ring.sign({}, typ="x", algorithm="ES256"), typ=["x"]) == {}


def test_a_revoked_key_verifies_nothing(db):
    token = ring.sign({"a": 1}, typ="x", algorithm="ES256")
    assert ring.verify(token, typ=["x"]) == {"a": 1}
    revoke_key(claims(token, 0)["kid"])
    with pytest.raises(InvalidToken):
        ring.verify(token, typ=["x"])


def test_a_next_key_does_not_sign(db):
    signing = {claims(ring.sign({}, typ="x", algorithm=algorithm), 0)["kid"] for algorithm in ("ES256", "RS256")}
    assert signing == set(Key.objects.filter(state="active").values_list("kid", flat=True))


def test_making_keys_is_harmless_to_repeat(db):
    before = set(Key.objects.values_list("kid", flat=True))
    assert ensure_keys() == [] and set(Key.objects.values_list("kid", flat=True)) == before


def test_a_worker_meets_a_key_that_another_made_a_moment_ago(db, monkeypatch):
    here, there = Ring(), Ring()
    here.jwks()
    rotate("ES256")
    rotate("ES256")  # the key that signs now was made after `here` had read the ring
    token = there.sign({}, typ="x", algorithm="ES256")
    here._loaded_at -= 2
    assert here.verify(token, typ=["x"]) == {}


def test_unknown_kids_make_no_query_each(db, django_assert_num_queries):
    import time

    worker = Ring()
    token = ring.sign({}, typ="x", algorithm="ES256")
    worker.jwks()
    header = {**claims(token, 0), "kid": "unknown"}
    import base64

    forged = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=") + "." + token.split(".", 1)[1]
    worker._loaded_at = time.monotonic()
    with django_assert_num_queries(0):
        for _n in range(20):
            with pytest.raises(InvalidToken):
                worker.verify(forged, typ=["x"])


def test_without_a_key_signing_fails_loudly(db):
    Key.objects.all().delete()
    with pytest.raises(LookupError, match="rotate_keys"):
        Ring().sign({}, typ="x", algorithm="ES256")


def test_what_is_signed_is_unicode_to_the_letter(db):
    said = {"name": "Zoë 🦊 \u2028", "n": 1}
    assert ring.verify(ring.sign(said, typ="x", algorithm="RS256"), typ=["x"]) == said
