"""Pairwise subjects (OpenID Connect Core section 8): nobody can compare notes, and everything still ends."""

import pytest
from django.core.exceptions import ValidationError

from authcenter.sessions.models import Revocation
from authcenter.sessions.revocation import end_all_of_user
from tests.oauth.flow import answer, as_app, assert_bearer_401, claims, refresh, tokens, userinfo


@pytest.fixture
def secretive(web):
    web.row.subject_type = "pairwise"
    web.row.full_clean()
    web.row.save()
    return web


def test_core_8_1_one_name_for_a_sector_and_another_elsewhere(secretive, web2, alice, browser):
    first = tokens(secretive, alice, browser, scope="openid offline_access")
    name = claims(first["id_token"])["sub"]
    assert name != str(alice.pk) and len(name) <= 255
    assert claims(first["access_token"])["sub"] == name == userinfo(first["access_token"]).json()["sub"]
    again = tokens(secretive, alice, browser)
    assert (
        claims(again["id_token"])["sub"]
        == name
        == claims(refresh(secretive, first["refresh_token"]).json()["id_token"])["sub"]
    )
    assert claims(tokens(web2, alice, browser)["id_token"])["sub"] == str(alice.pk)
    web2.row.subject_type = "pairwise"
    web2.row.save()
    assert claims(tokens(web2, alice, browser)["id_token"])["sub"] not in {name, str(alice.pk)}
    web2.row.redirect_uris = "https://rp1.test/second"
    web2.row.save()
    web2.redirect_uri = "https://rp1.test/second"
    assert claims(tokens(web2, alice, browser)["id_token"])["sub"] == name


def test_nothing_of_the_application_names_the_person_otherwise(secretive, alice, browser):
    got = tokens(secretive, alice, browser, scope="openid profile offline_access")
    seen = str([claims(got["id_token"]), claims(got["access_token"]), userinfo(got["access_token"]).json()])
    for token in (got["access_token"], got["refresh_token"]):
        seen += as_app(secretive, "/oauth/introspect", {"token": token}).content.decode()
    assert str(alice.pk) not in seen


def test_a_hint_and_a_subject_are_of_her_name_there(secretive, alice, bob, browser):
    hint = tokens(secretive, alice, browser)["id_token"]
    assert "code" in answer(browser.authorize(secretive, prompt="none", id_token_hint=hint)["Location"])
    browser.http.cookies.clear()
    browser.enter(bob)
    response = browser.authorize(secretive, prompt="none", id_token_hint=hint)
    assert answer(response["Location"])["error"] == "login_required"


def test_everything_of_a_person_ends_under_each_name(secretive, alice, browser):
    got = tokens(secretive, alice, browser, scope="openid offline_access")
    name = claims(got["access_token"])["sub"]
    end_all_of_user(alice.pk, reason="test")
    assert_bearer_401(userinfo(got["access_token"]))
    assert not as_app(secretive, "/oauth/introspect", {"token": got["access_token"]}).json()["active"]
    rows = Revocation.objects.filter(kind="user").values_list("subject", "epoch")
    assert set(rows) == {(str(alice.pk), 1), (name, 1)}


def test_core_8_1_several_hosts_need_a_sector(web):
    web.row.subject_type, web.row.redirect_uris = "pairwise", "https://a.test/cb https://b.test/cb"
    with pytest.raises(ValidationError, match="sector_identifier_uri"):
        web.row.full_clean()
    web.row.sector_identifier_uri = "https://sector.test/uris.json"
    web.row.full_clean()
    assert web.row.sector == "sector.test"
