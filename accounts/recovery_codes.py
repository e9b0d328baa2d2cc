"""Recovery codes: ten, for whoever has lost her second factor. Shown once, hashed like passwords, each good once."""

import secrets

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from accounts.models import RecoveryCode, User

COUNT = 10
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no code is a word; none that looks like another."""

_LENGTH = 12
"""Of which the first only names the code: eleven letters out of twenty are 47 bits."""


@transaction.atomic
def make(user: User) -> list[str]:
    """New codes; the old ones are void. They are told to nobody again."""
    User.objects.select_for_update().get(pk=user.pk)  # two at once: the later one's count, all of them
    RecoveryCode.objects.filter(user=user).delete()
    firsts = secrets.SystemRandom().sample(_LETTERS, COUNT)
    codes = [first + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH - 1)) for first in firsts]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, letter=code[0], hash=make_password(code)) for code in codes
    )
    return ["-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in codes]


def use(user: User, code: str) -> bool:
    """Whether this is a code of hers that nobody has used: then it is used now. One conditional update decides."""
    if len(code) != _LENGTH:
        return False
    found = RecoveryCode.objects.filter(user=user, letter=code[0], used=None).first()
    if found is None or not check_password(code, found.hash):
        return False
    return bool(RecoveryCode.objects.filter(pk=found.pk, used=None).update(used=timezone.now()))


def left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used=None).count()
