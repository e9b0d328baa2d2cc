"""Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): the client's ID is the https address of
its metadata, so nobody registers it, and whoever controls the address is who it is.

The document is fetched when an authorization request names it, through the outbound guard, and kept as a row like any
other application's: every later step finds it there. It is off unless an operator says so.
"""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from authcenter import limits
from authcenter.audit import events
from authcenter.oauth import client_metadata, metadata_reader
from authcenter.oauth.client_metadata import Described
from authcenter.oauth.errors import InvalidClientIdError, InvalidClientMetadata, InvalidRedirectUri, TooManyRefusals
from authcenter.oauth.models import Application
from authcenter.outbox import outbound
from authcenter.sessions.models import Revocation

_SHORTEST, _LONGEST = timedelta(minutes=5), timedelta(hours=24)
_MAX_AGE = re.compile(r"(?:^|[ ,])max-age=([0-9]{1,9})(?:$|[ ,])")
_MINE = frozenset({"client_secret", "client_secret_expires_at", "registration_access_token"})


def is_address(client_id: str) -> bool:
    """Whether an ID has the form that section 3 asks for: https, a host, a path without dots, nothing else."""
    if not client_id.startswith("https://") or len(client_id) > 255 or outbound.fault(client_id):
        return False
    parts = urlsplit(client_id)
    return parts.path not in {"", "/"} and not {".", ".."} & {*parts.path.split("/")} and "#" not in client_id


def look(http: HttpRequest, client_id: str) -> None:
    """Have the application of this ID at hand, where it is one of these and its document is not known or too old.

    Raises `InvalidClientIdError`, which is a page, where no good document lies there; one that was good before and
    cannot be reached at the moment stays good for a while.
    """
    if not settings.CLIENT_ID_METADATA_DOCUMENTS or not is_address(client_id):
        return
    known = Application.objects.filter(client_id=client_id).first()
    if known is not None and (known.document_until is None or timezone.now() < known.document_until):
        return
    windows = limits.client_documents(http, urlsplit(client_id).netloc)
    if wait := limits.taken(windows):
        if known is not None and _is_recent(known):
            return
        raise TooManyRefusals(wait)
    try:
        document, lives = _fetched(client_id)
        described = client_metadata.read({"token_endpoint_auth_method": "none", **document}, http)
        _keep(client_id, described, lives)
    except IntegrityError:  # two came at once, and the other has made it
        return
    except (outbound.Refused, outbound.Failed, InvalidClientMetadata, InvalidRedirectUri) as error:
        why = error.description if isinstance(error, InvalidClientMetadata | InvalidRedirectUri) else str(error)
        if isinstance(error, outbound.Busy):
            limits.given_back(windows)  # nobody was asked
        events.record(http, events.Kind.REGISTRATION_REFUSED, client_id=client_id, reason=why)
        if known is not None and isinstance(error, outbound.Failed) and _is_recent(known):
            return
        raise InvalidClientIdError(description=f"The client's metadata document is not good. {why}") from None


def _is_recent(known: Application) -> bool:
    return known.document_until is not None and timezone.now() < known.document_until + _LONGEST


def _fetched(address: str) -> tuple[dict[str, Any], timedelta]:
    """The document and how long it may be kept (section 4.4)."""
    answer = outbound.get(address, accept="application/json")
    if answer.status != 200:
        raise outbound.Failed(f"The address answered {answer.status}.")
    document = metadata_reader.parsed(answer.body)
    if document.get("client_id") != address:
        raise InvalidClientMetadata(description="client_id: it must be the address of the document.")
    if _MINE & document.keys() or str(document.get("token_endpoint_auth_method", "none")).startswith("client_secret"):
        raise InvalidClientMetadata(description="A document that everybody reads cannot hold a secret.")
    said = _MAX_AGE.search(answer.headers.get("cache-control", "").lower())
    return document, min(max(timedelta(seconds=int(said[1])) if said else _SHORTEST, _SHORTEST), _LONGEST)


def _keep(address: str, described: Described, lives: timedelta) -> None:
    """Judged before it is written. Who comes back after its row was deleted goes on at the epoch that was reached:
    what was taken back stays dead, and what is issued now lives."""
    with transaction.atomic():
        known = Application.objects.select_for_update().filter(client_id=address).first()
        application = known or Application(client_id=address, epoch=_reached(address))
        written = client_metadata.replace(application, described)
        application.origin = Application.Origin.DOCUMENT
        application.publisher = (urlsplit(address).hostname or "")[:100]
        application.document_until = timezone.now() + lives
        client_metadata.judged(application)
        if known is None:
            application.save(force_insert=True)
        else:
            application.save(update_fields={*written, "origin", "publisher", "document_until"})
        application.scopes.set(described.scopes)


def _reached(address: str) -> int:
    row = Revocation.objects.filter(kind=Revocation.Kind.APPLICATION, subject=address).first()
    return (row.epoch or 0) if row is not None else 0
