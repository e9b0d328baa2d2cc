"""Encryption at rest and MACs, both from `ENCRYPTION_KEYS` (newest first: the first makes, all read)."""

import base64
import functools
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Undecryptable(Exception):
    """None of `ENCRYPTION_KEYS` opens this: a key was removed too early, or the data was changed."""


def derived(secret: bytes, purpose: str) -> bytes:
    """A 256-bit key for one purpose (HKDF-SHA256, RFC 5869), so that no key serves two ends."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


def encrypt(text: str) -> str:
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    try:
        return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise Undecryptable from None


def encrypt_under(secret: str, text: str) -> str:
    """Encrypt for who holds `secret` and this server's key: neither alone opens it."""
    return _fernet_under(secret, settings.ENCRYPTION_KEYS[0]).encrypt(text.encode()).decode()


def decrypt_under(secret: str, token: str) -> str:
    for key in settings.ENCRYPTION_KEYS:
        try:
            return _fernet_under(secret, key).decrypt(token.encode()).decode()
        except InvalidToken:
            continue
    raise Undecryptable


def mac(message: bytes, purpose: str) -> bytes:
    """128-bit HMAC-SHA256 tag under a key of its own purpose."""
    return _tag(message, _mac_keys(tuple(settings.ENCRYPTION_KEYS), purpose)[0])


def macs(message: bytes, purpose: str) -> list[bytes]:
    """The tag under every key, newest first: to look up what was kept under an older one."""
    return [_tag(message, key) for key in _mac_keys(tuple(settings.ENCRYPTION_KEYS), purpose)]


def mac_is_right(message: bytes, tag: bytes, purpose: str) -> bool:
    keys = _mac_keys(tuple(settings.ENCRYPTION_KEYS), purpose)
    return any(hmac.compare_digest(_tag(message, key), tag) for key in keys)


def _tag(message: bytes, key: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)[:16]


@functools.lru_cache(maxsize=32)
def _mac_keys(secrets: tuple[str, ...], purpose: str) -> list[bytes]:
    return [derived(secret.encode(), f"mac {purpose}") for secret in secrets]


@functools.lru_cache(maxsize=8)
def _fernet(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(derived(secret.encode(), "encryption"))) for secret in secrets])


def _fernet_under(secret: str, key: str) -> Fernet:
    return Fernet(_fernet_key(derived(f"{key}\x00{secret}".encode(), "encryption under")))


def _fernet_key(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw)
