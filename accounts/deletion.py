"""Deleting one's own account: asked for, it is closed at once; a grace period later the sweeper deletes it for good.

While it waits, the account is like a disabled one, at every door. Only the sign-in page lets its person in, and only as
far as the question whether to keep the account (`DeletionStage`). Whether it waits is the row; an account that an
operator has disabled has none, so nobody opens that one.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.alerts import Alert, send, tell
from accounts.home_rows import Deletion
from accounts.letters import origin
from accounts.models import User
from authcenter.audit import events
from authcenter.sessions.revocation import end_all_of_user


def waits(user: User) -> bool:
    return Deletion.objects.filter(user=user.pk).exists()


def is_last_superuser(user: User) -> bool:
    """Without whom nobody could run the console any more."""
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    return user.is_superuser and not others.exists()


def ask(request: HttpRequest, user: User) -> Deletion:
    """Close the account now, end everything of it, and note when it goes. Asked twice, it is the first that counts."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        due = timezone.now() + timedelta(days=settings.DELETION_GRACE_DAYS)
        row, made = Deletion.objects.get_or_create(user=user, defaults={"due": due})
        if made:
            User.objects.filter(pk=user.pk).update(is_active=False)
            end_all_of_user(user.pk, reason="deletion asked for")
            events.record(request, events.Kind.DELETION_ASKED, actor=user.pk, subject=user.pk, due=row.due.isoformat())
            tell(request, user, Alert.DELETION_ASKED, due=row.due)
    return row


def cancel(request: HttpRequest, user: User, *, by: User | None = None) -> bool:
    """Open the account again, as it was; sign-ins and tokens stay ended. False where nothing waited."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        gone, _rows = Deletion.objects.filter(user=user).delete()
        if not gone:
            return False
        User.objects.filter(pk=user.pk).update(is_active=True)
        user.refresh_from_db(fields=["is_active"])
        events.record(request, events.Kind.DELETION_CANCELLED, actor=(by or user).pk, subject=user.pk)
        context = origin(request) if by is None else {"at": timezone.now()}
        transaction.on_commit(lambda: send("account/email/deletion_cancelled", user.email, context, user), robust=True)
    return True
