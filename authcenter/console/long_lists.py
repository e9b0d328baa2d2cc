"""Lists of millions: counts that end, orders and searches that an index serves.

Up to `MOST` rows a list is as an operator expects: sorted by any column, searched for any part of a text. A longer one
is counted up to there, turned over up to there, sorted by what has an index, and searched by whole ids and by the
beginnings of addresses and of words in names: no page reads a table from end to end.
"""

import json
import re
from functools import reduce
from operator import and_
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import BooleanField, Count, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Lower
from django.utils.formats import number_format
from django.utils.functional import cached_property
from unfold.views import ChangeList

from accounts.models import User

MOST = 10_000
EACH = 1_000
"""What a column of a list counts up to."""

SURELY = 100_000
"""Where the database's statistics expect more rows than this, they are believed, and nothing is counted."""

_PEOPLE = 100
"""The first so many that words find, whatever their order: a name may be that of a good part of all people, and each of
them is a page of the table."""

_ID = re.compile(r"(?=.*\d)[0-9a-f-]{8,36}", re.IGNORECASE)


class BoundedPaginator(Paginator):
    template_name = "console/pagination.html"

    @cached_property
    def count(self) -> int:
        return up_to(self.object_list)

    @property
    def is_cut(self) -> bool:
        """Whether there may be more than it counts."""
        return self.count >= MOST or self.count == _PEOPLE


class LongChangeList(ChangeList):
    def get_ordering_field(self, field_name: str) -> Any:
        """Also an order that an address names is one that the page offers."""
        if self.sortable_by is not None and field_name not in self.sortable_by:
            return None
        return super().get_ordering_field(field_name)

    def get_results(self, request: Any) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count  # it is no part of anything, and the page need not say so


class UsedFilter(admin.RelatedFieldListFilter):
    """The choices that have rows, each found by one look at an index; Django reads the whole table for them."""

    def field_choices(self, field: Any, request: Any, model_admin: Any) -> Any:
        used = Exists(model_admin.model._default_manager.filter(**{self.field_path: OuterRef("pk")}))
        ordering = self.field_admin_ordering(field, request, model_admin)
        return field.get_choices(include_blank=False, limit_choices_to=Q(used), ordering=ordering)


class CountOf(Subquery):
    """How many rows a query has that names the outer row, up to `EACH` or `most`: not one count of all rows for all.
    With a column, how many values of it these rows have."""

    template = "(SELECT COUNT(%(counted)s) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()

    def __init__(self, queryset: QuerySet[Any], column: str = "", most: int | None = None) -> None:
        counted = "DISTINCT counted.value" if column else "*"
        super().__init__(queryset.order_by().values(value=F(column or "pk"))[: most or EACH], counted=counted)


def is_long(model: type[models.Model]) -> bool:
    """Whether the table has more than `MOST` rows; reads no more than these."""
    rows = model._default_manager.order_by().values("pk")
    return _expected(rows) > SURELY or bool(rows[MOST : MOST + 1].exists())


def up_to(rows: Any) -> int:
    """How many rows, or `MOST` where there may be more. No column of theirs is wanted, so that an index of what is
    asked for can answer alone."""
    return int(rows.order_by().annotate(one=Value(1)).values("one")[:MOST].aggregate(count=Count("one"))["count"])


def with_count(said: str, count: int, most: int | None = None) -> str:
    """A sentence with its %d filled in."""
    return said.replace("%d", told(count, most))


def told(count: int, most: int | None = None) -> str:
    """For people: a count that was stopped says so."""
    return number_format(count, force_grouping=True) + ("+" if count >= (most or MOST) else "")


def roughly(rows: QuerySet[Any]) -> str:
    """The count, and of very many what the database's statistics expect, to two figures."""
    expected = _expected(rows)
    if expected <= SURELY and ((count := up_to(rows)) < MOST or expected <= MOST):
        return told(count)
    return "≈ " + number_format(round(expected, 2 - len(str(expected))), force_grouping=True)


def briefly(rows: QuerySet[Any]) -> str:
    """The count of what no index finds and no statistics know: it ends at `EACH` where the table has very many rows."""
    most = EACH if _expected(rows.model._default_manager.all()) > SURELY else MOST
    return told(int(rows.order_by()[:most].count()), most)


def _expected(rows: QuerySet[Any]) -> int:
    """What PostgreSQL's statistics say of how many rows there are; 0 elsewhere."""
    if connection.vendor != "postgresql":
        return 0
    return int(json.loads(rows.order_by().values("pk").explain(format="json"))[0]["Plan"]["Plan Rows"])


def named_id(term: str) -> Q | None:
    """The rows whose id begins so, where it looks like an id: a range, for which the primary key is an index."""
    digits = term.replace("-", "")
    if not _ID.fullmatch(term) or len(digits) > 32:
        return None
    return Q(pk__gte=UUID(digits.ljust(32, "0")), pk__lte=UUID(digits.ljust(32, "f")))


def people(term: str) -> QuerySet[User]:
    """By an id, by how an address begins, or by how words of the name or of the address begin."""
    term = term.strip()
    if by_id := named_id(term):
        return User.objects.filter(by_id)
    begins = Q(email__startswith=term.lower())
    words = [] if "@" in term else re.findall(r"\w+", term.lower())
    if not words:
        return User.objects.filter(begins)
    if connection.vendor != "postgresql":
        of_words = [Q(email__icontains=word) | Q(name__icontains=word) for word in words]
        return User.objects.filter(begins | reduce(and_, of_words))
    # One letter or two begin too much: they are whole words.
    asked = " & ".join(word if len(word) < 3 else f"{word}:*" for word in words)
    return User.objects.filter(begins | Q(_HasWords(Value(asked))))


def of_people(term: str, path: str = "user") -> Q:
    """Rows that are these people's, or these people; ids rather than a join, so that an index is taken."""
    found: list[UUID] = []
    for rows in (*_whole_names(term), people(term)):
        if len(found) < _PEOPLE:
            found = list(rows.order_by().values_list("pk", flat=True)[:_PEOPLE])
    return Q(**{f"{path}__in": found})


def _whole_names(term: str) -> list[QuerySet[User]]:
    """By how the whole name or the family name begins. `people` finds these too, but an index of words gives all that
    it has of a word before the first row is read: hundreds of thousands of those who bear a common name."""
    if connection.vendor != "postgresql" or "@" in term or named_id(term.strip()):
        return []
    columns = (Lower("name"), Lower("family_name"))
    return [User.objects.alias(begins=column).filter(begins__startswith=term.strip().lower()) for column in columns]


class _HasWords(Func):
    """The expression of the index `user_by_words` (accounts/migrations/0011), to the letter."""

    output_field = BooleanField()

    def __init__(self, asked: Any) -> None:
        super().__init__(*map(F, ("email", "name", "given_name", "family_name", "preferred_username")), asked)

    def as_sql(self, compiler: Any, connection: Any, *_template: Any, **_context: Any) -> Any:
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        email, *names = (sql for sql, _parameters in parts[:-1])
        asked, parameters = parts[-1]
        return f"{words_vector(email, names)} @@ to_tsquery('simple', {asked})", parameters


def words_vector(email: str, names: list[str]) -> str:
    """The words of a person, as PostgreSQL's full text search has them: her names, and the address before its @."""
    text = " || ' ' || ".join([f"split_part({email}, '@', 1)", *names])
    return f"to_tsvector('simple'::regconfig, translate({text}, '.-_+', '    '))"
