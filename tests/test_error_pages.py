"""Pages that tell what went wrong: a plain title, a safe way on, what support asks for, and nothing of the inside."""

import re

import pytest
from django.test import Client

from accounts.pages import too_many_requests
from authcenter.urls import handler500

pytestmark = pytest.mark.django_db


def judged(response, status, title):
    page = response.content.decode()
    assert response.status_code == status and f"<h1>{title}</h1>" in page
    assert 'href="/account/"' in page and 'name="robots" content="noindex"' in page
    assert "<details" in page and re.search(r"[0-9a-f]{16}", page), "no request id"
    return page


def test_404_403_and_400_say_what_is_wrong_and_lead_on(client, person, sign_in):
    page = judged(client.get("/no/such/page", HTTP_X_REQUEST_ID=""), 404, "There is nothing here")
    assert "Go to the sign-in page" in page
    sign_in(client, person())
    assert "Go to your account" in judged(client.get("/no/such/page"), 404, "There is nothing here")
    judged(client.get("/admin/"), 403, "You may not do that")


def test_an_error_page_speaks_the_persons_language(client):
    page = client.get("/no/such/page", HTTP_ACCEPT_LANGUAGE="ar").content.decode()
    assert '<html lang="ar" dir="rtl"' in page


def test_a_500_rests_on_nothing_and_names_its_request(rf):
    request = rf.get("/")
    request.request_id = "0123456789abcdef"
    page = judged(handler500(request), 500, "Something went wrong")
    assert "Traceback" not in page


def test_a_request_of_an_application_that_cannot_be_answered_has_its_code_in_the_details(client):
    page = judged(client.get("/oauth/authorize?client_id=nobody"), 400, "This sign-in request does not work")
    inside = page[page.index("<details") : page.index("</details>")]
    assert "invalid_request" in inside or "invalid_client" in inside
    assert "invalid_" not in page.replace(inside, "")


@pytest.mark.parametrize(
    ("wait", "said"), [(1, "Wait a minute"), (60, "Wait a minute"), (61, "Wait 2 minutes"), (600, "Wait 10 minutes")]
)
def test_rfc6585_4_a_429_says_how_long_to_wait(rf, client, wait, said):
    request = client.get("/accounts/login/").wsgi_request
    answer = too_many_requests(request, wait)
    assert answer.status_code == 429 and answer["Retry-After"] == str(wait)
    assert said in answer.content.decode()


def test_a_form_without_its_token_says_what_to_do(client):
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    judged(strict.post("/accounts/signup/", {"email": "a@b.test"}), 403, "This page was open too long")
