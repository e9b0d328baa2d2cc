"""No statement of the protocol reads a table that grows with people to its end: PostgreSQL is asked for its plans."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from authcenter.oauth.models import Authorization, Family
from authcenter.oauth.withdrawal import end_family, withdraw
from authcenter.server.sweeping import sweep
from authcenter.sessions.revocation import end_all_of_user, end_session
from tests import room
from tests.oauth.flow import Browser, as_app, redeem, refresh, tokens, userinfo
from tests.plans import plans, read_whole

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not room.POSTGRES, reason="plans are PostgreSQL's"),
]
SCOPE = "openid email orders:read offline_access"


def _sign_in(web: Any, alice: Any) -> Callable[[], Any]:
    return lambda: Browser().open("/accounts/login/").sign_in(alice)


def _code(web: Any, alice: Any) -> Callable[[], Any]:
    code = Browser().code(web, alice, scope=SCOPE)
    return lambda: redeem(web, code)


def _refresh(web: Any, alice: Any) -> Callable[[], Any]:
    got = tokens(web, alice, scope=SCOPE)
    return lambda: refresh(web, got["refresh_token"])


def _asking(web: Any, alice: Any) -> Callable[[], Any]:
    got = tokens(web, alice, scope=SCOPE)
    return lambda: [
        userinfo(got["access_token"]),
        *(as_app(web, "/oauth/introspect", {"token": got[kind]}) for kind in ("access_token", "refresh_token")),
        as_app(web, "/oauth/revoke", {"token": got["refresh_token"]}),
    ]


def _ending(web: Any, alice: Any) -> Callable[[], Any]:
    browser = Browser()
    tokens(web, alice, browser, scope=SCOPE)
    family, authorization = Family.objects.get().pk, Authorization.objects.get().pk
    return lambda: [
        end_family(family, reason="test"),
        withdraw(authorization, reason="test"),
        end_session(browser.sid, reason="test"),
        end_all_of_user(alice.pk, reason="test"),
    ]


def _sweeping(web: Any, alice: Any) -> Callable[[], Any]:
    tokens(web, alice, scope=SCOPE)
    return lambda: dict(sweep())


@pytest.mark.parametrize("way", [_sign_in, _code, _refresh, _asking, _ending, _sweeping])
def test_no_statement_reads_a_long_table_to_its_end(way: Any, web: Any, alice: Any) -> None:
    act = way(web, alice)
    with CaptureQueriesContext(connection) as asked:
        act()
    statements = [one["sql"] for one in asked]
    assert len(statements) > 3
    assert read_whole(statements) == []


def _fields(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_what_is_over_is_deleted_where_it_lies(web: Any, alice: Any) -> None:
    act = _sweeping(web, alice)
    living = Family.objects.get()
    Family.objects.bulk_create(Family(**{**_fields(living), "id": uuid4()}) for _ in range(500))
    with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
        act()
        cursor.execute("ANALYZE oauth_family")  # of one row any index is as good as another
    told = [plan for sql, plan in plans(one["sql"] for one in asked) if sql.startswith('DELETE FROM "oauth_family"')]
    assert len(told) == 1
    assert "family_by_expiry" in told[0]
    assert "Tid Scan on oauth_family" in told[0]


def test_a_statement_that_does_is_found(alice: Any) -> None:
    assert [table for table, _sql in read_whole(["SELECT * FROM accounts_user WHERE nickname = 'x'"])] == [
        "accounts_user"
    ]
    assert read_whole([f"SELECT * FROM accounts_user WHERE id = '{alice.pk}'"]) == []
