"""Ending access. Every act that takes something back ends here, in the transaction of the act itself.

`end_session`, `end_all_of_user`, … write the end where it is checked exactly (session, epoch) and one `Revocation`
row for those who check tokens offline. A worker that still holds an old epoch mints tokens that are already dead.
"""

import functools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import (
    BigIntegerField,
    CharField,
    Exists,
    F,
    PositiveIntegerField,
    Q,
    QuerySet,
    Subquery,
)
from django.utils import timezone
from oauth2_provider.models import get_application_model, get_refresh_token_model

from authcenter.prepared import Prepared, PreparedInsert, PreparedUpdate, Slot
from authcenter.sessions import participants, push
from authcenter.sessions.models import Feed, PairwiseSubject, Revocation, Session
from authcenter.sessions.view import follower

LEEWAY = timedelta(seconds=120)
"""Verifiers' clocks may differ from ours by this much; a revocation outlives its tokens by it."""

LONGEST_ACCESS_TOKEN = timedelta(hours=24)
"""No application may ask for longer-lived access tokens than this (checked where it is set)."""

Kind = Revocation.Kind


def revoke(kind: Revocation.Kind, *subjects: object, reason: str, epoch: int | None = None) -> None:
    """Write a revocation of each subject, under the feed's lock. Repeating it changes nothing, but for a higher epoch.

    That lock is the last that an act's transaction may wait for: whoever holds it and waits for a person, a session or
    an application could wait for somebody who holds those and waits for the feed. So an act locks its subject first,
    and many acts are many transactions.
    """
    named = sorted({str(subject) for subject in subjects})
    with transaction.atomic(savepoint=False):  # a part of an act, which nobody undoes alone
        feed = _numbered(kind, named, epoch)
        if feed.is_told:
            named = _untold(feed, kind, named, epoch)
        if epoch is not None:  # one row a subject: the newest epoch says it all
            Revocation.objects.filter(kind=kind, subject__in=named).delete()
        now, lives = timezone.now(), timedelta(seconds=max(feed.longest_life or 0, settings.ACCESS_TOKEN_SECONDS))
        revocations = [
            Revocation(
                sequence=number,
                kind=kind,
                subject=subject,
                epoch=epoch,
                reason=reason,
                created=now,
                last_token_expires=now + lives,
                expires=now + LONGEST_ACCESS_TOKEN + LEEWAY,
            )
            for number, subject in enumerate(named, feed.sequence - len(named) + 1)
        ]
        if len(revocations) == 1:
            _written.run(revocations[0])
        else:
            Revocation.objects.bulk_create(revocations)
        if feed.is_pushed:
            push.tell(revocations, feed)
        if kind in {Kind.KEY, Kind.APPLICATION}:  # what else is known of these is old now, too
            follower.hurry()
        else:
            follower.heed(str(feed.feed), feed.sequence, [(one.kind, one.subject, one.epoch) for one in revocations])


def end_session(session: UUID | str, *, reason: str) -> bool:
    """End one sign-in: its cookie, its session tokens, its families without `offline_access`. True where it lived."""
    with transaction.atomic():
        ended = Session.objects.filter(pk=session, ended=None).update(
            ended=timezone.now(), ended_by=reason, refresh_jti=""
        )
        if ended:
            participants.tell([UUID(str(session))])
            revoke(Kind.SESSION, session, reason=reason)
    return bool(ended)


def end_all_but(session: UUID | str | None, user: UUID, *, reason: str) -> int:
    """Everything of a person but this one sign-in, by one row; how many other sign-ins that ended.

    The epoch rises and the sign-in is carried over to it. What applications got through it is not: a copied token of
    theirs, with `offline_access` too, must not survive. They come back by a redirect, as the person is still there.
    """
    with transaction.atomic():
        epoch = _raise_epoch(user)
        # One that was ended meanwhile, or is of an older epoch, is dead and stays so.
        living = Session.objects.filter(user=user, ended=None, user_epoch=epoch - 1)
        living.filter(pk__in=[session] if session else []).update(user_epoch=epoch)
        others = Session.objects.filter(user=user, ended=None, user_epoch__lt=epoch)
        count = others.filter(expires__gt=timezone.now()).count()
        participants.tell(others.values("pk"))
        others.update(ended=timezone.now(), ended_by=reason, refresh_jti="")
        _revoke_person(user, epoch, reason)
    return count


def end_all_of_user(user: UUID, *, reason: str) -> int:
    """Everything of a person, on every device and for every application, by one row. The new epoch."""
    with transaction.atomic():
        epoch = _raise_epoch(user)
        living = Session.objects.filter(user=user, ended=None)
        participants.tell(living.values("pk"))
        living.update(ended=timezone.now(), ended_by=reason, refresh_jti="")
        _revoke_person(user, epoch, reason)
    return epoch


def end_access_tokens(user: UUID, *, reason: str) -> int:
    """Every access token of a person that is out there, by one row; nothing else. The new epoch.

    What she is has changed, not who: sign-ins and refresh tokens are carried over, and applications come for new
    access tokens with them. A code that nobody has redeemed dies, and its application asks again.
    """
    with transaction.atomic():
        epoch = _raise_epoch(user)
        # What was ended meanwhile, or is of an older epoch, is dead and stays so.
        for carried in (Session, get_refresh_token_model()):
            carried.objects.filter(user=user, ended=None, user_epoch=epoch - 1).update(user_epoch=epoch)
        _revoke_person(user, epoch, reason)
    return epoch


def end_memberships(*memberships: UUID, reason: str) -> None:
    """What applications got for a person as a member: refresh tokens, and every token that names the membership."""
    if not memberships:
        return
    with transaction.atomic():
        now = timezone.now()
        families = get_refresh_token_model().objects.filter(membership__in=memberships, ended=None)
        families.update(ended=now, ended_by=reason, expires=now)
        revoke(Kind.MEMBERSHIP, *memberships, reason=reason)


def end_all_of_application(client_id: str, *, reason: str) -> int:
    """Every token and family of an application, by one row. The new epoch."""
    applications = get_application_model().objects.filter(client_id=client_id)
    with transaction.atomic():
        applications.update(epoch=F("epoch") + 1)
        epoch: int = applications.values_list("epoch", flat=True).get()
        revoke(Kind.APPLICATION, client_id, epoch=epoch, reason=reason)
    return epoch


def revoke_new_name(user: UUID, name: UUID) -> None:
    """What was taken back of a person, under a name that she gets now: a worker that holds an old epoch mints tokens
    under it that are already dead. In a transaction that has locked her row."""
    row = Revocation.objects.filter(kind=Kind.USER, subject=str(user)).first()
    if row is not None:
        revoke(Kind.USER, name, epoch=row.epoch, reason=row.reason)


def begin_new_feed() -> None:
    """After a restore from backup: numbers were given out since that are now given again, for other acts.

    Whoever follows the feed sees the new name and starts over with a snapshot.
    """
    Feed.objects.update_or_create(pk=1, defaults={"feed": uuid4()})


def _revoke_person(user: UUID, epoch: int, reason: str) -> None:
    """Under each name that her tokens carry: one row, and one for each sector of pairwise applications."""
    names = PairwiseSubject.objects.filter(user=user).values_list("pk", flat=True)
    revoke(Kind.USER, user, *names, epoch=epoch, reason=reason)


def _raise_epoch(user: UUID) -> int:
    """The person's new epoch; her row is locked until the act's transaction ends."""
    people = get_user_model().objects.filter(pk=user)
    people.update(epoch=F("epoch") + 1)
    epoch: int = people.values_list("epoch", flat=True).get()
    return epoch


def _numbered(kind: Revocation.Kind, subjects: list[str], epoch: int | None) -> Any:
    """The feed, raised by a number for each subject and so locked until the act's transaction ends: numbers are
    committed in their order, without gaps. What else is to be known is read with it, when nobody else can write."""
    if not _raised.run(numbers=len(subjects)):  # the first revocation of this installation
        Feed.objects.get_or_create(pk=1)
        _raised.run(numbers=len(subjects))
    named = {f"subject{number}": subject for number, subject in enumerate(subjects)}
    return _feed(kind == Kind.APPLICATION, len(subjects)).first(kind=kind, epoch=epoch or 0, **named)


def _untold(feed: Feed, kind: Revocation.Kind, subjects: list[str], epoch: int | None) -> list[str]:
    """The subjects of which it was not said yet, or of a lower epoch. The numbers of the others are given back."""
    told = _telling(kind, subjects, epoch or 0).values_list("subject", flat=True)
    new = sorted({*subjects} - {*told})
    feed.sequence -= len(subjects) - len(new)
    feed.save(update_fields=["sequence"])
    return new


def _telling(kind: Any, subjects: Sequence[Any], epoch: Any) -> QuerySet[Revocation]:
    """The rows that say it of these subjects already: of this epoch at least, where it is about epochs."""
    said = Q(epoch=None) | Q(epoch__gte=epoch)
    return Revocation.objects.filter(said, kind=kind, subject__in=subjects).order_by()


_raised = PreparedUpdate(lambda: Feed.objects.filter(pk=1), sequence=F("sequence") + Slot("numbers", BigIntegerField()))
_written = PreparedInsert(Revocation)


@functools.lru_cache(maxsize=4)
def _feed(of_application: bool, subjects: int) -> Prepared:
    """The feed; whether it `is_told` of one of so many subjects, whether it `is_pushed` to anybody, and the
    `longest_life` of an access token that was issued a moment ago: told in the receipt, relied on nowhere."""
    named = [Slot(f"subject{number}", CharField()) for number in range(subjects)]
    kind, epoch = Slot("kind", CharField()), Slot("epoch", PositiveIntegerField())

    def query() -> QuerySet[Feed]:
        applications = get_application_model().objects.filter(**({"client_id": named[0]} if of_application else {}))
        lives = applications.order_by(F("access_token_seconds").desc(nulls_last=True)).values("access_token_seconds")
        return Feed.objects.filter(pk=1).annotate(
            is_told=Exists(_telling(kind, named, epoch)),
            is_pushed=Exists(push.receivers()),
            longest_life=Subquery(lives[:1]),
        )

    return Prepared(query)
