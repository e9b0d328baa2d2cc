"""The one definition of the client's address. Limits, sessions and the audit log all ask here."""

import functools
import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The peer's address, or what trusted proxies say: the last hop in X-Forwarded-For that is not a trusted proxy.

    A header from an untrusted peer, and anything that is no address, is ignored: it never makes a caller anonymous.
    """
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    if address is None:
        return ""
    if _trusted(address):
        for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            parsed = _parsed(hop.strip())
            if parsed is None:
                break
            address = parsed
            if not _trusted(address):
                break
    return str(address)


def network_of(address: str) -> str:
    """Where somebody is, as far as an address tells: in IPv6 a household or server has a /64, so those are one."""
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))  # drops a zone
    return address


def _trusted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
