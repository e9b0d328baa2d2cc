"""What the libraries are told once and for all: no operator's choice, the same in development and production."""

from typing import Any

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin.apps.SimpleAdminConfig",  # the console registers what it shows, nothing is discovered
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "oauth2_provider",
    "authcenter",  # its checks
    "authcenter.keys",
    "authcenter.sessions",
    "authcenter.audit",
    "authcenter.outbox",
    "authcenter.branding",
    "accounts",
    "authcenter.api",
    "authcenter.console",
    "authcenter.demo",
    "authcenter.server",
    "authcenter.oauth",  # last: it swaps the library's models
]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}

LANGUAGES = [  # each as its speakers call it; English is what the sources are written in
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("pt-br", "Português"),
    ("zh-hans", "简体中文"),
    ("ja", "日本語"),
    ("ar", "العربية"),
]

OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OAUTH2_VALIDATOR_CLASS": "authcenter.oauth.validator.Validator",
    "PKCE_REQUIRED": True,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "SCOPES": {},
    "DEFAULT_SCOPES": [],
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REQUEST_APPROVAL_PROMPT": "force",
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}

ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "add_email": "accounts.forms.NewAddressForm",
    "change_password": "accounts.passwords.ChangePasswordForm",
    "set_password": "accounts.passwords.SetPasswordForm",
    "reauthenticate": "accounts.passwords.SignInAgainForm",
    "reset_password": "accounts.passwords.ResetForm",
    "reset_password_from_key": "accounts.passwords.NewPasswordForm",
    "confirm_email_verification_code": "accounts.forms.VerificationCodeForm",
    "request_login_code": "accounts.code_sign_in.AskForm",
    "confirm_login_code": "accounts.code_sign_in.CodeForm",
    "confirm_password_reset_code": "accounts.passwords.ResetCodeForm",
}

ACCOUNT = {
    "ACCOUNT_FORMS": ACCOUNT_FORMS,
    "ACCOUNT_ADAPTER": "accounts.adapter.AccountAdapter",
    "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
    "ACCOUNT_LOGIN_METHODS": {"email"},
    "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
    "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
    "ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED": True,
    "ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND": True,
    "ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE": False,  # offered for new addresses only, it tells which are known
    "ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT": 600,
    "ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT": 600,
    "ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED": True,
    "ACCOUNT_LOGIN_BY_CODE_ENABLED": True,
    "ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND": True,
    "ACCOUNT_LOGIN_BY_CODE_TIMEOUT": 600,
    "ACCOUNT_PREVENT_ENUMERATION": True,
    "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": True,
    "ACCOUNT_EMAIL_NOTIFICATIONS": True,
    "ACCOUNT_REAUTHENTICATION_REQUIRED": True,
    "ACCOUNT_CHANGE_EMAIL": True,
    "ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE": False,  # the adapter ends the other sessions, not this one
    "ACCOUNT_SESSION_REMEMBER": None,  # a check box on the sign-in page
    "ACCOUNT_EMAIL_SUBJECT_PREFIX": "",
    "ACCOUNT_RATE_LIMITS": {  # what sends mail; refusals of passwords and codes are counted in authcenter/limits.py
        "login_failed": False,
        "login": False,
        "signup": "20/m/ip",
        "reset_password": "20/m/ip,5/m/key",
        "request_login_code": "20/m/ip,5/m/key",
        "confirm_email": "1/10s/key",
    },
}

MFA = {
    "MFA_ADAPTER": "accounts.mfa_adapter.MFAAdapter",
    "MFA_SUPPORTED_TYPES": ["totp", "webauthn"],  # recovery codes are ours: the library's can be computed from a seed
    "MFA_PASSKEY_LOGIN_ENABLED": True,
    "MFA_PASSKEY_SIGNUP_ENABLED": True,
    "MFA_TOTP_TOLERANCE": 1,  # steps of 30 seconds, to either side
    "MFA_TRUST_ENABLED": False,  # trusted browsers are ours: the library's cannot be listed or ended one by one
}

PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name", "given_name", "family_name", "preferred_username")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.NotBlank"},
    {"NAME": "accounts.password_strength.NotOfHere"},
    {"NAME": "accounts.password_strength.HardToGuess"},
    {"NAME": "accounts.breached_passwords.NotBreached"},  # the last: it may ask another server
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["authcenter.api.parsers.JSONBody", "authcenter.api.parsers.FormBody"],
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS tells nothing: the schema does
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "authcenter.api.problems.problem_handler",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR = {
    "TITLE": "AuthCenter API",
    "DESCRIPTION": "One's own account and sessions, JWT sessions for first-party apps, and the demo API.",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "TAGS": [{"name": "JWT sessions"}, {"name": "Own account"}],
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "tryItOutEnabled": True, "validatorUrl": None},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/(api|demo/api)/",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

UNFOLD = {
    "SITE_URL": "/account/",
    "SITE_SYMBOL": "verified_user",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "authcenter.console.dashboard.environment",
    "DASHBOARD_CALLBACK": "authcenter.console.dashboard.dashboard",
    "STYLES": ["authcenter.console.dashboard.style_sheet"],
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "authcenter.console.dashboard.icon"},
    ],
    "SIDEBAR": {"navigation": "authcenter.console.navigation.navigation"},
    "ACCOUNT": {"navigation": "authcenter.console.navigation.account_links"},
    "COLORS": {  # the accent of static/css/authcenter.css
        "primary": {
            "50": "oklch(97% .014 262)",
            "100": "oklch(93.5% .032 262)",
            "200": "oklch(88% .06 262)",
            "300": "oklch(80% .105 262)",
            "400": "oklch(70% .15 262)",
            "500": "oklch(60% .19 262)",
            "600": "oklch(48.5% .19 262)",
            "700": "oklch(43% .175 262)",
            "800": "oklch(38% .14 262)",
            "900": "oklch(33% .11 262)",
            "950": "oklch(26% .08 262)",
        }
    },
}


def logging(level: str) -> dict[str, Any]:
    """Django's `LOGGING`: lines of JSON on standard output, from `level` upwards."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "authcenter.audit.logs.formatter", "level": level}},
        "filters": {"refused": {"()": "authcenter.audit.logs.RefusedRequests"}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["refused"],
            }
        },
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            # Their debug lines carry codes and tokens (base library fault M18): never below INFO.
            "oauthlib": {"level": "INFO"},
            "oauth2_provider": {"level": "INFO"},
            "django": {"level": "INFO", "handlers": [], "propagate": True},
            "django.db.backends": {"level": "INFO"},
        },
    }
