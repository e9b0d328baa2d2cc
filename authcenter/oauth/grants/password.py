"""grant_type=password (RFC 6749 section 4.3): a legacy flow, for those who must. RFC 9700 section 2.4 forbids it.

An operator switches it on for the installation (`LEGACY_FLOWS`) and for the application. The password is judged at the
one door for passwords, with its limits and its audit; who would need a second factor gets nothing here.
"""

from typing import Any
from uuid import uuid4

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from oauthlib.common import Request

from accounts import factors, policy, terms
from accounts.models import User
from accounts.organisation_sign_in import REFUSED
from accounts.sign_in import ACR_ONE
from authcenter.audit import events
from authcenter.oauth import granting, id_token
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.errors import InvalidGrantError, TooManyRefusals
from authcenter.oauth.granting import Wanted
from authcenter.oauth.grants.direct import DirectGrant
from authcenter.oauth.subjects import subject_of
from authcenter.sessions import participants
from authcenter.sessions.start import start_api_session


class PasswordGrant(DirectGrant):
    refreshable = True

    def judged(self, request: Request) -> tuple[User, list[str], list[str]]:
        parameters, application = request.__dict__["_parameters"], request.client
        email, password = parameters.required("username"), parameters.required("password")
        scopes = scope_rules.checked(application, scope_rules.without_organization(request.scopes or []))
        resources = scope_rules.targets(application, request.__dict__["_resources"])
        request.scopes = scope_rules.for_resources(application, scopes, resources)
        return _person(request, email, password), scopes, resources

    def grounds(self, request: Request, proved: tuple[User, list[str], list[str]]) -> Grounds:
        (user, scopes, resources), http, application = proved, request.__dict__["_http"], request.client
        wanted = Wanted(scopes, resources)
        authorization = granting.living_authorization(user, application)
        if authorization is None or not wanted.is_covered_by(authorization):
            if not application.skip_authorization:
                raise InvalidGrantError(description="The person has not agreed to this. Use the code flow once.")
            authorization = granting.grant(user, application, wanted)
        session = start_api_session(http, user, amr=["pwd"], acr=ACR_ONE)
        participants.joined(session, application, subject_of(application, user))
        events.record(http, events.Kind.SIGNED_IN, actor=user.pk, subject=session.pk, amr=session.amr)
        return Grounds(
            application=application,
            scopes=request.scopes,
            resources=resources,
            granted_scope=" ".join(scopes),
            granted_resources=resources,
            user=user,
            authorization=authorization.pk,
            family=uuid4(),
            session=session.pk,
            offline=scope_rules.OFFLINE in scopes,
            auth_time=session.auth_time,
            amr=session.amr,
            acr=session.acr,
            user_epoch=session.user_epoch,
            application_epoch=application.epoch,
        )

    def more(self, request: Request, token: dict[str, Any]) -> dict[str, Any]:
        if scope_rules.OPENID not in request.scopes:
            return {}
        return {"id_token": id_token.mint(request.__dict__["_grounds"], token["access_token"])}


def _person(request: Request, email: str, password: str) -> User:
    http = request.__dict__["_http"]
    try:
        user: User | None = get_adapter(http).authenticate(http, email=email, password=password)
    except ValidationError as error:
        if error.code == REFUSED:
            raise InvalidGrantError(request=request) from None
        raise TooManyRefusals((error.params or {}).get("wait", 60)) from None
    if user is None or not EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists():
        raise InvalidGrantError(request=request)
    if terms.outstanding(user) is not None:
        raise InvalidGrantError(description="The person has to accept the terms: sign in on the web once.")
    if request.client.second_factor or factors.has_any(user) or policy.needs_second_factor(user):
        events.record(http, events.Kind.SIGN_IN_REFUSED, subject=user.pk, reason="a second factor is needed")
        raise InvalidGrantError(description="This needs a second factor. Use the code flow.")
    return user
