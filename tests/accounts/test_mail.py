"""Mails: text and HTML, no word of a stranger that could lead astray, links to the issuer alone."""

import re
from html import unescape

import pytest

from tests.accounts.people import (
    PASSWORD,
    ask_for_reset,
    change_password,
    choose,
    codes,
    enter_reset_code,
    mails,
    sign_in,
    sign_up,
)


def html(message):
    [(content, _kind)] = message.alternatives
    return content


HOSTILE = 'Call 0800-555 or visit https://evil.example/<a href="https://evil.example">'


def codes_in(text):
    return re.findall(r"^[B-Z]{4}-[B-Z]{4}$", text, re.MULTILINE)


def every_mail(browser, person, as_from):
    """One of each kind, written for a visitor with these headers."""
    user = person("alice@example.com", name=HOSTILE, given_name=HOSTILE)
    sign_up(browser(**as_from), "new@example.com")
    sign_up(browser(**as_from), user.email)
    ask_for_reset(browser(**as_from), "nobody@example.com")
    one = browser(**as_from)
    sign_in(one, user.email)
    change_password(one)
    other = browser(**as_from)
    ask_for_reset(other, user.email)
    enter_reset_code(other, codes(user.email)[-1])
    choose(other, PASSWORD)
    one = browser(**as_from)
    sign_in(one, user.email)
    one.post("/accounts/email/", {"email": "newer@example.com", "action_add": "1"})
    one.post("/accounts/confirm-email/", {"code": codes("newer@example.com")[-1]})
    from django.core import mail

    return mail.outbox


def test_each_act_is_told(browser, person):
    subjects = [message.subject for message in every_mail(browser, person, {})]
    shown = [" ".join(word for word in subject.split() if "-" not in word) for subject in subjects]
    assert shown == [
        "is your code",
        "You already have an account",
        "There is no account for this address",
        "Your password was changed",
        "is your code for a new password",
        "Your password was reset",
        "New to your account",
        "is your code",
        "Your address was changed",
    ]


def test_a_visitors_words_are_not_in_a_mail(browser, person):
    for message in every_mail(browser, person, {"HTTP_USER_AGENT": HOSTILE}):
        for form in (message.body, html(message)):
            assert "evil" not in form and "0800" not in form
            assert "Unknown device" in form and "127.0.0.1" in form


def test_mails_are_text_and_html_to_one_person(browser, person):
    for message in every_mail(browser, person, {"HTTP_USER_AGENT": "x\r\nBcc: evil@example.net"}):
        assert [kind for _content, kind in message.alternatives] == ["text/html"]
        assert len(message.to) == 1 and not message.cc and not message.bcc
        raw = message.message().as_string()
        assert "evil@example.net" not in raw
        assert "&amp;" not in message.body and "&#" not in message.body, "text is not escaped for HTML"
        assert "\n" not in message.subject
        assert message.body.count("\n\n\n") == 0 and "{" not in message.body


def test_html_fetches_nothing_and_says_what_the_text_says(browser, person):
    for message in every_mail(browser, person, {}):
        form = html(message)
        assert not re.search(r"<(img|link|script|iframe|form|object|base)\b|url\(|@import|\bon\w+=", form)
        assert message.subject in unescape(form)
        for code in codes_in(message.body):
            assert code in form and code in message.subject
        links = set(re.findall(r'href="([^"]+)"', form))
        assert links == {word for word in message.body.split() if "://" in word}


def test_mails_say_when_and_from_where(client, person):
    user = person()
    ask_for_reset(client, user.email)
    assert "IP address: 127.0.0.1" in mails(user.email)[0].body and "UTC" in mails(user.email)[0].body


def test_times_are_in_the_readers_zone(client, person):
    user = person(zoneinfo="Asia/Tokyo")
    ask_for_reset(client, user.email)
    assert "JST" in mails(user.email)[0].body and "JST" in html(mails(user.email)[0])


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_HOST": "127.0.0.1:8000"},
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"HTTP_FORWARDED": "host=evil.example;proto=https"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_ORIGIN": "http://localhost"},
    ],
    ids=str,
)
def test_links_lead_to_the_issuer(browser, person, headers):
    user = person("known@example.com")
    sign_up(browser(), user.email, **headers)
    one = browser()
    one.post("/accounts/signup/", {"email": user.email, "password1": PASSWORD}, **headers)
    one.post("/accounts/password/reset/", {"email": "nobody@example.com"}, **headers)
    for message in mails(user.email) + mails("nobody@example.com"):
        links = [word for word in message.body.split() if "://" in word]
        assert links and all(link.startswith("http://localhost:8000") for link in links)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost@evil.example", "localhost:80@evil.example", "localhost evil", ""]
)
def test_another_host_is_refused(client, person, host):
    user = person()
    answer = client.post("/accounts/password/reset/", {"email": user.email}, HTTP_HOST=host, SERVER_NAME="evil.example")
    assert answer.status_code == 400
    assert not mails(user.email)


@pytest.mark.parametrize(
    "email", ["a@example.com\r\nBcc: b@example.net", "a@example.com\nSubject: x", "a@example.com,b@c.de"]
)
def test_no_header_can_be_injected(client, email):
    for path, field in (
        ("/accounts/password/reset/", "email"),
        ("/accounts/signup/", "email"),
        ("/accounts/login/", "login"),
    ):
        assert client.post(path, {field: email, "password1": PASSWORD, "password": PASSWORD}).status_code == 200
    from django.core import mail

    assert mail.outbox == []


def test_in_development_mail_goes_to_a_file_and_the_log(tmp_path, settings, caplog):
    from django.core.mail import EmailMessage, get_connection

    settings.EMAIL_FILE_PATH = str(tmp_path)
    connection = get_connection("accounts.mail.FileAndLogBackend")
    message = EmailMessage("Subject", "Body text", "a@example.com", ["b@example.com"])
    assert connection.send_messages([message]) == 1
    assert "Body text" in next(tmp_path.iterdir()).read_text() and "Body text" in caplog.text


def test_a_mail_server_that_is_down_is_no_fault_of_the_pages(client, person, settings, caplog):
    """The same answer as for an address that nobody has, and the operator's log says why nothing came."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    user = person()
    for path in ("/accounts/password/reset/", "/accounts/login/code/"):
        answers = [client.post(path, {"email": email}).status_code for email in (user.email, "nobody@example.com")]
        assert answers == [302, 302], path
    assert "mail_not_sent" in caplog.text
