"""Deleting for good who asked for it and did not come back. The `sub` is never given to anybody else."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.alerts import send
from accounts.models import Deletion, User
from authcenter.audit import events
from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import Application
from authcenter.sessions.revocation import end_all_of_user


def deleted_people(now: datetime) -> Iterator[int]:
    """One by one, each in a transaction of its own."""
    for row, user in list(Deletion.objects.filter(due__lt=now).values_list("pk", "user")):
        yield int(_deleted(row, user, now))


def _deleted(row: int, user: UUID, now: datetime) -> bool:
    """Everything of one person. Not where she has changed her mind at this very moment: her row is locked first."""
    with transaction.atomic():
        person = User.objects.select_for_update().filter(pk=user).first()
        if person is None or not Deletion.objects.filter(pk=row, due__lt=now).exists():
            return False
        if person.is_active:  # an operator has opened the account again
            Deletion.objects.filter(pk=row).delete()
            return False
        end_all_of_user(user, reason="account deleted")
        # Applications that she made serve others; they are the operators' from now on.
        Application.objects.filter(user=user).update(user=None)
        # The log goes on saying that something happened, and to which id: not where, with what, or under which name.
        # What an operator did to others stays told: nobody deletes himself to hide it.
        hers = AuditEvent.objects.filter(Q(actor=str(user)) | Q(subject=str(user)))
        hers.update(address="", user_agent="")
        hers.exclude(~Q(subject=str(user)), kind=AuditEvent.Kind.OPERATOR_CHANGE).update(detail={})
        address, letter = person.email, User(locale=person.locale, zoneinfo=person.zoneinfo)
        person.delete()
        events.record(None, events.Kind.ACCOUNT_DELETED, subject=user)
        transaction.on_commit(lambda: send("account/email/account_deleted", address, {}, letter), robust=True)
    return True
