"""A software authenticator: answers WebAuthn options as a browser and its passkey would, or as a forger would.

What is changed on the way is named by keyword: `origin`, `kind` (client data's type), `rp_id`, `flags`, `count`,
`cross_origin`, `top_origin`, `challenge`, `handle`.
"""

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from fido2 import cbor
from fido2.cose import ES256, ES384, RS256, EdDSA
from fido2.utils import websafe_decode, websafe_encode

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
SYNCED = PRESENT | VERIFIED | ELIGIBLE | BACKED_UP
BOUND = PRESENT | VERIFIED


@dataclass
class Authenticator:
    """One passkey, made by `create`. `step`: by how much it counts on at each use, 0 for one that does not count."""

    origin: str = "http://localhost:8000"
    flags: int = SYNCED
    step: int = 0
    transports: tuple[str, ...] = ("internal", "hybrid")
    aaguid: bytes = bytes(16)
    algorithm: int = -7
    resident: bool | None = True
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    rp_id: str = ""
    count: int = 0

    def __post_init__(self) -> None:
        if self.algorithm == -7:
            self.key: Any = ec.generate_private_key(ec.SECP256R1())
            self.cose = ES256.from_cryptography_key(self.key.public_key())
        elif self.algorithm == -8:
            self.key = ed25519.Ed25519PrivateKey.generate()
            self.cose = EdDSA.from_cryptography_key(self.key.public_key())
        elif self.algorithm == -35:
            self.key = ec.generate_private_key(ec.SECP384R1())
            self.cose = ES384.from_cryptography_key(self.key.public_key())
        else:
            self.key = rsa.generate_private_key(65537, 2048)
            self.cose = RS256.from_cryptography_key(self.key.public_key())

    def create(self, options: dict[str, Any], **changed: Any) -> str:
        self.handle, self.rp_id = websafe_decode(options["user"]["id"]), options["rp"]["id"]
        public_key = changed.pop("public_key", cbor.encode(dict(self.cose)))
        attested = self.aaguid + struct.pack(">H", len(self.credential_id)) + self.credential_id + public_key
        flags = changed.pop("flags", self.flags) | ATTESTED
        data = self._data({**changed, "flags": flags}) + attested
        response = {
            "clientDataJSON": websafe_encode(self._client(options, "webauthn.create", changed)),
            "attestationObject": websafe_encode(cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": list(self.transports),
        }
        properties = {} if self.resident is None else {"rk": self.resident}
        return self._answer(response, {"credProps": properties}, changed)

    def get(self, options: dict[str, Any], **changed: Any) -> str:
        self.count += self.step
        client = self._client(options, "webauthn.get", changed)
        data = self._data(changed)
        signed = data + hashlib.sha256(client).digest()
        handle = changed.get("handle", self.handle)
        response = {
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(changed.get("signature") or self._sign(signed)),
            "userHandle": websafe_encode(handle) if handle else None,
        }
        return self._answer(response, {}, changed)

    def _client(self, options: dict[str, Any], kind: str, changed: dict[str, Any]) -> bytes:
        told = {
            "type": changed.get("kind", kind),
            "challenge": changed.get("challenge", options["challenge"]),
            "origin": changed.get("origin", self.origin),
            "crossOrigin": changed.get("cross_origin", False),
        }
        if "top_origin" in changed:
            told["topOrigin"] = changed["top_origin"]
        return json.dumps(told).encode()

    def _data(self, changed: dict[str, Any]) -> bytes:
        rp_id = changed.get("rp_id", self.rp_id)
        flags, count = changed.get("flags", self.flags), changed.get("count", self.count)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, count)

    def _sign(self, message: bytes) -> bytes:
        if self.algorithm == -8:
            return self.key.sign(message)
        if self.algorithm == -257:
            return self.key.sign(message, padding.PKCS1v15(), SHA256())
        return self.key.sign(message, ec.ECDSA(SHA384() if self.algorithm == -35 else SHA256()))

    def _answer(self, response: dict[str, Any], extensions: dict[str, Any], changed: dict[str, Any]) -> str:
        named = websafe_encode(changed.get("credential_id", self.credential_id))
        told = {"id": named, "rawId": named, "type": "public-key", "response": response}
        return json.dumps({**told, "clientExtensionResults": extensions})
