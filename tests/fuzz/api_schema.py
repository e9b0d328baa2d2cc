"""The API by its own description: what schemathesis makes of /api/schema/, sent and judged like the rest."""

from typing import Any

import requests as http
import schemathesis
from hypothesis import strategies as st

from tests.fuzz.request import Request
from tests.fuzz.world import World

ENDPOINT = "api by its schema"
_BEARERS = (
    *(
        "«alice.session_access»",
        "«alice.session_access»",
        "«alice.access_token»",
        "«bob.demo_token»",
        "«bob.demo_token»",
    ),
    *("", "«bob.session_access|flip»", "«alice.id_token»"),
)


def cases(world: World) -> st.SearchStrategy[Request]:
    """Cases that the schema allows, and cases that it does not."""
    schema = schemathesis.openapi.from_url(f"{world.issuer}/api/schema/?format=json")
    operations = [operation.ok() for operation in schema.get_all_operations()]
    modes = schemathesis.GenerationMode
    made = [one.as_strategy(generation_mode=mode) for one in operations for mode in (modes.POSITIVE, modes.NEGATIVE)]
    return st.builds(_request, st.one_of(made), st.sampled_from(_BEARERS))


def _request(case: Any, bearer: str) -> Request:
    kwargs = case.as_transport_kwargs(base_url="http://localhost")
    prepared = http.Request(
        **{name: kwargs[name] for name in kwargs.keys() & {"method", "url", "headers", "params", "json", "data"}}
    ).prepare()
    body = prepared.body or b""
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    dropped = {"content-length", "authorization", "user-agent", "accept-encoding", "transfer-encoding"}
    headers = [(name, str(value)) for name, value in prepared.headers.items() if name.lower() not in dropped]
    if bearer:
        headers.append(("Authorization", f"Bearer {bearer}"))
    path = str(prepared.path_url)
    return Request(ENDPOINT, str(prepared.method), path, headers=tuple(headers), raw=text)
