"""What the console's tests share: operators, and forms that are posted as a browser would, by whatever client."""

from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import Permission


class _Fields(HTMLParser):
    """The fields of every form on a page with the values that a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "textarea" and name:
            self._area = name
            self.fields.setdefault(name, [""])
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.fields.setdefault(self._select, []).append(given.get("value", ""))
        elif tag == "input" and name and given.get("type") not in {"submit", "button", "file"}:
            ticked = given.get("type") in {"checkbox", "radio"}
            if ticked and "checked" not in given:
                return
            self.fields.setdefault(name, []).append(given.get("value", "on" if ticked else ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] = [self.fields[self._area][0] + data]


def fields(page: Any) -> dict[str, list[str]]:
    parser = _Fields()
    parser.feed(page.content.decode())
    parser.fields.pop("csrfmiddlewaretoken", None)
    # Django's textareas begin with a newline that browsers drop.
    return {name: [value.removeprefix("\n") for value in values] for name, values in parser.fields.items()}


def submit(client: Any, address: str, **changes: Any) -> Any:
    """Open a form, change some fields (None takes one out), and press save."""
    page = client.get(address)
    assert page.status_code == 200, (address, page.status_code, page.headers)
    data: dict[str, Any] = {**fields(page), **changes}
    return client.post(address, data={name: value for name, value in data.items() if value is not None})


def complaints(answer: Any) -> Any:
    """What a form said when it came back, for the message of a failed test."""
    context = answer.context or {}
    return context.get("errors"), [message.message for message in context.get("messages", [])]


def saved(client: Any, address: str, **changes: Any) -> Any:
    answer = submit(client, address, **changes)
    assert answer.status_code == 302, complaints(answer)
    return answer


def confirm(client: Any, address: str, **more: Any) -> Any:
    return client.post(address, data={"confirmed": "yes", **more})


def allow(user: Any, *names: str) -> Any:
    """Give console permissions, such as `accounts.change_user`."""
    for name in names:
        app_label, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return user
