"""What an act that ends access will hit, told before; and the receipt of what was written, told after."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from authcenter.console import long_lists
from authcenter.console.alive import alive
from authcenter.console.long_lists import up_to, with_count
from authcenter.oauth.models import AccessToken, Application, Authorization, Family
from authcenter.sessions.models import Revocation, Session

_NAMED = 20


def of_people(people: QuerySet[User]) -> list[str]:
    """Lines for the page that asks."""
    chosen = people.values("pk")
    return _lines(
        Application.objects.filter(authorizations__user__in=chosen, authorizations__withdrawn=None),
        sessions=Session.objects.filter(alive(), user__in=chosen),
        families=Family.objects.filter(user__in=chosen),
        opaque=AccessToken.objects.filter(user__in=chosen),
    )


def of_applications(applications: QuerySet[Application]) -> list[str]:
    chosen = applications.values("pk")
    granted = Authorization.objects.filter(application__in=chosen, withdrawn=None)
    people = granted.order_by().values("user").distinct()[: long_lists.MOST].count()
    said = ngettext(
        "%d person has granted access; the consent stays.", "%d people have granted access; the consents stay.", people
    )
    lines = _lines(
        applications,
        families=Family.objects.filter(application__in=chosen),
        opaque=AccessToken.objects.filter(application__in=chosen),
    )
    return [*lines, with_count(said, people)]


def of_sessions(sessions: QuerySet[Session]) -> list[str]:
    chosen = sessions.values("pk")
    bound = Family.objects.filter(session__in=chosen)
    return _lines(
        Application.objects.filter(pk__in=bound.values("application")),
        sessions=sessions.filter(alive()),
        families=bound.filter(offline=False),
        opaque=_standing_on("sid", sessions),
        outlive=bound.filter(offline=True),
    )


def of_authorizations(authorizations: QuerySet[Authorization]) -> list[str]:
    chosen = authorizations.values("pk")
    return _lines(
        Application.objects.filter(pk__in=authorizations.values("application")),
        families=Family.objects.filter(authorization__in=chosen),
        opaque=_standing_on("gid", authorizations),
    )


def of_families(families: QuerySet[Family]) -> list[str]:
    return _lines(
        Application.objects.filter(pk__in=families.values("application")),
        families=families,
        opaque=_standing_on("fid", families),
    )


def of_everything() -> list[str]:
    """A signing key's: nobody counts what it signed."""
    return _lines(Application.objects.all(), named=False)


def last_token(applications: QuerySet[Application] | None = None) -> datetime:
    """When the last access token that these applications could hold now runs out."""
    found = Application.objects.all() if applications is None else applications
    longest = found.aggregate(longest=Max("access_token_seconds"))["longest"] or 0
    return timezone.now() + timedelta(seconds=max(longest, settings.ACCESS_TOKEN_SECONDS))


def told(request: HttpRequest, text: str, kind: Revocation.Kind, subject: object) -> None:
    """A message that leads to the receipt."""
    messages.success(request, format_html("{} {}", text, receipt_link(kind, subject)))


def told_many(request: HttpRequest, text: str, kind: Revocation.Kind) -> None:
    """A message that leads to the receipts of this kind, the newest first."""
    address = f"{reverse('admin:signins_revocation_changelist')}?kind__exact={kind}"
    messages.success(request, format_html('{} <a class="underline" href="{}">{}</a>', text, address, _("Receipts")))


def receipt_link(kind: Revocation.Kind, subject: object) -> SafeString | str:
    found = Revocation.objects.filter(kind=kind, subject=str(subject)).values_list("pk", flat=True).first()
    if found is None:
        return ""
    address = reverse("admin:signins_revocation_change", args=[found])
    return format_html('<a class="underline" href="{}">{}</a>', address, _("Receipt"))


def _lines(
    applications: QuerySet[Application],
    *,
    sessions: QuerySet[Session] | None = None,
    families: QuerySet[Family] | None = None,
    opaque: QuerySet[AccessToken] | None = None,
    outlive: QuerySet[Family] | None = None,
    named: bool = True,
) -> list[str]:
    lines = []
    if named:
        names = list(applications.order_by("name").values_list("name", flat=True).distinct()[: _NAMED + 1])
        if len(names) > _NAMED:
            more = applications.order_by().values("pk").distinct()[: long_lists.MOST].count() - _NAMED
            names[_NAMED:] = [with_count(ngettext("and %d more", "and %d more", more), more)]
        lines.append(_("Applications: %s.") % (", ".join(names) or _("none")))
    if sessions is not None:
        count = up_to(sessions)
        lines.append(with_count(ngettext("%d living session ends.", "%d living sessions end.", count), count))
    if families is not None:
        count = up_to(families.filter(_living()))
        said = ngettext("%d refresh token stops working.", "%d refresh tokens stop working.", count)
        lines.append(with_count(said, count))
    if opaque is not None and (count := up_to(opaque.filter(expires__gt=timezone.now()))):
        said = ngettext("%d opaque access token is refused.", "%d opaque access tokens are refused.", count)
        lines.append(with_count(said, count))
    if outlive is not None and (count := up_to(outlive.filter(_living()))):
        said = ngettext(
            "%d refresh token with offline access goes on.", "%d refresh tokens with offline access go on.", count
        )
        lines.append(with_count(said, count))
    until = timezone.localtime(last_token(applications if named else None))
    lines.append(
        _("Access tokens that are out there would last until %s at most; they are refused within 2 seconds.")
        % f"{until:%Y-%m-%d %H:%M:%S}"
    )
    return lines


def _standing_on(claim: str, rows: QuerySet[Any]) -> QuerySet[AccessToken]:
    """Opaque tokens that name one of these; the index on the person narrows them down."""
    named = [str(pk) for pk in rows.values_list("pk", flat=True)]
    return AccessToken.objects.filter(user__in=rows.values("user"), **{f"claims__{claim}__in": named})


def _living() -> Q:
    now = timezone.now()
    return Q(ended=None, expires__gt=now, absolute_expires__gt=now, authorization__withdrawn=None)
