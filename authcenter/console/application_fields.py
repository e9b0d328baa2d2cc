"""Which fields of an application stand where in the console: few where one is made, all on tabs afterwards."""

from typing import Any

from django.utils.translation import gettext_lazy as _

FIXED = (
    *("client_id", "kind", "client_type", "secret_made", "ends", "access", "created", "updated", "epoch"),
    *("origin", "logout_state", "software", "contacts"),
)
"""What nobody changes here."""

NEW: Any = (
    (None, {"fields": ("kind", "name")}),
    (_("Addresses"), {"fields": ("redirect_uris", "post_logout_redirect_uris", "allowed_origins")}),
    (_("Access"), {"fields": ("scopes",)}),
    (_("Who it is to people"), {"fields": ("publisher", "client_uri", "logo_uri", "policy_uri", "tos_uri")}),
)
WHOLE: Any = (
    (None, {"fields": ("name", "client_id", "is_active", "ends", "access")}),
    (_("Addresses"), {"fields": ("redirect_uris", "post_logout_redirect_uris", "allowed_origins")}),
    (_("Access"), {"fields": ("scopes", "identity_scopes", "optional_scopes", "skip_authorization", "is_reviewed")}),
    (_("Roles and groups of people"), {"classes": ["tab"], "fields": ("all_roles", "all_groups")}),
    (
        _("Security"),
        {
            "classes": ["tab"],
            "fields": (
                ("kind", "client_type"),
                ("token_endpoint_auth_method", "secret_made"),
                ("client_jwks", "client_jwks_uri"),
                "token_endpoint_auth_signing_alg",
                ("request_object_signing_alg", "request_uris"),
                ("require_pkce", "require_pushed_authorization_requests"),
            ),
        },
    ),
    (
        _("Grants and tokens"),
        {
            "classes": ["tab"],
            "fields": (
                "grant_types",
                "response_types",
                ("represents", "exchange"),
                ("id_token_signed_response_alg", "access_token_signed_response_alg"),
                "userinfo_signed_response_alg",
                ("subject_type", "sector_identifier_uri"),
                "default_max_age",
                ("access_token_format", "access_token_seconds"),
            ),
        },
    ),
    (
        _("Signing in and out"),
        {
            "classes": ["tab"],
            "fields": (
                "second_factor",
                "initiate_login_uri",
                ("backchannel_logout_uri", "backchannel_logout_session_required"),
                ("frontchannel_logout_uri", "frontchannel_logout_session_required"),
                "logout_state",
            ),
        },
    ),
    (
        _("Who it is to people"),
        {
            "classes": ["tab"],
            "fields": (
                *("publisher", "client_uri", "logo_upload", "logo_uri", "accent", "sign_in_text"),
                *("policy_uri", "tos_uri", "contacts", "software"),
            ),
        },
    ),
    (_("Record"), {"classes": ["tab"], "fields": ("origin", "created", "updated", "epoch")}),
)
