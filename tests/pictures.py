"""Makes the pictures of docs/pictures anew: the pages as they are, in Chromium, at a server of its own.

python -m tests.pictures
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests import room
from tests.live import Server, chromium_browser
from tests.pages.scene import PASSWORD, Scene

FOLDER = room.ROOT / "docs" / "pictures"
MOST_BYTES = 120_000
PHONE, DESKTOP = (390, 844), (1280, 800)


class Camera:
    """One browser for each picture."""

    def __init__(self, chromium: Any, scene: Scene) -> None:
        self.chromium, self.scene, self.page = chromium, scene, None

    def open(self, path: str) -> "Camera":
        self.page.goto(self.scene.server.url + path)
        return self

    def send(self, **fields: str) -> "Camera":
        for name, value in fields.items():
            self.page.fill(f"main [name={name}]", value)
        self.page.locator(f"main form:has([name={next(iter(fields))}]) button[type=submit]").first.click()
        self.page.wait_for_load_state("networkidle")
        return self

    def sign_in(self, who: str) -> "Camera":
        return self.open("/accounts/login/").send(login=self.scene.made[who], password=self.scene.password(who))

    def careful(self) -> "Camera":
        """Signed in as somebody who has every kind of factor."""
        self.sign_in("careful").open("/accounts/2fa/?way=recovery_codes")
        return self.send(code=self.scene.made["codes"].pop())

    def shop(self, **more: str) -> str:
        """Where the demo's sample application sends people."""
        app = self.scene.server.demo["applications"]["web"]
        asked = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": app["redirect_uris"][0],
            "scope": "openid profile email orders:read orders:write",
            "code_challenge": "a" * 43,
            "code_challenge_method": "S256",
            **more,
        }
        return f"/oauth/authorize?{urlencode(asked)}"

    def take(self, name: str, size: tuple[int, int], scheme: str, steps: Callable[["Camera"], Any]) -> None:
        context = self.chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale="en-US", reduced_motion="reduce"
        )
        context.set_default_timeout(30_000)
        self.page = context.new_page()
        steps(self)
        self.page.evaluate("document.activeElement?.blur()")
        path = FOLDER / f"{name}.png"
        self.page.screenshot(path=path, full_page=size == PHONE)
        context.close()
        _smaller(path)
        print(f"{path.relative_to(room.ROOT)}: {path.stat().st_size // 1000} kB", flush=True)


def _smaller(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size <= MOST_BYTES, f"{path} is larger than {MOST_BYTES} bytes"


PICTURES: list[tuple[str, tuple[int, int], str, Callable[[Camera], Any]]] = [
    ("sign-in", PHONE, "light", lambda camera: camera.open(camera.shop())),
    ("second-factor", PHONE, "dark", lambda camera: camera.open(camera.shop()).send(**_careful(camera))),
    ("consent", PHONE, "light", lambda camera: camera.sign_in("demo").open(camera.shop(prompt="consent"))),
    ("security", DESKTOP, "light", lambda camera: camera.careful().open("/account/security/")),
    ("sessions", DESKTOP, "dark", lambda camera: camera.sign_in("long").open("/account/sessions/")),
    ("organisations", DESKTOP, "light", lambda camera: camera.careful().open("/account/organisations/")),
    ("branding", DESKTOP, "light", lambda camera: camera.sign_in("admin").open("/admin/branding/branding/")),
    (
        "device",
        PHONE,
        "dark",
        lambda camera: camera.sign_in("demo").open("/device").send(user_code=_device(camera)),
    ),
]


def _careful(camera: Camera) -> dict[str, str]:
    return {"login": camera.scene.made["careful"], "password": PASSWORD}


def _device(camera: Camera) -> str:
    import httpx

    server = camera.scene.server
    form = {"client_id": server.demo["applications"]["device"]["client_id"], "scope": "openid email orders:read"}
    answer = httpx.post(f"{server.url}/oauth/device", data=form, headers={"User-Agent": "tv-os/12"})
    return str(answer.json()["user_code"])


def main(names: list[str]) -> int:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with tempfile.TemporaryDirectory() as folder, chromium_browser() as chromium:
        server = Server(Path(folder))
        try:
            server.wait()
            camera = Camera(chromium, Scene.make(server))
            for name, size, scheme, steps in PICTURES:
                if not names or name in names:
                    camera.take(name, size, scheme, steps)
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
