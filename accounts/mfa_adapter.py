"""Where django-allauth asks us about second factors: how seeds are kept, and who we are to passkeys."""

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from authcenter.keys import vault


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return vault.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return vault.decrypt(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The issuer's host, whatever host a request names: passkeys are bound to it (WebAuthn section 5.4.2)."""
        return {"id": settings.ISSUER_HOST, "name": settings.SITE_NAME}

    def get_totp_issuer(self) -> str:
        """What authenticator apps call us."""
        return str(settings.SITE_NAME)
