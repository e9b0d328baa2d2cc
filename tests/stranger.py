"""A person at a browser without JavaScript, over plain HTTP: follows redirects, reads forms, fills them in."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms and given.get("name"):
            form = self.forms[-1]
            if tag == "button" or given.get("type") == "submit":
                form.buttons.append(given["name"])
            elif tag == "input" and given.get("type") not in {"checkbox", "radio"}:
                form.fields[given["name"]] = given.get("value", "")


class Stranger:
    """Stops where a redirect leaves the server: `left_to` is the address that a relying party would be called at.

    `http` is a client that does more than a plain one; it must not follow redirects.
    """

    def __init__(self, url: str, http: httpx.Client | None = None) -> None:
        self.url = url
        self.http = http or httpx.Client(follow_redirects=False, timeout=30)
        self.page: httpx.Response | None = None
        self.left_to = ""

    def open(self, path: str) -> "Stranger":
        return self._follow(self.http.get(urljoin(self.url, path)))

    def form(self, having: str) -> Form:
        """The form on the page that has a field or button of this name."""
        assert self.page is not None, "no page is open"
        parser = _Forms()
        parser.feed(self.page.text)
        found = [form for form in parser.forms if having in form.fields or having in form.buttons]
        assert found, f"no form with {having!r} on {self.page.url} ({self.page.status_code}): {self.page.text[:2000]}"
        return found[0]

    def submit(self, having: str, press: str = "", **values: str) -> "Stranger":
        form = self.form(having)
        assert self.page is not None
        data = {**form.fields, **values, **({press: "1"} if press else {})}
        target = urljoin(str(self.page.url), form.action or str(self.page.url))
        return self._follow(self.http.post(target, data=data, headers={"Origin": self.url, "Referer": target}))

    def sign_in(self, email: str, password: str) -> "Stranger":
        return self.submit("login", login=email, password=password)

    def _follow(self, response: httpx.Response) -> "Stranger":
        self.page, self.left_to = response, ""
        for _hop in range(10):
            if not response.is_redirect:
                return self
            target = urljoin(str(response.url), response.headers["Location"])
            if urlsplit(target).netloc != urlsplit(self.url).netloc or urlsplit(target).path.startswith("/demo/"):
                self.left_to = target
                return self
            response = self.page = self.http.get(target)
        raise AssertionError("redirects without end")
