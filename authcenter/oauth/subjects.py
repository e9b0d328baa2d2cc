"""What a person is called in tokens (`sub`, OpenID Connect Core section 8): the same everywhere, or pairwise."""

from uuid import UUID

from django.db.models import Q

from accounts.models import User
from authcenter.oauth.models import Application
from authcenter.sessions.models import PairwiseSubject


def subject_of(application: Application, user: User) -> str:
    """Pairwise costs one statement; the name is made at its first use and never again."""
    if application.subject_type != Application.SubjectType.PAIRWISE:
        return str(user.pk)
    sector = application.sector or application.client_id
    known = PairwiseSubject.objects.filter(user=user, sector=sector).first()
    return str((known or PairwiseSubject.objects.get_or_create(user=user, sector=sector)[0]).pk)


def named(subject: UUID) -> Q:
    """Users whom a token calls so."""
    return Q(pk=subject) | Q(pk__in=PairwiseSubject.objects.filter(pk=subject).values("user"))
