"""Push in the console: an API's address, the test event, and what became of each message."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from authcenter.audit.models import AuditEvent
from authcenter.keys import vault
from authcenter.oauth.models import API
from authcenter.outbox.models import Delivery
from authcenter.outbox.sending import serve
from authcenter.sessions.models import Receiver
from authcenter.sessions.revocation import Kind, revoke
from tests.console_pages import allow, confirm, fields, saved, submit
from tests.receiver import Listener, listener

pytestmark = pytest.mark.django_db
LIST = "/admin/outbox/delivery/"
FORM = {"receiver-TOTAL_FORMS": "1", "receiver-INITIAL_FORMS": "0", "receiver-0-is_active": "on"}


@pytest.fixture
def there() -> Iterator[Listener]:
    with listener() as heard:
        yield heard


@pytest.fixture
def root(person: Any, client: Any, sign_in: Any) -> Any:
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    return user


@pytest.fixture
def api(db: None) -> API:
    return API.objects.create(identifier="https://orders.test/", name="Orders")


@pytest.fixture
def receiver(api: API, there: Listener) -> Receiver:
    return Receiver.objects.create(api=api, url=there.url)


def page_of(api: API) -> str:
    return f"/admin/oauth/api/{api.pk}/change/"


def messages_of(answer: Any, client: Any) -> str:
    return " ".join(str(message) for message in client.get(answer["Location"]).context["messages"])


def test_an_address_is_given_to_an_api_and_its_secret_is_never_shown(client: Any, root: Any, api: API) -> None:
    given = {"receiver-0-url": "https://orders.test/revocations", "receiver-0-new_secret": "agreed-upon"}
    saved(client, page_of(api), **FORM, **given)
    receiver = Receiver.objects.get(api=api)
    assert receiver.url == "https://orders.test/revocations" and vault.decrypt(receiver.secret) == "agreed-upon"
    page = client.get(page_of(api)).content.decode()
    assert "agreed-upon" not in page and receiver.secret not in page
    saved(client, page_of(api))
    receiver.refresh_from_db()
    assert vault.decrypt(receiver.secret) == "agreed-upon", "an empty field changes nothing"
    saved(client, page_of(api), **{"receiver-0-new_secret": "-"})
    receiver.refresh_from_db()
    assert receiver.secret == ""
    event = AuditEvent.objects.filter(kind="operator_change").latest("at")
    assert "receiver.new_secret" in event.detail["fields"]


def test_what_waits_follows_a_corrected_address_and_ends_where_push_is_switched_off(
    client: Any, root: Any, api: API, receiver: Receiver, there: Listener
) -> None:
    revoke(Kind.SESSION, "s1", reason="test")
    saved(client, page_of(api), **{"receiver-0-url": "https://new.orders.test/", "receiver-0-new_secret": "agreed"})
    waiting = Delivery.objects.get()
    assert waiting.target == "https://new.orders.test/" and vault.decrypt(waiting.secret) == "agreed"
    saved(client, page_of(api), **{"receiver-0-is_active": None})
    waiting.refresh_from_db()
    assert waiting.given_up and waiting.next_at is None and "switched off" in waiting.last_error


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://user:x@orders.test/", "user name"),
        ("https://orders.test:25/", "Port 25"),
        ("http://orders.test/", "https://"),
    ],
)
def test_an_address_that_would_be_refused_is_refused_here_with_the_reason(
    client: Any, root: Any, api: API, url: str, why: str
) -> None:
    answer = submit(client, page_of(api), **FORM, **{"receiver-0-url": url})
    assert answer.status_code == 200 and why in answer.content.decode()
    assert not Receiver.objects.exists()


def test_the_test_event_tells_what_the_receiver_answered(
    client: Any, root: Any, receiver: Receiver, there: Listener
) -> None:
    address = f"/admin/oauth/api/{receiver.api_id}/test-push/"
    assert client.get(address).status_code == 200 and not there.got
    assert "took the event: 202" in messages_of(confirm(client, address), client)
    there.status, there.body = 500, b"<b>broken"
    assert "did not take the event: 500" in messages_of(confirm(client, address), client)
    assert len(there.got) == 2


def test_the_state_is_told_on_the_api_s_page(client: Any, root: Any, receiver: Receiver, there: Listener) -> None:
    assert "none yet" in client.get(page_of(receiver.api)).content.decode()
    revoke(Kind.TOKEN, "one", reason="test")
    serve(receiver.api.identifier)
    there.status = 503
    revoke(Kind.TOKEN, "two", reason="test")
    serve(receiver.api.identifier)
    page = client.get(page_of(receiver.api)).content.decode()
    assert "last delivered" in page and "failing: The receiver answered 503." in page and "1 waits" in page


def test_the_list_searches_filters_and_shows_no_message(client: Any, root: Any, receiver: Receiver) -> None:
    revoke(Kind.TOKEN, "one", reason="test")
    delivery = Delivery.objects.get()
    for query, found in (
        ("", 1),
        ("q=orders", 1),
        ("q=nothing", 0),
        (f"q={delivery.sequence}", 1),
        ("state=waiting", 1),
        ("state=failing", 0),
        ("state=done", 0),
        ("state=dead", 0),
        ("kind__exact=revocation", 1),
    ):
        assert client.get(f"{LIST}?{query}").context["cl"].result_count == found, query
    detail = client.get(f"{LIST}{delivery.pk}/change/").content.decode()
    assert "https://orders.test/" in detail and delivery.message["claims"]["jti"] not in detail
    assert client.get(f"{LIST}?message__startswith=x").status_code in {302, 400}


def test_a_dead_letter_is_tried_again_and_a_waiting_one_given_up(
    client: Any, root: Any, receiver: Receiver, there: Listener
) -> None:
    revoke(Kind.TOKEN, "one", reason="test")
    delivery = Delivery.objects.get()
    chosen = {"_selected_action": [delivery.pk]}
    asked = client.post(LIST, {"action": "drop", **chosen})
    assert asked.status_code == 200 and "from the feed alone" in asked.content.decode()
    client.post(LIST, {"action": "drop", "confirmed": "yes", **chosen})
    delivery.refresh_from_db()
    assert delivery.given_up and serve(receiver.api.identifier) == 0
    client.post(LIST, {"action": "try_again", **chosen})
    delivery.refresh_from_db()
    assert delivery.given_up is None and delivery.next_at <= timezone.now()
    assert serve(receiver.api.identifier) == 1 and len(there.got) == 1
    confirm(client, f"{LIST}{delivery.pk}/again/")
    delivery.refresh_from_db()
    assert delivery.delivered, "what has arrived is not sent twice"


def test_who_may_only_look_may_only_look(
    client: Any, person: Any, sign_in: Any, receiver: Receiver, there: Listener
) -> None:
    operator = allow(person("op@example.com", is_staff=True), "outbox.view_delivery", "oauth.view_api")
    sign_in(client, operator)
    revoke(Kind.TOKEN, "one", reason="test")
    delivery = Delivery.objects.get()
    assert client.get(LIST).status_code == 200
    assert confirm(client, f"{LIST}{delivery.pk}/again/").status_code == 403
    assert confirm(client, f"/admin/oauth/api/{receiver.api_id}/test-push/").status_code == 403
    client.post(LIST, {"action": "drop", "confirmed": "yes", "_selected_action": [delivery.pk]})
    delivery.refresh_from_db()
    assert delivery.given_up is None and not there.got
    assert "receiver-0-url" not in fields(client.get(page_of(receiver.api)))
