"""Statements whose SQL is written once. The ORM takes about a millisecond to write one with joins and subqueries, ten
times what the database takes to answer it; on the hot paths that is most of a request.

    _find = Prepared(lambda: Family.objects.select_related("user").filter(pk=Slot("id", UUIDField())))
    family = _find.first(id=family_id)

A statement is defined by the ORM as any other, with a `Slot` for each value that a request brings. It is compiled at
its first use in each thread, for the connection there.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db import NotSupportedError, connections
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler


class Slot(Value):
    """A value that is named now and given later. `output_field` says how the database is given it."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(name, output_field=output_field)

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class Prepared:
    """A query. `query` makes the queryset: rows of a model, `values_list` or annotations, no prefetching."""

    def __init__(self, query: Callable[[], QuerySet[Any]]) -> None:
        self._query = query
        self._kept = threading.local()

    def first(self, **values: Any) -> Any:
        """The first row, or None. `values` are those of all slots; nothing equals None."""
        return next(self.rows(**values), None)

    def rows(self, **values: Any) -> Iterator[Any]:
        queryset = self._for_this_thread()
        queryset.query.bound = values
        yield from queryset._iterable_class(queryset)

    def _for_this_thread(self) -> Any:
        kept: Any = getattr(self._kept, "queryset", None)
        if kept is not None and kept.query.compiler.connection is connections[kept.db]:
            return kept
        made: Any = self._query()
        made._query = _Query(made.query.get_compiler(made.db))  # the property would choose another kind of rows
        self._kept.queryset = made
        return made


class PreparedUpdate:
    """An UPDATE of the rows of `query`: each of `columns` gets the value of the same name, or the one given here."""

    def __init__(self, query: Callable[[], QuerySet[Any]], *columns: str, **fixed: Any) -> None:
        self._query, self._columns, self._fixed = query, columns, fixed
        self._kept = threading.local()

    def run(self, **values: Any) -> int:
        """How many rows it changed. `values` are those of all slots and columns."""
        statement = getattr(self._kept, "statement", None)
        if statement is None or not statement.is_of_this_thread:
            statement = self._kept.statement = self._made()
        return statement.run(values)

    def _made(self) -> "_Statement":
        queryset = self._query()
        field = queryset.model._meta.get_field
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values({name: Slot(name, field(name)) for name in self._columns} | self._fixed)
        compiler = query.get_compiler(queryset.db)
        return _Statement(compiler, *compiler.as_sql())


class PreparedInsert:
    """An INSERT of one row of a model whose key is known beforehand, or not wanted afterwards."""

    def __init__(self, model: type[Model]) -> None:
        self._fields = [field for field in model._meta.concrete_fields if not field.db_returning]
        self._model = model
        self._kept = threading.local()

    def run(self, row: Model) -> None:
        statement = getattr(self._kept, "statement", None)
        if statement is None or not statement.is_of_this_thread:
            statement = self._kept.statement = self._made()
        statement.run({field.attname: field.pre_save(row, add=True) for field in self._fields})
        row._state.adding, row._state.db = False, statement.compiler.using

    def _made(self) -> "_Statement":
        query = InsertQuery(self._model)
        slots = type("Slots", (), {field.attname: Slot(field.attname, field) for field in self._fields})
        query.insert_values(self._fields, [slots()], raw=True)
        compiler = query.get_compiler(self._model._default_manager.db)
        [(sql, parameters)] = compiler.as_sql()
        return _Statement(compiler, sql, parameters)


class _Statement:
    """SQL, and what its parameters are made from."""

    def __init__(self, compiler: Any, sql: str, parameters: Any) -> None:
        self.compiler, self.sql, self._parameters = compiler, sql, tuple(parameters)

    @property
    def is_of_this_thread(self) -> bool:
        return bool(self.compiler.connection is connections[self.compiler.using])

    def bound(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(self._value(one, values) if isinstance(one, Slot) else one for one in self._parameters)

    def run(self, values: Mapping[str, Any]) -> int:
        return int(self._executed(values, lambda cursor: cursor.rowcount))

    def rows(self, values: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = self._executed(values, lambda cursor: cursor.fetchall())
        return found

    def _executed(self, values: Mapping[str, Any], taken: Callable[[Any], Any]) -> Any:
        connection = self.compiler.connection
        bound = self.bound(values)
        try:
            with self._cursor() as cursor:
                cursor.execute(self.sql, bound)
                return taken(cursor)
        except NotSupportedError:
            # On PostgreSQL: a newer node has changed a column's type, and what this connection has prepared of the
            # table fails for ever ("cached plan must not change result type"). So the connection ends.
            if connection.vendor != "postgresql" or connection.connection is None:
                raise
            connection.connection.close()
            if connection.in_atomic_block:
                raise
            connection.close()
        with self._cursor() as cursor:
            cursor.execute(self.sql, bound)
            return taken(cursor)

    def _cursor(self) -> Any:
        """PostgreSQL is given SQL and values apart, and so parses and plans the SQL once a connection, unless it is to
        be read with its values by who debugs or tests."""
        connection = self.compiler.connection
        if connection.vendor != "postgresql" or connection.queries_logged:
            return connection.cursor()
        from django.db.backends.postgresql import base  # not where there is only SQLite

        connection.ensure_connection()
        kind: Any = base.ServerBindingCursor
        return connection._prepare_cursor(kind(connection.connection))

    def _value(self, slot: Slot, values: Mapping[str, Any]) -> Any:
        value = values[slot.value]
        prepared = slot.output_field.get_db_prep_save if slot.for_save else slot.output_field.get_db_prep_value
        return None if value is None else prepared(value, self.compiler.connection)


class _Query:
    """Stands where a queryset looks for its query, and has its SQL ready, and what its rows are made by."""

    def __init__(self, compiler: Any) -> None:
        self.compiler = compiler
        self.bound: Mapping[str, Any] = {}
        self._statement = _Statement(compiler, *compiler.as_sql())
        columns = [column for column, *_rest in compiler.select[: compiler.col_count]]
        self._converters = compiler.get_converters(columns)
        self._columns = compiler.col_count if compiler.has_extra_select else None
        compiler.execute_sql = self._execute
        compiler.results_iter = self._rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.compiler.query, name)

    def get_compiler(self, *_arguments: Any, **_named: Any) -> Any:
        return self.compiler

    def _execute(self, *_arguments: Any, **_named: Any) -> list[Any]:
        rows = self._statement.rows(self.bound)
        return rows if self._columns is None else [row[: self._columns] for row in rows]

    def _rows(self, results: Any = None, tuple_expected: bool = False, **_named: Any) -> Any:
        rows = self._execute() if results is None else results
        if self._converters:
            rows = self.compiler.apply_converters(rows, self._converters)
        return map(tuple, rows) if tuple_expected else rows
