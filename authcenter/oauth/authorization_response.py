"""What an authorization request buys: a code; or, where the legacy flows are on, an ID token or access token too."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from oauthlib.common import Request

from authcenter.ids import new_id
from authcenter.oauth import access_token, acting_for, id_token, pushed
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.granting import Wanted
from authcenter.oauth.models import Authorization
from authcenter.oauth.server import server
from authcenter.oauth.subjects import subject_of
from authcenter.sessions import participants
from authcenter.sessions.models import Session


@dataclass(frozen=True)
class Consent:
    """What the code's row needs to know beyond the request: who, how, and what she agreed to."""

    session: Session
    authorization: Authorization
    wanted: Wanted
    auth_time: datetime
    amr: list[str]
    acr: str
    redirect_uri_sent: bool
    nonce: str
    family: uuid.UUID = field(default_factory=new_id)

    @classmethod
    def of(
        cls, session: Session, authorization: Authorization, wanted: Wanted, how: dict[str, Any], **more: Any
    ) -> "Consent":
        at = datetime.fromtimestamp(how["auth_time"], UTC)
        return cls(session, authorization, wanted, auth_time=at, amr=how["amr"], acr=how["acr"], **more)


@transaction.atomic
def granted(request: Request) -> list[tuple[str, str]]:
    """The parameters of a success (RFC 6749 section 4.1.2; Multiple Response Type Encoding Practices section 5)."""
    types: frozenset[str] = request.__dict__["_types"]
    consent: Consent = request.__dict__["_consent"]
    pushed.use(request.__dict__["_pushed"])
    participants.joined(consent.session, request.client, subject_of(request.client, consent.session.user))
    answer: list[tuple[str, str]] = []
    code = server().new_code(request) if "code" in types else None
    if code is not None:
        answer.append(("code", code))
    if types == {"code"}:
        return answer
    request._grounds = _grounds(request)
    request.grant_type = "implicit"
    token = server().access_token(request) if "token" in types else None
    if token is not None:
        answer += [
            ("access_token", token),
            ("token_type", "Bearer"),
            ("expires_in", str(access_token.lifetime(request.client))),
            ("scope", " ".join(request.scopes)),
        ]
    if "id_token" in types:
        # Core section 5.4: where no access token is issued, there is no userinfo to ask.
        scopes = request.scopes if types == {"id_token"} else []
        answer.append(("id_token", id_token.mint(request._grounds, token, code=code, scopes=scopes)))
    return answer


def _grounds(request: Request) -> Grounds:
    """Without `offline`: what comes by the browser ends with its session."""
    consent: Consent = request.__dict__["_consent"]
    return Grounds(
        application=request.client,
        scopes=request.scopes,
        resources=consent.wanted.resources,
        user=consent.session.user,
        authorization=consent.authorization.pk,
        family=consent.family,
        session=consent.session.pk,
        auth_time=consent.auth_time,
        amr=consent.amr,
        acr=consent.acr,
        user_epoch=consent.session.user_epoch,
        application_epoch=request.client.epoch,
        nonce=consent.nonce,
        claims=consent.wanted.claims,
        acts_for=acting_for.claims_of(consent.wanted.membership, request.scopes),
    )
