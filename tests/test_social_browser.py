"""Another AuthCenter as a provider, and the fake one, in a real browser: sign up, link, sign in, and sign in again."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fake_provider import CLIENT_ID, SECRET, FakeProvider, fake_provider
from tests.live import Server

pytestmark = [pytest.mark.live, pytest.mark.browser]

_CLIENT = """
from authcenter.oauth.registration import new_application
made, secret = new_application("web", "The other center", redirect_uris="REDIRECT")
made.save()
print("CLIENT", made.client_id, secret)
"""
_PROVIDERS = """
from accounts.models import IdentityProvider
for kind, name, issuer in (("openid", "Upstream", "UP"), ("github", "GitHub", "FAKE"), ("google", "Google", "FAKE")):
    row = IdentityProvider(kind=kind, name=name, issuer=issuer, client_id="CLIENT", trusts_email=True)
    row.set_secret("SECRET")
    row.save()
    print("ROW", name, row.redirect_uri)
"""


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with fake_provider() as running:
        yield running


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory, server: Server, fake: FakeProvider) -> Iterator[Server]:
    """A second AuthCenter, whose people may come from the first (`server`) and from the fake ones."""
    settings = {"OUTBOUND_ALLOWED": "localhost,127.0.0.1"}
    running = Server(tmp_path_factory.mktemp("center"), use="center", workers=1, settings=settings, host="127.0.0.1")
    try:
        running.wait()
        code = _PROVIDERS.replace("UP", server.url).replace("FAKE", fake.url)
        told = running.python(code.replace("CLIENT", CLIENT_ID).replace("SECRET", SECRET))
        back = re.search(r"ROW Upstream (\S+)", told)[1]  # type: ignore[index]
        client, secret = re.search(r"CLIENT (\S+) (\S+)", server.python(_CLIENT.replace("REDIRECT", back))).groups()  # type: ignore[union-attr]
        running.python(
            "from accounts.models import IdentityProvider\n"
            f"row = IdentityProvider.objects.get(name='Upstream')\nrow.client_id = {client!r}\n"
            f"row.set_secret({secret!r})\nrow.save()"
        )
        yield running
    finally:
        running.stop()
    assert "Traceback (most recent call last)" not in running.log(), running.log()[-5000:]


@pytest.fixture
def page(chromium: Any, center: Server, server: Server, fake: FakeProvider) -> Iterator[Callable[..., Any]]:
    """A browser that goes to the two centers and the fake provider, and nowhere else."""
    contexts, homes, strayed = [], (center.url, server.url, fake.url), []

    def make(width: int = 1280, height: int = 800, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="en-US", **options)
        context.set_default_timeout(30_000)
        context.on("request", lambda asked: None if asked.url.startswith(homes) else strayed.append(asked.url))
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert not strayed, f"requests to other sites: {strayed}"


def sign_in_upstream(page: Any, server: Server) -> None:
    demo = server.demo["people"]["demo"]
    page.wait_for_url(f"{server.url}/accounts/login/**")
    page.fill("input[name=login]", demo["email"])
    page.fill("input[name=password]", demo["password"])
    page.locator("#sign-in button.primary").click()


def test_from_one_center_to_another_and_again(page: Any, center: Server, server: Server, screenshots: Any) -> None:
    """The person has an account here too: she signs in to it, links, and from then on comes by the other center."""
    tab, demo = page(), center.demo["people"]["demo"]
    tab.goto(f"{center.url}/accounts/login/?next=/account/sessions/")
    screenshots(tab, "providers-sign-in")
    tab.get_by_role("button", name="Continue with Upstream").click()
    sign_in_upstream(tab, server)
    tab.get_by_role("button", name="Allow").click()
    tab.wait_for_url(f"{center.url}/accounts/social/known/")
    screenshots(tab, "provider-known")
    tab.get_by_role("link", name="Sign in and link").click()
    assert tab.input_value("input[name=login]") == demo["email"]
    tab.fill("input[name=password]", demo["password"])
    tab.locator("#sign-in button.primary").click()
    tab.wait_for_url(f"{center.url}/accounts/social/link/")
    screenshots(tab, "provider-link")
    tab.get_by_role("button", name="Link").click()
    tab.wait_for_url(f"{center.url}/account/sessions/")
    tab.goto(f"{center.url}/account/security/linked/")
    screenshots(tab, "linked-accounts")
    assert demo["email"] in tab.inner_text("main")

    tab.get_by_role("button", name="Sign out").first.click()
    tab.goto(f"{center.url}/accounts/login/?next=/account/sessions/")
    tab.get_by_role("button", name="Continue with Upstream").click()
    tab.wait_for_url(f"{center.url}/account/sessions/")


def test_without_a_password_the_other_center_is_asked_again(
    page: Any, center: Server, server: Server, fake: FakeProvider
) -> None:
    """`max_age=0` makes it ask for the password, and `auth_time` shows that it did. What waited for that goes on."""
    fake.person = {"id": 583231, "login": "octocat", "email": "octocat@example.com", "email_verified": True}
    email = server.demo["people"]["admin"]["email"]
    tab = page()
    center.python(
        "from allauth.account.models import EmailAddress\nfrom accounts.models import *\n"
        "user = User.objects.create_user('no.password@example.org')\n"
        "EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)\n"
        "row = IdentityProvider.objects.get(name='Upstream')\n"
        f"LinkedIdentity.objects.create(provider=row, user=user, subject={_subject(server, email)!r})\n"
    )
    admin = server.demo["people"]["admin"]
    tab.goto(f"{center.url}/accounts/login/")
    tab.get_by_role("button", name="Continue with Upstream").click()
    tab.fill("input[name=login]", admin["email"])
    tab.fill("input[name=password]", admin["password"])
    tab.locator("#sign-in button.primary").click()
    tab.get_by_role("button", name="Allow").click()
    tab.wait_for_url(f"{center.url}/account/")
    center.python(
        "from authcenter.sessions.models import Session\n"
        "Session.objects.filter(user__email='no.password@example.org').update(auth_time='2020-01-01T00:00Z')"
    )
    tab.goto(f"{center.url}/account/security/linked/")
    tab.get_by_role("button", name="Link GitHub").click()
    tab.wait_for_url(f"{center.url}/accounts/again/**")
    tab.get_by_role("button", name="Continue with Upstream").click()
    tab.wait_for_url(f"{server.url}/accounts/reauthenticate/**")
    tab.fill("input[name=password]", admin["password"])
    tab.locator("main form button.primary").click()
    tab.wait_for_url(f"{center.url}/account/security/linked/")
    assert "GitHub" in tab.inner_text("main .list")


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)], ids=["phone", "desktop"])
def test_somebody_new_comes_without_javascript(
    page: Any, center: Server, fake: FakeProvider, screenshots: Any, size: tuple[int, int]
) -> None:
    email = f"octocat{size[0]}@example.com"
    fake.person = {"id": size[0], "login": "octocat", "email": email, "email_verified": False}
    tab = page(*size, java_script_enabled=False, color_scheme="dark")
    tab.goto(f"{center.url}/accounts/signup/")
    screenshots(tab, f"providers-sign-up-dark-{size[0]}")
    tab.get_by_role("button", name="Continue with GitHub").click()
    tab.wait_for_url(f"{center.url}/accounts/social/finish/")
    screenshots(tab, f"provider-address-dark-{size[0]}")
    assert tab.input_value("input[name=email]") == email
    tab.get_by_role("button", name="Send the code").click()
    tab.wait_for_url(f"{center.url}/accounts/social/code/")
    mail = [text for text in center.mails() if f"To: {email}" in text][-1]
    tab.fill("input[name=code]", re.search(r"^([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", mail, re.MULTILINE)[1])  # type: ignore[index]
    tab.locator("main form button.primary").first.click()
    tab.wait_for_url(f"{center.url}/account/")
    assert email in tab.content()


def _subject(server: Server, email: str) -> str:
    told = server.python(f"from accounts.models import User\nprint('SUB', User.objects.get(email={email!r}).pk)")
    return re.search(r"SUB (\S+)", told)[1]  # type: ignore[index]
