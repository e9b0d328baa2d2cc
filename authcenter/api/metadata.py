"""AuthCenter's own API as a protected resource (RFC 9728)."""

from django.conf import settings

from authcenter.oauth import own_api
from authcenter.resource_server.metadata import ProtectedResource

OWN_RESOURCE = ProtectedResource(
    settings.OWN_API,
    [settings.ISSUER],
    scopes_supported=["openid", own_api.READ, own_api.WRITE],
    name=settings.SITE_NAME,
    documentation=f"{settings.ISSUER}/api/docs/",
)
"""What RFC 9728 has AuthCenter's own API tell of itself."""
