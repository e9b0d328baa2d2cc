"""A stolen copy of the database opens no browser's session and tells no code."""

import json

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session as CookieSession
from django.test import Client

from authcenter.sessions.cookie_store import SessionStore, row_of
from tests.accounts.people import codes

pytestmark = pytest.mark.django_db


def stored() -> str:
    return json.dumps([*CookieSession.objects.values("session_key", "session_data")])


def cookie(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_the_cookie_is_not_in_the_database_and_the_row_is_no_cookie(client, person, sign_in):
    sign_in(client, person())
    row = CookieSession.objects.get()
    assert row.session_key == row_of(cookie(client)) and cookie(client) not in stored()
    thief = Client(HTTP_HOST=client.defaults["HTTP_HOST"])
    thief.cookies[settings.SESSION_COOKIE_NAME] = row.session_key
    assert thief.get("/account/").status_code == 302
    assert client.get("/account/").status_code == 200


def test_a_mailed_code_is_not_in_the_database(client, person):
    user = person()
    client.post("/accounts/password/reset/", {"email": user.email})
    (code,) = codes()
    kept = SessionStore().decode(CookieSession.objects.get().session_data)
    assert code in json.dumps(kept)
    assert code not in stored() and user.email not in stored()


def test_a_row_that_no_key_opens_is_a_strangers(client, person, sign_in):
    sign_in(client, person())
    CookieSession.objects.update(session_data="gAAAAA-not-ours")
    assert client.get("/account/").status_code == 302


def test_signing_out_leaves_no_row(client, person, sign_in):
    sign_in(client, person())
    client.post("/accounts/logout/")
    assert not CookieSession.objects.filter(session_key=row_of(cookie(client))).exists()
    assert client.get("/account/").status_code == 302
