"""Finding and authenticating applications (RFC 6749 section 2.3), by exactly the method that is registered.

No statement: the application is in this process's memory (`registry`); but one while somebody is over some limit, and
one for an assertion, which is good once. The secret is 256 random bits, so SHA-256 and a constant-time comparison are
enough.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from django.http import HttpRequest

from authcenter import limits
from authcenter.audit import events
from authcenter.oauth import assertions, client_assertion
from authcenter.oauth.errors import InvalidClientError, InvalidRequestError, TooManyRefusals
from authcenter.oauth.models import API, Application
from authcenter.oauth.parameters import Parameters
from authcenter.oauth.registration import hashed
from authcenter.oauth.registry import registry
from authcenter.sessions.view import follower


def authenticate(request: HttpRequest, parameters: Parameters) -> Application:
    """The application that sent this request and proved it.

    Raises `InvalidRequestError` where it used two methods or named two clients, `InvalidClientError` where the proof
    is missing, wrong or by another method than the registered one, `TooManyRefusals` over the limit.
    """
    return _authenticated(request, _proof(request, parameters))


def _authenticated(request: HttpRequest, proof: "_Proof") -> Application:
    application = registry.application(proof.client_id)
    if application is None:
        raise _refused(request, proof)
    _refuse_over_limit(request, proof, limits.application_secret, limits.authorization_code)
    try:
        proof.check(application)
    except assertions.Refused as refused:
        raise _refused(request, proof, str(refused)) from None
    return application


def authenticate_caller(request: HttpRequest, parameters: Parameters) -> Application | API:
    """For introspection (RFC 7662 section 2.1): a confidential application, or an API by its own credentials."""
    proof = _proof(request, parameters)
    api = registry.api(proof.client_id)
    if api is not None:
        _refuse_over_limit(request, proof, limits.application_secret)
        if api.client_secret and hmac.compare_digest(api.client_secret, hashed(proof.secret)):
            return api
        raise _refused(request, proof)
    application = _authenticated(request, proof)
    if application.is_public:
        raise _refused(request, proof)
    return application


@dataclass(frozen=True)
class _Proof:
    """Who a request says it is from, by which methods that may be said so, and the proof."""

    client_id: str
    methods: tuple[str, ...]
    secret: str = ""
    assertion: str = ""

    def check(self, application: Application) -> None:
        """Raises `assertions.Refused`. A public application has nothing to prove; nobody has an empty secret."""
        if application.token_endpoint_auth_method not in self.methods:
            raise assertions.Refused("not the registered method")
        if self.assertion:
            client_assertion.check(application, self.assertion)
        elif not application.is_public and not (
            application.client_secret and hmac.compare_digest(application.client_secret, hashed(self.secret))
        ):
            raise assertions.Refused("wrong secret")


def _refuse_over_limit(request: HttpRequest, proof: _Proof, *names: Callable[..., list[limits.Window]]) -> None:
    """Before the proof is looked at: whoever guesses does not learn that the last guess was right.

    The statement is spared while nobody is over any limit, as far as this process has heard (`BOUND_SECONDS`).
    """
    if follower.position().limit_is_full:
        wait = limits.reached(window for name in names for window in name(request, proof.client_id))
        if wait:
            raise TooManyRefusals(wait)


def _refused(request: HttpRequest, proof: _Proof, why: str = "") -> InvalidClientError | TooManyRefusals:
    """One answer for every reason; the reason that matters, who and how often, goes to the log."""
    windows = limits.application_secret(request, proof.client_id)
    wait = limits.refused(windows)
    events.record(
        request, events.Kind.CLIENT_REFUSED, client_id=proof.client_id, method=" ".join(proof.methods), reason=why
    )
    if wait:
        return TooManyRefusals(wait)
    if limits.reached(windows):  # by this very refusal: told once, the next ones are not even looked at
        events.record(request, events.Kind.LIMIT_REACHED, client_id=proof.client_id, limit="application_secret")
    return InvalidClientError(description="Client authentication failed.")


def _proof(request: HttpRequest, parameters: Parameters) -> _Proof:
    named, secret = parameters.get("client_id"), parameters.get("client_secret")
    assertion = parameters.get("client_assertion")
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if sum(bool(one) for one in (header, secret is not None, assertion is not None)) > 1:
        raise InvalidRequestError(description="Use one method of client authentication, not two.")
    if header:
        client_id, secret = _basic(header)
        if named is not None and named != client_id:
            raise InvalidRequestError(description="The request names two clients.")
        return _Proof(client_id, (Application.AuthMethod.BASIC,), secret=secret)
    if assertion is not None:
        if parameters.get("client_assertion_type") != client_assertion.TYPE:
            raise InvalidRequestError(description="The client_assertion_type is unknown.")
        client_id = client_assertion.named(assertion)
        if named is not None and named != client_id:  # RFC 7521 section 4.2
            client_id = ""  # nobody: refused as any other assertion that proves nothing
        return _Proof(client_id or named or "", client_assertion.METHODS if client_id else (), assertion=assertion)
    if named is None:
        raise InvalidClientError(description="Client authentication failed.")
    if secret is not None:
        return _Proof(named, (Application.AuthMethod.POST,), secret=secret)
    return _Proof(named, (Application.AuthMethod.NONE,))


def _basic(header: str) -> tuple[str, str]:
    """RFC 7617, and RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined."""
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (ValueError, binascii.Error):
        raise InvalidClientError(description="Client authentication failed.") from None
    if not colon or "\x00" in client_id or not client_id:
        raise InvalidClientError(description="Client authentication failed.")
    return client_id, secret
