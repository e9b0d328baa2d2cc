"""Before AuthCenter starts: its tables and demo, applications of the bench, and what is good once, in its own process.

python -m bench.peers.authcenter_lists FOLDER CODES TOKENS     writes made.json, codes, refresh_tokens, tokens
"""

import json
import secrets
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

from bench.peers.credentials import CHALLENGE, REDIRECT_URI

PEOPLE = 200
"""Codes and families are theirs in turn."""

SCOPES = ["openid", "offline_access"]
LIVE = timedelta(hours=6)
SignedIn = tuple[Any, Any]
"""An authorization, whose `user` is at hand, and a session."""


def main(folder: Path, pieces: int, tokens: int) -> None:
    django.setup()
    from authcenter.oauth.models import Application
    from authcenter.oauth.registration import new_application
    from authcenter.server.preparation import prepare

    prepare(lambda _line: None)
    web, secret = new_application(
        Application.Kind.WEB, "Bench", redirect_uris=REDIRECT_URI, skip_authorization=True, publisher="Bench"
    )
    web.save()
    made = {"web": {"client_id": web.client_id, "client_secret": secret}}
    made |= {algorithm: machine(algorithm) for algorithm in ("ES256", "RS256")}
    signed_in = _people(web)
    (folder / "codes").write_text("\n".join(_codes(web, signed_in, pieces)))
    (folder / "refresh_tokens").write_text("\n".join(_families(web, signed_in, 2 * pieces)))
    (folder / "tokens").write_text("\n".join(_machine_tokens(made["ES256"]["client_id"], tokens)))
    (folder / "made.json").write_text(json.dumps(made))


def machine(algorithm: str) -> dict[str, str]:
    from authcenter.oauth.models import Application, Scope
    from authcenter.oauth.registration import new_application

    application, secret = new_application(
        Application.Kind.MACHINE, f"Bench machine {algorithm}", access_token_signed_response_alg=algorithm
    )
    application.save()
    application.scopes.set(Scope.objects.filter(name="orders:read"))
    return {"client_id": application.client_id, "client_secret": secret}


def _people(web: Any) -> list[SignedIn]:
    """New ones, each signed in, with an authorization for this application."""
    from django.contrib.auth.hashers import make_password
    from django.utils import timezone

    from accounts.models import User
    from authcenter.oauth.models import Authorization
    from authcenter.sessions.models import Session

    now = timezone.now()
    people = User.objects.bulk_create(
        [
            User(
                email=f"person-{number}@example.com",
                name=f"Person {number}",
                given_name="Person",
                password=make_password(None),
            )
            for number in range(PEOPLE)
        ]
    )
    sessions = Session.objects.bulk_create(
        [
            Session(user=user, kind=Session.Kind.BROWSER, amr=["pwd"], acr="", expires=now + LIVE, idle_seconds=86_400)
            for user in people
        ]
    )
    found = Authorization.objects.bulk_create(
        [Authorization(user=user, application=web, scopes=SCOPES) for user in people]
    )
    return list(zip(found, sessions, strict=True))


def _codes(web: Any, signed_in: list[SignedIn], number: int) -> list[str]:
    from authcenter.oauth.models import Grant
    from authcenter.oauth.registration import hashed

    codes = [secrets.token_urlsafe(24) for _ in range(number)]
    challenge = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    rows = (
        Grant(code=hashed(code), redirect_uri=REDIRECT_URI, nonce="bench", **challenge, **_row(web, signed_in, at))
        for at, code in enumerate(codes)
    )
    Grant.objects.bulk_create(rows, batch_size=500)
    return codes


def _families(web: Any, signed_in: list[SignedIn], number: int) -> list[str]:
    from authcenter.oauth.grants.refresh_token import new_token
    from authcenter.oauth.models import Family
    from authcenter.oauth.registration import hashed

    ids = [uuid.uuid4() for _ in range(number)]
    tokens = [new_token(family, 1) for family in ids]
    rows = []
    for at, (family, token) in enumerate(zip(ids, tokens, strict=True)):
        row = _row(web, signed_in, at)
        rows.append(Family(id=family, token_hash=hashed(token), absolute_expires=row["expires"], offline=True, **row))
    Family.objects.bulk_create(rows, batch_size=500)
    return tokens


def _row(web: Any, signed_in: list[SignedIn], at: int) -> dict[str, Any]:
    """What a code's and a family's row say of the person and the sign-in."""
    authorization, session = signed_in[at % PEOPLE]
    return {
        "user": authorization.user,
        "application": web,
        "expires": session.expires,
        "scope": " ".join(SCOPES),
        "resource": [],
        "authorization": authorization,
        "session": session,
        "auth_time": session.auth_time,
        "amr": session.amr,
        "acr": session.acr,
        "user_epoch": 0,
        "application_epoch": 0,
    }


def _machine_tokens(client_id: str, number: int) -> list[str]:
    """For the demo's API, as the token endpoint would sign them."""
    from authcenter.oauth import access_token
    from authcenter.oauth.registry import registry

    application = registry.application(client_id)
    assert application is not None
    grounds = access_token.Grounds(application, ["orders:read"], application_epoch=application.epoch)
    return [access_token.mint(grounds)[0] for _ in range(number)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
