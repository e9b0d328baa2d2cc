"""Pages between a click and what it does: “are you sure?”, and the one page that ever shows a secret."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import ngettext

from authcenter.console import receipts
from authcenter.sessions.models import Revocation

_CARRIED = ("action", "index", "select_across", ACTION_CHECKBOX_NAME)
"""What tells a list action which one it is and of what, from the list's own form."""

_LISTED = 20


def is_confirmed(request: HttpRequest) -> bool:
    return request.method == "POST" and request.POST.get("confirmed") == "yes"


def confirmation(
    request: HttpRequest,
    model_admin: Any,
    *,
    title: Any,
    text: Any,
    press: Any,
    objects: Iterable[Any] = (),
    named: Callable[[Any], str] = str,
    options: Sequence[tuple[str, Any]] = (),
    hit: Sequence[str] = (),
    carried: Sequence[tuple[str, str]] = (),
    back: str = "",
) -> TemplateResponse:
    """Ask, on the same address: the button posts there again, with `confirmed`. `options` are check boxes, `hit` are
    lines that say what will be hit, `carried` are fields that the answer needs.

    Nothing happens on a GET, and Django's CSRF protection stands before the POST.
    """
    objects = objects if isinstance(objects, QuerySet) else list(objects)
    count = objects.count() if isinstance(objects, QuerySet) else len(objects)
    kept = [(name, value) for name in _CARRIED for value in request.POST.getlist(name)]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": title,
        "text": text,
        "press": press,
        "objects": [named(one) for one in objects[:_LISTED]],
        "more": max(0, count - _LISTED),
        "options": options,
        "hit": hit,
        "carried": [*kept, *carried],
        "back": back or request.get_full_path(),
    }
    return TemplateResponse(request, "console/confirm.html", context)


def secret_page(
    request: HttpRequest, model_admin: Any, *, title: Any, name: str, client_id: str, secret: str, onward: str
) -> TemplateResponse:
    """The answer to the very POST that made the secret: it is kept nowhere, not even in a message for the next page."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": title,
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "onward": onward,
    }
    return TemplateResponse(request, "console/secret.html", context, headers={"Cache-Control": "no-store"})


def report(request: HttpRequest, done: str, kept: int, ended: tuple[Revocation.Kind, Sequence[Any]]) -> None:
    """Say what was done, with a way to the receipt, and what was left alone because it concerns another operator.

    `ended` is the kind of what was ended, and the subjects.
    """
    kind, subjects = ended
    if len(subjects) == 1:
        receipts.told(request, done, kind, subjects[0])
    else:
        receipts.told_many(request, done, kind)
    if kept:
        refused = ngettext(
            "%d was left alone: it concerns an operator, and only a superuser may do this.",
            "%d were left alone: they concern operators, and only a superuser may do this.",
            kept,
        )
        messages.error(request, refused % kept)
