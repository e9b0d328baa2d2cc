"""Back-Channel and Front-Channel Logout 1.0: the applications of a session hear of its end."""

import time
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from django.utils import timezone

from authcenter.keys.ring import ring
from authcenter.outbox.models import Delivery
from authcenter.outbox.sending import serve
from authcenter.sessions import participants
from authcenter.sessions.models import Participant, Session
from authcenter.sessions.participants import EVENT, changed
from authcenter.sessions.revocation import end_all_but, end_all_of_user, end_session
from tests.oauth.flow import Browser, answer, claims, refresh, tokens
from tests.receiver import listener


@pytest.fixture
def heard():
    with listener() as there, override_settings(OUTBOUND_ALLOWED=["127.0.0.0/8"]):
        there.status = 200
        yield there


@pytest.fixture
def told(web, heard):
    web.row.backchannel_logout_uri = heard.url
    web.row.save()
    return web


def logout_tokens(app, heard):
    serve(app.id)
    return [parse_qs(body.decode(), strict_parsing=True)["logout_token"][0] for _headers, body in heard.got]


def test_backchannel_2_4_and_2_5_the_logout_token(told, heard, alice, browser):
    got = tokens(told, alice, browser)
    assert end_session(browser.sid, reason="test")
    [token] = logout_tokens(told, heard)
    assert heard.got[0][0]["content-type"] == "application/x-www-form-urlencoded"
    said = ring.verify(token, typ=["logout+jwt"])
    assert said.keys() == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}, "section 2.4: never a nonce"
    assert said["iss"] == django_settings.ISSUER and said["aud"] == told.id
    assert said["sub"] == claims(got["id_token"])["sub"] and said["sid"] == claims(got["id_token"])["sid"]
    assert said["events"] == {EVENT: {}}
    assert abs(said["iat"] - time.time()) < 60 and 0 < said["exp"] - said["iat"] <= 120
    assert claims(token, 0)["alg"] == claims(got["id_token"], 0)["alg"]


@pytest.mark.parametrize("act", ["local", "by_the_application", "everywhere", "elsewhere"])
def test_every_way_out_tells(told, heard, alice, browser, act):
    got, sid = tokens(told, alice, browser), browser.sid
    if act == "local":
        browser.open("/accounts/logout/").submit("csrfmiddlewaretoken", press="x")
    elif act == "by_the_application":
        browser.get(f"/oauth/logout?id_token_hint={got['id_token']}")
    elif act == "everywhere":
        end_all_of_user(alice.pk, reason="test")
    else:
        end_all_but(None, alice.pk, reason="test")
    assert len(logout_tokens(told, heard)) == 1
    assert end_session(sid, reason="again") is False and len(logout_tokens(told, heard)) == 1


def test_each_session_that_ends_and_no_other(told, heard, alice, bob):
    here, there, another = Browser(), Browser(), Browser()
    for browser, person in ((here, alice), (there, alice), (another, bob)):
        tokens(told, person, browser)
    end_all_but(here.sid, alice.pk, reason="test")
    assert [claims(token)["sid"] for token in logout_tokens(told, heard)] == [there.sid]
    end_all_of_user(alice.pk, reason="test")
    assert [claims(token)["sid"] for token in logout_tokens(told, heard)] == [there.sid, here.sid]


def test_who_took_no_part_is_not_told(told, heard, web2, alice, browser):
    tokens(web2, alice, browser)
    end_session(browser.sid, reason="test")
    assert not logout_tokens(told, heard) and not Delivery.objects.exists() and not Participant.objects.exists()


def test_an_application_that_signs_in_twice_is_told_once(told, heard, alice, browser):
    tokens(told, alice, browser)
    tokens(told, alice, browser)
    end_session(browser.sid, reason="test")
    assert len(logout_tokens(told, heard)) == 1


def test_pairwise_names_go_out(told, heard, alice, browser):
    told.row.subject_type = "pairwise"
    told.row.save()
    name = claims(tokens(told, alice, browser)["id_token"])["sub"]
    end_session(browser.sid, reason="test")
    [token] = logout_tokens(told, heard)
    assert claims(token)["sub"] == name != str(alice.pk)


def test_lo_11_a_receiver_that_is_down_is_asked_again_with_a_token_of_then(told, heard, alice, browser):
    tokens(told, alice, browser)
    heard.status = 503
    end_session(browser.sid, reason="test")
    assert len(logout_tokens(told, heard)) == 1
    waiting = Delivery.objects.get()
    assert waiting.kind == "logout" and waiting.attempts == 1 and "503" in waiting.last_error
    heard.status = 204
    Delivery.objects.update(next_at=waiting.created)
    first, second = logout_tokens(told, heard)
    assert claims(first)["jti"] == claims(second)["jti"] and claims(second)["exp"] >= claims(first)["exp"]
    assert Delivery.objects.get().delivered


def test_what_waits_follows_the_address_and_stops_where_it_is_taken_away(told, heard, alice, browser):
    tokens(told, alice, browser)
    end_session(browser.sid, reason="test")
    told.row.backchannel_logout_uri = "https://rp1.test/out"
    changed(told.row)
    assert Delivery.objects.get().target == "https://rp1.test/out"
    told.row.backchannel_logout_uri = ""
    changed(told.row)
    assert Delivery.objects.get().given_up and not logout_tokens(told, heard)


def test_nothing_is_written_where_the_act_fails(told, heard, alice, browser):
    from django.db import transaction

    tokens(told, alice, browser)
    with pytest.raises(RuntimeError), transaction.atomic():
        end_session(browser.sid, reason="test")
        raise RuntimeError
    assert not Delivery.objects.exists() and Session.objects.get().ended is None


# --- Front channel --------------------------------------------------------------------------------------------


@pytest.fixture
def framed(web):
    web.row.frontchannel_logout_uri = "https://rp1.test/out?x=1"
    web.row.save()
    return web


def frame(page):
    text = page.content.decode()
    return text.split('<iframe src="')[1].split('"')[0].replace("&amp;", "&")


def test_frontchannel_3_a_frame_with_iss_and_sid_then_onward(framed, alice, browser):
    got = tokens(framed, alice, browser)
    sid = browser.sid
    back = "https://rp1.test/bye"
    browser.open(f"/oauth/logout?id_token_hint={got['id_token']}&post_logout_redirect_uri={back}&state=s")
    page, address = browser.page, urlsplit(frame(browser.page))
    assert (address.netloc, address.path) == ("rp1.test", "/out")
    assert dict(parse_qsl(address.query)) == {"x": "1", "iss": django_settings.ISSUER, "sid": sid}
    assert "frame-src https://rp1.test" in page["Content-Security-Policy"]
    assert f'href="{back}?state=s"' in page.content.decode()
    assert "code" not in answer(browser.authorize(framed, prompt="none")["Location"])
    assert "iframe" not in browser.get("/accounts/signing-out/").content.decode()


def test_frontchannel_2_without_a_session_where_none_is_wanted(framed, alice, browser):
    framed.row.frontchannel_logout_session_required = False
    framed.row.save()
    got = tokens(framed, alice, browser)
    browser.open(f"/oauth/logout?id_token_hint={got['id_token']}")
    assert frame(browser.page) == "https://rp1.test/out?x=1"
    assert 'href="/oauth/logout/done"' in browser.page.content.decode()


def test_the_local_sign_out_shows_the_frames_too(framed, alice, browser):
    tokens(framed, alice, browser)
    browser.open("/accounts/logout/").submit("csrfmiddlewaretoken", press="x")
    assert browser.at == "/accounts/signing-out/" and frame(browser.page).startswith("https://rp1.test/out")
    assert 'href="/accounts/login/"' in browser.page.content.decode()


def test_no_frames_no_page(web, alice, browser):
    tokens(web, alice, browser)
    browser.open("/accounts/logout/").submit("csrfmiddlewaretoken", press="x")
    assert browser.at.startswith("/accounts/login/")
    assert "frame-src" not in browser.page["Content-Security-Policy"]


# --- What the person sees of it ---


@pytest.fixture
def both_ways(framed):
    framed.row.backchannel_logout_uri = "https://rp1.test/logout"
    framed.row.save()
    return framed


def test_the_question_names_who_asks_and_who_is_told(both_ways, alice, browser):
    tokens(both_ways, alice, browser)
    browser.open(f"/oauth/logout?client_id={both_ways.row.client_id}")
    page = browser.page.content.decode()
    assert "Web asks for it." in page and "These apps are told" in page and "<li><bdi>Web</bdi></li>" in page
    assert 'name="everywhere"' in page and "checked" not in page


def test_afterwards_she_reads_once_who_was_told_and_whether_they_heard(both_ways, alice, browser):
    tokens(both_ways, alice, browser)
    browser.open("/oauth/logout").submit("confirm", press="confirm")
    assert "<li><bdi>Web</bdi></li>" in browser.page.content.decode()
    waiting = Delivery.objects.get(kind="logout")
    waiting.attempts, waiting.delivered = 1, timezone.now()
    waiting.save()
    done = browser.get("/oauth/logout/done").content.decode()
    assert "Apps that were told" in done and "has confirmed" in done
    assert "Apps that were told" not in browser.get("/oauth/logout/done").content.decode()


def test_it_says_so_where_an_application_has_not_heard(web, alice, browser):
    web.row.backchannel_logout_uri = "https://rp1.test/logout"
    web.row.save()
    tokens(web, alice, browser)
    page = browser.open("/oauth/logout").submit("confirm", press="confirm").page.content.decode()
    assert "You are signed out" in page and "is being told" in page
    waiting = Delivery.objects.get(kind="logout")
    Delivery.objects.update(attempts=1)
    session = waiting.message["claims"]["sid"]
    assert participants.confirmed(session, web.row.client_id) is False
    assert participants.confirmed("another", web.row.client_id) is None


def test_everywhere_ends_her_other_sign_ins_and_offline_access_too(web, alice, browser):
    other = Browser().enter(alice)
    held = tokens(web, alice, browser, scope="openid offline_access", prompt="consent")
    browser.open("/oauth/logout")
    browser.follow(browser.post_form(browser.form("confirm"), "confirm", everywhere="1"))
    assert other.get("/account/").status_code == 302
    assert refresh(web, held["refresh_token"]).status_code == 400


def test_without_everywhere_her_other_sign_ins_stay(web, alice, browser):
    other = Browser().enter(alice)
    browser.enter(alice).open("/oauth/logout").submit("confirm", press="confirm")
    assert other.get("/account/").status_code == 200
    assert browser.get("/account/").status_code == 302
