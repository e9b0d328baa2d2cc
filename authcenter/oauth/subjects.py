"""What a person is called in tokens (`sub`, OpenID Connect Core section 8): the same everywhere, or pairwise."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from authcenter.oauth.models import Application
from authcenter.prepared import Slot
from authcenter.sessions.models import PairwiseSubject
from authcenter.sessions.revocation import revoke_new_name


def subject_of(application: Application, user: User) -> str:
    """Pairwise costs one statement; the name is made at its first use and never again."""
    if application.subject_type != Application.SubjectType.PAIRWISE:
        return str(user.pk)
    known = PairwiseSubject.objects.filter(user=user, sector=application.sector).first()
    return str((known or _made(application.sector, user)).pk)


def _made(sector: str, user: User) -> PairwiseSubject:
    """Under the person's lock: nobody raises her epoch meanwhile, and what was taken back is so under this name too."""
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        name, made = PairwiseSubject.objects.get_or_create(user=user, sector=sector)
        if made:
            revoke_new_name(person.pk, name.pk)
    return name


def named(subject: UUID | Slot) -> Q:
    """The user whom a token calls so: by a name of hers, else by her id. One value, so that an index finds her."""
    by_name = PairwiseSubject.objects.filter(pk=subject).values("user")
    return Q(pk=Coalesce(Subquery(by_name), subject if isinstance(subject, Slot) else Value(subject)))
