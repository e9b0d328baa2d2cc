"""The protocol's table of contents: one line a route, with the document that defines it."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from authcenter.keys.jwks import jwks

urlpatterns = [
    path(".well-known/jwks.json", jwks, name="jwks"),  # RFC 7517
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)
