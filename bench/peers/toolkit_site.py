"""Stock django-oauth-toolkit in a project as `startproject` makes it, with Django REST framework and SimpleJWT as their
documentation says. Where the database is, BENCH_DATABASE says; the key that OpenID Connect needs, BENCH_RSA_KEY.

python -m bench.peers.toolkit_site FOLDER PIECES     make the tables, an application, a person, and what is good once
"""

import json
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from authcenter.environment import Environment

_MIDDLEWARE = """
django.middleware.security.SecurityMiddleware
django.contrib.sessions.middleware.SessionMiddleware
django.middleware.common.CommonMiddleware
django.middleware.csrf.CsrfViewMiddleware
django.contrib.auth.middleware.AuthenticationMiddleware
django.contrib.messages.middleware.MessageMiddleware
django.middleware.clickjacking.XFrameOptionsMiddleware
"""
if not settings.configured:
    settings.configure(
        SECRET_KEY="no secret: this signs for a bench alone",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # As AuthCenter's own: each thread keeps a connection to PostgreSQL; SQLite with a write-ahead log.
        DATABASES={"default": Environment().database("BENCH_DATABASE", default="sqlite:////tmp/unused.sqlite3")},
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages")),
            "oauth2_provider",
            "rest_framework",
        ],
        MIDDLEWARE=_MIDDLEWARE.split(),
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": os.environ.get("BENCH_RSA_KEY", ""),
            "SCOPES": {"openid": "OpenID Connect", "read": "Read", "introspection": "Introspect"},
        },
    )

from django.core.wsgi import get_wsgi_application  # noqa: E402 - after the settings

application = get_wsgi_application()

from django.urls import include, path  # noqa: E402 - after the registry of apps
from oauth2_provider.contrib.rest_framework import OAuth2Authentication  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication  # noqa: E402


class _Who(APIView):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"sub": str(request.user.pk)})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("who/toolkit", _Who.as_view(authentication_classes=(OAuth2Authentication,))),
    path("who/simplejwt", _Who.as_view(authentication_classes=(JWTAuthentication,))),
    path("who/stateless", _Who.as_view(authentication_classes=(JWTStatelessUserAuthentication,))),
]


def prepare(folder: Path, pieces: int) -> None:
    """Writes `made.json`, and the lists `codes` and `refresh_tokens`, to `folder`."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken
    from rest_framework_simplejwt.tokens import AccessToken as SimpleToken

    call_command("migrate", verbosity=0, interactive=False)
    person = User.objects.create_user("person", "person@example.com", secrets.token_urlsafe())
    owned: dict[str, Any] = {"user": person, "client_type": "confidential"}
    code_app = {"authorization_grant_type": "authorization-code", "redirect_uris": "https://app.test/back"}
    clients, secret = {}, secrets.token_urlsafe(32)
    for name, hashed, fields in (
        ("machine", False, {"authorization_grant_type": "client-credentials"}),
        ("hashed", True, {"authorization_grant_type": "client-credentials"}),
        ("web", False, {**code_app, "algorithm": "RS256"}),
    ):
        clients[name] = Application.objects.create(
            name=name, client_secret=secret, hash_client_secret=hashed, **owned, **fields
        )
    web, ends = clients["web"], _now() + timedelta(hours=6)
    whose = {"user": person, "application": web, "expires": ends, "scope": "openid read"}
    codes = [secrets.token_urlsafe(24) for _ in range(pieces)]
    challenge = {"code_challenge": os.environ["BENCH_CHALLENGE"], "code_challenge_method": "S256"}
    Grant.objects.bulk_create(
        [Grant(code=code, redirect_uri="https://app.test/back", **challenge, **whose) for code in codes],
        batch_size=500,
    )
    refresh = [secrets.token_urlsafe(24) for _ in range(2 * pieces)]
    tokens = AccessToken.objects.bulk_create(
        [AccessToken(token=secrets.token_urlsafe(24), **whose) for _ in refresh], batch_size=500
    )
    RefreshToken.objects.bulk_create(
        [
            RefreshToken(user=person, application=web, token=token, access_token=access)
            for token, access in zip(refresh, tokens, strict=True)
        ],
        batch_size=500,
    )
    simple = SimpleToken.for_user(person)
    simple.set_exp(lifetime=timedelta(hours=6))
    made = {"secret": secret, "access": tokens[0].token, "simple": str(simple)}
    made |= {name: client.client_id for name, client in clients.items()}
    (folder / "made.json").write_text(json.dumps(made))
    (folder / "codes").write_text("\n".join(codes))
    (folder / "refresh_tokens").write_text("\n".join(refresh[1:]))  # the first has the access token that is asked with


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


if __name__ == "__main__":
    from bench.peers import toolkit_site  # the module of the settings, once

    toolkit_site.prepare(Path(sys.argv[1]), int(sys.argv[2]))
