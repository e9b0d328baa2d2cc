"""What PostgreSQL would do for the statements of a request, however few rows a test has."""

from collections.abc import Iterable

from django.db import connection

LONG = (
    *("accounts_user", "account_emailaddress", "signins_session", "oauth_authorization", "oauth_family", "oauth_grant"),
    *("audit_auditevent", "signins_participant", "accounts_knownbrowser", "django_session"),
    *("accounts_user_roles", "accounts_user_groups", "accounts_group_members", "accounts_membership"),
    *("accounts_termsacceptance", "accounts_linkedidentity"),
)
"""Tables that grow with people."""


def plans(statements: Iterable[str]) -> list[tuple[str, str]]:
    """Each statement that reads, and what the planner does where reading a table to its end is the last resort."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            for statement in statements:
                if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                    cursor.execute(f"EXPLAIN {statement}")
                    found.append((statement, "\n".join(line for (line,) in cursor.fetchall())))
        finally:
            cursor.execute("RESET enable_seqscan")
    return found


def read_whole(statements: Iterable[str]) -> list[tuple[str, str]]:
    """Long tables that a statement can only answer by reading them to their end; each with the statement."""
    return [(table, sql) for sql, plan in plans(statements) for table in LONG if f"Seq Scan on {table}" in plan]
