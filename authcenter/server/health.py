"""/livez: the process answers. /readyz: it can work, or which part is not ready, by name and never by detail."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from authcenter.keys.ring import ALGORITHMS, ring
from authcenter.server.preparation import migrations_are_pending


@require_safe
@cache_control(no_store=True)
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "live"})


@require_safe
@cache_control(no_store=True)
def readyz(request: HttpRequest) -> JsonResponse:
    parts = {name: _holds(check) for name, check in _CHECKS.items()}
    ready = all(parts.values())
    body = {
        "status": "ready" if ready else "not ready",
        "not_ready": [name for name, fine in parts.items() if not fine],
    }
    return JsonResponse(body, status=200 if ready else 503)


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:  # whatever is wrong with it, it is not ready; the log of the part itself says what
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone()[0] == 1)


_migrated = False


def _migrations() -> bool:
    """Asked until it holds; a migrated database does not lose its migrations under a running process."""
    global _migrated
    _migrated = _migrated or not migrations_are_pending()
    return _migrated


def _cache() -> bool:
    cache.get("readyz")  # raises where the cache or its table is not there; reading disturbs nobody
    return True


def _signing_keys() -> bool:
    return set(ALGORITHMS) <= set(ring.algorithms())


_CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "migrations": _migrations,
    "cache": _cache,
    "signing keys": _signing_keys,
}
