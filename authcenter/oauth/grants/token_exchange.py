"""grant_type=urn:ietf:params:oauth:grant-type:token-exchange (RFC 8693): an API asks for a token to call another with.

The policy is an operator's, on the application: which API it is (tokens for others it has no business to hold), which
scopes it may ask for, and whether the new token says that it acts for the person (delegation, claim `act`) or not
(impersonation). The new token stands on all that the old one stands on, and never outlives it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from oauthlib.common import Request

from accounts.models import User
from authcenter.audit import events
from authcenter.keys.ring import InvalidToken
from authcenter.oauth import access_token, living
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.errors import InvalidRequestError, InvalidScopeError, UnauthorizedClientError
from authcenter.oauth.grants.direct import DirectGrant
from authcenter.oauth.models import Application
from authcenter.resource_server.view import gone_through

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_DEEPEST = 5
"""Actors one behind another (section 4.1)."""


class TokenExchangeGrant(DirectGrant):
    def judged(self, request: Request) -> tuple[User, Mapping[str, Any]]:
        parameters, application = request.__dict__["_parameters"], request.client
        if application.is_public:
            raise UnauthorizedClientError(request=request)
        if parameters.get("actor_token") is not None:
            raise InvalidRequestError(description="actor_token is not supported: the client itself is the actor.")
        if parameters.required("subject_token_type") not in {ACCESS_TOKEN, _JWT}:
            raise InvalidRequestError(description="The subject_token_type must be that of an access token.")
        if parameters.get("requested_token_type") not in {None, ACCESS_TOKEN}:
            raise InvalidRequestError(description="The requested_token_type must be that of an access token.")
        token = parameters.required("subject_token")
        try:
            return _subject(application, token)
        except InvalidRequestError as error:  # unlike what is malformed: whose token it was may matter
            kind, client, http = events.Kind.GRANT_REFUSED, application.client_id, request.__dict__["_http"]
            events.record(http, kind, client_id=client, error=error.error, grant_type=request.grant_type)
            raise

    def grounds(self, request: Request, proved: tuple[User, Mapping[str, Any]]) -> Grounds:
        (person, subject), application = proved, request.client
        audiences = request.__dict__["_parameters"].all("audience")
        resources = scope_rules.targets(application, [*request.__dict__["_resources"], *audiences])
        may = set(application.api_scopes)
        if subject["client_id"] == application.client_id:  # its own: less of what the person granted, never more
            may &= set(str(subject.get("scope", "")).split())
        asked = request.scopes or [scope for scope in application.api_scopes if scope in may]
        if any(scope not in may for scope in asked):
            raise InvalidScopeError(description="A scope is unknown or not available to this client.")
        request.scopes = scope_rules.for_resources(application, dict.fromkeys(asked), resources)
        return _standing_on(subject, person, request, resources)

    def more(self, request: Request, token: dict[str, Any]) -> dict[str, Any]:
        return {"issued_token_type": ACCESS_TOKEN}


def _subject(application: Application, token: str) -> tuple[User, Mapping[str, Any]]:
    """The person and the claims of a living token of hers that this application may exchange (section 2.2.2:
    `invalid_request` for whatever is wrong with it)."""
    try:
        claims = access_token.read(token)
    except InvalidToken:
        raise _bad() from None
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    api = application.represents
    meant_for_it = api is not None and api.is_active and api.identifier in audiences
    if not meant_for_it and claims["client_id"] != application.client_id:
        raise _bad()
    person = living.person_behind(claims) if "gid" in claims else None
    if person is None:
        raise _bad()
    return person, claims


def _standing_on(subject: Mapping[str, Any], person: User, request: Request, resources: list[str]) -> Grounds:
    application: Application = request.client
    actor: dict[str, Any] | None = None
    if application.exchange == Application.Exchange.DELEGATION:
        actor = {"sub": application.client_id, **({"act": subject["act"]} if "act" in subject else {})}
        if _depth(actor) > _DEEPEST:
            raise InvalidRequestError(description="Too many actors one behind another.")
    events.record(
        request.__dict__["_http"],
        events.Kind.TOKEN_EXCHANGED,
        actor=f"client:{application.client_id}",
        subject=person.pk,
        client_id=application.client_id,
        scopes=request.scopes,
        of=subject["client_id"],
        impersonation=actor is None,
    )
    return Grounds(
        application=application,
        scopes=request.scopes,
        resources=resources,
        user=person,
        authorization=UUID(subject["gid"]),
        family=UUID(subject["fid"]) if "fid" in subject else None,
        session=UUID(subject["sid"]) if "sid" in subject else None,
        auth_time=datetime.fromtimestamp(subject["auth_time"], UTC) if "auth_time" in subject else None,
        amr=subject.get("amr", []),
        acr=subject.get("acr", ""),
        user_epoch=subject["uep"],
        application_epoch=application.epoch,
        until=subject["exp"],
        actor=actor,
        acts_for={name: subject[name] for name in ("mid", *scope_rules.ORGANIZATION_CLAIMS) if name in subject},
        via=[*gone_through(subject), (subject["client_id"], subject["aep"])],
    )


def _depth(actor: Any) -> int:
    return 1 + _depth(actor["act"]) if isinstance(actor, dict) and "act" in actor else 1


def _bad() -> InvalidRequestError:
    return InvalidRequestError(description="The subject_token is not one that this client may exchange.")
