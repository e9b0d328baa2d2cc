"""AuthCenter's own API as a record among the others: the default audience, and the scopes to ask for."""

from django.conf import settings
from django.db import transaction

from authcenter.oauth.models import API, Scope

CLIENT_ID = "authcenter"
"""Fixed, so that the record is found again when the issuer, and with it the identifier, has changed."""

READ, WRITE = "account:read", "account:write"
_SCOPES: dict[str, dict[str, object]] = {
    READ: {
        "title": "See your account and where you are signed in",
        "description": "Your profile, and the devices and browsers that are signed in.",
        "access": Scope.Access.READ,
    },
    WRITE: {
        "title": "Change your account and sign out your devices",
        "description": "Edit your profile, and end sign-ins on any device.",
        "access": Scope.Access.WRITE,
        "sensitive": True,
    },
}


def ensure_own_api() -> API:
    """Make what is missing and follow the issuer; what an operator has reworded stays. Harmless to repeat.

    It has no secret: this server checks its own tokens and never asks itself by introspection.
    """
    with transaction.atomic():
        api, _made = API.objects.get_or_create(
            client_id=CLIENT_ID,
            defaults={
                "identifier": settings.OWN_API,
                "name": settings.SITE_NAME,
                "description": "Accounts and sign-ins of this server.",
            },
        )
        if api.identifier != settings.OWN_API:
            api.identifier = settings.OWN_API
            api.save(update_fields=["identifier"])
        for name, texts in _SCOPES.items():
            Scope.objects.get_or_create(name=name, defaults={"api": api, **texts})
    return api
