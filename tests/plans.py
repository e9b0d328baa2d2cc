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


def read_whole(statements: Iterable[str]) -> list[tuple[str, str]]:
    """Long tables that a statement can only answer by reading them to their end, which the planner is told to do as a
    last resort; each with the statement."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            for statement in statements:
                if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                    cursor.execute(f"EXPLAIN {statement}")
                    plan = "\n".join(line for (line,) in cursor.fetchall())
                    found += [(table, statement) for table in LONG if f"Seq Scan on {table}" in plan]
        finally:
            cursor.execute("RESET enable_seqscan")
    return found
