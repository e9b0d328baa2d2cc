"""Who may do what in the console.

Django's permissions say which kinds of records an operator may touch; this module says whom. Only a superuser hands
out console rights (operator, superuser, groups), so an operator cannot give himself or anyone what he does not have.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

_MAY: dict[str, tuple[str, ...]] = {
    "accounts.user": ("view", "add", "change"),
    "accounts.deletion": ("view",),
    "accounts.role": ("view",),
    "accounts.group": ("view", "change"),
    "accounts.organisation": ("view", "add", "change"),
    "accounts.membership": ("view", "add", "change", "delete"),
    "accounts.organisationinvitation": ("view", "delete"),
    "accounts.invitation": ("view", "add", "delete"),
    "accounts.terms": ("view",),
    "accounts.termsacceptance": ("view",),
    "account.emailaddress": ("view", "change"),
    "accounts.linkedidentity": ("view", "delete"),
    "branding.branding": ("view",),
    "oauth.application": ("view", "add", "change"),
    "oauth.api": ("view",),
    "oauth.scope": ("view",),
    "oauth.authorization": ("view", "change"),
    "oauth.family": ("view", "change"),
    "signins.session": ("view", "change"),
    "signins.revocation": ("view", "add"),
    "signins.receiver": ("view",),
    "outbox.delivery": ("view", "change"),
    "keys.key": ("view",),
    "audit.auditevent": ("view",),
}
"""What the sample group may do. “change” of a session, authorization or family means to end it."""


def may_manage(operator: Any, person: Any) -> bool:
    """Superusers may everybody. Other operators may people who are no operators, so not even themselves."""
    return bool(operator.is_superuser or not (person.is_staff or person.is_superuser))


_SHOWN = (*_MAY, "auth.group", "accounts.identityprovider")


def shown_permissions() -> QuerySet[Permission]:
    """The permissions that mean something here: those of the records that the console shows."""
    wanted = Q(pk__in=[])
    for label in _SHOWN:
        app_label, model = label.split(".")
        wanted |= Q(content_type__app_label=app_label, content_type__model=model)
    order = ("content_type__app_label", "content_type__model", "pk")
    return Permission.objects.filter(wanted).select_related("content_type").order_by(*order)


def ensure_operators_group() -> Group:
    """A group for day-to-day operators: people, applications, sessions and the log, no keys. Harmless to repeat."""
    group, made = Group.objects.get_or_create(name="operators")
    if made:
        wanted = {(label, f"{act}_{label.partition('.')[2]}") for label, acts in _MAY.items() for act in acts}
        group.permissions.set(one for one in shown_permissions() if (_label(one), one.codename) in wanted)
    return group


def _label(permission: Permission) -> str:
    """Of its record: two rooms have a model of the name “group”."""
    return f"{permission.content_type.app_label}.{permission.content_type.model}"
