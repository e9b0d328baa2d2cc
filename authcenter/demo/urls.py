"""Routes under /demo/, for a demo only. None of the pages needs a sign-in; the API's rows say what they need."""

from django.urls import path, re_path

from authcenter.api.problems import not_found
from authcenter.demo import pages, web
from authcenter.demo.api import OrdersView, OrderView, ReportsView

app_name = "demo"
urlpatterns = [
    path("", pages.client, name="client"),  # the single-page application
    path("privacy/", pages.privacy, name="privacy"),
    path("terms/", pages.terms, name="terms"),
    path("web/", web.start, name="web"),  # the application with a server: sends the browser to sign in
    path("web/callback", web.callback, name="web-callback"),  # its redirect URI
    path("api/orders/", OrdersView.as_view(), name="orders"),  # access token with orders:read, orders:write
    path("api/orders/<int:number>/", OrderView.as_view(), name="order"),  # access token with orders:read
    path("api/reports/", ReportsView.as_view(), name="reports"),  # session token of a person with the role operator
    re_path(r"^api/(?P<path>.*)$", not_found, name="nothing"),
]
