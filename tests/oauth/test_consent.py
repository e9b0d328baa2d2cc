"""/oauth/consent: what a person agrees to is what is granted; nobody else can answer for her."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import API, Application, Authorization, Grant, Scope
from authcenter.oauth.withdrawal import withdraw
from authcenter.sessions.models import Session
from tests.oauth.flow import HOST, Browser, answer, assert_page, assert_redirect, claims, redeem, stored


@pytest.fixture
def asked(web, alice, browser):
    """Alice at the consent page."""
    browser.ask(web, scope="openid email orders:read", state="s").sign_in(alice)
    assert browser.form("allow")
    return browser


def test_what_is_allowed_is_stored_once_and_not_asked_again(web, alice, asked):
    asked.allow()
    living = Authorization.objects.get()
    assert living.user == alice and living.application == web.row and living.withdrawn is None
    assert set(living.scopes) == {"openid", "email", "orders:read"}
    assert AuditEvent.objects.get(kind="consent_given").subject == str(living.pk)
    asked.ask(web, scope="openid email")
    assert answer(asked.left_to)["code"]
    assert Authorization.objects.count() == 1


def test_new_scopes_are_asked_and_extend_the_one_authorization(web, alice, asked):
    asked.allow()
    asked.ask(web, scope="openid orders:write")
    assert not asked.left_to and asked.form("allow")
    asked.allow()
    assert set(Authorization.objects.get().scopes) == {"openid", "email", "orders:read", "orders:write"}


def test_az_64_what_is_granted_is_what_the_page_showed(web, asked):
    page = asked.page.content.decode()
    assert "alice@example.test" in page and "See your orders" in page and "Place orders" not in page
    got = redeem(web, _code(asked)).json()
    assert set(got["scope"].split()) == {"openid", "email", "orders:read"}
    assert set(claims(got["access_token"])["scope"].split()) == {"openid", "email", "orders:read"}


def test_az_64_the_answer_cannot_change_what_was_asked(web, asked):
    form = asked.form("allow")
    form.fields |= {"scope": "openid orders:write", "client_id": "x", "redirect_uri": "https://evil.test"}
    asked.follow(asked.post_form(form, "allow", resource="https://evil.test"))
    assert asked.left_to.startswith(web.redirect_uri)
    assert redeem(web, answer(asked.left_to)["code"]).json()["scope"] == "openid email orders:read"


def test_offline_access_is_dropped_where_the_application_may_not_have_it(spa, alice, browser):
    browser.ask(spa, scope="openid offline_access").sign_in(alice).allow()
    assert redeem(spa, answer(browser.left_to)["code"]).json()["scope"] == "openid"


def test_az_52_deny_is_final(web, asked):
    before = stored()
    form = asked.form("deny")
    told = assert_redirect(asked.post_form(form, "deny"), web, "access_denied", state="s")
    assert told["iss"] == settings.ISSUER
    assert AuditEvent.objects.get(kind="consent_denied").client_id == web.id
    assert_page(asked.post_form(form, "allow"))
    assert stored() == before


def test_az_52_allow_works_once(web, asked):
    form = asked.form("allow")
    asked.follow(asked.post_form(form, "allow"))
    assert answer(asked.left_to)["code"]
    assert_page(asked.post_form(form, "allow"))
    assert_page(asked.post_form(form, "deny"))
    assert Grant.objects.count() == 1


def test_deny_with_allow_beside_it_is_no(web, asked):
    assert_redirect(asked.post_form(asked.form("deny"), "deny", allow="1"), web, "access_denied")


def test_neither_button_shows_the_page_again(web, asked):
    before = stored()
    asked.follow(asked.post_form(asked.form("allow")))
    assert asked.form("allow") and stored() == before


def test_az_23_rfc9700_4_12_never_307(web, asked):
    asked.allow()
    assert {status for _path, status in asked.seen} <= {200, 302, 303}
    assert asked.seen[-1][1] in {302, 303}


# --- Forgery --------------------------------------------------------------------------------------------------


def _cookies(browser: Browser, **headers: str) -> Client:
    client = Client(enforce_csrf_checks=True, HTTP_HOST=HOST, headers=headers)
    client.cookies.update(browser.http.cookies)
    return client


@pytest.mark.parametrize("token", [None, "", "x" * 64, "other"])
def test_az_49_rfc6749_10_12_no_answer_without_the_token_of_the_page(web, bob, asked, token):
    if token == "other":
        token = Browser().ask(web).sign_in(bob).form("allow").fields["csrfmiddlewaretoken"]
    data = {"txn": asked.form("allow").fields["txn"], "allow": "1"}
    before = stored()
    response = _cookies(asked).post("/oauth/consent", data | ({} if token is None else {"csrfmiddlewaretoken": token}))
    assert response.status_code == 403
    assert stored() == before


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://localhost.evil.test"])
def test_az_49_no_answer_from_another_origin(web, asked, origin):
    form, before = asked.form("allow"), stored()
    response = _cookies(asked, Origin=origin).post("/oauth/consent", {**form.fields, "allow": "1"})
    assert response.status_code == 403 and stored() == before


def test_az_49_no_answer_by_get(web, asked):
    before, txn = stored(), asked.form("allow").fields["txn"]
    response = asked.get(f"/oauth/consent?txn={txn}&allow=1")
    assert response.status_code == 200 and stored() == before


def test_az_49_switching_the_account_needs_the_token_too(web, asked):
    before, txn = stored(), asked.form("allow").fields["txn"]
    assert _cookies(asked).post("/oauth/switch-account", {"txn": txn}).status_code == 403
    assert asked.get(f"/oauth/switch-account?txn={txn}").status_code == 405
    assert stored() == before


def test_consent_counts_only_for_whom_the_page_was_shown(web, alice, bob, asked):
    """In one browser alice saw the page and bob signed in over her: his answer to her page shows him his own."""
    form = asked.form("allow")
    session = asked.http.session
    entry = next(iter(session["authorize"].values()))
    entry["shown_to"] = str(bob.pk)
    session["authorize"] = {entry["key"]: entry}
    session.save()
    before = stored()
    asked.follow(asked.post_form(form, "allow"))
    assert asked.at.startswith("/oauth/consent") and asked.page.status_code == 200 and stored() == before


def test_an_answer_without_a_page_that_was_shown_shows_it(web, alice, browser):
    """A token from another page and a guessed key are not consent."""
    browser.sign_in(alice)
    response = browser.authorize(web)
    txn = response["Location"].split("txn=")[1]
    token = browser.open("/accounts/logout/").forms()[0].fields["csrfmiddlewaretoken"]
    response = browser.http.post("/oauth/consent", {"txn": txn, "allow": "1", "csrfmiddlewaretoken": token})
    assert response.status_code == 302 and response["Location"].startswith("/oauth/consent?")
    assert not Grant.objects.exists() and not Authorization.objects.exists()


def test_a_signed_out_person_cannot_consent(web, alice, asked):
    from authcenter.sessions.revocation import end_session

    form = asked.form("allow")
    end_session(asked.sid, reason="test")
    before = stored()
    asked.follow(asked.post_form(form, "allow"))
    assert asked.at.startswith("/accounts/login") and stored() == before


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_az_65_other_methods(browser, db, method):
    assert getattr(browser.http, method)("/oauth/consent").status_code in {403, 405}


# --- Who is asked when ----------------------------------------------------------------------------------------


def test_az_47_prompt_consent_asks_though_granted(web, alice, browser):
    browser.code(web, alice)
    browser.ask(web, prompt="consent")
    assert not browser.left_to and browser.form("allow")
    browser.allow()
    assert answer(browser.left_to)["code"]


def test_first_party_is_not_asked_about_but_has_an_authorization(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(skip_authorization=True)
    browser.ask(web).sign_in(alice)
    assert answer(browser.left_to)["code"]
    assert Authorization.objects.get().scopes == ["openid"]


def test_first_party_with_prompt_consent_is_asked_about(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(skip_authorization=True)
    browser.ask(web, prompt="consent").sign_in(alice)
    assert browser.form("allow")


@pytest.mark.parametrize("uri", ["com.example.app:/cb", "http://127.0.0.1:5555/cb"])
def test_az_51_rfc8252_8_6_a_native_application_is_asked_about_each_time(native, alice, browser, uri):
    browser.code(native, alice, redirect_uri=uri)
    browser.ask(native, redirect_uri=uri)
    assert not browser.left_to and browser.form("allow")
    is_page_or_question = browser.authorize(native, redirect_uri=uri, prompt="none")
    assert "error=consent_required" in is_page_or_question["Location"]


def test_a_withdrawn_authorization_is_never_revived(web, alice, browser):
    browser.code(web, alice, scope="openid email")
    first = Authorization.objects.get()
    assert withdraw(first.pk, reason="test") and not withdraw(first.pk, reason="test")
    browser.code(web, alice, scope="openid")
    second = Authorization.objects.get(withdrawn=None)
    assert second.pk != first.pk and second.scopes == ["openid"]


def test_consent_of_one_person_is_not_another_s(web, alice, bob, browser):
    browser.code(web, alice)
    other = Browser()
    other.ask(web).sign_in(bob)
    assert other.form("allow")


def test_a_resource_is_part_of_what_was_granted(web, alice, browser):
    browser.ask(web, scope="openid orders:read", resource="https://orders.test/").sign_in(alice)
    assert [api.name for api in browser.page.context["resources"]] == ["Orders"]
    browser.allow()
    assert Authorization.objects.get().resources == ["https://orders.test/"]


def test_switching_the_account_goes_on_with_the_same_request(web, alice, bob, asked):
    first = asked.sid
    form = next(form for form in asked.forms() if form.action.endswith("/oauth/switch-account"))
    asked.follow(asked.post_form(form))
    assert asked.at.startswith("/accounts/choose/"), "who is there stays signed in beside the next"
    another = next(form for form in asked.forms() if form.action.endswith("/accounts/choose/another/"))
    asked.follow(asked.post_form(another))
    asked.sign_in(bob)
    assert not Session.objects.get(pk=first).ended
    assert asked.sid != first
    asked.allow()
    told = answer(asked.left_to)
    assert told["state"] == "s"
    assert claims(redeem(web, told["code"]).json()["id_token"])["sub"] == str(bob.pk)


# --- The application changes meanwhile ------------------------------------------------------------------------


def test_an_application_disabled_at_the_last_moment_gets_nothing(web, asked):
    form, before = asked.form("allow"), stored()
    Application.objects.filter(pk=web.row.pk).update(is_active=False)
    asked.follow(asked.post_form(form, "allow"))
    assert_page(asked.page)
    assert stored() == before


def test_a_scope_taken_away_at_the_last_moment_is_not_granted(web, asked):
    form, before = asked.form("allow"), stored()
    web.row.scopes.clear()
    asked.follow(asked.post_form(form, "allow"))
    assert answer(asked.left_to)["error"] == "invalid_scope"
    assert stored() == before


def test_an_api_disabled_at_the_last_moment_is_not_granted(web, asked):
    form = asked.form("allow")
    API.objects.filter(identifier="https://orders.test/").update(is_active=False)
    asked.follow(asked.post_form(form, "allow"))
    assert answer(asked.left_to)["error"] == "invalid_scope"


def test_a_redirect_uri_taken_away_at_the_last_moment_is_not_called(web, asked):
    form = asked.form("allow")
    Application.objects.filter(pk=web.row.pk).update(redirect_uris="https://rp1.test/new")
    asked.follow(asked.post_form(form, "allow"))
    assert_page(asked.page)


# --- The page -------------------------------------------------------------------------------------------------

BAD = "<img src=x onerror=alert(1)>"


def test_az_54_names_and_texts_are_escaped(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(name=BAD, publisher=BAD)
    Scope.objects.filter(name="orders:read").update(title=BAD, description=BAD)
    alice.name = BAD
    alice.save()
    browser.ask(web, scope="openid profile orders:read", state=BAD).sign_in(alice)
    page = browser.page.content.decode()
    assert BAD not in page and "&lt;img" in page


@pytest.mark.parametrize("bad", [BAD, '"><script>x</script>', "{{ 7*7 }}", "'-alert(1)-'"])
def test_az_54_the_error_page_shows_nothing_of_the_request(browser, db, bad):
    response = browser.http.get("/oauth/authorize", {"client_id": bad, "state": bad, "redirect_uri": bad})
    assert_page(response)
    assert bad not in response.content.decode() and "49" not in response.content.decode().split("<code>")[0][-200:]


def test_az_48_tr_02_headers_of_the_pages(web, alice, browser):
    browser.ask(web)
    pages = [browser.page]
    pages.append(browser.sign_in(alice).page)
    pages.append(Browser().get("/oauth/authorize?client_id=x"))
    pages.append(Browser().get("/oauth/logout"))
    for page in pages:
        policy = page["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy and "unsafe-inline" not in policy and "default-src 'none'" in policy
        assert page["X-Frame-Options"] == "DENY"
        assert page["X-Content-Type-Options"] == "nosniff"
        assert page["Referrer-Policy"] in {"no-referrer", "same-origin"}
        assert page["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in page["Permissions-Policy"]
        assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize(
    "next_to",
    [
        "//evil.test",
        "/\\evil.test",
        "/%09/evil.test",
        "https:evil.test",
        "javascript:1",
        "https://evil.test/",
        "///evil.test",
    ],
)
def test_az_22_next_after_sign_in_stays_here(alice, browser, next_to):
    response = browser.open("/accounts/login/?" + "next=" + next_to)
    assert response.page.status_code == 200
    answered = browser.post_form(browser.form("login"), login=alice.email, password="correct horse battery staple")
    assert answered.status_code in {302, 303}
    assert answered["Location"].startswith("/") and not answered["Location"].startswith(("//", "/\\"))


def _code(browser: Browser) -> str:
    browser.allow()
    return answer(browser.left_to)["code"]


# --- What may be left out, and who introduced itself ---


@pytest.fixture
def choosy(web):
    """An application whose people may leave out two of its scopes."""
    web.row.optional_scopes = ["email", "orders:write"]
    web.row.save()
    return web


WHOLE = "openid email orders:read orders:write"


def granted(app, browser):
    return set(redeem(app, answer(browser.left_to)["code"]).json()["scope"].split())


def test_rfc6749_5_1_what_is_not_ticked_is_not_granted_and_the_answer_says_so(choosy, alice, browser):
    browser.ask(choosy, scope=WHOLE).sign_in(alice)
    page = browser.page.content.decode()
    assert page.count('type="checkbox" form="answer"') == 2 and " checked>" not in page
    browser.follow(browser.post_form(browser.form("allow"), "allow", scope="email"))
    assert granted(choosy, browser) == {"openid", "email", "orders:read"}
    living = Authorization.objects.get()
    assert "orders:write" not in living.scopes and living.declined == ["orders:write"]


def test_what_was_left_out_is_not_asked_again_unless_the_request_says_so(choosy, alice, browser):
    browser.ask(choosy, scope=WHOLE).sign_in(alice).allow()
    browser.ask(choosy, scope=WHOLE)
    assert granted(choosy, browser) == {"openid", "orders:read"}
    browser.ask(choosy, scope=WHOLE, prompt="consent")
    assert "Place orders" in browser.page.content.decode()
    browser.follow(browser.post_form(browser.form("allow"), "allow", scope="orders:write"))
    assert granted(choosy, browser) == {"openid", "orders:read", "orders:write"}
    assert Authorization.objects.get().declined == ["email"]


def test_a_scope_that_is_optional_no_more_is_asked_for_again(choosy, alice, browser):
    browser.ask(choosy, scope=WHOLE).sign_in(alice).allow()
    choosy.row.optional_scopes = []
    choosy.row.save()
    browser.ask(choosy, scope=WHOLE)
    assert not browser.left_to and browser.form("allow")


def test_who_leaves_out_everything_has_said_no(choosy, alice, browser):
    browser.ask(choosy, scope="orders:write").sign_in(alice).allow()
    assert answer(browser.left_to)["error"] == "access_denied"
    assert not Authorization.objects.exists()


def test_a_tick_grants_nothing_that_was_not_asked_for(choosy, alice, browser):
    browser.ask(choosy, scope="openid email").sign_in(alice)
    browser.follow(browser.post_form(browser.form("allow"), "allow", scope="orders:write"))
    assert granted(choosy, browser) == {"openid"}


def test_offline_access_may_be_left_out_too(web, alice, browser):
    web.row.optional_scopes, web.row.identity_scopes = ["offline_access"], ["openid", "offline_access"]
    web.row.save()
    browser.ask(web, scope="openid offline_access").sign_in(alice)
    assert 'value="offline_access"' in browser.page.content.decode()
    browser.allow()
    assert granted(web, browser) == {"openid"}


@pytest.mark.parametrize(
    ("origin", "client_id", "shown"),
    [("registered", "r1", "rp1.test"), ("document", "https://apps.example/me", "apps.example")],
)
def test_an_application_that_introduced_itself_is_known_by_its_host(
    web, alice, browser, settings, origin, client_id, shown
):
    settings.CLIENT_ID_METADATA_DOCUMENTS = True
    Application.objects.filter(pk=web.row.pk).update(origin=origin, client_id=client_id, name="Your bank")
    web.row.refresh_from_db()
    web.row.document_until = timezone.now() + timedelta(days=1)
    web.row.save()
    browser.ask(web).sign_in(alice)
    page = browser.page.content.decode()
    assert f'<p class="known-by" translate="no"><bdi>{shown}</bdi></p>' in page
    web.row.is_reviewed = True
    web.row.save()
    assert "known-by" not in browser.ask(web).page.content.decode()


def test_a_name_as_long_as_a_page_does_not_push_the_question_away(web, alice, browser):
    Application.objects.filter(pk=web.row.pk).update(name="Bank " * 50)
    page = browser.ask(web).sign_in(alice).page.content.decode()
    assert "Bank " * 13 not in page and "…" in page


def test_nobody_is_urged_to_allow(web, alice, browser):
    page = browser.ask(web).sign_in(alice).page.content.decode()
    buttons = page[page.index('<div class="pair">') :].partition("</div>")[0]
    assert "primary" not in buttons and "autofocus" not in page


def test_an_api_speaks_the_persons_language_where_an_operator_wrote_it(web, alice, browser):
    Scope.objects.filter(name="orders:read").update(translations={"de": {"title": "Deine Bestellungen sehen"}})
    browser.http.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    assert "Deine Bestellungen sehen" in browser.ask(web, scope=WHOLE).sign_in(alice).page.content.decode()
    scope = Scope.objects.get(name="orders:read")
    for wrong in ({"tlh": {"title": "x"}}, {"de": "x"}, {"de": {"name": "x"}}, ["de"]):
        scope.translations = wrong
        with pytest.raises(ValidationError):
            scope.full_clean()


def test_a_person_is_told_by_mail_of_an_application_that_is_new_to_her(
    web, alice, browser, mailoutbox, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        browser.ask(web, scope="openid").sign_in(alice).allow()
    assert any("Web" in mail.body for mail in mailoutbox)
    told = len(mailoutbox)
    with django_capture_on_commit_callbacks(execute=True):
        browser.ask(web, scope="openid email").allow()
    assert len(mailoutbox) == told
