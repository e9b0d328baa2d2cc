"""A person's passkeys and security keys: adding, naming, using and removing them, and what each is called."""

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import factors
from accounts.device import device_name
from accounts.models import LinkedIdentity, Passkey, User
from accounts.webauthn import NewCredential, Refused, digest_of

LONGEST_NAME = 60
MOST = 20
"""How many one person may have: each is sent to the browser at a sign-in with a second factor."""

_MAKERS = {
    "fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "Apple Passwords",
    "dd4ec289-e01d-41c9-bb89-70fa845d4bf2": "Apple Passwords",
    "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
    "adce0002-35bc-c60a-648b-0b25f1f05503": "Chrome on Mac",
    "771b48fd-d3d4-4f74-9232-fc157ab0507a": "Edge on Mac",
    "08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
    "9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
    "6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
    "53414d53-554e-4700-0000-000000000000": "Samsung Pass",
    "bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
    "d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
    "531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
    "0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6": "Keeper",
    "50726f74-6f6e-5061-7373-50726f746f6e": "Proton Pass",
    "b84e4048-15dc-4dd0-8640-f4f60813c8af": "NordPass",
    "f3809540-7f14-49c1-a8b3-8f813b225541": "Enpass",
    "fdb141b2-5d84-443e-8a35-4698c205a502": "KeePassXC",
}
"""AAGUIDs of what people keep passkeys in. They are told, not proved, so they are good for a name and nothing else."""


class LastWayIn(Exception):
    """Without this passkey the person could not sign in any more."""


class TooMany(Exception):
    """The person has as many as one may have."""


def of(user: User) -> QuerySet[Passkey]:
    """Oldest first."""
    return Passkey.objects.filter(authenticator__user=user).select_related("authenticator").order_by("pk")


def suggested_name(request: HttpRequest, made: NewCredential) -> str:
    """By what keeps it, else by this device, else what it is."""
    if maker := _MAKERS.get(str(made.aaguid)):
        return maker
    if "internal" in made.transports:
        return device_name(request.META.get("HTTP_USER_AGENT", ""))[:LONGEST_NAME]
    if {"usb", "nfc", "ble"} & set(made.transports):
        return _("Security key")
    return _("Passkey")


def kind(passkey: Passkey) -> str:
    """In words, from what its holder told: whether it is copied to other devices, and what it is good for."""
    if not passkey.signs_in:
        return _("Security key: a second factor beside a password")
    if passkey.backed_up:
        return _("Passkey, synced to your other devices")
    if passkey.backup_eligible:
        return _("Passkey that can be synced, on one device so far")
    return _("Passkey, on one device only")


@transaction.atomic
def added(request: HttpRequest, user: User, made: NewCredential) -> Passkey:
    """Keep a new credential. Raises `Refused` where somebody has it already, `TooMany`."""
    User.objects.select_for_update().get(pk=user.pk)
    if of(user).count() >= MOST:
        raise TooMany
    name = suggested_name(request, made)
    authenticator = Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": name})
    try:
        with transaction.atomic():
            passkey = Passkey.objects.create(
                authenticator=authenticator,
                digest=digest_of(made.credential_id),
                credential_id=made.credential_id,
                public_key=made.public_key,
                sign_count=made.sign_count,
                verifies=made.verifies,
                discoverable=made.discoverable,
                backup_eligible=made.backup_eligible,
                backed_up=made.backed_up,
                aaguid=made.aaguid,
                transports=made.transports,
            )
    except IntegrityError:
        raise Refused("taken") from None
    factors.added(request, user, authenticator, **_worth(made.verifies))
    return passkey


def used(request: HttpRequest, passkey: Passkey, *, verified: bool, again: bool = False) -> None:
    """Note that it was used, in its row and among this browser's proofs. One that has verified its user is two factors
    and cannot be phished, whichever door it opened."""
    Authenticator.objects.filter(pk=passkey.pk).update(last_used_at=timezone.now())
    proof = {"id": passkey.pk, "type": "webauthn", **_worth(verified), **({"reauthenticated": True} if again else {})}
    record_authentication(request, passkey.authenticator.user, "mfa", **proof)


def renamed(passkey: Passkey, name: str) -> None:
    authenticator = passkey.authenticator
    authenticator.data = {**authenticator.data, "name": name}
    authenticator.save(update_fields=["data"])


def is_last_way_in(user: User, passkey: Passkey) -> bool:
    """Whether she could not sign in without it: she has no password, no other passkey and no linked account."""
    if user.has_usable_password() or not passkey.signs_in:
        return False
    others = of(user).filter(verifies=True, discoverable=True).exclude(pk=passkey.pk)
    return not others.exists() and not LinkedIdentity.objects.filter(user=user, provider__is_active=True).exists()


@transaction.atomic
def removed(request: HttpRequest, user: User, passkey: Passkey) -> None:
    """Remove it and end everything but this sign-in: what was signed in with it must not outlive it.

    Raises `LastWayIn`. Her row is locked, so that of two last ones removed at once one stays.
    """
    locked = User.objects.select_for_update().get(pk=user.pk)
    if is_last_way_in(locked, passkey):
        raise LastWayIn
    if (found := Authenticator.objects.filter(pk=passkey.pk, user=user).first()) is not None:
        factors.removed(request, user, found)


def _worth(verified: bool) -> dict[str, bool]:
    """How the library's records say that one has verified its user."""
    return {"passwordless": True} if verified else {}
