"""What a person granted: whether a request is covered by it, and how it is extended. `consent` is the page."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import alerts
from accounts.models import Membership, User
from authcenter.oauth.models import Application, Authorization
from authcenter.oauth.pending import Pending
from authcenter.oauth.scopes import IDENTITY, NEVER_OPTIONAL
from authcenter.sessions.models import Session


@dataclass(frozen=True)
class Wanted:
    """What a request asks a person for."""

    scopes: list[str]
    resources: list[str] = field(default_factory=list)
    claims: dict[str, list[str]] = field(default_factory=dict)
    """Single claims beside the scopes, by target (`claims_request`)."""

    membership: Membership | None = None
    """For whom she acts, where the request asks for an organisation (`acting_for`)."""

    @property
    def organisations(self) -> list[str]:
        return [self.membership.organisation_id] if self.membership else []

    @property
    def claim_names(self) -> list[str]:
        return list(dict.fromkeys(name for names in self.claims.values() for name in names))

    def without(self, scopes: Iterable[str]) -> "Wanted":
        """What a scope tells that is left out is not told as single claims either."""
        gone = set(scopes) & set(self.scopes)
        untold = {name for scope in gone if scope in IDENTITY for name in IDENTITY[scope].claims}
        claims = {target: [name for name in names if name not in untold] for target, names in self.claims.items()}
        return replace(
            self,
            scopes=[scope for scope in self.scopes if scope not in gone],
            claims={target: names for target, names in claims.items() if names},
        )

    def is_covered_by(self, living: Authorization) -> bool:
        """What she left out is covered too, unless nothing is left then."""
        asked = self.without(living.left_out)
        return (
            bool(asked.scopes)
            and set(asked.scopes) <= set(living.scopes)
            and set(self.resources) <= set(living.resources)
            and set(asked.claim_names) <= set(living.claims)
            and set(self.organisations) <= set(living.organisations)
        )


def needed_or_given(
    application: Application, session: Session, wanted: Wanted, prompt: frozenset[str], waiting: Pending | None
) -> Authorization | None:
    """The Authorization that covers this request, or None where the person must be asked first."""
    living = living_authorization(session.user, application)
    covered = living is not None and wanted.is_covered_by(living)
    answered = waiting is not None and waiting.consented and waiting.shown_to == str(session.user_id)
    if application.skip_authorization and "consent" not in prompt:
        return living if covered else grant(session.user, application, wanted)
    if ("consent" in prompt or application.kind == Application.Kind.NATIVE) and not answered:
        return None
    return living if covered else None


def choices(application: Application, wanted: Wanted) -> list[str]:
    """What a page leaves to the person. An application that registered itself may change it while she reads: then the
    page is shown again."""
    return [*wanted.organisations, *sorted(set(wanted.scopes) & set(application.optional_scopes))]


def agreed(application: Application, wanted: Wanted, living: Authorization | None, ticked: Iterable[str]) -> set[str]:
    """The optional scopes that an answer leaves out: what is neither ticked nor granted before."""
    kept = {*ticked, *(living.scopes if living else ())}
    return (set(wanted.scopes) & set(application.optional_scopes)) - kept - NEVER_OPTIONAL


def grant(user: User, application: Application, wanted: Wanted, declined: Iterable[str] = ()) -> Authorization:
    """Make or extend the one living Authorization of this person for this application, without what she `declined`."""
    agreed_to = wanted.without(set(declined))
    for _attempt in range(2):
        try:
            with transaction.atomic():
                living = Authorization.objects.select_for_update().filter(
                    user=user, application=application, withdrawn=None
                ).first() or Authorization(user=user, application=application)
                living.scopes = list(dict.fromkeys([*living.scopes, *agreed_to.scopes]))
                living.declined = sorted({*living.declined, *declined} - {*living.scopes})
                living.resources = list(dict.fromkeys([*living.resources, *wanted.resources]))
                living.claims = list(dict.fromkeys([*living.claims, *agreed_to.claim_names]))
                living.organisations = list(dict.fromkeys([*living.organisations, *wanted.organisations]))
                living.updated = living.last_used = timezone.now()
                living.is_new = living._state.adding
                living.save()
                return living
        except IntegrityError:  # the same consent at the same moment in another tab: now there is one to extend
            continue
    raise RuntimeError("two consents at once, twice")


def tell_if_new(http: HttpRequest, authorization: Authorization) -> None:
    """A mail for an application that was not connected before, after a page where the person agreed."""
    if authorization.is_new:
        alerts.tell(http, authorization.user, alerts.Alert.NEW_APP, application=authorization.application.name)


def living_authorization(user: User, application: Application) -> Authorization | None:
    living = Authorization.objects.filter(user=user, application=application, withdrawn=None).first()
    if living is not None:
        living.application = application  # at hand already
    return living


def used(authorization: Authorization) -> None:
    """People see when an application last came for them."""
    Authorization.objects.filter(pk=authorization.pk).update(last_used=timezone.now())
