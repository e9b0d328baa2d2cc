"""POST /api/token/, …/refresh/, …/verify/, …/logout/: JWT sessions of first-party apps, with SimpleJWT's habits.

With `transport=cookie` the tokens go into cookies that no script reads, and the body brings the CSRF token that
unsafe requests must then send as X-CSRFToken.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.middleware.csrf import get_token, rotate_token
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import TokenError

from accounts.known_browsers import met_app
from accounts.sign_in import ACR_ONE, ACR_TWO
from authcenter.api import cookies, second_factor, session_claims, sign_in
from authcenter.api.authentication import enforce_csrf, record_refusal, session_person
from authcenter.api.problems import REALM, ForeignOrigin, TokenNotValid
from authcenter.api.schema import problems
from authcenter.audit import events
from authcenter.resource_server.drf import bearer_token
from authcenter.resource_server.errors import ExpiredToken, InvalidToken
from authcenter.sessions import jwt
from authcenter.sessions.revocation import end_session
from authcenter.sessions.start import start_api_session

MAX_TOKEN = 16_384


class _TokenView(APIView):
    """These routes judge what is in the body or a cookie, not a caller."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class CredentialsSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False, style={"input_type": "password"})
    # The framework's own message repeats what was sent, which may be a password or token in the wrong place.
    transport = serializers.ChoiceField(
        ["body", "cookie"], default="body", error_messages={"invalid_choice": "Either body or cookie."}
    )


class SecondStepSerializer(serializers.Serializer[Any]):
    """What follows the problem `mfa_required`: its token, and a code of the authenticator app or a recovery code."""

    mfa_token = serializers.CharField(max_length=128)
    code = serializers.CharField(max_length=40)
    transport = serializers.ChoiceField(
        ["body", "cookie"], default="body", error_messages={"invalid_choice": "Either body or cookie."}
    )


class PairSerializer(serializers.Serializer[Any]):
    """The tokens; or, where they went into cookies, what a page needs to use these."""

    access = serializers.CharField(required=False)
    refresh = serializers.CharField(required=False)
    csrf_token = serializers.CharField(required=False)
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lives.")


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=MAX_TOKEN, required=False)


class VerifySerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=MAX_TOKEN)


class NothingSerializer(serializers.Serializer[Any]):
    """An empty object."""


class TokenView(_TokenView):
    @extend_schema(
        operation_id="token_obtain",
        summary="Sign in",
        tags=["JWT sessions"],
        request=PolymorphicProxySerializer(
            "SignIn", [CredentialsSerializer, SecondStepSerializer], resource_type_field_name=None
        ),
        responses={200: PairSerializer, **problems(400, 401, 403, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        """Begin a session. `transport=cookie` puts the tokens into HttpOnly cookies.

        Where the account has a second factor, the password gets the problem `mfa_required` with `mfa_token` and the
        `factors`; `mfa_token` and `code` then begin the session.
        """
        is_second = isinstance(request.data, Mapping) and "mfa_token" in request.data
        sent = (SecondStepSerializer if is_second else CredentialsSerializer)(data=request.data)
        sent.is_valid(raise_exception=True)
        wanted = sent.validated_data
        by_cookie = wanted["transport"] == "cookie"
        if by_cookie:
            _refuse_foreign_origin(request)
        http = request._request
        if is_second:
            user, amr = second_factor.proved(http, wanted["mfa_token"], wanted["code"])
        else:
            user, amr = sign_in.person(http, wanted["email"], wanted["password"]), ["pwd"]
            second_factor.asked_for(user)
        with transaction.atomic():
            session = start_api_session(http, user, amr=amr, acr=ACR_TWO if is_second else ACR_ONE)
            pair = jwt.first_pair(session, session_claims.about_person(user))
            events.record(http, events.Kind.SIGNED_IN, actor=user.pk, subject=session.pk, amr=session.amr)
            met_app(http, user, session)
        if by_cookie:
            rotate_token(http)
        return _answer(request, pair, by_cookie=by_cookie)


class RefreshView(_TokenView):
    @extend_schema(
        operation_id="token_refresh",
        summary="Refresh",
        tags=["JWT sessions"],
        request=RefreshSerializer,
        responses={200: PairSerializer, **problems(400, 401, 403, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Exchange the refresh token, from the body or the cookie, for the next pair. An old one ends the session."""
        in_body = _refresh_token_in_body(request)
        refresh = in_body or _cookie(request, cookies.refresh_token)
        if refresh is None:
            raise serializers.ValidationError({"refresh": ["Send the refresh token."]})
        try:
            pair = jwt.rotate(refresh, session_claims.about_person)
        except jwt.Replayed as replayed:
            session = replayed.session
            events.record(request._request, events.Kind.REFRESH_REPLAYED, actor=session.user_id, subject=session.pk)
            raise TokenNotValid from None
        except TokenError:
            raise TokenNotValid from None
        events.issued(request._request, "session tokens", subject=pair.session.user_id, sid=str(pair.session.pk))
        return _answer(request, pair, by_cookie=in_body is None)


class VerifyView(_TokenView):
    @extend_schema(
        operation_id="token_verify",
        summary="Verify",
        tags=["JWT sessions"],
        request=VerifySerializer,
        responses={200: NothingSerializer, **problems(400, 401, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Whether a session access token is good now. Any other kind of token is refused."""
        sent = VerifySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            session_person(sent.validated_data["token"])
        except InvalidToken as error:
            record_refusal(request, error)
            raise TokenNotValid from None
        return Response({})


class LogoutView(_TokenView):
    @extend_schema(
        operation_id="token_logout",
        summary="Sign out",
        tags=["JWT sessions"],
        request=RefreshSerializer,
        responses={204: None, **problems(400, 401, 403, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """End the session of the refresh token in the body, the access token in the header, or the cookies."""
        token = (
            _refresh_token_in_body(request)
            or bearer_token(request, REALM)
            or _cookie(request, cookies.refresh_token)
            or _cookie(request, cookies.access_token)
        )
        if token is None:
            raise serializers.ValidationError({"refresh": ["Send a token of the session."]})
        claims = _session_claims(token)
        with transaction.atomic():
            if end_session(claims["sid"], reason="signed out"):
                events.record(request._request, events.Kind.SIGNED_OUT, actor=claims["sub"], subject=claims["sid"])
        response = Response(status=204)
        cookies.clear(response)
        return response


def _answer(request: Request, pair: jwt.Pair, *, by_cookie: bool) -> Response:
    expires_in = settings.ACCESS_TOKEN_SECONDS
    if not by_cookie:
        return Response({"access": pair.access, "refresh": pair.refresh, "expires_in": expires_in})
    response = Response({"csrf_token": get_token(request._request), "expires_in": expires_in})
    cookies.put(response, pair)
    return response


def _refresh_token_in_body(request: Request) -> str | None:
    sent = RefreshSerializer(data=request.data)
    sent.is_valid(raise_exception=True)
    return sent.validated_data.get("refresh")


def _cookie(request: Request, token_of: Callable[[Request], str | None]) -> str | None:
    """A token from a cookie, which needs the CSRF proof, or None."""
    token = token_of(request)
    if token is not None:
        enforce_csrf(request)
    return token


def _session_claims(token: str) -> dict[str, Any]:
    """Claims of a session token of either kind. An expired one may still end its session, and nothing else."""
    try:
        return dict(jwt.verifier(jwt.ACCESS_TYP, jwt.REFRESH_TYP).verify(token).claims)
    except ExpiredToken as error:
        return dict(error.claims or {})
    except InvalidToken:
        raise TokenNotValid from None


def _refuse_foreign_origin(request: Request) -> None:
    """Browsers send Origin with each POST; other clients have no cookies to be misused."""
    origin, own = request.META.get("HTTP_ORIGIN"), f"{request.scheme}://{request.get_host()}"
    if origin is not None and origin not in {own, *settings.CSRF_TRUSTED_ORIGINS}:
        raise ForeignOrigin
