"""Sending a browser to a provider, and taking its answer: state, PKCE, nonce and issuer, each answer once.

The state binds an answer to the browser that began and to one row of providers (RFC 9700 sections 4.4 and 4.7). The row
of `ProviderRequest` goes before a code is looked at, so that of two answers at once one is nobody's.
"""

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone

from accounts.sign_in import current_session
from accounts.social import kinds, upstream
from accounts.social.identity import Identity, ProviderFault, line
from accounts.social.kinds import Kind
from accounts.social.models import IdentityProvider, ProviderRequest
from accounts.social.profiles import identity
from authcenter.keys import vault

LIVES = timedelta(minutes=15)
"""Long enough to find one's password there."""

_BROWSER = "provider_browser"
"""Key of a random value in the cookie session's data: who begins and who comes back are one browser."""

Purpose = ProviderRequest.Purpose


class Cancelled(Exception):
    """The person said no at the provider (RFC 6749 section 4.1.2.1)."""


class NotAsked(ProviderFault):
    """No request of this browser waits for this answer: it is somebody else's, old, or was answered before."""


def address(request: HttpRequest, provider: IdentityProvider, purpose: Purpose, onward: str, hint: str = "") -> str:
    """Where to send the browser. Raises `ProviderFault`."""
    where = upstream.metadata(provider)
    state = secrets.token_urlsafe(32)
    session = current_session(request) if purpose != Purpose.SIGN_IN else None
    ProviderRequest.objects.create(
        state_hash=_hash(state),
        provider=provider,
        browser=_browser(request),
        purpose=purpose,
        session=session.pk if session else None,
        onward=onward,
        expires=timezone.now() + LIVES,
    )
    challenge = base64.urlsafe_b64encode(hashlib.sha256(_verifier(state).encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "scope": kinds.scopes(provider),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if kinds.preset(provider).is_openid:
        asked |= {"nonce": _nonce(state)} | ({"login_hint": hint} if hint else {})
    if provider.kind == Kind.APPLE:
        asked["response_mode"] = "form_post"  # it demands that where a name or an address is asked for
    if purpose == Purpose.AGAIN:
        asked |= {"prompt": "login", "max_age": "0"}
    elif purpose == Purpose.LINK and kinds.preset(provider).is_openid:
        asked["prompt"] = "select_account"
    base = where["authorization_endpoint"]
    return f"{base}{'&' if '?' in base else '?'}{urlencode(asked)}"


def answered(request: HttpRequest, provider: IdentityProvider) -> tuple[ProviderRequest, Identity]:
    """The request that this answer is to, and who came back. Raises `Cancelled` and `ProviderFault`, either with the
    request as its `asked` where one was found."""
    asked = taken(request, provider)
    try:
        return asked, _exchanged(request, provider, asked)
    except (Cancelled, ProviderFault) as error:
        error.asked = asked  # type: ignore[union-attr]
        raise


def taken(request: HttpRequest, provider: IdentityProvider) -> ProviderRequest:
    """The request of this browser to this provider, which nobody else gets any more. Raises `NotAsked`."""
    if _BROWSER not in request.session:
        raise NotAsked("No request of this browser waits for this answer.")
    mine = ProviderRequest.objects.filter(
        state_hash=_hash(request.GET.get("state", "")),
        provider=provider,
        browser=_browser(request),
        expires__gt=timezone.now(),
    )
    asked = mine.first()
    if asked is None or not mine.delete()[0]:
        raise NotAsked("No request of this browser waits for this answer.")
    return asked


def posted(provider: IdentityProvider, form: Any) -> str:
    """Apple posts its answer from its own site, so without our cookies: keep the name and take the rest as a query,
    which the browser brings along as ours."""
    names = upstream.object_of(form.get("user", "")).get("name")
    told = {
        "given_name": line(names.get("firstName"), 255) if isinstance(names, dict) else "",
        "family_name": line(names.get("lastName"), 255) if isinstance(names, dict) else "",
    }
    waiting = ProviderRequest.objects.filter(state_hash=_hash(form.get("state", "")), provider=provider)
    waiting.update(told=told)
    return urlencode({name: form[name] for name in ("code", "state", "error", "iss") if name in form})


def _exchanged(request: HttpRequest, provider: IdentityProvider, asked: ProviderRequest) -> Identity:
    answer = request.GET
    _judge_issuer(provider, answer.get("iss"))  # before the code goes anywhere (RFC 9207 section 2.4)
    if error := answer.get("error"):
        if error in {"access_denied", "user_cancelled_authorize", "user_cancelled_login"}:
            raise Cancelled
        raise ProviderFault(f"The provider refused: {line(error, 60)!r}.")
    code = answer.get("code", "")
    if not code:
        raise ProviderFault("The answer has no code.")
    state = answer["state"]
    return identity(provider, upstream.tokens(provider, code, _verifier(state)), _nonce(state), asked.told)


def _judge_issuer(provider: IdentityProvider, named: str | None) -> None:
    where = upstream.metadata(provider)
    if named is None:
        if where.get("sends_iss"):
            raise ProviderFault("The answer does not say whose it is.")
        return
    own = str(where.get("issuer", provider.issuer))
    good = {own, f"{own}/login/oauth"} if provider.kind == Kind.GITHUB else {own}
    if named not in good and not (upstream.TENANT in own and named.startswith(own.partition(upstream.TENANT)[0])):
        raise ProviderFault("The answer is another provider's.")


def _browser(request: HttpRequest) -> str:
    if _BROWSER not in request.session:
        request.session[_BROWSER] = secrets.token_urlsafe(32)
    return _hash(request.session[_BROWSER])


def _verifier(state: str) -> str:
    """64 characters that nobody finds who knows the state alone (RFC 7636 section 4.1)."""
    parts = (vault.mac(state.encode(), f"provider verifier {half}").hex() for half in (1, 2))
    return "".join(parts)


def _nonce(state: str) -> str:
    return vault.mac(state.encode(), "provider nonce").hex()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
