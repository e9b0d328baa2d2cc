"""Web Authentication Level 3: what a browser is asked for, and whether its answer is good (sections 7.1 and 7.2).

Written out here rather than left to the library, whose server checks neither the counter nor the algorithm, nor
whether a stranger's frame asked, and takes the relying party from the Host header. The formats are fido2's.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from django.conf import settings
from django.http import HttpRequest
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AuthenticatorData, CollectedClientData

from accounts import challenges, deletion
from accounts.challenges import Ceremony
from accounts.models import Passkey, User

ALGORITHMS = (-7, -8, -257)
"""ES256, EdDSA, RS256 (COSE): what every authenticator has one of."""

_TRANSPORTS = {"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"}
_LONGEST_ANSWER = 32 * 1024
_LONGEST_ID = 1023
_LONGEST_KEY = 2048
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError, struct.error)


class Refused(Exception):
    """The answer is not good. `reason` is for the audit log; the person is told less. `passkey` where it is known."""

    def __init__(self, reason: str, passkey: Passkey | None = None) -> None:
        super().__init__(reason)
        self.reason, self.passkey = reason, passkey


@dataclass(frozen=True)
class NewCredential:
    """A credential that has just been made, and holds what was asked of it."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    verifies: bool
    discoverable: bool
    backup_eligible: bool
    backed_up: bool
    aaguid: UUID
    transports: list[str]


def relying_party() -> str:
    """The issuer's host name, whatever host a request named. Passkeys belong to it for ever."""
    return settings.ISSUER_HOST


def origin() -> str:
    parts = urlsplit(settings.ISSUER)
    return f"{parts.scheme}://{parts.netloc}".lower().removesuffix(":443" if parts.scheme == "https" else ":80")


def user_handle(user: User) -> bytes:
    """Random bytes that tell nobody anything (section 14.6.1): the person's id."""
    return user.pk.bytes


def to_create(request: HttpRequest, ceremony: Ceremony, user: User, *, alone: bool) -> dict[str, Any]:
    """Options for `navigator.credentials.create`. `alone`: it has to suffice for signing in, without a password."""
    mine = Passkey.objects.filter(authenticator__user=user)
    return {
        "rp": {"id": relying_party(), "name": settings.SITE_NAME},
        "user": {"id": websafe_encode(user_handle(user)), "name": user.email, "displayName": user.full_name},
        "challenge": websafe_encode(challenges.made(request, ceremony, user)),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
        "timeout": challenges.SECONDS * 1000,
        "excludeCredentials": _described(mine),
        "authenticatorSelection": {
            "residentKey": "required" if alone else "preferred",
            "requireResidentKey": alone,
            "userVerification": "required" if alone else "preferred",
        },
        "attestation": "none",
        "extensions": {"credProps": True},
    }


def to_get(request: HttpRequest, ceremony: Ceremony, user: User | None = None) -> dict[str, Any]:
    """Options for `navigator.credentials.get`. Without a person: any passkey that this server knows may answer."""
    mine = list(Passkey.objects.filter(authenticator__user=user)) if user is not None else []
    lax = ceremony == Ceremony.SECOND_FACTOR or not all(passkey.verifies for passkey in mine)
    return {
        "rpId": relying_party(),
        "challenge": websafe_encode(challenges.made(request, ceremony, user)),
        "timeout": challenges.SECONDS * 1000,
        "allowCredentials": _described(mine),
        "userVerification": "preferred" if lax else "required",
    }


def registered(request: HttpRequest, ceremony: Ceremony, user: User, text: str, *, alone: bool) -> NewCredential:
    """Section 7.1. Raises `Refused`."""
    answer = _read(text)
    try:
        response = answer["response"]
        client = CollectedClientData(websafe_decode(response["clientDataJSON"]))
        data = AttestationObject(websafe_decode(response["attestationObject"])).auth_data
        credential = data.credential_data
        said = [transport for transport in response.get("transports") or [] if transport in _TRANSPORTS]
        resident = ((answer.get("clientExtensionResults") or {}).get("credProps") or {}).get("rk")
        named = websafe_decode(answer["rawId"])
    except _UNREADABLE:
        raise Refused("unreadable") from None
    _challenge(request, ceremony, user, client)
    _client_data(client, CollectedClientData.TYPE.CREATE)
    _authenticator_data(data, verified=alone)
    if credential is None or named != credential.credential_id or not 0 < len(named) <= _LONGEST_ID:
        raise Refused("credential")
    public_key = cbor.encode(dict(credential.public_key))
    if credential.public_key.get(3) not in ALGORITHMS or len(public_key) > _LONGEST_KEY:
        raise Refused("algorithm")
    _usable(credential.public_key)
    discoverable = bool(resident) if resident is not None else data.is_user_verified()
    if alone and not discoverable:
        raise Refused("not discoverable")
    return NewCredential(
        credential_id=named,
        public_key=public_key,
        sign_count=data.counter,
        verifies=data.is_user_verified(),
        discoverable=discoverable,
        backup_eligible=data.is_backup_eligible(),
        backed_up=data.is_backed_up(),
        aaguid=UUID(bytes=bytes(credential.aaguid)),
        transports=sorted(set(said)),
    )


def asserted(request: HttpRequest, ceremony: Ceremony, text: str, user: User | None = None) -> tuple[Passkey, bool]:
    """Section 7.2: whose passkey answered, and whether that verified the person. Raises `Refused`.

    Without `user` it says itself whose it is, and must verify her; so must one that can, where she signs in again. Its
    counter is moved on here, by one statement: of two answers with one count one is refused.
    """
    answer = _read(text)
    try:
        response = answer["response"]
        client = CollectedClientData(websafe_decode(response["clientDataJSON"]))
        data = AuthenticatorData(websafe_decode(response["authenticatorData"]))
        signature = websafe_decode(response["signature"])
        named = websafe_decode(answer["rawId"])
        handle = websafe_decode(response["userHandle"]) if response.get("userHandle") else b""
    except _UNREADABLE:
        raise Refused("unreadable") from None
    _challenge(request, ceremony, user, client)
    passkey = _known(named, handle, user, ceremony)
    verified = data.is_user_verified()
    try:
        _client_data(client, CollectedClientData.TYPE.GET)
        alone = ceremony == Ceremony.SIGN_IN or (ceremony == Ceremony.AGAIN and passkey.verifies)
        _authenticator_data(data, verified=alone)
        _signed(passkey, bytes(data) + client.hash, signature)
    except Refused as refusal:
        raise Refused(refusal.reason, passkey) from None
    if data.is_backup_eligible() != passkey.backup_eligible:
        raise Refused("backup eligibility", passkey)
    _count(passkey, data)
    return passkey, verified


def _read(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST_ANSWER:
        raise Refused("unreadable")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("unreadable") from None
    if not isinstance(answer, dict) or answer.get("type") != "public-key" or answer.get("id") != answer.get("rawId"):
        raise Refused("unreadable")
    return answer


def _challenge(request: HttpRequest, ceremony: Ceremony, user: User | None, client: CollectedClientData) -> None:
    """Used up before anything else is looked at, so that nothing can be tried with it twice."""
    if not challenges.consumed(request, ceremony, user, client.challenge):
        raise Refused("challenge")


def _client_data(client: CollectedClientData, kind: str) -> None:
    """What the browser says of itself."""
    if client.type != kind:
        raise Refused("type")
    if client.origin != origin():
        raise Refused("origin")
    if client.cross_origin is not False or "topOrigin" in client._data:
        raise Refused("cross-origin")


def _authenticator_data(data: AuthenticatorData, *, verified: bool) -> None:
    if data.rp_id_hash != hashlib.sha256(relying_party().encode()).digest():
        raise Refused("relying party")
    if not data.is_user_present():
        raise Refused("nobody present")
    if verified and not data.is_user_verified():
        raise Refused("not verified")
    if data.is_backed_up() and not data.is_backup_eligible():
        raise Refused("backup state")


def _known(credential_id: bytes, handle: bytes, user: User | None, ceremony: Ceremony) -> Passkey:
    """The passkey of this id, if it is this person's; where she is unknown, of the person that it names. Whose account
    waits for its deletion may come as far as the question whether to keep it."""
    found = Passkey.objects.select_related("authenticator__user").filter(digest=digest_of(credential_id)).first()
    if found is None:
        raise Refused("unknown")
    owner: User = found.authenticator.user
    if (user is not None and owner.pk != user.pk) or ((handle or user is None) and handle != user_handle(owner)):
        raise Refused("another person's", found)
    at_the_entrance = ceremony in {Ceremony.SIGN_IN, Ceremony.SECOND_FACTOR}
    if not owner.is_active and not (at_the_entrance and deletion.waits(owner)):
        raise Refused("disabled", found)
    return found


def _signed(passkey: Passkey, message: bytes, signature: bytes) -> None:
    try:
        key = CoseKey.parse(cast(Mapping[int, Any], cbor.decode(bytes(passkey.public_key))))
        key.verify(message, signature)
    except (InvalidSignature, ValueError, NotImplementedError):
        raise Refused("signature") from None


def _count(passkey: Passkey, data: AuthenticatorData) -> None:
    """Step 22: an authenticator that counts must have counted on, or there is a copy of it."""
    row = Passkey.objects.filter(pk=passkey.pk)
    row = row.filter(sign_count__lt=data.counter) if data.counter or passkey.sign_count else row.filter(sign_count=0)
    if not row.update(sign_count=data.counter, backed_up=data.is_backed_up()):
        raise Refused("counter", passkey)


def _usable(key: CoseKey) -> None:
    """A key that no signature can ever be checked with is refused now, not at the next sign-in."""
    try:
        key.verify(b"", b"")
    except InvalidSignature:
        pass
    except Exception:
        raise Refused("key") from None


def _described(passkeys: Any) -> list[dict[str, Any]]:
    return [
        {"type": "public-key", "id": websafe_encode(bytes(passkey.credential_id)), "transports": passkey.transports}
        for passkey in passkeys
    ]


def digest_of(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()
