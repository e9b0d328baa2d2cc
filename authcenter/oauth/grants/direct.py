"""Grants where a request itself carries all that is judged: no code, no redirect. The frame that they share."""

import json
from typing import Any

from django.db import transaction
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.grant_types.base import GrantTypeBase

from authcenter.oauth.access_token import Grounds
from authcenter.oauth.errors import OAuth2Error


class DirectGrant(GrantTypeBase):
    """`judged` is slow, or asks another server, and so comes before the one transaction; in that `grounds` consumes and
    a token is minted. A refusal commits what it learned: guesses that were counted, an assertion that was used.
    """

    refreshable = False

    def judged(self, request: Request) -> Any:
        """What the request proves: a person. Raises an `OAuth2Error`."""
        raise NotImplementedError

    def grounds(self, request: Request, proved: Any) -> Grounds:
        """What the token is minted from; sets `request.scopes`. Raises an `OAuth2Error`."""
        raise NotImplementedError

    def more(self, request: Request, token: dict[str, Any]) -> dict[str, Any]:
        """Members of the answer beside those of RFC 6749 section 5.1."""
        return {}

    def create_token_response(self, request: Request, token_handler: Any) -> tuple[dict[str, str], str, int]:
        headers = self._get_default_headers()
        try:
            self.validate_client_authentication(request)
            self.validate_grant_type(request)
            proved = self.judged(request)
        except OAuth2Error as error:
            return {**headers, **error.headers}, error.json, error.status_code
        with transaction.atomic():
            try:
                request._grounds = self.grounds(request, proved)
            except OAuth2Error as error:
                return {**headers, **error.headers}, error.json, error.status_code
            token: dict[str, Any] = token_handler.create_token(request, refresh_token=self.refreshable)
            self.request_validator.save_token(token, request)
        return headers, json.dumps({**token, **self.more(request, token)}), 200
