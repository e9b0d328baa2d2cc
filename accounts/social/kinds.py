"""What is known of each kind of provider without asking it: its address, the scopes, and how its button looks."""

from dataclasses import dataclass

from accounts.social.models import IdentityProvider

Kind = IdentityProvider.Kind


@dataclass(frozen=True)
class Preset:
    issuer: str
    """Where the kind lives; empty where each installation has an address of its own."""
    scopes: str
    is_openid: bool = True
    is_fixed: bool = False
    """Nobody runs one of his own: the console does not ask for the address."""


PRESETS = {
    Kind.OPENID: Preset("", "openid email profile"),
    Kind.GOOGLE: Preset("https://accounts.google.com", "openid email profile", is_fixed=True),
    Kind.MICROSOFT: Preset("https://login.microsoftonline.com/common/v2.0", "openid email profile"),
    Kind.APPLE: Preset("https://appleid.apple.com", "openid email name", is_fixed=True),
    Kind.GITHUB: Preset("https://github.com", "read:user user:email", is_openid=False),
    Kind.FACEBOOK: Preset("https://www.facebook.com", "public_profile email", is_openid=False, is_fixed=True),
}


def preset(provider: IdentityProvider) -> Preset:
    return PRESETS[Kind(provider.kind)]


def scopes(provider: IdentityProvider) -> str:
    """What is asked for. An OpenID provider answers with an ID token only where `openid` is among them."""
    asked = (provider.scopes or preset(provider).scopes).split()
    if preset(provider).is_openid and "openid" not in asked:
        asked.insert(0, "openid")
    return " ".join(asked)


FACEBOOK_VERSION = "v23.0"


def endpoints(provider: IdentityProvider) -> dict[str, str]:
    """Of the kinds that publish none (GitHub, Facebook), named as RFC 8414 does; `profile` is an API."""
    base = provider.issuer.rstrip("/")
    if provider.kind == Kind.GITHUB:
        api = "https://api.github.com" if base == PRESETS[Kind.GITHUB].issuer else f"{base}/api/v3"
        return {
            "authorization_endpoint": f"{base}/login/oauth/authorize",
            "token_endpoint": f"{base}/login/oauth/access_token",
            "profile": f"{api}/user",
            "emails": f"{api}/user/emails",
        }
    graph = "https://graph.facebook.com" if base == PRESETS[Kind.FACEBOOK].issuer else base
    return {
        "authorization_endpoint": f"{base}/{FACEBOOK_VERSION}/dialog/oauth",
        "token_endpoint": f"{graph}/{FACEBOOK_VERSION}/oauth/access_token",
        "profile": f"{graph}/{FACEBOOK_VERSION}/me",
    }
