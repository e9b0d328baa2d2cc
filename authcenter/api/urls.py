"""Routes under /api/. The first block judges what is in the body; the second wants a token, as its rows say."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from authcenter.api.docs import DocsView
from authcenter.api.me import MeView
from authcenter.api.problems import not_found
from authcenter.api.sessions import SessionsView, SessionView
from authcenter.api.token import LogoutView, RefreshView, TokenView, VerifyView

app_name = "api"
urlpatterns = [
    path("token/", TokenView.as_view(), name="token"),
    path("token/refresh/", RefreshView.as_view(), name="token-refresh"),
    path("token/verify/", VerifyView.as_view(), name="token-verify"),
    path("token/logout/", LogoutView.as_view(), name="token-logout"),
    path("me/", MeView.as_view(), name="me"),  # session token, or access token with openid
    path("sessions/", SessionsView.as_view(), name="sessions"),  # session token, or account:read
    path("sessions/<uuid:session>/", SessionView.as_view(), name="session"),  # session token, or account:write
    path("schema/", SpectacularAPIView.as_view(), name="schema"),  # OpenAPI 3; open to everybody
    path("docs/", DocsView.as_view(), name="docs"),  # Swagger UI; open to everybody
    re_path(r"^(?P<path>.*)$", not_found, name="nothing"),
]
