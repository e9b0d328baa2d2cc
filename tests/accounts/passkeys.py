"""What a person does with passkeys, through Django's test client and a software authenticator."""

from typing import Any

from tests.authenticator import Authenticator

SIGN_IN, SECOND, AGAIN = "/accounts/passkey/", "/accounts/2fa/passkey/", "/accounts/reauthenticate/passkey/"
MINE = "/account/security/passkeys/"


def options(client: Any, door: str) -> dict[str, Any]:
    answer = client.get(f"{door}options/")
    assert answer.status_code == 200, answer
    return answer.json()


def send(client: Any, door: str, credential: str, **more: str) -> Any:
    return client.post(door, {"credential": credential, **more})


def add(client: Any, authenticator: Authenticator | None = None, **changed: Any) -> Authenticator:
    """A new passkey of whoever is signed in. It must be accepted."""
    authenticator = authenticator or Authenticator()
    answer = send(client, f"{MINE}add/", authenticator.create(options(client, f"{MINE}add/"), **changed))
    assert answer.status_code == 302 and answer["Location"].endswith("/name/"), answer.content.decode()[:3000]
    return authenticator


def use(client: Any, authenticator: Authenticator, door: str = SIGN_IN, *, more: Any = None, **changed: Any) -> Any:
    return send(client, door, authenticator.get(options(client, door), **changed), **(more or {}))
