"""The sign-in page as strangers see it, kept in this process for some seconds: to fill in the template takes most of
the time that a sign-in page costs, and all strangers see the same one.

What the page shows tells one from the other: address, language, theme, branding, providers, and the application that
sent somebody here. The token against forged requests and the key of the application's request are left out and put in
anew for each visitor. Whoever has more than that in her cookies or her address gets a page of her own.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from django.contrib.messages import get_messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils import translation

from accounts import passkey_hint
from accounts.pages import asked_key, asking_at
from accounts.preferences import theme
from accounts.remembering import known_address
from accounts.sign_in import WAITING
from accounts.social.models import IdentityProvider
from authcenter.branding.current import brand
from authcenter.prepared import Prepared

SECONDS = 10.0
MOST = 64
"""Pages; the one that was used the longest ago goes first. A page has some ten thousand bytes."""

SHOWN = ("name", "logo", "policy", "terms", "stylesheet", "text")
"""What templates show of the application that sent somebody here (`asking`), beside its request's key."""

_LONGEST = 2000
_MARK = b"\x00"
"""No page holds it: HTML forbids it."""

_FORGERY = re.compile(rb'(?<=name="csrfmiddlewaretoken" value=")[A-Za-z0-9]{64}(?=")')
_pages: OrderedDict[Hashable, tuple[float, list[bytes]]] = OrderedDict()


def answer(request: HttpRequest, made: Callable[[], HttpResponse]) -> HttpResponse:
    """The page for this GET of somebody who is not signed in; `made` fills in the template."""
    about, asked = _about(request)
    if about is None:
        return made()
    kept = _pages.get(about)
    if kept is None or time.monotonic() - kept[0] > SECONDS:
        response = made()
        if hasattr(response, "render"):
            response.render()
        if response.status_code == 200 and not response.streaming:
            _pages[about] = time.monotonic(), _taken_apart(response.content, asked)
            while len(_pages) > MOST:
                _pages.popitem(last=False)
        return response
    _pages[about] = _pages.pop(about, kept)  # another thread may have dropped it just now
    return HttpResponse(_put_together(kept[1], get_token(request), asked))


def forget() -> None:
    _pages.clear()


def _about(request: HttpRequest) -> tuple[Hashable, str]:
    """All that the page shows, and the key of the application's request. None where that cannot be told."""
    address, onward = request.get_full_path(), request.GET.get("next")
    asking = asking_at(request, onward)
    asked = asked_key(onward) if asking else ""
    strange = set(request.session.keys()) - {WAITING} or set(request.GET) - {"next"} or len(get_messages(request))
    greeted = known_address(request)  # that page is one person's
    if strange or greeted or len(address) > _LONGEST or (asked and not re.fullmatch(r"[A-Za-z0-9_-]{16,}", asked)):
        return None, ""
    about = (
        address.replace(asked, "\x00") if asked else address,
        translation.get_language(),
        theme(request),
        passkey_hint.is_there(request),
        tuple(asking.get(name, "") for name in SHOWN) if asking else (),
        repr(brand()),
        tuple(_providers.rows()),
    )
    return about, asked


_providers = Prepared(
    lambda: (
        IdentityProvider.objects.filter(Q(is_shown=True) | Q(organisation__isnull=False), is_active=True)
        .order_by("-is_shown", "position", "name")
        .values_list("pk", "kind", "name", "organisation")[:100]
    )
)


def _taken_apart(page: bytes, asked: str) -> list[bytes]:
    """Pieces between the tokens; within a piece, the key of the request is marked."""
    if asked:
        page = page.replace(asked.encode(), _MARK)
    return _FORGERY.split(page)


def _put_together(pieces: list[bytes], token: str, asked: str) -> bytes:
    page = token.encode().join(pieces)
    return page.replace(_MARK, asked.encode()) if asked else page
