"""Which addresses on the network are everybody's, and which of one's own `OUTBOUND_ALLOWED` names."""

import ipaddress
import socket

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
"""All that was ever given out as global unicast; what lies outside is for ends of its own."""

_NOT_PUBLIC = [ipaddress.ip_network(net) for net in ("192.88.99.0/24", "2001:db8::/32", "3fff::/20")]
"""What Python's `is_global` takes for public, depending on its version: the old 6to4 relays, documentation."""


def is_public(address: Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    inner = _inner(address)
    if inner is not address and (address in _NAT64 or getattr(address, "ipv4_mapped", None)):
        return is_public(inner)  # the other side is IPv4
    if address.version == 6 and address not in _PUBLIC_V6:
        return False
    ordinary = address.is_global and not address.is_multicast and not address.is_reserved
    return ordinary and (inner is address or is_public(inner))


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, Teredo, NAT64), or itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def is_allowed(host: str, port: int, address: Address | None) -> bool:
    """Whether `OUTBOUND_ALLOWED` names this host, host:port, or a network with this address."""
    for entry in settings.OUTBOUND_ALLOWED:
        try:
            network = ipaddress.ip_network(entry)
        except ValueError:
            name, _, only = entry.rpartition(":") if entry.rpartition(":")[2].isdigit() else (entry, "", "")
            if name.lower() == host.lower() and (not only or int(only) == port):
                return True
            continue
        if address is not None and (address in network or _inner(address) in network):
            return True
    return False


def literal_of(host: str) -> Address | None:
    """Also what only looks like a name: 127.1 and 0x7f000001 are addresses to the resolver."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
