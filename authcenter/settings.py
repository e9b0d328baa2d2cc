"""Every setting, once. Development and production differ by environment variables only.

Each variable is read by a typed reader that fails loudly; each secret may also come from a file named by
`NAME_FILE`. `authcenter/checks.py` refuses to start on values that are insecure outside a demo. What a library is told
that depends on none of them stands in `authcenter/libraries.py`.
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from authcenter import libraries
from authcenter.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# --- Where and who we are -------------------------------------------------------------------------------------

DEMO = env.boolean("DEMO", default=False)
"""A demo on loopback: secrets are made and kept in DATA_DIR, sample people and applications are seeded."""

DEBUG = env.boolean("DEBUG", default=False)
DATA_DIR = env.path("DATA_DIR", default=BASE_DIR / "data")
PORT = env.integer("PORT", default=8000)
HOST = env.text("HOST", default="127.0.0.1")
"""Where it listens. Beyond loopback only behind a proxy that ends TLS."""

WORKERS = env.integer("WORKERS", default=2)
"""Worker processes of the web server; one per core is right."""

ISSUER = env.url("ISSUER", default=f"http://localhost:{PORT}").rstrip("/")
"""The issuer identifier (OpenID Connect Discovery section 2). Configured, never taken from the Host header."""

ISSUER_HOST = urlsplit(ISSUER).hostname or ""
SECURE = urlsplit(ISSUER).scheme == "https"
OWN_API = f"{ISSUER}/api"
"""Identifier of AuthCenter's own API: the default audience of access tokens (RFC 9068 section 3)."""

SESSION_AUDIENCE = f"{ISSUER}/session"
"""Audience of the JWT sessions of first-party apps; no OAuth token carries it."""

SITE_NAME = env.text("SITE_NAME", default="AuthCenter")
VERSION = "0.1.0"

# --- Secrets --------------------------------------------------------------------------------------------------

SECRET_KEY = env.secret("SECRET_KEY", kept_in=DATA_DIR if DEMO else None)
SECRET_KEY_FALLBACKS = env.strings("SECRET_KEY_FALLBACKS", default=[])
ENCRYPTION_KEYS = env.secrets("ENCRYPTION_KEYS", kept_in=DATA_DIR if DEMO else None)
"""Newest first. The first encrypts, all decrypt: private keys, seeds, secrets that must be read back."""

# --- The edge -------------------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.strings(
    "ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]"] if DEMO else [ISSUER_HOST],
)
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", default=[])
"""Networks whose X-Forwarded-For is believed; from anybody else it is ignored."""

if TRUSTED_PROXIES and SECURE:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [ISSUER]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "accounts.entrance.stale_form"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False  # the parent domain is not ours to decide for
SECURE_SSL_REDIRECT = False  # the proxy in front ends TLS; redirecting a token request would leak it first
# Nothing is told to other sites. Not "no-referrer": browsers then post forms with `Origin: null`, which CSRF refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = libraries.CONTENT_SECURITY_POLICY
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
# The limits above leave files out. There is one form with a file, a person's picture: `accounts/uploads.py` bounds it.
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["accounts.uploads.BoundedUpload"]

# --- Django ---------------------------------------------------------------------------------------------------

INSTALLED_APPS = libraries.INSTALLED_APPS

MIDDLEWARE = [
    "authcenter.audit.request_log.RequestLogMiddleware",
    "authcenter.middleware.HttpsOnlyMiddleware",
    "authcenter.back_channel.BackChannelMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "authcenter.middleware.PageHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "accounts.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sign_in.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.signed_in_lately.SuspendedRequestMiddleware",
]
ROOT_URLCONF = "authcenter.urls"
WSGI_APPLICATION = "authcenter.wsgi.application"
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains: the operator's proxy decides
    "security.W008",  # SSL redirect: see SECURE_SSL_REDIRECT
    "security.W021",  # HSTS preload: the operator's decision
    "auth.W004",  # e-mail addresses are unique without case, by a constraint
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.pages.site",
                "accounts.frame.frame",
            ],
        },
    }
]

LANGUAGE_CODE = "en"
LANGUAGES = libraries.LANGUAGES
LANGUAGE_COOKIE_NAME = "language"
"""What somebody chose at the foot of a page; see accounts/languages.py."""

TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "authcenter.server.static_files.Storage"},
}
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["png", "jpg", "svgz", "gz", "br", "woff", "woff2", "map"]
WHITENOISE_ALLOW_ALL_ORIGINS = False  # its default tells every site that it may read them
WHITENOISE_MANIFEST_STRICT = False  # unfold names a file it does not ship
MEDIA_ROOT = DATA_DIR / "media"

# --- Data -----------------------------------------------------------------------------------------------------

DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
CACHES = {"default": env.cache("CACHE_URL", default="database://")}
SESSION_ENGINE = "authcenter.sessions.cookie_store"

# --- People ---------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.password_backend.PasswordBackend"]
# One Argon2 class only (two would share the name "argon2"); PBKDF2 stays to read imported hashes.
PASSWORD_HASHERS = ["accounts.hashers.Argon2", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = libraries.PASSWORD_VALIDATORS
BREACHED_PASSWORDS_FILE = env.text("BREACHED_PASSWORDS_FILE", default="")
"""A sorted list of SHA-1 hashes of stolen passwords, as haveibeenpwned.com gives it away; see docs/operators.md."""

BREACHED_PASSWORDS_URL = env.text("BREACHED_PASSWORDS_URL", default="")
"""A service that is told five letters of a new password's hash: https://api.pwnedpasswords.com/range/. Off."""

SIGN_UP = env.choice("SIGN_UP", ("open", "invitation", "closed"), default="open")
"""Who may make an account: anybody, who was invited, or nobody. Operators make accounts in the console all the same."""

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/account/"
vars().update(libraries.ACCOUNT)
vars().update(libraries.MFA)
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
STAFF_SECOND_FACTOR = env.boolean("STAFF_SECOND_FACTOR", default=not DEMO)
"""Whether operators must have a second factor. Who has none sets one up at the next sign-in."""

ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SECURE else "http"

# --- Lives of what we issue -----------------------------------------------------------------------------------

ACCESS_TOKEN_SECONDS = env.integer("ACCESS_TOKEN_SECONDS", default=300)
ID_TOKEN_SECONDS = 300
CODE_SECONDS = 60
PUSHED_REQUEST_SECONDS = 60
DEVICE_CODE_SECONDS = 600
DEVICE_POLL_SECONDS = 5
REFRESH_IDLE = timedelta(days=14)
REFRESH_ABSOLUTE = timedelta(days=90)
BROWSER_SESSION_IDLE = timedelta(hours=24)
BROWSER_SESSION_REMEMBERED = timedelta(days=30)
NOTICE_LIVES = timedelta(days=7)
"""How long a mail's link "was not me" is good."""

DELETION_GRACE_DAYS = env.integer("DELETION_GRACE_DAYS", default=14)
"""How many days somebody who asked to be deleted may still change his mind."""

CONSOLE_SIGN_IN = timedelta(hours=1)
"""An operator whose sign-in is older proves himself again, however long his browser is remembered."""

RETRY_WINDOW_SECONDS = 10
"""How long a client that proves a key may repeat a refresh and gets the very same successor."""

KEY_RETIRED_FOR = REFRESH_IDLE + timedelta(days=1)
"""How long a retired key still verifies: as long as what it signed can live, and a day."""

SESSION_EXPIRE_AT_BROWSER_CLOSE = True  # unless the person asks to be remembered
SESSION_COOKIE_AGE = int(BROWSER_SESSION_REMEMBERED.total_seconds())

# --- OAuth ----------------------------------------------------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Application"
OAUTH2_PROVIDER_GRANT_MODEL = "oauth.Grant"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth.AccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth.Family"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth.IDToken"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "oauth.DeviceGrant"
OAUTH2_PROVIDER = {
    **libraries.OAUTH2_PROVIDER,
    "OIDC_ISS_ENDPOINT": ISSUER,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": CODE_SECONDS,
    "ACCESS_TOKEN_EXPIRE_SECONDS": ACCESS_TOKEN_SECONDS,
    "ID_TOKEN_EXPIRE_SECONDS": ID_TOKEN_SECONDS,
    "REFRESH_TOKEN_EXPIRE_SECONDS": int(REFRESH_IDLE.total_seconds()),
}

LEGACY_FLOWS = env.strings("LEGACY_FLOWS", default=[])
"""Flows that RFC 9700 advises against, for those who must: `implicit`, `hybrid`, `password`. Each application needs
them switched on too. Off, they are neither advertised nor answered."""

CLIENT_ASSERTION_AUDIENCES = env.strings("CLIENT_ASSERTION_AUDIENCES", default=[])
"""What clients may name as `aud` of their assertions beside the issuer, such as the token endpoint, for those that
know no better. Each is a string that another server must not share."""

REGISTRATION = env.choice("REGISTRATION", ("off", "token", "open"), default="off")
"""Who may register applications at /oauth/register: nobody, who holds an initial access token, or anybody."""

REGISTRATION_REQUIRES_PKCE = env.boolean("REGISTRATION_REQUIRES_PKCE", default=True)
"""False lets confidential applications that register themselves go without PKCE."""

CLIENT_ID_METADATA_DOCUMENTS = env.boolean("CLIENT_ID_METADATA_DOCUMENTS", default=False)
"""Whether an application may be known by the address of its metadata, without being registered."""

# --- JWT sessions and the API ---------------------------------------------------------------------------------

SIMPLE_JWT = {
    "ALGORITHM": "ES256",  # the key ring signs; see authcenter/sessions/jwt.py
    "SIGNING_KEY": "",
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=ACCESS_TOKEN_SECONDS),
    "REFRESH_TOKEN_LIFETIME": REFRESH_IDLE,
    "USER_ID_CLAIM": "sub",
    "ISSUER": ISSUER,
    "AUDIENCE": SESSION_AUDIENCE,
    "TOKEN_TYPE_CLAIM": "token_use",
    "UPDATE_LAST_LOGIN": False,
}
REST_FRAMEWORK = libraries.REST_FRAMEWORK
SPECTACULAR_SETTINGS = {**libraries.SPECTACULAR, "VERSION": VERSION}

# --- Requests to other servers (authcenter/outbox/outbound.py) --------------------------------------------------

OUTBOUND_ALLOWED = env.strings("OUTBOUND_ALLOWED", default=["localhost", "127.0.0.0/8", "::1/128"] if DEMO else [])
"""Hosts (`name` or `name:port`) and networks of one's own that may be asked, also by http; else public https only."""

OUTBOUND_CA_FILE = env.text("OUTBOUND_CA_FILE", default="")
"""Certificates of an authority of one's own; without it, those of the system."""

# --- Where people are (authcenter/audit/place.py) ------------------------------------------------------------------

GEOIP_FILE = env.text("GEOIP_FILE", default="")
"""A file of places by address in MaxMind's form (.mmdb), of the operator's own. Without it no place is shown."""

# --- Mail, console, logs --------------------------------------------------------------------------------------

EMAIL_FILE_PATH = DATA_DIR / "mail"
vars().update(env.email("EMAIL_URL", default="files://"))
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", default=f"{SITE_NAME} <no-reply@{ISSUER_HOST}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

UNFOLD = {**libraries.UNFOLD, "SITE_TITLE": SITE_NAME, "SITE_HEADER": SITE_NAME}

LOGGING = libraries.logging(env.text("LOG_LEVEL", default="INFO"))
