"""Protected-resource metadata (RFC 9728): where an API tells which issuer's tokens it takes, and for which scopes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True)
class ProtectedResource:
    """One API. `resource` is its identifier: an https URL without fragment, the `aud` of tokens for it."""

    resource: str
    authorization_servers: Sequence[str]
    scopes_supported: Sequence[str] = ()
    name: str = ""
    documentation: str = ""

    @property
    def path(self) -> str:
        """Where the document lies on the API's host: the well-known path before its own (RFC 9728 section 3.1)."""
        return WELL_KNOWN + urlsplit(self.resource).path.rstrip("/")

    @property
    def url(self) -> str:
        """The document's address, for `resource_metadata` in a challenge (RFC 9728 section 5.1)."""
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}{self.path}"

    def document(self) -> dict[str, Any]:
        """The JSON of RFC 9728 section 2; what is empty is left out."""
        members = {
            "resource": self.resource,
            "authorization_servers": list(self.authorization_servers),
            "scopes_supported": list(self.scopes_supported),
            "bearer_methods_supported": ["header"],
            "resource_name": self.name,
            "resource_documentation": self.documentation,
        }
        return {name: value for name, value in members.items() if value}
