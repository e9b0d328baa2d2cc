"""Queries whose SQL is written once: the same rows as the ORM gives, for every value and in every thread."""

import uuid

import pytest
from allauth.account.models import EmailAddress
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import CharField, Exists, F, IntegerField, OuterRef, UUIDField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from authcenter.prepared import Prepared, PreparedInsert, PreparedUpdate, Slot
from authcenter.sessions.models import Session

pytestmark = pytest.mark.django_db(transaction=True)

sign_ins = Prepared(
    lambda: (
        Session.objects.select_related("user")
        .filter(pk=Slot("id", UUIDField()))
        .annotate(
            her_epoch=F("user__epoch"),
            is_known=Exists(User.objects.filter(pk=OuterRef("user"), email=Slot("email", CharField()))),
        )
    )
)


@pytest.fixture
def signed_in(person, sign_in):
    def act(email):
        sign_in(Client(HTTP_HOST="localhost"), person(email))
        return Session.objects.get(user__email=email)

    return act


def test_rows_with_what_is_joined_and_annotated(signed_in):
    alice, bob = signed_in("alice@example.com"), signed_in("bob@example.com")
    for sign_in in (alice, bob, alice):
        person = sign_in.user
        with CaptureQueriesContext(connection) as asked:
            found = sign_ins.first(id=sign_in.pk, email="alice@example.com")
            assert (found, found.user, found.her_epoch) == (sign_in, person, person.epoch)
        assert found.is_known == (sign_in is alice) and len(asked) == 1
    assert sign_ins.first(id=uuid.uuid4(), email="") is None


def test_nothing_equals_what_is_not_given(signed_in):
    assert signed_in("alice@example.com") and sign_ins.first(id=None, email="x") is None


def test_a_value_that_was_forgotten_is_an_error(signed_in):
    signed_in("alice@example.com")
    with pytest.raises(KeyError):
        sign_ins.first(id=uuid.uuid4())


def test_columns_as_tuples(person):
    person("alice@example.com", name="Alice")
    person("bob@example.com", name="Bob")
    names = Prepared(lambda: User.objects.filter(epoch__lte=Slot("most", IntegerField())).values_list("name", "email"))
    assert sorted(names.rows(most=0)) == [("Alice", "alice@example.com"), ("Bob", "bob@example.com")]
    assert list(names.rows(most=-1)) == []


def test_each_thread_has_its_own(signed_in, parallel):
    kept = [signed_in(f"p{number}@example.com") for number in range(4)]
    found = parallel(12, lambda number: sign_ins.first(id=kept[number % 4].pk, email=""))
    assert found == kept * 3


def test_an_update_says_how_many_rows_it_changed(signed_in):
    alice = signed_in("alice@example.com")
    end = PreparedUpdate(
        lambda: Session.objects.filter(pk=Slot("id", UUIDField()), ended=None), "ended", "amr", ended_by="a test"
    )
    now = timezone.now()
    assert [end.run(id=alice.pk, ended=now, amr=["pwd"]) for _ in range(2)] == [1, 0]
    assert end.run(id=uuid.uuid4(), ended=now, amr=[]) == 0
    alice.refresh_from_db()
    assert (alice.ended, alice.amr, alice.ended_by) == (now, ["pwd"], "a test")


def test_an_inserted_row_is_the_one_that_was_made(person):
    alice, insert = person("alice@example.com"), PreparedInsert(Session)
    for number in range(2):
        row = Session(user=alice, kind="api", amr=["pwd", "é"], expires=timezone.now(), idle_seconds=number)
        with CaptureQueriesContext(connection) as asked:
            insert.run(row)
        assert len(asked) == 1 and not row._state.adding
        kept = Session.objects.get(pk=row.pk)
        assert all(getattr(kept, field.attname) == getattr(row, field.attname) for field in Session._meta.fields)


def test_a_key_that_the_database_gives_is_left_to_it(person):
    alice, insert = person("alice@example.com"), PreparedInsert(EmailAddress)
    insert.run(EmailAddress(user=alice, email="a@example.com"))
    insert.run(EmailAddress(user=alice, email="b@example.com"))
    assert EmailAddress.objects.filter(user=alice).count() == 3


@pytest.mark.postgres
def test_a_changed_column_ends_what_was_prepared_and_the_connection_with_it(person):
    """A newer node migrates while this one serves: PostgreSQL refuses every plan made before, for ever."""
    addresses = Prepared(lambda: User.objects.filter(pk=Slot("id", UUIDField())).values_list("name"))
    alice = person("alice@example.com", name="Alice")
    assert {addresses.first(id=alice.pk) for _ in range(10)} == {("Alice",)}
    before = connection.connection
    try:
        _alter("ALTER TABLE accounts_user ALTER COLUMN name TYPE varchar(1000)")
        assert addresses.first(id=alice.pk) == ("Alice",) and connection.connection is not before
        assert before.closed
        assert {addresses.first(id=alice.pk) for _ in range(10)} == {("Alice",)}
        _alter("ALTER TABLE accounts_user ALTER COLUMN name TYPE varchar(999)")
        with pytest.raises(DatabaseError), transaction.atomic():
            addresses.first(id=alice.pk)
        assert addresses.first(id=alice.pk) == ("Alice",), "one request has failed, and no second"
    finally:
        _alter(f"ALTER TABLE accounts_user ALTER COLUMN name TYPE varchar({User._meta.get_field('name').max_length})")


def _alter(statement):
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute(statement)
    finally:
        other.close()
