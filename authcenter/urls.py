"""The protocol's table of contents: one line a route, with the document that defines it."""

import inspect

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.urls import include, path
from django.views import defaults
from django.views.generic import RedirectView

from accounts import factor_pages, home, passkey_pages
from accounts.activity import activity
from accounts.alert_choice import choose_alerts
from accounts.pictures import change_picture, picture
from accounts.security import security
from accounts.social.linked import linked, unlink
from authcenter.api.metadata import OWN_RESOURCE
from authcenter.branding.files import logo as brand_logo
from authcenter.branding.files import style as brand_style
from authcenter.console.site import site
from authcenter.keys.jwks import jwks
from authcenter.oauth.authorize import authorize
from authcenter.oauth.consent import consent, switch_account
from authcenter.oauth.device import device_authorization
from authcenter.oauth.device_page import confirm, device
from authcenter.oauth.introspect import introspect
from authcenter.oauth.logos import logo
from authcenter.oauth.organisation_page import organisation
from authcenter.oauth.par import par
from authcenter.oauth.register import register, registration
from authcenter.oauth.revoke import revoke
from authcenter.oauth.token import token
from authcenter.oidc.discovery import discovery
from authcenter.oidc.logout import confirm_logout, logout, signed_out
from authcenter.oidc.userinfo import userinfo
from authcenter.portal import own_data, sign_ins
from authcenter.portal.connected_apps import connected_apps, remove_all, remove_app
from authcenter.resource_server.drf import metadata_view
from authcenter.server.health import livez, readyz
from authcenter.sessions.feed import revocations

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="account"), name="front-door"),  # one's own account, or the sign-in
    path(".well-known/openid-configuration", discovery, name="oidc-discovery"),  # OpenID Connect Discovery
    path(".well-known/oauth-authorization-server", discovery, name="oauth-metadata"),  # RFC 8414
    path(".well-known/jwks.json", jwks, name="jwks"),  # RFC 7517
    path(".well-known/revocations", revocations, name="revocations"),  # the feed, docs/revocation.md
    path(OWN_RESOURCE.path.lstrip("/"), metadata_view(OWN_RESOURCE), name="own-resource"),  # RFC 9728
    path("oauth/authorize", authorize, name="oauth-authorize"),  # RFC 6749 3.1, OpenID Connect Core 3.1.2
    path("oauth/consent", consent, name="oauth-consent"),  # the page for people
    path("oauth/organisation", organisation, name="oauth-organisation"),  # the page for people
    path("oauth/switch-account", switch_account, name="oauth-switch-account"),  # the page for people
    path("oauth/par", par, name="oauth-par"),  # RFC 9126
    path("oauth/token", token, name="oauth-token"),  # RFC 6749 3.2
    path("oauth/revoke", revoke, name="oauth-revoke"),  # RFC 7009
    path("oauth/introspect", introspect, name="oauth-introspect"),  # RFC 7662
    path("oauth/register", register, name="oauth-register"),  # RFC 7591
    path("oauth/register/<str:client_id>", registration, name="oauth-registration"),  # RFC 7592
    path("oauth/logo/<int:pk>", logo, name="oauth-logo"),  # what pages show
    path("oauth/device", device_authorization, name="oauth-device"),  # RFC 8628 3.1
    path("device", device, name="device"),  # RFC 8628 3.3, the page for people
    path("device/confirm", confirm, name="device-confirm"),  # the page for people
    path("oauth/userinfo", userinfo, name="oidc-userinfo"),  # OpenID Connect Core 5.3
    path("oauth/logout", logout, name="oidc-end-session"),  # OpenID Connect RP-Initiated Logout
    path("oauth/logout/confirm", confirm_logout, name="oidc-logout"),  # the page for people
    path("oauth/logout/done", signed_out, name="oidc-signed-out"),  # the page for people
    path("branding/logo", brand_logo, name="branding-logo"),  # what pages load
    path("branding/<slug:name>.css", brand_style, name="branding-style"),  # what pages load
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("accounts/", include("accounts.urls")),  # signing in and up
    path("account/", home.profile, name="account"),
    path("account/picture/", change_picture, name="account-change-picture"),
    path("account/picture/<uuid:pk>", picture, name="account-picture"),
    path("account/security/", security, name="account-security"),
    path("account/security/", security, name="mfa_index"),  # what the library calls it
    path("account/security/app/", factor_pages.add_app, name="mfa_activate_totp"),
    path("account/security/app/remove/", factor_pages.remove_app, name="mfa_deactivate_totp"),
    path("account/security/codes/", factor_pages.codes, name="mfa_view_recovery_codes"),
    path("account/security/browsers/end/", factor_pages.end_trust, name="account-end-trust"),
    path("account/security/linked/", linked, name="socialaccount_connections"),
    path("account/security/linked/<int:pk>/unlink/", unlink, name="social-unlink"),
    path("account/security/alerts/", choose_alerts, name="account-alerts"),
    path("account/sessions/", sign_ins.sessions, name="account-sessions"),
    path("account/sessions/others/", sign_ins.end_others, name="account-end-others"),
    path("account/sessions/<uuid:session>/end/", sign_ins.end_one, name="account-end-session"),
    path("account/activity/", activity, name="account-activity"),
    path("account/security/passkeys/", passkey_pages.overview, name="account-passkeys"),
    path("account/security/passkeys/add/", passkey_pages.add, name="account-passkey-add"),
    path("account/security/passkeys/add/options/", passkey_pages.add_options, name="account-passkey-add-options"),
    path("account/security/passkeys/<int:pk>/name/", passkey_pages.name, name="account-passkey-name"),
    path("account/security/passkeys/<int:pk>/remove/", passkey_pages.remove, name="account-passkey-remove"),
    path("account/data/", own_data.data, name="account-data"),
    path("account/data/download/", own_data.download, name="account-data-download"),
    path("account/data/delete/", own_data.delete, name="account-delete"),
    path("account/apps/", connected_apps, name="account-apps"),
    path("account/apps/remove-all/", remove_all, name="account-remove-all-apps"),
    path("account/apps/<uuid:authorization>/remove/", remove_app, name="account-remove-app"),
    path("account/organisations/", include("accounts.organisation_urls")),
    path("api/", include("authcenter.api.urls")),
    path("admin/", site.urls),
]
if settings.DEMO:
    from authcenter.demo.api import ORDERS

    urlpatterns += [
        path("demo/", include("authcenter.demo.urls")),  # a sample client and API
        path(ORDERS.path.lstrip("/"), metadata_view(ORDERS), name="demo-resource"),  # RFC 9728
    ]

# Django's own pages for errors, without its CSRF check before each: that reads the form, and a form that cannot be read
# would turn the refusal into a 500. Their templates get a token all the same.
handler400, handler403, handler404 = (
    inspect.unwrap(page) for page in (defaults.bad_request, defaults.permission_denied, defaults.page_not_found)
)


def handler500(request: HttpRequest) -> HttpResponse:
    """No context processor runs: what is broken may be what they need."""
    page = loader.render_to_string("500.html", {"request_id": getattr(request, "request_id", "")})
    return HttpResponse(page, status=500)
