"""Making, rotating and revoking keys. No living token is invalidated by a rotation: what signed it still verifies."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authcenter.keys import vault
from authcenter.keys.models import Key
from authcenter.keys.ring import ALGORITHMS, ring


def ensure_keys(algorithms: tuple[str, ...] = ALGORITHMS) -> list[Key]:
    """Make what is missing: an active and a next key of each algorithm. Harmless to repeat, also in parallel."""
    made: list[Key] = []
    with transaction.atomic():
        for algorithm in algorithms:
            states = set(Key.objects.select_for_update().filter(algorithm=algorithm).values_list("state", flat=True))
            missing = [state for state in (Key.State.ACTIVE, Key.State.NEXT) if state not in states]
            made.extend(_make(algorithm, state) for state in missing)
    ring.forget()
    return made


def rotate(algorithm: str) -> Key:
    """The next key signs from now on, the active one only verifies, and a new next one is published.

    Returns the key that is now active. Retired keys that nothing living can be signed with are deleted.
    """
    with transaction.atomic():
        rows = {row.state: row for row in Key.objects.select_for_update().filter(algorithm=algorithm, retired=None)}
        now = timezone.now()
        if active := rows.get(Key.State.ACTIVE):
            active.state, active.retired = Key.State.RETIRED, now
            active.save(update_fields=["state", "retired"])
        key = rows.get(Key.State.NEXT) or _make(algorithm, Key.State.NEXT)
        key.state, key.activated = Key.State.ACTIVE, now
        key.save(update_fields=["state", "activated"])
        _make(algorithm, Key.State.NEXT)
        Key.objects.filter(state=Key.State.RETIRED, retired__lt=now - settings.KEY_RETIRED_FOR).delete()
    ring.forget()
    return key


def revoke_key(kid: str) -> Key | None:
    """A key is compromised: it leaves the JWK Set, and nothing signed by it is accepted. The next one takes over."""
    with transaction.atomic():
        key = Key.objects.select_for_update().filter(pk=kid).exclude(state=Key.State.REVOKED).first()
        if key is None:
            return None
        if key.state == Key.State.ACTIVE:
            rotate(key.algorithm)
        key.state, key.revoked = Key.State.REVOKED, timezone.now()
        key.save(update_fields=["state", "revoked"])
        ensure_keys((key.algorithm,))
    ring.forget()
    return key


def due(older_than: timedelta) -> list[str]:
    """Algorithms whose active key is older than this."""
    return list(
        Key.objects.filter(state=Key.State.ACTIVE, activated__lt=timezone.now() - older_than).values_list(
            "algorithm", flat=True
        )
    )


def _make(algorithm: str, state: Key.State) -> Key:
    key = _generate(algorithm)
    kid = key.thumbprint()  # RFC 7638
    public: dict[str, Any] = {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": algorithm}
    public.pop("key_ops", None)
    private = json.dumps(key.as_dict(private=True))
    return Key.objects.create(
        kid=kid,
        algorithm=algorithm,
        state=state,
        public_jwk=public,
        private_key=vault.encrypt(private),
        activated=timezone.now() if state == Key.State.ACTIVE else None,
    )


def _generate(algorithm: str) -> ECKey | RSAKey | OKPKey:
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", auto_kid=False)
    if algorithm in {"RS256", "PS256"}:
        return RSAKey.generate_key(2048, auto_kid=False)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", auto_kid=False)
    raise ValueError(f"{algorithm}: no such signing algorithm here")
