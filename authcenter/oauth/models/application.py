"""Applications (clients). Swaps the library's model; field names follow its main branch."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractApplication

from authcenter.branding import colours
from authcenter.oauth.models.api import API, Scope
from authcenter.oauth.models.application_faults import faults_of
from authcenter.oauth.redirects import is_loopback


def code_alone() -> list[str]:
    return ["code"]


class Application(AbstractApplication):
    """A client. What it may do is told by its own columns, each with the safe default of its kind."""

    class Kind(models.TextChoices):
        WEB = "web", _("web application (has a server)")
        SPA = "spa", _("single-page application (runs in the browser)")
        NATIVE = "native", _("native or mobile application")
        MACHINE = "machine", _("machine (no person)")
        DEVICE = "device", _("device without a browser")

    class AuthMethod(models.TextChoices):
        BASIC = "client_secret_basic", "client_secret_basic"
        POST = "client_secret_post", "client_secret_post"
        SECRET_JWT = "client_secret_jwt", "client_secret_jwt"
        KEY_JWT = "private_key_jwt", "private_key_jwt"
        NONE = "none", "none"

    class Algorithm(models.TextChoices):
        ES256 = "ES256", "ES256"
        RS256 = "RS256", "RS256"

    class SubjectType(models.TextChoices):
        PUBLIC = "public", _("public: the same for every application")
        PAIRWISE = "pairwise", _("pairwise: another for each sector")

    class Origin(models.TextChoices):
        OPERATOR = "operator", _("made by an operator")
        REGISTERED = "registered", _("registered itself")
        DOCUMENT = "document", _("described by its own document")

    class Exchange(models.TextChoices):
        DELEGATION = "delegation", _("say that this application acts for the person")
        IMPERSONATION = "impersonation", _("are as the person's own")

    class TokenFormat(models.TextChoices):
        JWT = "jwt", _("JWT")
        OPAQUE = "opaque", _("opaque")

    # Ours instead: `grant_types` (several), `client_secret` as SHA-256, `id_token_signed_response_alg`.
    authorization_grant_type = None
    hash_client_secret = None
    algorithm = None

    client_id = models.CharField(
        _("client ID"),
        max_length=255,
        unique=True,
        validators=[RegexValidator(r"^[\x21-\x7E]+\Z", _("Visible ASCII characters only."))],
    )
    client_secret = models.CharField(_("client secret, hashed"), max_length=100, blank=True, editable=False)
    secret_rolled = models.DateTimeField(_("secret made"), null=True, blank=True, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.WEB)
    readable_secret = models.TextField(blank=True, editable=False)
    """Encrypted, for `client_secret_jwt` alone: a MAC is checked with the secret itself, not with its hash."""
    grant_types = models.JSONField(_("grant types"), default=list, blank=True)
    response_types = models.JSONField(_("response types"), default=code_alone, blank=True)
    token_endpoint_auth_method = models.CharField(
        _("authentication"), max_length=32, choices=AuthMethod, default=AuthMethod.BASIC
    )
    token_endpoint_auth_signing_alg = models.CharField(
        _("algorithm of its assertions"),
        max_length=8,
        choices=[(name, name) for name in ("ES256", "RS256", "PS256", "EdDSA", "Ed25519", "HS256")],
        blank=True,
        help_text=_("Empty: any that fits its keys."),
    )
    request_object_signing_alg = models.CharField(
        _("algorithm of its requests"),
        max_length=8,
        choices=[(name, name) for name in ("ES256", "RS256", "PS256", "EdDSA", "Ed25519")],
        blank=True,
        help_text=_("Empty: any that fits its keys."),
    )
    request_uris = models.JSONField(
        _("request URIs"), default=list, blank=True, help_text=_("Where signed requests may lie.")
    )
    client_jwks = models.JSONField(
        _("public keys (JWKS)"), null=True, blank=True, help_text=_("For private_key_jwt: the keys, or their address.")
    )
    client_jwks_uri = models.URLField(_("JWKS URI"), max_length=2048, blank=True)
    require_pushed_authorization_requests = models.BooleanField(
        _("must push its requests"), default=False, help_text=_("Nothing that a person's browser carries is taken.")
    )
    require_pkce = models.BooleanField(
        _("require PKCE"),
        default=True,
        help_text=_("Less safe when off. Only for a confidential application that cannot send a challenge."),
    )
    skip_authorization = models.BooleanField(
        _("first-party"), default=False, help_text=_("Ours: people are not asked for consent.")
    )
    is_reviewed = models.BooleanField(_("reviewed"), default=False, help_text=_("An operator knows its publisher."))
    is_active = models.BooleanField(_("active"), default=True)
    epoch = models.PositiveIntegerField(default=0, editable=False)
    scopes = models.ManyToManyField(
        Scope, blank=True, related_name="applications", verbose_name=_("API scopes it may ask for")
    )
    all_roles = models.BooleanField(
        _("all roles"),
        default=False,
        help_text=_("It is told every role of a person, where she granted the scope “roles”. Else those of the list."),
    )
    all_groups = models.BooleanField(
        _("all groups"),
        default=False,
        help_text=_(
            "It is told every group of a person, where she granted the scope “groups”. Else those of the list."
        ),
    )
    identity_scopes = models.JSONField(_("identity scopes it may ask for"), default=list, blank=True)
    optional_scopes = models.JSONField(
        _("optional scopes"),
        default=list,
        blank=True,
        help_text=_("People may leave these out: each is a check box on the consent page, and not ticked beforehand."),
    )
    id_token_signed_response_alg = models.CharField(
        _("ID token algorithm"), max_length=8, choices=Algorithm, default=Algorithm.RS256
    )
    userinfo_signed_response_alg = models.CharField(
        _("userinfo algorithm"), max_length=8, choices=Algorithm, blank=True, help_text=_("Empty: plain JSON.")
    )
    access_token_signed_response_alg = models.CharField(
        _("access token algorithm"), max_length=8, choices=Algorithm, default=Algorithm.ES256
    )
    access_token_format = models.CharField(
        _("access token format"),
        max_length=8,
        choices=TokenFormat,
        default=TokenFormat.JWT,
        help_text=_("JWT: APIs check it by themselves. Opaque: they must ask, and nobody can read it; one row each."),
    )
    access_token_seconds = models.PositiveIntegerField(
        _("access token lives, seconds"), null=True, blank=True, help_text=_("Empty: the server's default.")
    )
    subject_type = models.CharField(
        _("subject"),
        max_length=8,
        choices=SubjectType,
        default=SubjectType.PUBLIC,
        help_text=_("Pairwise: applications cannot compare notes about a person. A change makes everybody a stranger."),
    )
    sector_identifier_uri = models.URLField(
        _("sector identifier URI"), max_length=2048, blank=True, help_text=_("Empty: the host of its redirect URIs.")
    )
    default_max_age = models.PositiveIntegerField(
        _("default max age, seconds"),
        null=True,
        blank=True,
        help_text=_("Where a request does not say."),
    )
    initiate_login_uri = models.URLField(
        _("initiate login URI"), max_length=2048, blank=True, help_text=_("Where a sign-in can be begun; https.")
    )
    backchannel_logout_uri = models.URLField(
        _("back-channel logout URI"),
        max_length=2048,
        blank=True,
        help_text=_("Told of sign-outs by a logout token."),
    )
    backchannel_logout_session_required = models.BooleanField(_("logout tokens name the session"), default=True)
    frontchannel_logout_uri = models.URLField(
        _("front-channel logout URI"),
        max_length=2048,
        blank=True,
        help_text=_("Told of sign-outs by a hidden frame."),
    )
    frontchannel_logout_session_required = models.BooleanField(_("frames name the session"), default=True)
    second_factor = models.BooleanField(
        _("second factor"), default=False, help_text=_("People have to sign in to it with two factors, or a passkey.")
    )
    contacts = models.JSONField(_("contacts"), default=list, blank=True)
    software_id = models.CharField(_("software"), max_length=255, blank=True)
    software_version = models.CharField(_("software version"), max_length=255, blank=True)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin, default=Origin.OPERATOR, editable=False)
    registration_token = models.CharField(max_length=64, blank=True, editable=False)
    """Of RFC 7592, hashed: who holds it may read, change and delete this registration."""
    document_until = models.DateTimeField(null=True, blank=True, editable=False)
    """Until when the client ID metadata document need not be fetched again."""
    represents = models.ForeignKey(
        API,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("is the API"),
        help_text=_("It may exchange tokens that were made for this API."),
    )
    exchange = models.CharField(
        _("exchanged tokens"),
        max_length=16,
        choices=Exchange,
        default=Exchange.DELEGATION,
        help_text=_("With the grant type token-exchange."),
    )
    accent = models.CharField(
        _("accent colour"),
        max_length=7,
        blank=True,
        help_text=_("Of buttons and links where people sign in to it, such as #1f54c9. Empty: that of this server."),
    )
    sign_in_text = models.CharField(
        _("text on the sign-in page"),
        max_length=200,
        blank=True,
        help_text=_("Shown to people who sign in to this application."),
    )
    logo_uri = models.URLField(
        _("logo"), max_length=2048, blank=True, help_text=_("PNG, JPEG, WebP or GIF; shown from a copy here.")
    )
    client_uri = models.URLField(_("home page"), blank=True)
    policy_uri = models.URLField(_("privacy policy"), blank=True)
    tos_uri = models.URLField(_("terms of service"), blank=True)
    publisher = models.CharField(_("publisher"), max_length=100, blank=True)

    # Filled by `oauth.registry`.
    api_scopes: dict[str, str]

    class Meta(AbstractApplication.Meta):
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name or self.client_id

    @property
    def shown_logo(self) -> str:
        """Where this server shows the logo: no page of ours makes a browser ask another site (`oauth/logos.py`).

        Nor does one ask for an address of ours that a stranger chose, with the cookies of whoever looks.
        """
        is_own = self.logo_uri.startswith(f"{settings.ISSUER}/") and self.origin == self.Origin.OPERATOR
        if not self.logo_uri or is_own:
            return self.logo_uri
        return reverse("oauth-logo", args=[self.pk])

    @property
    def stylesheet(self) -> str:
        """Where the style sheet of its colour lies, or nothing."""
        return colours.stylesheet(self.accent)

    @property
    def is_public(self) -> bool:
        return self.client_type == self.CLIENT_PUBLIC

    @property
    def sector(self) -> str:
        """What its pairwise subjects are made for (OpenID Connect Core section 8.1): a host; or itself, where it comes
        back to the device, which is nobody's, or to nowhere. Empty where it comes back to several hosts."""
        if self.sector_identifier_uri:
            return urlsplit(self.sector_identifier_uri).hostname or ""
        hosts = {urlsplit(uri).hostname or "" for uri in self.redirect_uris.split()}
        if all(not host or is_loopback(host) for host in hosts):
            return self.client_id
        return hosts.pop() if len(hosts) == 1 else ""

    @property
    def has_a_secret(self) -> bool:
        return self.token_endpoint_auth_method not in {self.AuthMethod.NONE, self.AuthMethod.KEY_JWT}

    def allows_grant_type(self, *grant_types: str) -> bool:
        return any(grant in self.grant_types for grant in grant_types)

    def clean(self) -> None:
        """Every fault at once, each at its field."""
        self.accent = self.accent.strip().lower()
        if faults := faults_of(self):
            raise ValidationError(faults)
