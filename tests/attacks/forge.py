"""JWTs byte for byte as a test wants them: with the server's own keys, a stranger's, or none."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, RSAKey

from tests.tokens import b64

Signer = Callable[[bytes], bytes]


def compact(header: Any, payload: Any, sign: Signer | None = None) -> str:
    """A compact JWS; header and payload are values or, as bytes, JSON of one's own. Without `sign` unsigned."""
    text = f"{b64(header)}.{b64(payload)}"
    return f"{text}.{b64(sign(text.encode())) if sign else ''}"


def es256(key: ECKey, *, der: bool = False) -> Signer:
    """`der`: the signature as other protocols write it, and JWS does not."""
    private = key.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)

    def sign(data: bytes) -> bytes:
        signature = private.sign(data, ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return signature if der else r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def rs(key: RSAKey, digest: Any = hashes.SHA256, *, pss: bool = False) -> Signer:
    private = key.private_key
    assert isinstance(private, rsa.RSAPrivateKey)
    how: Any = padding.PSS(padding.MGF1(digest()), digest().digest_size) if pss else padding.PKCS1v15()
    return lambda data: private.sign(data, how, digest())


def hs256(secret: bytes) -> Signer:
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


def split(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Header, payload and the signature as it stands."""
    header, payload, signature = token.split(".")
    return decoded(header), decoded(payload), signature


def decoded(part: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return said


def without(claims: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The claims with these changes; a change to None leaves the claim out."""
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def fresh(claims: dict[str, Any], seconds: int = 300) -> dict[str, Any]:
    """The same, issued now."""
    now = int(time.time())
    return {**claims, "iat": now, "exp": now + seconds}
