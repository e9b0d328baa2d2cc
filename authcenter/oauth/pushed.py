"""References to pushed authorization requests (RFC 9126 section 4): found by their client, and used up by an answer."""

from django.utils import timezone

from authcenter.oauth.errors import InvalidRequestUri
from authcenter.oauth.models import Application, PushedRequest
from authcenter.oauth.parameters import Parameters
from authcenter.oauth.registration import hashed

PREFIX = "urn:ietf:params:oauth:request_uri:"


def find(application: Application, reference: str) -> tuple[str, Parameters]:
    """Its key and what was pushed; of this client, and not too long ago. Raises `InvalidRequestUri`."""
    key = hashed(reference.removeprefix(PREFIX))
    row = PushedRequest.objects.filter(pk=key, application=application, expires__gt=timezone.now()).first()
    if row is None:
        raise InvalidRequestUri
    return key, Parameters(tuple((name, value) for name, value in row.pairs))


def use(key: str) -> None:
    """In the transaction of the answer; exactly one passes. Raises `InvalidRequestUri`."""
    if key and not PushedRequest.objects.filter(pk=key).delete()[0]:
        raise InvalidRequestUri
