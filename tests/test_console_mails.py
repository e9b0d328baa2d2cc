"""/admin/mails/: every mail to look at in each language, and to be sent to the operator who looks."""

from pathlib import Path

import pytest
from django.core import mail

from accounts.sample_mails import SAMPLES, sample
from tests.accounts.people import sign_in

pytestmark = pytest.mark.django_db
TEMPLATES = Path(__file__).parent.parent / "templates"


@pytest.fixture
def operator(client, person):
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True, zoneinfo="Asia/Tokyo").email)
    mail.outbox.clear()
    return client


def test_no_mail_is_without_a_sample():
    found = {str(path.relative_to(TEMPLATES).with_suffix("")) for path in TEMPLATES.glob("*/email/*.html")}
    assert found == set(SAMPLES)


def test_all_are_listed_and_each_is_shown_in_both_forms(operator):
    page = operator.get("/admin/mails/").content.decode()
    for template in SAMPLES:
        name = template.rpartition("/")[2].replace("_", "-")
        assert f"/admin/mails/{name}/" in page
    shown = operator.get("/admin/mails/new-device/").content.decode()
    assert 'sandbox=""' in shown and "srcdoc=" in shown and "Chrome 140 on Windows" in shown and "JST" in shown


@pytest.mark.parametrize("template", SAMPLES)
def test_each_sample_is_whole(template):
    message = sample(template, "a@example.com", "en", "Europe/Berlin")
    [(html, _kind)] = message.alternatives
    assert message.subject and "None" not in message.body and "None" not in html.partition("</head>")[2]
    assert message.body.strip().splitlines()[0]


def test_a_test_goes_to_the_operator_and_nobody_else(operator):
    answer = operator.post("/admin/mails/new-device/", {"language": "en", "to": "x@example.net"}, follow=True)
    assert "Sent to root@example.com." in answer.content.decode()
    assert [message.to for message in mail.outbox] == [["root@example.com"]]


def test_nothing_is_there_for_others(client, person, operator):
    from django.test import Client

    assert operator.get("/admin/mails/nothing/").status_code == 404
    assert operator.get("/admin/mails/?language=%00").status_code == 200
    stranger = Client(HTTP_HOST="localhost")
    assert stranger.get("/admin/mails/").status_code == 302
    sign_in(stranger, person("alice@example.com").email)
    assert stranger.get("/admin/mails/").status_code == 403
    assert stranger.post("/admin/mails/new-device/").status_code == 403
