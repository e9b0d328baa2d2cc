from django.apps import AppConfig


class OAuthConfig(AppConfig):
    name = "authcenter.oauth"
    label = "oauth"
    verbose_name = "OAuth and OpenID Connect"
