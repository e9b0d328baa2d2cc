"""Writing the security log: one row for each act and refusal, and a line in the structured log."""

from typing import Any

import structlog
from django.http import HttpRequest

from authcenter.audit.address import client_address
from authcenter.audit.models import AuditEvent
from authcenter.prepared import PreparedInsert

Kind = AuditEvent.Kind
_keep = PreparedInsert(AuditEvent)
log = structlog.get_logger("authcenter.audit")


def record(
    request: HttpRequest | None,
    kind: AuditEvent.Kind,
    *,
    actor: object = "",
    subject: object = "",
    client_id: str = "",
    **detail: Any,
) -> None:
    """Write one event in the caller's transaction. `detail` must hold no password, code, token or secret.

    Values that a stranger chose are cut to the columns' widths and stripped of what a database refuses.
    """
    event = AuditEvent(
        kind=kind,
        actor=_text(actor, 255),
        subject=_text(subject, 255),
        client_id=_text(client_id, 255),
        address=client_address(request) if request is not None else "",
        user_agent=_text(request.META.get("HTTP_USER_AGENT", ""), 255) if request is not None else "",
        request_id=getattr(request, "request_id", ""),
        detail={name: _plain(value) for name, value in detail.items()},
    )
    _keep.run(event)
    log.info(
        str(kind),
        actor=event.actor,
        subject=event.subject,
        client_id=event.client_id,
        address=event.address,
        **{f"detail_{name}": value for name, value in event.detail.items()},
    )


def issued(request: HttpRequest, what: str, *, client_id: str = "", subject: object = "", **detail: Any) -> None:
    """A line, and no row, for what is issued often: tokens. Never the token itself, only its ids."""
    log.info(
        "issued",
        what=what,
        client_id=_text(client_id, 255),
        subject=str(subject),
        address=client_address(request),
        **detail,
    )


def _text(value: object, width: int) -> str:
    text = str(value if value is not None else "").replace("\x00", "�")
    return text.encode("utf-8", "replace").decode()[:width]  # a lone surrogate cannot be written anywhere


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value][:50]
    return _text(value, 500)
