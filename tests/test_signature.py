"""A header that was read before says no more than its bytes do: key, algorithm and type are asked about each time."""

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from authcenter.resource_server import InvalidToken, JoseKey, MisusedToken
from authcenter.resource_server import signature as module
from authcenter.resource_server.signature import declared_header, signed_claims
from tests.tokens import b64

EC, OTHER_EC, RSA = ECKey.generate_key("P-256"), ECKey.generate_key("P-256"), RSAKey.generate_key(2048)


class Keys:
    """One key, or none, under the name "k"."""

    def __init__(self, algorithm: str, key: JoseKey) -> None:
        self.now: tuple[str, JoseKey] | None = (algorithm, key)

    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        return self.now if kid == "k" else None


def signed(claims: Any, key: JoseKey = EC, **header: Any) -> str:
    said = {"alg": "ES256", "typ": "at+jwt", "kid": "k", **header}
    return jws.serialize_compact(said, json.dumps(claims), key, algorithms=["ES256", "RS256", "PS256"])


@pytest.fixture
def keys() -> Keys:
    """After a first token was good, so that its header is remembered."""
    found = Keys("ES256", EC)
    assert signed_claims(signed({"n": 0}), found, types=["at+jwt"]).claims == {"n": 0}
    return found


def test_a_key_that_was_taken_back_is_asked_for_anew(keys: Keys) -> None:
    keys.now = None
    with pytest.raises(InvalidToken, match="unknown"):
        signed_claims(signed({"n": 1}), keys, types=["at+jwt"])


def test_another_key_of_the_same_name_is_the_one_that_counts(keys: Keys) -> None:
    keys.now = ("ES256", OTHER_EC)
    with pytest.raises(InvalidToken, match="bad signature"):
        signed_claims(signed({"n": 1}), keys, types=["at+jwt"])
    assert signed_claims(signed({"n": 1}, OTHER_EC), keys, types=["at+jwt"]).claims == {"n": 1}


def test_another_source_knows_another_key(keys: Keys) -> None:
    stranger = Keys("ES256", OTHER_EC)
    with pytest.raises(InvalidToken, match="bad signature"):
        signed_claims(signed({"n": 1}), stranger, types=["at+jwt"])


def test_each_place_wants_its_own_types(keys: Keys) -> None:
    token = signed({"n": 1})
    with pytest.raises(MisusedToken) as misused:
        signed_claims(token, keys, types=["session+jwt"])
    assert misused.value.claims == {"n": 1}
    assert signed_claims(token, keys, types=["session+jwt", "at+jwt"]).type == "at+jwt"


def test_each_place_allows_its_own_algorithms(keys: Keys) -> None:
    for allowed in ((), ("RS256",), ["PS256", "EdDSA"]):
        with pytest.raises(InvalidToken, match="another algorithm"):
            signed_claims(signed({"n": 1}), keys, types=["at+jwt"], algorithms=allowed)


def test_rfc8725_3_1_the_key_decides_and_not_the_header_however_often_it_was_good() -> None:
    keys, token = Keys("RS256", RSA), signed({"n": 1}, RSA, alg="RS256")
    assert signed_claims(token, keys, types=["at+jwt"]).claims == {"n": 1}
    keys.now = ("PS256", RSA)  # the same key, now for another algorithm
    with pytest.raises(InvalidToken, match="its key"):
        signed_claims(token, keys, types=["at+jwt"])
    keys.now = ("RS256", EC)  # a key that is not of the algorithm's kind
    with pytest.raises(InvalidToken):
        signed_claims(token, keys, types=["at+jwt"])


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"b64": True},
        {"typ": None},
        {"typ": 1},
        {"kid": None},
        {"kid": 1},
        {"alg": None},
        {"alg": ["ES256"]},
        {"unheard-of": 1},
        {"jku": "file:///dev/null"},
    ],
)
def test_a_header_that_is_refused_is_refused_again_and_not_remembered(keys: Keys, header: dict[str, Any]) -> None:
    said = {"alg": "ES256", "typ": "at+jwt", "kid": "k", **header}
    begun = f"{b64(json.dumps(said).encode())}.{b64(b'{}')}"
    algorithm = jws.JWSRegistry(algorithms=["ES256"]).get_alg("ES256")
    token = f"{begun}.{b64(algorithm.sign(begun.encode(), EC))}"  # by the right key: only the header is wrong
    before = module._header.cache_info().currsize
    for _ in range(2):
        with pytest.raises(InvalidToken):
            signed_claims(token, keys, types=["at+jwt"])
    assert declared_header(token) == ("", "", "") and module._header.cache_info().currsize == before


@pytest.mark.parametrize("ending", ["=", "==", " ", "\n", "+", "/", "A"])
def test_the_same_header_in_other_letters_is_another(keys: Keys, ending: str) -> None:
    header, rest = signed({"n": 1}).split(".", 1)
    with pytest.raises(InvalidToken):
        signed_claims(f"{header}{ending}.{rest}", keys, types=["at+jwt"])


def test_strangers_fill_no_memory(keys: Keys) -> None:
    most = module._header.cache_info().maxsize
    assert most is not None
    for number in range(most + 20):
        header = b64(json.dumps({"alg": "ES256", "kid": f"made up {number}"}).encode())
        assert declared_header(f"{header}..").key_id == f"made up {number}"
    assert module._header.cache_info().currsize <= most
    assert declared_header(f"{b64(json.dumps({'alg': 'ES256', 'kid': 'k' * 600}).encode())}..") == ("", "", "")
    assert signed_claims(signed({"n": 2}), keys, types=["at+jwt"]).claims == {"n": 2}
