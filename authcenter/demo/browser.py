"""A browser without a window, for the tour: keeps cookies, follows redirects, fills in the forms that people see."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

_MOST_REDIRECTS = 15


@dataclass
class Form:
    """What a page would send, and the buttons that could send it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    """Of each drop-down its values."""

    def has(self, *names: str) -> bool:
        return all(name in self.fields or name in self.buttons for name in names)


@dataclass
class Page:
    """Where the browser is. `status` 303 with an address elsewhere: the server sends it to an application."""

    url: str
    status: int
    text: str = ""

    def form(self, *names: str) -> Form | None:
        """The form with these fields and buttons."""
        parser = _Forms()
        parser.feed(self.text)
        return next((form for form in parser.forms if form.has(*names)), None)


class Browser:
    """One person's browser. It never follows a redirect to an address that starts with `stop_at`."""

    def __init__(self, stop_at: str = "") -> None:
        self.stop_at = stop_at
        self._http = requests.Session()
        self._http.headers["User-Agent"] = "AuthCenter tour"

    def open(self, url: str) -> Page:
        return self._followed(self._http.get(url, allow_redirects=False, timeout=30), url)

    def submit(self, page: Page, form: Form, press: str = "", **values: str) -> Page:
        """Send `form` as it stands on `page`, with `values` typed in and the button `press` pressed."""
        url = urljoin(page.url, form.action)
        data = {**form.fields, **values}
        if press:
            data[press] = form.buttons.get(press, "")
        headers = {"Referer": page.url}  # Django's protection against forgery wants it on https
        if form.method != "post":
            return self._followed(self._http.get(url, params=data, allow_redirects=False, timeout=30), url)
        return self._followed(self._http.post(url, data=data, headers=headers, allow_redirects=False, timeout=30), url)

    def _followed(self, answer: requests.Response, url: str) -> Page:
        for _hop in range(_MOST_REDIRECTS):
            if answer.status_code not in {301, 302, 303, 307, 308}:
                return Page(url, answer.status_code, answer.text)
            url = urljoin(url, answer.headers["Location"])
            if self.stop_at and url.startswith(self.stop_at):
                return Page(url, answer.status_code)
            answer = self._http.get(url, allow_redirects=False, timeout=30)
        raise requests.TooManyRedirects(f"more than {_MOST_REDIRECTS} redirects, the last to {url.split('?')[0]}")


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(had.get("action", ""), had.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._control(self._form, tag, had)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""

    def _control(self, form: Form, tag: str, had: dict[str, str]) -> None:
        name, kind = had.get("name", ""), had.get("type", "submit" if tag == "button" else "text").lower()
        if tag == "option" and self._select:
            form.choices[self._select].append(had.get("value", ""))
            if "selected" in had:
                form.fields[self._select] = had.get("value", "")
        elif tag == "select" and name:
            self._select = name
            form.choices[name] = []
            form.fields.setdefault(name, "")
        elif tag in {"input", "button"} and kind in {"submit", "image", "button"}:
            if name:
                form.buttons[name] = had.get("value", "")
        elif (tag == "input" and name and (kind not in {"checkbox", "radio"} or "checked" in had)) or (
            tag == "textarea" and name
        ):
            form.fields[name] = had.get("value", "on" if kind in {"checkbox", "radio"} else "")
