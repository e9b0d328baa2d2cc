"""Starlette and FastAPI: dependencies that give the checked token, or answer with the right challenge.

bearer = Bearer(Verifier("https://id.example.com", "https://orders.example.com"))

@app.get("/orders")
async def orders(token: Annotated[Token, Depends(bearer.requires("orders:read"))]): ...
"""

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from authcenter.resource_server.challenge import INVALID_TOKEN, challenge
from authcenter.resource_server.errors import InvalidToken, StaleView
from authcenter.resource_server.metadata import ProtectedResource
from authcenter.resource_server.verifier import Token, Verifier


class Bearer:
    """The bearer token of a request (RFC 6750 section 2.1), checked. The event loop waits for no network."""

    def __init__(self, verifier: Verifier, *, realm: str = "api", metadata: ProtectedResource | None = None) -> None:
        self._verifier, self._realm = verifier, realm
        self._metadata = metadata.url if metadata is not None else ""

    async def __call__(self, request: Request) -> Token:
        scheme, _, raw = request.headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            raise self._refused(401)
        raw = raw.strip()
        if not raw or " " in raw:
            raise self._refused(400, "invalid_request", "The Authorization header is not one bearer token.")
        try:
            if self._verifier.is_quick(raw):
                return self._verifier.verify(raw)
            return await run_in_threadpool(self._verifier.verify, raw)
        except StaleView as error:
            raise HTTPException(503, "The access token cannot be checked now.", {"Retry-After": "5"}) from error
        except InvalidToken as error:
            raise self._refused(401, "invalid_token", INVALID_TOKEN) from error

    def requires(self, *scopes: str) -> Callable[[Request], Awaitable[Token]]:
        """A dependency: the token carries all of `scopes`, or the answer is 403 `insufficient_scope`."""

        async def token_with_scopes(request: Request) -> Token:
            token = await self(request)
            if not token.scopes.issuperset(scopes):
                raise self._refused(403, "insufficient_scope", "The access token lacks a scope.", " ".join(scopes))
            return token

        return token_with_scopes

    def _refused(self, status: int, error: str = "", description: str = "", scope: str = "") -> HTTPException:
        header = challenge(
            self._realm, error=error, description=description, scope=scope, resource_metadata=self._metadata
        )
        return HTTPException(status, description or "A bearer token is needed.", {"WWW-Authenticate": header})
