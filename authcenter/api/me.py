"""GET /api/me/: who the token speaks for. An application's token tells what its scopes allow; one SQL statement."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authcenter.api.authentication import OwnAccountAuthentication, person_and_token
from authcenter.api.permissions import OwnAccount
from authcenter.api.schema import problems
from authcenter.oauth import acting_for, roles
from authcenter.oauth.claims import about_person
from authcenter.oauth.scopes import IDENTITY, OPENID
from authcenter.sessions.jwt import ACCESS_TYP


class PersonSerializer(serializers.Serializer[Any]):
    """The standard claims of OpenID Connect Core section 5.1; what is unknown or not allowed is left out."""

    sub = serializers.UUIDField()
    name = serializers.CharField(required=False)
    given_name = serializers.CharField(required=False)
    family_name = serializers.CharField(required=False)
    middle_name = serializers.CharField(required=False)
    nickname = serializers.CharField(required=False)
    preferred_username = serializers.CharField(required=False)
    profile = serializers.URLField(required=False)
    picture = serializers.URLField(required=False)
    website = serializers.URLField(required=False)
    gender = serializers.CharField(required=False)
    birthdate = serializers.CharField(required=False)
    zoneinfo = serializers.CharField(required=False)
    locale = serializers.CharField(required=False)
    updated_at = serializers.IntegerField(required=False)
    email = serializers.EmailField(required=False)
    email_verified = serializers.BooleanField(required=False)
    address = serializers.DictField(required=False)
    phone_number = serializers.CharField(required=False)
    phone_number_verified = serializers.BooleanField(required=False)
    roles = serializers.ListField(child=serializers.CharField(), required=False, help_text="With a session token.")
    groups = serializers.ListField(child=serializers.CharField(), required=False, help_text="With a session token.")
    org_id = serializers.CharField(required=False, help_text="Whom she acts for.")
    org_name = serializers.CharField(required=False)
    org_role = serializers.CharField(required=False)


class MeView(APIView):
    authentication_classes = (OwnAccountAuthentication,)
    permission_classes = (OwnAccount(OPENID),)

    @extend_schema(
        operation_id="me",
        summary="Who you are",
        tags=["Own account"],
        responses={200: PersonSerializer, **problems(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """The person behind the token; an application's token needs the scope `openid`."""
        user, token = person_and_token(request)
        if token.type != ACCESS_TYP:
            told_to = str(token.client_id)
            organisation = acting_for.at_userinfo(token.claims, token.scopes, user)
            told = about_person(user, token.scopes, told_to=told_to)
            return Response({"sub": token.subject, **told, **organisation})
        roles_and_groups = {name: token.claims.get(name, []) for name in roles.NAMES}
        others = [name for name in IDENTITY if name not in roles.NAMES]
        return Response({"sub": token.subject, **about_person(user, others, told_to=""), **roles_and_groups})
