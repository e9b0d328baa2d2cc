"""What the session tokens of first-party apps tell about their person, besides who it is: roles and groups."""

from typing import Any

from accounts.models import User


def about_person(user: User) -> dict[str, Any]:
    """Names of roles and groups as they are now; a token tells them until it expires. No e-mail, no name."""
    return {
        "roles": list(user.roles.order_by("name").values_list("name", flat=True)),
        "groups": list(user.groups.order_by("name").values_list("name", flat=True)),
    }
