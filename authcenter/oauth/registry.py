"""Applications and APIs, kept in this process until one of them changes.

The database gives the registry a new stamp in the transaction of each change, whoever makes it (`RegistryState`), and
the follower hears of it with the news of the feed. So what is told here costs no statement, and is at most as old as
that view: `authcenter.sessions.view.BOUND_SECONDS`. Within a transaction, whose changes nobody else sees yet, the
tables are asked.

All threads get the same objects: they are read, never written to.
"""

import contextlib
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import BigIntegerField, CharField

from authcenter.oauth.models import API, Application, Scope
from authcenter.prepared import Prepared, Slot
from authcenter.sessions.view import follower

MOST_KEPT = 1_000
"""Applications or APIs that a worker keeps, of some ten kilobytes each, and of 64 at most (`metadata_reader`)."""


_UNKNOWN = object()


class Registry:
    """This process's memory. Safe for threads: what is read under one stamp is kept under that stamp."""

    def __init__(self) -> None:
        self._kept: tuple[str, dict[tuple[type, str], Any]] = "", {}

    def application(self, client_id: str) -> Application | None:
        """The active application of this id, with `api_scopes` (scope to API identifier), or None."""
        if not client_id or len(client_id) > 255 or not client_id.isascii() or not client_id.isprintable():
            return None
        found: Application | None = self._found(Application, client_id)
        if found is None or not found.is_active:
            return None
        # Those that are known by their documents are, while an operator wants such.
        is_offered = found.origin != Application.Origin.DOCUMENT or settings.CLIENT_ID_METADATA_DOCUMENTS
        return found if is_offered else None

    def api(self, client_id: str) -> API | None:
        """The active API whose credentials have this id, or None."""
        if not client_id or not client_id.isascii():
            return None
        found: API | None = self._found(API, client_id)
        return found if found is not None and found.is_active else None

    def _found(self, model: type[Application] | type[API], client_id: str) -> Any:
        if connection.in_atomic_block:
            return _read(model, client_id)
        stamp = follower.position().registry
        if self._kept[0] != stamp:
            self._kept = stamp, {}
        kept = self._kept[1]  # should a change come while the tables are read, nobody looks into this dictionary again
        found = kept.get((model, client_id), _UNKNOWN)
        if found is not _UNKNOWN:
            return found
        found = _read(model, client_id)
        # That no API has the ID of an application is worth to be kept: each introspection asks.
        is_known = found is not None or (model is API and (Application, client_id) in kept)
        if is_known and stamp:
            if len(kept) >= MOST_KEPT:
                with contextlib.suppress(RuntimeError, StopIteration):  # another thread has changed it in between
                    kept.pop(next(iter(kept)), None)
            kept[model, client_id] = found
        return found


def _read(model: type[Application] | type[API], client_id: str) -> Any:
    row = _rows[model].first(client_id=client_id)
    if isinstance(row, Application):
        row.api_scopes = dict(_scopes.rows(application=row.pk))
    return row


_by_client_id = {"client_id": Slot("client_id", CharField())}
_rows: dict[type, Prepared] = {
    Application: Prepared(lambda: Application.objects.filter(**_by_client_id).order_by()),
    API: Prepared(lambda: API.objects.filter(**_by_client_id).order_by()),
}
_scopes = Prepared(
    lambda: (
        Scope.objects.filter(applications=Slot("application", BigIntegerField()), api__is_active=True)
        .order_by()
        .values_list("name", "api__identifier")
    )
)


registry = Registry()
