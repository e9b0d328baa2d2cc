"""What a token may do with its person's own account."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User
from authcenter.resource_server.drf import HasScope
from authcenter.resource_server.verifier import Token
from authcenter.sessions.jwt import ACCESS_TYP


def OwnAccount(scope: str) -> type[BasePermission]:
    """A permission class: first-party sessions may; an application's token needs `scope`; a machine has no account."""
    scoped = HasScope(scope)()

    class OwnAccountPermission(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            if not isinstance(request.auth, Token) or not isinstance(request.user, User):
                return False
            return request.auth.type == ACCESS_TYP or scoped.has_permission(request, view)

    return OwnAccountPermission
