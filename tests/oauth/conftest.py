"""People, APIs and applications of the attack list, and a look at the logs after each test."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import API, Application, Scope
from authcenter.oauth.registration import DEVICE_CODE, new_application, set_new_secret
from tests.leaks import logged
from tests.oauth import flow
from tests.oauth.flow import PASSWORD, App, Browser


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Argon2 is meant to be slow; these tests sign in some five hundred times."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_secret_in_a_log(db: None, caplog: pytest.LogCaptureFixture) -> Any:
    """Whatever a test does: no code, token, secret or password is in a log line or audit row afterwards."""
    flow.SECRETS.clear()
    yield
    rows = "\n".join(
        f"{event.kind} {event.actor} {event.subject} {event.client_id} {event.detail}"
        for event in AuditEvent.objects.all()
    )
    log = logged(caplog)
    for value in flow.SECRETS:
        assert value not in log, "a secret is in the log"
        assert value not in rows, "a secret is in the audit log"


def _person(email: str, **fields: Any) -> User:
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@pytest.fixture
def alice(db: None) -> User:
    return _person("alice@example.test", name="Alice Liddell", given_name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    return _person("bob@example.test")


@pytest.fixture
def orders(db: None) -> API:
    api = API(identifier="https://orders.test/", name="Orders")
    api.plain_secret = flow.secret(set_new_secret(api))  # type: ignore[attr-defined]
    api.save()
    Scope.objects.create(api=api, name="orders:read", title="See your orders")
    Scope.objects.create(api=api, name="orders:write", title="Place orders", access="write", sensitive=True)
    return api


@pytest.fixture
def stock(db: None) -> API:
    api = API(identifier="https://stock.test/", name="Stock")
    api.plain_secret = flow.secret(set_new_secret(api))  # type: ignore[attr-defined]
    api.save()
    Scope.objects.create(api=api, name="stock:read", title="See the stock")
    return api


def made(kind: str, name: str, scopes: list[str], **fields: Any) -> App:
    row, secret = new_application(kind, name, **fields)
    row.full_clean()
    row.save()
    row.scopes.set(Scope.objects.filter(name__in=scopes))
    if secret:
        flow.secret(secret)
    return App(row, secret, (fields.get("redirect_uris") or " ").split(" ")[0])


@pytest.fixture
def web(orders: API) -> App:
    return made(
        Application.Kind.WEB,
        "Web",
        ["orders:read", "orders:write"],
        redirect_uris="https://rp1.test/cb https://rp1.test/q?a=1&b=2 https://rp1.test/other",
        post_logout_redirect_uris="https://rp1.test/bye",
    )


@pytest.fixture
def web2(db: None) -> App:
    return made(
        Application.Kind.WEB,
        "Web two",
        [],
        redirect_uris="https://rp2.test/cb",
        token_endpoint_auth_method="client_secret_post",
    )


@pytest.fixture
def spa(orders: API) -> App:
    return made(
        Application.Kind.SPA,
        "Single page",
        ["orders:read"],
        redirect_uris="https://spa.test/cb",
        allowed_origins="https://spa.test",
    )


@pytest.fixture
def native(db: None) -> App:
    return made(
        Application.Kind.NATIVE, "Native", [], redirect_uris="http://127.0.0.1/cb com.example.app:/cb http://[::1]/cb"
    )


@pytest.fixture
def machine(orders: API) -> App:
    return made(Application.Kind.MACHINE, "Machine", ["orders:read", "orders:write"])


@pytest.fixture
def kiosk(orders: API) -> App:
    """A public device: nothing but its code and a client id that everybody may know."""
    return made(Application.Kind.DEVICE, "Kiosk", ["orders:read", "orders:write"])


@pytest.fixture
def camera(orders: API) -> App:
    """A confidential device, which gets no refresh token."""
    return made(
        Application.Kind.DEVICE,
        "Camera",
        ["orders:read"],
        client_type=Application.CLIENT_CONFIDENTIAL,
        token_endpoint_auth_method="client_secret_basic",
        grant_types=[DEVICE_CODE],
    )


@pytest.fixture
def browser() -> Browser:
    return Browser()
