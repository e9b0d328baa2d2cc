"""grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523 section 2.1): an issuer whom an operator trusts
vouches for a person, and the application gets what that person had granted it.

Consent is not skipped: without an Authorization that covers it, only a first-party application gets anything.
"""

from typing import Any
from uuid import UUID, uuid4

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import QuerySet
from oauthlib.common import Request

from accounts.models import User
from authcenter.oauth import assertions, granting
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.errors import InvalidGrantError, UnauthorizedClientError
from authcenter.oauth.granting import Wanted
from authcenter.oauth.grants.direct import DirectGrant
from authcenter.oauth.models import Application, TrustedIssuer
from authcenter.oauth.registration import JWT_BEARER as JWT_BEARER
from authcenter.resource_server.signature import declared_claims


class JWTBearerGrant(DirectGrant):
    def grounds(self, request: Request) -> Grounds:
        application: Application = request.client
        if application.is_public:
            raise UnauthorizedClientError(request=request)
        resources = scope_rules.targets(application, request.__dict__["_resources"])
        try:
            user = _person(application, request.__dict__["_parameters"].required("assertion"))
        except assertions.Refused:
            raise InvalidGrantError(request=request) from None
        authorization = granting.living_authorization(user, application)
        scopes = scope_rules.checked(application, request.scopes or (authorization.scopes if authorization else []))
        request.scopes = scope_rules.for_resources(application, scopes, resources)
        wanted = Wanted(request.scopes, resources)
        if authorization is None or not wanted.is_covered_by(authorization):
            if not application.skip_authorization:
                raise InvalidGrantError(description="The person has not agreed to this. Use the code flow once.")
            authorization = granting.grant(user, application, wanted)
        return Grounds(
            application=application,
            scopes=request.scopes,
            resources=resources,
            user=user,
            authorization=authorization.pk,
            family=uuid4(),
            user_epoch=user.epoch,
            application_epoch=application.epoch,
        )


def _person(application: Application, assertion: str) -> User:
    """Whom the assertion is about. Raises `assertions.Refused`; one that was good is used up."""
    said = declared_claims(assertion).get("iss")
    issuer = TrustedIssuer.objects.filter(issuer=str(said), is_active=True, applications=application).first()
    if issuer is None:
        raise assertions.Refused("not by a trusted issuer")
    claims = assertions.by_key(assertion, issuer.jwks, issuer.jwks_uri)
    if claims.get("iss") != issuer.issuer or claims.get("client_id", application.client_id) != application.client_id:
        raise assertions.Refused("by or for somebody else")
    assertions.check(claims, audiences=[settings.ISSUER])
    person = _found(issuer, claims).filter(is_active=True).first()
    if person is None:
        raise assertions.Refused("about nobody here")
    assertions.use(claims)
    return person


def _found(issuer: TrustedIssuer, claims: dict[str, Any]) -> QuerySet[User]:
    if issuer.finds_people_by == TrustedIssuer.Finds.EMAIL:
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            return User.objects.none()
        verified = EmailAddress.objects.filter(email__iexact=email, verified=True)
        return User.objects.filter(pk__in=verified.values("user"), email__iexact=email)
    try:
        return User.objects.filter(pk=UUID(str(claims.get("sub"))))
    except ValueError:
        return User.objects.none()
