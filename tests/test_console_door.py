"""The console's door: the sign-in page of everybody, and nothing else."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", "/admin/audit/auditevent/"])
def test_a_stranger_is_sent_to_the_account_sign_in(client, path):
    page = client.get(path, follow=True)
    assert page.redirect_chain[-1][0] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_login_address_has_no_form_of_its_own(client, person, method):
    person("root@example.com", is_staff=True, is_superuser=True)
    data = {"username": "root@example.com", "password": "correct horse battery 7"} if method == "post" else {}
    answer = getattr(client, method)("/admin/login/", data)
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/admin/"
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("onward", ["//evil.test", "https://evil.test/", "javascript:alert(1)", "/\\evil.test"])
def test_next_stays_on_this_server(client, onward):
    answer = client.get("/admin/login/", {"next": onward})
    assert answer["Location"] == "/accounts/login/?next=/admin/"


def test_an_operator_comes_back_to_where_he_wanted(client, person, sign_in):
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True))
    answer = client.get("/admin/login/", {"next": "/admin/accounts/user/"})
    assert answer["Location"] == "/admin/accounts/user/"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/accounts/user/", "/admin/nothing/"])
def test_somebody_who_is_no_operator_is_refused_plainly(client, person, sign_in, path, method):
    sign_in(client, person())
    assert getattr(client, method)(path).status_code == 403


def test_a_disabled_operator_is_a_stranger(client, person, sign_in):
    root = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, root)
    assert client.get("/admin/").status_code == 200
    root.is_active = False
    root.save()
    assert client.get("/admin/").status_code == 302


def test_signing_out_ends_the_session_row(client, person, sign_in):
    from authcenter.sessions.models import Session

    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True))
    assert client.get("/admin/logout/")["Location"] == "/accounts/logout/"
    assert client.post("/admin/logout/").status_code == 302
    assert Session.objects.get().ended is not None
    assert client.get("/admin/").status_code == 302


def test_the_password_is_changed_on_the_account_page(client, person, sign_in):
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True))
    assert client.get("/admin/password_change/")["Location"] == "/accounts/password/change/"
    assert client.post("/admin/password_change/", {"old_password": "x"})["Location"] == "/accounts/password/change/"


def test_a_post_from_another_site_is_refused(person, sign_in):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    root = person("root@example.com", is_staff=True, is_superuser=True)
    plain = Client(HTTP_HOST="localhost")
    sign_in(plain, root)
    strict.cookies = plain.cookies
    answer = strict.post(f"/admin/accounts/user/{root.pk}/revoke/", {"confirmed": "yes"})
    assert answer.status_code == 403


def test_every_list_and_form_opens_for_a_superuser(client, person, application, sign_in):
    from authcenter.console.site import site
    from authcenter.oauth.models import Authorization
    from authcenter.sessions.revocation import end_all_of_user

    root = person("root@example.com", is_staff=True, is_superuser=True)
    alice = person()
    app, _secret = application()
    Authorization.objects.create(user=alice, application=app, scopes=["openid"])
    end_all_of_user(alice.pk, reason="a test")
    sign_in(client, root)
    assert client.get("/admin/").status_code == 200
    for model, model_admin in site._registry.items():
        here = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert client.get(here, follow=True).status_code == 200, here  # the branding has no list
        assert client.get(here, {"q": "alice@example.com"}, follow=True).status_code == 200, here
        if (first := model.objects.first()) is not None:
            assert client.get(model_admin.address_of(first)).status_code == 200, here
            assert client.get(model_admin.address_of(first).replace("change", "history")).status_code == 200, here


@pytest.mark.parametrize("rubbish", ["x", "00000000-0000-0000-0000-000000000000", "%00", "9" * 60, "..%2f"])
def test_rubbish_in_an_address_is_no_server_error(client, person, sign_in, rubbish):
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True))
    for path in ("accounts/user", "oauth/application", "signins/session", "keys/key", "signins/revocation"):
        assert client.get(f"/admin/{path}/{rubbish}/change/").status_code in {302, 404}
        assert client.get(f"/admin/{path}/", {"q": rubbish}).status_code == 200
        assert client.get(f"/admin/{path}/", {"alive": rubbish, "pk": rubbish}).status_code in {200, 302}
    for action in ("accounts/user/%s/revoke/", "signins/session/%s/end/", "keys/key/%s/revoke/"):
        assert client.post(f"/admin/{action % rubbish}", {"confirmed": "yes"}).status_code == 404
