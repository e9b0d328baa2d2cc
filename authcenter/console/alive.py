"""`Session.is_alive` as a condition, for lists and counts."""

from typing import Any

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Func, Q
from django.db.models.lookups import GreaterThan
from django.utils import timezone


class _Seconds(Func):
    """A column of whole seconds as an interval: SQLite keeps those in microseconds and multiplies none."""

    output_field = DurationField()

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s * 1000000)", **options)

    def as_postgresql(self, compiler: Any, connection: Any, **options: Any) -> Any:
        return self.as_sql(compiler, connection, template="make_interval(secs => %(expressions)s)", **options)


def alive() -> Q:
    now = timezone.now()
    until = ExpressionWrapper(F("last_seen") + _Seconds("idle_seconds"), output_field=DateTimeField())
    return Q(GreaterThan(until, now), ended=None, expires__gt=now)
