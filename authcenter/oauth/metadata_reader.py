"""Members of client metadata by their form: texts, lists, numbers, addresses, keys; each fault names its member."""

import json
from collections.abc import Callable
from typing import Any

from authcenter.oauth import client_keys
from authcenter.oauth.errors import InvalidClientMetadata
from authcenter.oauth.redirects import address_fault
from authcenter.outbox import outbound

_MOST = 20
"""Entries of a list, and redirect URIs of an application."""


def parsed(body: bytes) -> dict[str, Any]:
    """A JSON object in which each name comes once: of two, another reader might believe the other (RFC 8259 section 4).

    Raises `InvalidClientMetadata`, also where it is longer than a document that is fetched may be.
    """
    if len(body) > outbound.MOST_BYTES:
        raise InvalidClientMetadata(description=f"It is longer than {outbound.MOST_BYTES // 1024} KiB.")
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise InvalidClientMetadata(description="It is not JSON, or a name comes twice in it.") from None
    if not isinstance(document, dict):
        raise InvalidClientMetadata(description="It is not a JSON object.")
    return document


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("twice")
    return members


class Reader:
    """Members by their form. What is null is as if omitted (RFC 7592 section 2.2)."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        self._metadata = {name: value for name, value in metadata.items() if value is not None}

    def text(self, name: str, longest: int = 255) -> str:
        value = self._metadata.get(name, "")
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise InvalidClientMetadata(description=f"{name}: a line of text of at most {longest} characters.")
        return value

    def texts(self, name: str) -> list[str]:
        values = self._metadata.get(name, [])
        if not isinstance(values, list) or len(values) > _MOST or not all(_is_line(value) for value in values):
            raise InvalidClientMetadata(description=f"{name}: a list of at most {_MOST} lines of text.")
        return list(dict.fromkeys(values))

    def some(self, name: str, known: tuple[str, ...], usual: list[str]) -> list[str]:
        values = self.texts(name) or usual
        if unknown := [value for value in values if value not in known]:
            raise InvalidClientMetadata(description=f"{name}: {unknown[0][:60]} is not available here.")
        return values

    def choice(self, name: str, known: Any, usual: str) -> str:
        value = self.text(name) or usual
        if value and value not in known:
            raise InvalidClientMetadata(description=f"{name}: {value[:60]} is not available here.")
        return value

    def seconds(self, name: str) -> int | None:
        value = self._metadata.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31):
            raise InvalidClientMetadata(description=f"{name}: a number of seconds.")
        return value

    def flag(self, name: str, *, usual: bool = True) -> bool:
        value = self._metadata.get(name, usual)
        if not isinstance(value, bool):
            raise InvalidClientMetadata(description=f"{name}: true or false.")
        return value

    def jwks(self) -> dict[str, Any] | None:
        value = self._metadata.get("jwks")
        if value is not None and "jwks_uri" in self._metadata:
            raise InvalidClientMetadata(description="jwks and jwks_uri are not for use together.")
        if value is not None and (why := client_keys.fault(value)):
            raise InvalidClientMetadata(description=f"jwks: {why}")
        return client_keys.cleaned(value) if value is not None else None

    def outbound(self, name: str) -> str:
        """An address that this server will ask."""
        return self._address(name, outbound.fault)

    def each_outbound(self, name: str) -> list[str]:
        """Addresses that this server will ask; a fragment may tell versions apart (Core section 6.2)."""
        values = self.texts(name)
        for value in values:
            if why := outbound.fault(value.partition("#")[0]):
                raise InvalidClientMetadata(description=f"{name}: {why}")
        return values

    def web(self, name: str) -> str:
        """An address that a person's browser will ask."""
        return self._address(name, web_fault)

    def https(self, name: str) -> str:
        return self._address(name, lambda url: "" if url.startswith("https://") else "It must begin with https://.")

    def _address(self, name: str, fault: Callable[[str], str]) -> str:
        value = self.text(name, 2048)
        if value and (why := web_fault(value) or fault(value)):
            raise InvalidClientMetadata(description=f"{name}: {why}")
        return value


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 2048 and value.isprintable()


def web_fault(url: str) -> str:
    return address_fault(url, native=False) or ""
