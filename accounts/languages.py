"""In which language a page speaks to whoever reads it.

What she chose at the foot of a page comes first. On the pages of a request it is then what the application asks for
(`ui_locales`, OpenID Connect Core section 3.1.2.1), then the language of her profile, then what her browser says.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from accounts.sign_in import current_session

ASKED_COOKIE = "asked_language"
"""What the application asked for whose request is under way: gone with the browser, and no longer than the request."""

_REQUEST_PAGES = ("/accounts/", "/oauth/authorize", "/oauth/consent", "/oauth/logout", "/device")
_OWN_PAGES = ("/account/", "/admin/", "/developer/")


class LanguageMiddleware(LocaleMiddleware):
    """Takes the place of Django's, which knows of no person and of no application."""

    def __call__(self, request: HttpRequest) -> Any:
        try:
            return super().__call__(request)
        finally:
            translation.deactivate()  # the thread's next request may be a program's, to which errors are ASCII

    def process_request(self, request: HttpRequest) -> None:
        translation.activate(language_for(request))
        request.LANGUAGE_CODE = translation.get_language()


def language_for(request: HttpRequest) -> str:
    """The code of one of `settings.LANGUAGES`. Asks for the person on pages only, which ask for her anyway."""
    if chosen := supported(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")):
        return chosen
    on_request = request.path.startswith(_REQUEST_PAGES)
    if on_request and (asked := supported(request.COOKIES.get(ASKED_COOKIE, ""))):
        return asked
    if on_request or request.path.startswith(_OWN_PAGES):
        session = current_session(request) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        if session is not None and (own := supported(session.user.locale)):
            return own
    return translation.get_language_from_request(request)


def supported(tag: str) -> str:
    """The language of ours that a tag such as `de-AT` means (BCP 47), or nothing."""
    try:
        return translation.get_supported_language_variant(tag.lower()) if tag else ""
    except LookupError:
        return ""


def first_supported(tags: str | None) -> str:
    """Of a list as `ui_locales` holds it, in order of preference; nothing where none is supported."""
    return next((language for tag in (tags or "").split()[:10] if (language := supported(tag))), "")


def asked_for(request: HttpRequest, response: HttpResponse, ui_locales: str | None) -> HttpResponse:
    """Note for the pages that follow which language the application asks for, or that this one asks for none."""
    if language := first_supported(ui_locales):
        response.set_cookie(ASKED_COOKIE, language, secure=settings.SECURE, httponly=True, samesite="Lax")
    elif ASKED_COOKIE in request.COOKIES:
        response.delete_cookie(ASKED_COOKIE, samesite="Lax")
    return response


def spoken(request: HttpRequest, ui_locales: str | None) -> None:
    """Let this very page speak the language that is asked for, unless she chose one."""
    language = first_supported(ui_locales)
    if language and not supported(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")):
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()
