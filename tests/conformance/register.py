"""What a run of the conformance suite needs in AuthCenter: a person with every standard claim, and the static clients.

    CONFORMANCE_SUITE=https://suite.example CONFORMANCE_FILE=registered.json manage.py shell < register.py

It may be repeated; passwords and secrets are new each time, and stand in the file that `run.py` reads.
"""

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.utils import timezone
from joserfc.jwk import KeySet, RSAKey

from accounts.models import User
from authcenter.oauth.models import Application, InitialAccessToken
from authcenter.oauth.registration import hashed, new_application, set_new_secret

ALIAS = "authcenter"
EMAIL = "conformance@example.com"
CLAIMS = {
    "name": "Robin Marie Lindqvist",
    "given_name": "Robin",
    "middle_name": "Marie",
    "family_name": "Lindqvist",
    "nickname": "Rob",
    "preferred_username": "robin",
    "profile": "https://example.com/robin",
    "picture": "https://example.com/robin.png",
    "website": "https://robin.example.com",
    "gender": "female",
    "birthdate": "1987-10-16",
    "zoneinfo": "Europe/Stockholm",
    "locale": "sv-SE",
    "phone_number": "+46701740605",
    "phone_number_verified": True,
    "address": {
        "formatted": "Storgatan 1\n114 51 Stockholm\nSweden",
        "street_address": "Storgatan 1",
        "locality": "Stockholm",
        "postal_code": "114 51",
        "country": "SE",
    },
}
RESPONSE_TYPES = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]
METHODS = {
    "first": "client_secret_basic",
    "second": "client_secret_basic",
    "post": "client_secret_post",
    "key_first": "private_key_jwt",
    "key_second": "private_key_jwt",
    "mac_first": "client_secret_jwt",
    "mac_second": "client_secret_jwt",
    "back": "client_secret_basic",
    "front": "client_secret_basic",
}
"""Static clients: the plans name them so."""


def register(suite: str) -> dict[str, object]:
    """Make or renew everything and return what the plans refer to."""
    return {
        "issuer": settings.ISSUER,
        "suite": suite,
        "alias": ALIAS,
        "person": person(),
        "initial_access_token": initial_access_token(),
        **{name: client(name, method, f"{suite}/test/a/{ALIAS}") for name, method in METHODS.items()},
    }


def person() -> dict[str, str]:
    password = secrets.token_urlsafe(18)
    user = User.objects.filter(email=EMAIL).first() or User.objects.create_user(EMAIL)
    for name, value in CLAIMS.items():
        setattr(user, name, value)
    user.set_password(password)
    user.save()
    EmailAddress.objects.update_or_create(user=user, email=EMAIL, defaults={"verified": True, "primary": True})
    return {"email": EMAIL, "password": password}


def client(name: str, method: str, base: str) -> dict[str, object]:
    title, keys = f"Conformance {name}", KeySet([RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})])
    keys.keys[0].ensure_kid()
    application = Application.objects.filter(name=title).first() or new_application(Application.Kind.WEB, title)[0]
    application.token_endpoint_auth_method = method
    application.client_jwks = keys.as_dict(private=False) if method == "private_key_jwt" else None
    secret = set_new_secret(application)
    application.require_pkce = False  # the suite sends a challenge in one module only
    application.grant_types = ["authorization_code", "implicit", "refresh_token"]
    application.response_types = RESPONSE_TYPES
    application.redirect_uris = f"{base}/callback"
    application.post_logout_redirect_uris = f"{base}/post_logout_redirect"
    # Each of its own: a module takes a logout that it does not wait for as a fault.
    application.backchannel_logout_uri = f"{base}/backchannel_logout" if name == "back" else ""
    application.frontchannel_logout_uri = f"{base}/frontchannel_logout" if name == "front" else ""
    application.full_clean()
    application.save()
    return {
        "client_id": application.client_id,
        "client_secret": secret,
        **({"jwks": keys.as_dict(private=True)} if method == "private_key_jwt" else {}),
    }


def initial_access_token() -> str:
    """For plans whose clients register themselves: as many as one run may need."""
    token = secrets.token_urlsafe(32)
    until = timezone.now() + timedelta(days=1)
    InitialAccessToken.objects.update_or_create(
        name="Conformance", defaults={"token_hash": hashed(token), "uses_left": 1000, "expires": until}
    )
    return token


target = Path(os.environ["CONFORMANCE_FILE"])
target.touch(mode=0o600)
target.write_text(json.dumps(register(os.environ["CONFORMANCE_SUITE"].rstrip("/")), indent=2) + "\n")
print(f"registered: {target}")
