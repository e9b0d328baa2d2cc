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
from authcenter.resource_server.signature import declared_claims


class JWTBearerGrant(DirectGrant):
    def judged(self, request: Request) -> tuple[User, dict[str, Any]]:
        if request.client.is_public:
            raise UnauthorizedClientError(request=request)
        if request.client.second_factor:  # an assertion says who, and not how well she has shown it
            raise InvalidGrantError(description="This application wants two factors. Use the code flow.")
        try:
            return _vouched_for(request.client, request.__dict__["_parameters"].required("assertion"))
        except assertions.Refused:
            raise InvalidGrantError(request=request) from None

    def grounds(self, request: Request, proved: tuple[User, dict[str, Any]]) -> Grounds:
        (user, claims), application = proved, request.client
        try:
            assertions.use(claims)
        except assertions.Refused:
            raise InvalidGrantError(request=request) from None
        resources = scope_rules.targets(application, request.__dict__["_resources"])
        authorization = granting.living_authorization(user, application)
        had = [name for name in (authorization.scopes if authorization else []) if name != scope_rules.ORGANIZATION]
        asked = scope_rules.without_organization(request.scopes or had)
        scopes = scope_rules.checked(application, asked)
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


def _vouched_for(application: Application, assertion: str) -> tuple[User, dict[str, Any]]:
    """Whom the assertion is about, and what it says. Raises `assertions.Refused`."""
    said = str(declared_claims(assertion).get("iss"))
    trusted = TrustedIssuer.objects.filter(issuer=said, is_active=True, applications=application)
    issuer = trusted.first() if said.isprintable() else None
    if issuer is None:
        raise assertions.Refused("not by a trusted issuer")
    claims = assertions.by_key(assertion, issuer.jwks, issuer.jwks_uri)
    if claims.get("iss") != issuer.issuer or claims.get("client_id", application.client_id) != application.client_id:
        raise assertions.Refused("by or for somebody else")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:  # RFC 7523 section 3, whoever finds her how
        raise assertions.Refused("no subject")
    assertions.check(claims, audiences=[settings.ISSUER])
    person = _found(issuer, claims).filter(is_active=True).first()
    if person is None:
        raise assertions.Refused("about nobody here")
    return person, claims


def _found(issuer: TrustedIssuer, claims: dict[str, Any]) -> QuerySet[User]:
    if issuer.finds_people_by == TrustedIssuer.Finds.EMAIL:
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            return User.objects.none()
        email = email.lower()  # as all are kept
        verified = EmailAddress.objects.filter(email=email, verified=True)
        return User.objects.filter(pk__in=verified.values("user"), email=email)
    try:
        return User.objects.filter(pk=UUID(str(claims.get("sub"))))
    except ValueError:
        return User.objects.none()
