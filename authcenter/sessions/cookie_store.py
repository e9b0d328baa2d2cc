"""What the browser's cookie stands for, kept so that a stolen copy of the database opens nothing (`SESSION_ENGINE`).

The row is found by a hash of the cookie's value, and what it holds is encrypted: codes that were mailed, requests that
wait, how somebody signed in.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from authcenter.keys import vault
from authcenter.prepared import Prepared, Slot


class SessionStore(DatabaseStore):
    """Django's, with a row that does not tell which cookie it belongs to."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        return vault.encrypt(super().encode(session_dict))

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Empty where no key opens it: then the browser is a stranger."""
        try:
            return super().decode(vault.decrypt(str(session_data)))
        except vault.Undecryptable:
            return {}

    def exists(self, session_key: str | None) -> bool:
        return bool(session_key) and super().exists(row_of(str(session_key)))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(row_of(key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = row_of(row.session_key)
        return row

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        row: AbstractBaseSession | None = _rows.first(key=row_of(str(self.session_key)), now=timezone.now())
        if row is None:
            self._session_key = None
        return row


_rows = Prepared(
    lambda: (
        SessionStore.get_model_class()
        .objects.filter(session_key=Slot("key", CharField()), expire_date__gt=Slot("now", DateTimeField()))
        .order_by()
    )
)


def row_of(cookie: str) -> str:
    """160 bits of SHA-256: the column is 40 characters wide, and the cookie's value is random."""
    return hashlib.sha256(cookie.encode()).hexdigest()[:40]
