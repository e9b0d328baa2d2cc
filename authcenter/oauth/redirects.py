"""Redirect URIs: what may be registered, and what matches (RFC 6749 section 3.1.2, RFC 8252, RFC 9700 section 2.1)."""

import ipaddress
import re
from urllib.parse import parse_qsl, urlsplit

from django.utils.translation import gettext as _

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\uffff\\*<>\"`{}|^]")
_DANGEROUS_SCHEMES = {"javascript", "data", "vbscript", "file", "blob", "about", "view-source", "ws", "wss", "ftp"}

_ANSWERS = frozenset(
    {"code", "state", "iss", "error", "error_description", "error_uri", "access_token", "id_token", "token_type"}
)
"""What an answer says: an application that had one of these in its own address would be told it twice."""

_LONGEST_HOST = 253
"""Letters of a name (RFC 1035 section 2.3.4)."""


def is_loopback(host: str) -> bool:
    """`localhost` or a loopback IP literal."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def redirect_uri_fault(uri: str, *, native: bool) -> str | None:
    """Why this URI may not be registered, in words for the person who typed it; None where it may."""
    if fault := address_fault(uri, native=native):
        return fault
    if _ANSWERS & {name for name, _value in parse_qsl(urlsplit(uri).query, keep_blank_values=True)}:
        return _("must not have a parameter that answers have, such as code or state")
    return None


def address_fault(uri: str, *, native: bool) -> str | None:
    """The same of any address that a browser is sent to."""
    if _FORBIDDEN.search(uri):
        return _("only plain ASCII without spaces, wildcards or backslashes")
    try:
        parts = urlsplit(uri)
        _port = parts.port
    except ValueError:
        return _("not a URI")
    scheme = parts.scheme.lower()
    if not scheme or scheme in _DANGEROUS_SCHEMES:
        return _("needs https, or a private-use scheme for a native application")
    if "#" in uri:
        return _("must not have a fragment")
    if "/../" in parts.path + "/" or "/./" in parts.path + "/":
        return _("must not have dot segments")
    if scheme in {"http", "https"}:
        if not parts.hostname or len(parts.hostname) > _LONGEST_HOST:
            return _("needs a host")
        if "@" in parts.netloc:
            return _("must not have a user name")
        if scheme == "http" and not is_loopback(parts.hostname):
            return _("http is for loopback only; use https")
        return None
    if not native:
        return _("private-use schemes are for native applications; use https")
    if "." not in scheme:  # RFC 8252 section 7.1: a reverse domain name that the publisher controls
        return _("a private-use scheme is a reversed domain name, such as com.example.app")
    return None


def origin_fault(origin: str) -> str | None:
    """Why this is no web origin that may be allowed; None where it may."""
    try:
        parts = urlsplit(origin)
        _port = parts.port
    except ValueError:
        return _("not an origin")
    if parts.scheme not in {"http", "https"} or not parts.hostname or _FORBIDDEN.search(origin):
        return _("an origin looks like https://app.example.com")
    if parts.path or "?" in origin or "#" in origin or "@" in parts.netloc:
        return _("an origin has no path, not even a slash at the end")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return _("http is for loopback only; use https")
    return None


def matches(uri: str, registered: list[str], *, native: bool) -> bool:
    """Simple string comparison (RFC 3986 section 6.2.1); only a native loopback IP may vary its port (RFC 8252 7.3)."""
    if uri in registered:
        return True
    return native and any(_same_but_for_the_port(uri, known) for known in registered)


_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?(/[^#@\\]*)?")


def _same_but_for_the_port(uri: str, registered: str) -> bool:
    asked, known = _LOOPBACK.fullmatch(uri), _LOOPBACK.fullmatch(registered)
    if not asked or not known or not 0 < int(asked[2] or 80) < 65536:
        return False
    return (asked[1], asked[3]) == (known[1], known[3])


def web_origins(uris: list[str]) -> list[str]:
    """Where a single-page application calls from: the origins that it is called back at."""
    origins = []
    for uri in uris:
        try:
            parts = urlsplit(uri)
        except ValueError:
            continue
        if parts.scheme in {"http", "https"} and parts.netloc:
            origins.append(f"{parts.scheme}://{parts.netloc}")
    return list(dict.fromkeys(origins))
