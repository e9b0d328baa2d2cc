"""What checking a token costs an API, per token in microseconds: without revocation, with it, and a repeat.

python -m bench.library
"""

import json
import secrets
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from authcenter.resource_server import JoseKey, Verifier
from authcenter.resource_server.view import View
from bench.figures import Row

ISSUER, API = "https://id.test", "https://orders.test/"
KEYS: dict[str, JoseKey] = {"ES256": ECKey.generate_key("P-256"), "RS256": RSAKey.generate_key(2048)}
LIVING, TOKENS, ROUNDS = 10_000, 400, 7


class Keys:
    def key(self, kid: str) -> tuple[str, JoseKey] | None:
        return kid, KEYS[kid]


class Revocations:
    """A follower's view with living revocations, without its thread."""

    age = 0.0

    def __init__(self, living: int) -> None:
        self.view = View()
        kinds = ("session", "authorization", "family", "token", "user", "application")
        entries = [(kinds[number % 6], secrets.token_urlsafe(16), 1) for number in range(living)]
        self.view.take("bench", 0, living, entries)

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        return self.view.is_revoked(claims)


def token(algorithm: str) -> str:
    now = int(time.time())
    names = ("sid", "gid", "fid", "jti")
    claims = {"iss": ISSUER, "aud": API, "sub": secrets.token_hex(16), "client_id": secrets.token_hex(11)}
    claims |= {"iat": now, "exp": now + 3600, "scope": "orders:read", "uep": 0, "aep": 0, "acr": "x", "amr": ["pwd"]}
    claims |= {name: secrets.token_hex(16) for name in names}
    header = {"alg": algorithm, "typ": "at+jwt", "kid": algorithm}
    return jws.serialize_compact(header, json.dumps(claims), KEYS[algorithm], algorithms=[algorithm])


def microseconds(verify: Callable[[str], Any], tokens: list[str]) -> float:
    began = time.perf_counter()
    for each in tokens:
        verify(each)
    return (time.perf_counter() - began) / len(tokens) * 1e6


def measure(algorithm: str) -> dict[str, float]:
    tokens = [token(algorithm) for _ in range(TOKENS)]
    revocations = Revocations(LIVING)
    # The cache is off where signatures are measured, and warm where repeats are.
    without = Verifier(ISSUER, API, keys=Keys(), remembered=0)
    with_it = Verifier(ISSUER, API, keys=Keys(), revocations=revocations, remembered=0)
    repeat = Verifier(ISSUER, API, keys=Keys(), revocations=revocations)
    taken: dict[str, list[float]] = {"without": [], "with": [], "repeat": []}
    for _ in range(ROUNDS):  # alternating, so that a slow moment hits all alike
        taken["without"].append(microseconds(without.verify, tokens))
        taken["with"].append(microseconds(with_it.verify, tokens))
        microseconds(repeat.verify, tokens)
        taken["repeat"].append(microseconds(repeat.verify, tokens))
    return {name: statistics.median(values) for name, values in taken.items()}


def run() -> dict[str, Any]:
    figures = {algorithm: measure(algorithm) for algorithm in KEYS}
    for algorithm, taken in figures.items():
        taken["check_adds"] = taken["with"] / taken["without"] - 1
        print(
            f"{algorithm}: without revocation {taken['without']:.1f} µs, with {LIVING:,} living {taken['with']:.1f} µs"
            f" (+{taken['check_adds']:.1%}, target ≤ 15 %), repeat {taken['repeat']:.1f} µs (target ≤ 10 µs)"
        )
    return figures


def rows(figures: dict[str, Any]) -> list[Row]:
    found = []
    for algorithm, taken in figures.items():
        adds, repeat = taken["check_adds"], taken["repeat"]
        cost = f"{taken['without']:.0f} µs become {taken['with']:.0f}: +{adds:.1%}"
        found += [
            Row(f"{algorithm}, what the revocation check adds, {LIVING:,} living", cost, "≤ 15 %", adds <= 0.15),
            Row(f"{algorithm}, a token that was checked before", f"{repeat:.1f} µs", "≤ 10 µs", repeat <= 10),
        ]
    return found


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
