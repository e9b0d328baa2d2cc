"""SIGN_UP: open to anybody, to who is invited, or to nobody; and what an invitation does."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress

from accounts.models import Invitation, User
from authcenter.sessions.models import Session
from tests.accounts.people import is_signed_in, kinds, mails, secret, sign_in, sign_up
from tests.conftest import PASSWORD

WHO = "new@example.com"


@pytest.fixture
def operator(browser, person):
    client = browser()
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True).email)
    session = Session.objects.get()
    session.acr, session.amr = "urn:authcenter:acr:2", ["pwd", "otp", "mfa"]
    session.save()
    return client


def invite(operator, *addresses):
    return operator.post("/admin/accounts/invitation/add/", {"addresses": "\n".join(addresses)})


@pytest.fixture
def link(operator, django_capture_on_commit_callbacks):
    """What the mail to `WHO` leads to."""
    with django_capture_on_commit_callbacks(execute=True):
        assert invite(operator, WHO, "Other@example.com ").status_code == 302
    (mail,) = mails(WHO)
    assert mails("other@example.com")
    found = re.search(r"http://localhost:\d+(/accounts/invitation/\S+/)", mail.body)
    assert found, mail.body
    return found[1]


def finish(client, **more):
    return client.post("/accounts/signup/", {"password1": secret(PASSWORD), **more})


def test_closed_means_nobody(client, settings, db):
    settings.SIGN_UP = "closed"
    page = client.get("/accounts/signup/")
    assert "Sign-up is closed" in page.content.decode()
    sign_up(client, WHO)
    assert not User.objects.exists()


def test_by_invitation_only_says_so(client, settings, db):
    settings.SIGN_UP = "invitation"
    assert "By invitation only" in client.get("/accounts/signup/").content.decode()
    sign_up(client, WHO)
    assert not User.objects.exists()


def test_an_invitation_fixes_the_address_and_proves_it(client, link, settings):
    settings.SIGN_UP = "invitation"
    assert client.get(link)["Location"] == "/accounts/signup/"
    page = client.get("/accounts/signup/").content.decode()
    assert re.search(rf'<input type="email"[^>]*value="{WHO}"[^>]*disabled', page)
    assert finish(client, email="mallory@example.com", is_staff="on").status_code == 302
    user = User.objects.exclude(email="root@example.com").get()
    assert user.email == WHO and not user.is_staff
    assert EmailAddress.objects.get(user=user).verified and is_signed_in(client)
    assert "invitation_accepted" in kinds()


def test_an_invitation_works_once(client, browser, link, settings):
    settings.SIGN_UP = "invitation"
    early = browser()
    early.get(link)
    client.get(link)
    finish(client)
    User.objects.get(email=WHO).delete()
    assert browser().get(link).status_code == 404
    finish(early)
    assert not User.objects.filter(email=WHO).exists()
    assert "By invitation only" in early.get("/accounts/signup/").content.decode()


@pytest.mark.parametrize("act", ["outlived", "withdrawn", "replaced", "closed"])
def test_an_invitation_that_is_over_leads_nowhere(client, link, operator, settings, later, act):
    settings.SIGN_UP = "invitation"
    if act == "outlived":
        later(timedelta(days=14, minutes=1))
    elif act == "withdrawn":
        Invitation.objects.all().delete()
    elif act == "replaced":
        invite(operator, WHO)
    else:
        settings.SIGN_UP = "closed"
    assert client.get(link).status_code == 404
    assert "closed" in client.get("/accounts/signup/").content.decode() or act != "closed"
    finish(client, email=WHO)
    assert not User.objects.filter(email=WHO).exists()


def test_a_made_up_link_leads_nowhere(client, db):
    for token in ("x", "%00", "é", "x" * 5000):
        assert client.get(f"/accounts/invitation/{token}/").status_code == 404


def test_who_has_an_account_signs_in(client, link, person):
    person(WHO)
    assert client.get(link)["Location"] == "/accounts/login/?login_hint=new%40example.com"


def test_the_table_holds_no_token(link):
    token = link.split("/")[-2]
    assert token not in str(list(Invitation.objects.values_list()))


def test_many_are_invited_and_faults_are_told(operator, person):
    person("known@example.com")
    for wrong, told in (
        ("nonsense", "is no e-mail address"),
        ("known@example.com", "have accounts already"),
        ("\n".join(f"a{number}@example.com" for number in range(201)), "At most 200"),
    ):
        page = operator.post("/admin/accounts/invitation/add/", {"addresses": wrong})
        assert page.status_code == 200 and told in page.content.decode(), wrong[:50]
    assert not Invitation.objects.exists()
    invite(operator, "a@example.com", "b@example.com", "A@example.com")
    assert set(Invitation.objects.values_list("email", flat=True)) == {"a@example.com", "b@example.com"}
    assert kinds(kind="invited") == ["invited"] * 2
    listed = operator.get("/admin/accounts/invitation/").content.decode()
    assert "a@example.com" in listed and "open" in listed
