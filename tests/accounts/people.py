"""What a person does at the account pages, through Django's test client, and what she finds in her mail."""

import re
from typing import Any

from django.core import mail

from tests.conftest import PASSWORD

NEW = "some other long sentence 8"
WRONG = "not the password at all 9"
SECRETS: set[str] = set()
"""What must never be logged: the passwords of one test."""

_CODE = re.compile(r"^[B-Z]{4}-[B-Z]{4}$", re.MULTILINE)


def secret(password: str) -> str:
    SECRETS.add(password)
    return password


def mails(to: str) -> list[Any]:
    return [message for message in mail.outbox if message.to == [to]]


def codes(to: str = "") -> list[str]:
    """Every code that was mailed, oldest first."""
    return [code for message in mail.outbox if not to or message.to == [to] for code in _CODE.findall(message.body)]


def sign_up(client: Any, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/accounts/signup/", {"email": email, "password1": secret(password), **more})


def sign_in(client: Any, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": secret(password), **more})


def enter_code(client: Any, code: str, **more: Any) -> Any:
    return client.post("/accounts/confirm-email/", {"code": code, **more})


def ask_for_reset(client: Any, email: str, **more: Any) -> Any:
    return client.post("/accounts/password/reset/", {"email": email, **more})


def enter_reset_code(client: Any, code: str) -> Any:
    return client.post("/accounts/password/reset/confirm/", {"code": code})


def choose(client: Any, password: str = NEW) -> Any:
    return client.post(
        "/accounts/password/reset/complete/", {"password1": secret(password), "password2": secret(password)}
    )


def change_password(client: Any, old: str = PASSWORD, new: str = NEW) -> Any:
    return client.post(
        "/accounts/password/change/",
        {"oldpassword": secret(old), "password1": secret(new), "password2": secret(new)},
    )


def is_signed_in(client: Any) -> bool:
    return client.get("/account/").status_code == 200


def kinds(**having: Any) -> list[str]:
    """The audit log, oldest first."""
    from authcenter.audit.models import AuditEvent

    return list(AuditEvent.objects.filter(**having).order_by("at").values_list("kind", flat=True))


def as_seen(response: Any, *words: str) -> tuple[Any, ...]:
    """What a stranger can compare: status, headers and body, without what is random or what she typed herself."""
    body = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", response.content.decode())
    headers = {name: value for name, value in response.headers.items() if name not in {"X-Request-ID", "Expires"}}
    headers.pop("Last-Modified", None)
    text = f"{headers} {body}"
    for word in (*words, response.headers.get("X-Request-ID", "")):  # refusals name their request
        text = text.replace(word, "…") if word else text
    text = re.sub(r"'Content-Length': '\d+'", "", text)
    cookies = sorted((name, morsel["max-age"], morsel["path"]) for name, morsel in response.cookies.items())
    return response.status_code, text, tuple(cookies)
