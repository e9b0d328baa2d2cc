"""GET /api/sessions/, DELETE /api/sessions/<id>/: where one is signed in, and ending it."""

from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authcenter.api.authentication import OwnAccountAuthentication, person_and_token
from authcenter.api.permissions import OwnAccount
from authcenter.api.schema import problems
from authcenter.audit import events
from authcenter.oauth.own_api import READ, WRITE
from authcenter.sessions.living import living_sessions
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_session


class SessionSerializer(serializers.ModelSerializer[Session]):
    current = serializers.SerializerMethodField(help_text="Whether this request's token belongs to it.")

    class Meta:
        model = Session
        fields = ("id", "kind", "created", "last_seen", "expires", "address", "user_agent", "amr", "current")
        read_only_fields = fields
        extra_kwargs = {"amr": {"help_text": "How the person proved who she is (RFC 8176)."}}

    def get_current(self, session: Session) -> bool:
        return str(session.pk) == self.context["sid"]


class SessionPages(LimitOffsetPagination):
    default_limit = 50
    max_limit = 100


class SessionsView(APIView):
    authentication_classes = (OwnAccountAuthentication,)
    permission_classes = (OwnAccount(READ),)
    pagination_class = SessionPages

    @extend_schema(
        operation_id="sessions_list",
        summary="Where you are signed in",
        tags=["Own account"],
        responses={200: SessionSerializer(many=True), **problems(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """One's own living sessions, the last used first."""
        user, token = person_and_token(request)
        pages = self.pagination_class()
        page = pages.paginate_queryset(living_sessions(user), request, view=self)
        context = {"sid": token.claims.get("sid")}
        return pages.get_paginated_response(SessionSerializer(page, many=True, context=context).data)


class SessionView(APIView):
    authentication_classes = (OwnAccountAuthentication,)
    permission_classes = (OwnAccount(WRITE),)

    @extend_schema(
        operation_id="sessions_end",
        summary="End a session",
        tags=["Own account"],
        responses={204: None, **problems(401, 403, 404)},
    )
    def delete(self, request: Request, session: UUID) -> Response:
        """Sign that device out. Its tokens are refused within 0.3 seconds, its refresh token at once."""
        user, _ = person_and_token(request)
        with transaction.atomic():
            own = Session.objects.filter(pk=session, user=user).exists()
            if not own or not end_session(session, reason="signed out by its person"):
                raise NotFound
            events.record(request._request, events.Kind.SESSION_REVOKED, actor=user.pk, subject=session)
        return Response(status=204)
