"""Composing a mail: subject, text and HTML from one template, in the language and the time zone of who gets it.

A mail's template extends `layout`, which is one of `account/email/layout/{subject.txt,text.txt,html.html}`, and fills
the blocks `subject`, `lead`, `more`, `action` and `ignore`. Text is not escaped, HTML is.
"""

import re
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.template import Context, Engine, TemplateDoesNotExist
from django.utils import timezone, translation

from accounts.device import device_name
from accounts.models import User
from authcenter.audit.address import client_address
from authcenter.audit.place import place_of
from authcenter.branding.current import brand

_LAYOUTS = "account/email/layout"
_NOT_IN_NAMES = re.compile(r"[^\w \-'’&()+,]", re.UNICODE)


def compose(template: str, to: str, context: dict[str, Any], person: User | None = None) -> EmailMultiAlternatives:
    """`template` without its ending, such as `account/email/password_changed`. `person`: whose language and time zone
    count; without, those of the request. Raises `TemplateDoesNotExist`."""
    told = {"site": brand().name, "issuer": settings.ISSUER, "email": to, **context}
    with in_words_of(person):
        told["place"] = place_of(str(told.get("address") or ""))
        if "user_agent" in told:
            told["device"] = device_name(told["user_agent"])
        subject = _one_line(_rendered(template, "subject.txt", told))
        told["subject"] = subject
        text, html = _rendered(template, "text.txt", told), _rendered(template, "html.html", told)
    message = EmailMultiAlternatives(
        subject, _without_gaps(text), settings.DEFAULT_FROM_EMAIL, [to], headers={"Auto-Submitted": "auto-generated"}
    )
    message.attach_alternative(_without_empty(html), "text/html")
    return message


def origin(request: HttpRequest) -> dict[str, Any]:
    """From where something was asked for: what a mail says below. Read when it happens, not when the mail is sent."""
    return {
        "user_agent": request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:512],
        "address": client_address(request),
        "at": timezone.now(),
    }


def harmless(name: object) -> str:
    """A name that somebody else chose, for a mail: no mail program makes a link or a mark-up of what is left."""
    return _one_line(_NOT_IN_NAMES.sub(" ", str(name)))[:80]


@contextmanager
def in_words_of(person: User | None) -> Iterator[None]:
    """The person's language and time zone where the profile names some that we know."""
    with translation.override(language_of(person)), timezone.override(zone_of(person)):
        yield


def language_of(person: User | None) -> str:
    tag = person.locale if person is not None else ""
    try:
        return translation.get_supported_language_variant(tag.lower())
    except LookupError:
        return translation.get_language() or settings.LANGUAGE_CODE


def zone_of(person: object) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(getattr(person, "zoneinfo", "") or "UTC")
    except (KeyError, ValueError, OSError):  # the console takes any text
        return zoneinfo.ZoneInfo("UTC")


def _rendered(template: str, layout: str, told: dict[str, Any]) -> str:
    engine = Engine.get_default()
    is_html = layout.endswith(".html")
    context = {**told, "layout": f"{_LAYOUTS}/{layout}"}
    try:
        found = engine.get_template(f"{template}.html")
    except TemplateDoesNotExist:
        # A library's mail in two files: its text is set as paragraphs.
        if layout == "subject.txt":
            return engine.get_template(f"{template}_subject.txt").render(Context(told, autoescape=False))
        body = engine.get_template(f"{template}_message.txt").render(Context(told, autoescape=False))
        context["words"] = body.strip()
        found = engine.get_template(f"{_LAYOUTS}/plain.html")
    return found.render(Context(context, autoescape=is_html))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _without_gaps(text: str) -> str:
    lines = "\n".join(line.strip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines) + "\n"


def _without_empty(html: str) -> str:
    """Paragraphs that this mail has no words for."""
    return re.sub(r"<(p|tr)[^>]*>\s*</\1>\s*", "", html.strip()) + "\n"
