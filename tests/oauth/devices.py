"""A device without a browser, and the person who types its code into one."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from authcenter.oauth.models import DeviceGrant
from authcenter.oauth.registration import DEVICE_CODE
from tests.oauth.flow import App, Browser, as_app, secret

AGENT = "kiosk-os/7"


@dataclass
class Device:
    """One request of a device, and what it was told."""

    app: App
    told: dict[str, Any]

    def poll(self, *, app: App | None = None, **changes: Any) -> HttpResponse:
        form = {"grant_type": DEVICE_CODE, "device_code": self.told["device_code"]}
        return as_app(app or self.app, "/oauth/token", {**form, **changes})

    @property
    def row(self) -> DeviceGrant:
        from authcenter.oauth.registration import hashed

        return DeviceGrant.objects.get(device_code=hashed(self.told["device_code"]))

    @property
    def user_code(self) -> str:
        return str(self.told["user_code"])


def ask(app: App, scope: str | None = "openid", **changes: Any) -> HttpResponse:
    """One answer of the device authorization endpoint."""
    address = changes.pop("address", "127.0.0.1")
    return as_app(app, "/oauth/device", {"scope": scope, **changes}, address=address, **{"User-Agent": AGENT})


def start(app: App, scope: str | None = "openid", **changes: Any) -> Device:
    response = ask(app, scope, **changes)
    assert response.status_code == 200, response.content
    told = response.json()
    secret(told["device_code"])
    secret(told["user_code"])
    secret(told["user_code"].replace("-", ""))
    return Device(app, told)


def type_in(browser: Browser, code: str) -> Browser:
    """The page, and the code into its field; the browser is at the question afterwards, if the code was right."""
    return browser.open("/device").submit("user_code", user_code=code)


def allowed(app: App, person: Any, scope: str = "openid", browser: Browser | None = None, **changes: Any) -> Device:
    """A device that its person has allowed."""
    device = start(app, scope, **changes)
    type_in(browser or Browser().enter(person), device.user_code).allow()
    assert device.row.authorization is not None
    return device


def time_passes() -> None:
    """Long enough for another poll."""
    DeviceGrant.objects.update(poll_after=0)
