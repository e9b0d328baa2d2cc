"""Roles and groups of a person as an application is told of them (claims `roles` and `groups`, RFC 9068 section
2.2.3.1): those that an operator chose for it, under the names that it knows. By default it is told of none.
"""

from collections.abc import Collection
from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from accounts.models import Group, Role, User
from authcenter.oauth.models import Application, ToldName

NAMES = ("roles", "groups")


def told(client_id: str, user: User, names: Collection[str]) -> dict[str, list[str]]:
    """Those of the two claims that are wanted, each a sorted list that may be empty; one statement."""
    wanted = [name for name in NAMES if name in names]
    if not wanted:
        return {}
    of_person: dict[str, QuerySet[Any]] = {
        "roles": Role.objects.filter(Q(users=user) | Q(given_by__members=user)),
        "groups": Group.objects.filter(members=user),
    }
    queries = [_named(of_person[name], name, client_id) for name in wanted]
    found = queries[0] if len(queries) == 1 else queries[0].union(*queries[1:])
    lists: dict[str, set[str]] = {name: set() for name in wanted}
    for claim, name in found:
        lists[claim].add(name)
    return {claim: sorted(those) for claim, those in lists.items()}


def _named(rows: QuerySet[Any], claim: str, client_id: str) -> QuerySet[Any]:
    chosen = ToldName.objects.filter(application__client_id=client_id, **{claim.removesuffix("s"): OuterRef("pk")})
    everything = Application.objects.filter(client_id=client_id, **{f"all_{claim}": True})
    own_name = Subquery(chosen.values(told=NullIf("told_as", Value(""), output_field=CharField()))[:1])
    return (
        rows.filter(Q(Exists(chosen)) | Q(Exists(everything)))
        .order_by()
        .annotate(
            claim=Value(claim, output_field=CharField()),
            told_to_it=Coalesce(own_name, F("name"), output_field=CharField()),
        )
        .values_list("claim", "told_to_it")
    )
