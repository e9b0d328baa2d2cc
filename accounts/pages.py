"""What every page needs to know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Template context: the installation's name and whether it is a demo."""
    return {"site_name": settings.SITE_NAME, "demo": settings.DEMO, "issuer": settings.ISSUER}
