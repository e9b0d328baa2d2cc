"""Applications and APIs in the console: safe defaults, secrets shown once, everything taken back."""

import html
import re

import pytest

from tests.console_pages import confirm, fields, saved, submit

pytestmark = pytest.mark.django_db

KINDS = ("web", "spa", "native", "machine", "device")


@pytest.fixture
def root(person, client, sign_in):
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    return user


def address(app, act="change"):
    return f"/admin/oauth/application/{app.pk}/{act}/"


def shown_secret(page):
    found = re.search(r'id="client_secret"[^>]*value="([^"]+)"', page.content.decode())
    return html.unescape(found[1]) if found else ""


def events(kind):
    from authcenter.audit.models import AuditEvent

    return list(AuditEvent.objects.filter(kind=kind))


def add(client, kind, **more):
    uris = "" if kind in {"machine", "device"} else "https://rp.example/cb"
    return submit(client, "/admin/oauth/application/add/", kind=kind, name=f"My {kind}", redirect_uris=uris, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_made_with_its_defaults(client, root, kind):
    from authcenter.oauth.models import Application
    from authcenter.oauth.registration import DEFAULTS, hashed

    answer = add(client, kind)
    app = Application.objects.get()
    for name, value in DEFAULTS[kind].items():
        assert getattr(app, name) == value, name
    assert app.require_pkce
    assert not app.skip_authorization
    secret = shown_secret(answer)
    assert bool(secret) == (not app.is_public)
    assert app.client_secret == (hashed(secret) if secret else "")


def test_what_is_not_asked_cannot_be_crafted_in(client, root):
    from authcenter.oauth.models import Application

    add(client, "spa", skip_authorization="on", client_type="confidential", require_pkce="", grant_types=["x"])
    app = Application.objects.get()
    assert (app.client_type, app.skip_authorization, app.require_pkce) == ("public", False, True)


def test_a_secret_is_shown_once_and_kept_nowhere(client, root):
    from django.contrib.admin.models import LogEntry
    from django.contrib.sessions.models import Session as CookieSession

    from authcenter.audit.models import AuditEvent
    from authcenter.oauth.models import Application
    from authcenter.sessions.cookie_store import SessionStore

    answer = add(client, "web")
    secret = shown_secret(answer)
    assert len(secret) >= 43
    assert "no-store" in answer["Cache-Control"]
    app = Application.objects.get()
    for path in (
        address(app),
        address(app, "history"),
        address(app, "delete"),
        "/admin/oauth/application/",
        f"/admin/oauth/application/?q={app.client_id}",
        "/admin/audit/auditevent/",
        "/admin/",
    ):
        page = client.get(path).content.decode()
        assert secret not in page
        assert app.client_secret not in page
    assert secret not in str(client.cookies)
    kept = [*LogEntry.objects.values(), *AuditEvent.objects.values()]
    assert secret not in str(kept) + str(
        [SessionStore().decode(row.session_data) for row in CookieSession.objects.all()]
    )
    assert app.client_secret not in str(kept)


def test_hashes_are_not_to_be_searched_for(client, root, application):
    app, _secret = application()
    page = client.get("/admin/oauth/application/", {"q": app.client_secret[:12]}).content.decode()
    assert app.client_id not in page
    answer = client.get("/admin/oauth/application/", {"client_secret__startswith": app.client_secret[:4]})
    assert app.client_id not in answer.content.decode()


def test_rolling_asks_then_shows_the_new_secret_once(client, root, application):
    from authcenter.oauth.registration import hashed

    app, old = application()
    assert client.get(address(app, "roll-secret")).status_code == 200
    app.refresh_from_db()
    assert app.client_secret == hashed(old)
    secret = shown_secret(confirm(client, address(app, "roll-secret")))
    app.refresh_from_db()
    assert secret != old
    assert app.client_secret == hashed(secret)
    assert secret not in client.get(address(app)).content.decode()
    event = events("secret_rolled")[0]
    assert (event.actor, event.client_id, event.detail) == (str(root.pk), app.client_id, {"leaked": False})
    assert app.epoch == 0


def test_rolling_after_a_leak_ends_everything(client, root, application):
    app, _old = application()
    confirm(client, address(app, "roll-secret"), leaked="yes")
    app.refresh_from_db()
    assert app.epoch == 1
    assert events("application_revoked")[0].detail["reason"] == "secret leaked"


def test_a_public_application_has_no_secret_to_roll(client, root, application):
    app, _none = application("spa")
    assert confirm(client, address(app, "roll-secret")).status_code == 403
    assert "roll-secret" not in client.get(address(app)).content.decode()


def test_each_bad_line_is_named_with_its_reason(client, root, application):
    app, _secret = application()
    uris = "https://rp.example/cb\nhttp://rp.example/cb\nhttps://rp.example/*\njavascript:alert(1)"
    answer = submit(client, address(app), redirect_uris=uris)
    assert answer.status_code == 200
    page = html.unescape(answer.content.decode())
    assert "http://rp.example/cb: http is for loopback only" in page
    assert "https://rp.example/*: only plain ASCII" in page
    assert "javascript:alert(1): needs https" in page
    app.refresh_from_db()
    assert app.redirect_uris == "https://rp.example/cb"


def test_addresses_are_one_per_line(client, root, application):
    app, _secret = application()
    assert (
        submit(client, address(app), redirect_uris=" https://a.example/cb \r\n\r\nhttps://b.example/cb ").status_code
        == 302
    )
    app.refresh_from_db()
    assert app.redirect_uris == "https://a.example/cb\nhttps://b.example/cb"


def test_an_application_without_an_address_is_refused(client, root):
    from authcenter.oauth.models import Application

    answer = submit(client, "/admin/oauth/application/add/", kind="web", name="Nowhere", redirect_uris="")
    assert answer.status_code == 200
    assert "Needed for the authorization code." in answer.content.decode()
    assert not Application.objects.exists()


def test_a_single_page_application_may_call_from_where_it_is(client, root):
    from authcenter.oauth.models import Application

    add(client, "spa")
    assert Application.objects.get().allowed_origins == "https://rp.example"


def test_lifting_pkce_warns(client, root, application):
    app, _secret = application()
    answer = submit(client, address(app), require_pkce=None)
    assert "PKCE is off" in client.get(answer["Location"]).content.decode()
    assert events("operator_change")[0].detail["fields"] == ["require_pkce"]


def test_pkce_stays_on_for_a_public_application(client, root, application):
    app, _none = application("spa")
    assert submit(client, address(app), require_pkce=None).status_code == 200
    app.refresh_from_db()
    assert app.require_pkce


@pytest.mark.parametrize("seconds", ["0", "9", "86401", "-5"])
def test_access_tokens_live_no_longer_than_their_revocations(client, root, application, seconds):
    app, _secret = application()
    assert submit(client, address(app), access_token_seconds=seconds).status_code == 200


@pytest.mark.parametrize("field", ["client_id", "kind", "client_type", "epoch", "client_secret"])
def test_what_is_fixed_stays(client, root, application, field):
    app, _secret = application()
    before = getattr(app, field)
    submit(client, address(app), publisher="Us", **{field: "native"})
    app.refresh_from_db()
    assert (app.publisher, getattr(app, field)) == ("Us", before)


def test_grant_types_and_scopes_are_check_boxes(client, root, application):
    app, _secret = application()
    given = fields(client.get(address(app)))
    assert given["grant_types"] == ["authorization_code", "refresh_token"]
    assert "openid" in given["identity_scopes"]
    submit(client, address(app), grant_types=["authorization_code"], identity_scopes=["openid", "email"])
    app.refresh_from_db()
    assert (app.grant_types, app.identity_scopes) == (["authorization_code"], ["openid", "email"])
    assert submit(client, address(app), grant_types=["nonsense"]).status_code == 200
    assert submit(client, address(app), identity_scopes=["root"]).status_code == 200


def test_legacy_flows_are_warned_of_where_they_are_switched_on(client, root, application):
    app, _secret = application()
    assert "legacy" in client.get(address(app)).content.decode()
    answer = submit(
        client, address(app), grant_types=["authorization_code", "password"], response_types=["code", "id_token"]
    )
    assert answer.status_code == 302, answer.content.decode()
    app.refresh_from_db()
    assert app.grant_types == ["authorization_code", "password"] and app.response_types == ["code", "id_token"]
    assert "Legacy flows are on for" in client.get(address(app)).content.decode()


def test_keys_and_addresses_are_judged_as_at_registration(client, root, application):
    app, _secret = application()
    page = submit(client, address(app), client_jwks='{"keys": [{"kty": "oct", "k": "AAAA"}]}')
    assert page.status_code == 200 and "RSA, EC or OKP" in page.content.decode()
    for name in ("backchannel_logout_uri", "client_jwks_uri"):
        page = submit(client, address(app), **{name: "https://10.0.0.1/x"})
        assert page.status_code == 200 and "private network" in page.content.decode()


def test_an_initial_access_token_is_shown_once(client, root, db):
    from authcenter.oauth.models import InitialAccessToken
    from authcenter.oauth.registration import hashed

    add = "/admin/oauth/initialaccesstoken/add/"
    page = submit(client, add, name="Ops", uses_left="3")
    row, text = InitialAccessToken.objects.get(), page.content.decode()
    assert "Initial access token" in text and row.token_hash not in text and row.uses_left == 3
    assert row.token_hash == hashed(re.search(r'id="client_secret"[^>]*value="([^"]+)"', text)[1])
    assert row.token_hash not in client.get(f"/admin/oauth/initialaccesstoken/{row.pk}/change/").content.decode()


def test_trusted_issuers_are_for_superusers(client, root, db):
    from authcenter.oauth.models import TrustedIssuer

    jwks = '{"keys": [{"kty": "oct", "k": "AAAA"}]}'
    page = submit(client, "/admin/oauth/trustedissuer/add/", name="HR", issuer="https://hr.test", jwks=jwks)
    assert page.status_code == 200 and not TrustedIssuer.objects.exists()
    keyed = {"jwks": "null", "jwks_uri": "https://hr.test/jwks"}
    submit(client, "/admin/oauth/trustedissuer/add/", name="HR", issuer="https://hr.test", **keyed)
    assert TrustedIssuer.objects.get().jwks_uri == "https://hr.test/jwks"
    root.is_superuser = False
    root.save()
    assert client.get("/admin/oauth/trustedissuer/").status_code == 403


def test_revoking_everything(client, root, application):
    from authcenter.sessions.models import Revocation

    app, _secret = application()
    assert client.get(address(app, "revoke")).status_code == 200
    assert not Revocation.objects.exists()
    assert confirm(client, address(app, "revoke")).status_code == 302
    row = Revocation.objects.get()
    assert (row.kind, row.subject, row.epoch) == ("application", app.client_id, 1)
    event = events("application_revoked")[0]
    assert (event.actor, event.client_id) == (str(root.pk), app.client_id)


def test_disabling_ends_everything(client, root, application):
    from authcenter.sessions.models import Revocation

    app, _secret = application()
    saved(client, address(app), is_active=None)
    app.refresh_from_db()
    assert (app.is_active, app.epoch) == (False, 1)
    assert Revocation.objects.get().subject == app.client_id


def test_deleting_ends_first(client, root, application, person):
    from authcenter.oauth.models import Application, Authorization
    from authcenter.sessions.models import Revocation

    app, _secret = application()
    Authorization.objects.create(user=person(), application=app)
    assert client.get(address(app, "delete")).status_code == 200
    assert client.post(address(app, "delete"), {"post": "yes"}).status_code == 302
    assert not Application.objects.exists()
    assert Revocation.objects.get().subject == app.client_id
    assert [event.detail["act"] for event in events("operator_change")] == ["deleted"]


# --- APIs ---


def new_api(client, **more):
    scopes = {
        "scopes-TOTAL_FORMS": "1",
        "scopes-INITIAL_FORMS": "0",
        "scopes-0-name": "orders:read",
        "scopes-0-title": "See your orders",
        "scopes-0-access": "read",
    }
    given = {"name": "Orders", "identifier": "https://orders.example", **scopes, **more}
    return client.post("/admin/oauth/api/add/", given)


def test_an_api_is_made_with_scopes_and_a_secret_shown_once(client, root):
    from authcenter.oauth.models import API
    from authcenter.oauth.registration import hashed

    answer = new_api(client)
    api = API.objects.get(name="Orders")
    secret = shown_secret(answer)
    assert api.client_secret == hashed(secret)
    assert [scope.name for scope in api.scopes.all()] == ["orders:read"]
    page = client.get(f"/admin/oauth/api/{api.pk}/change/").content.decode()
    assert secret not in page
    assert api.client_secret not in page
    new = shown_secret(confirm(client, f"/admin/oauth/api/{api.pk}/roll-secret/"))
    api.refresh_from_db()
    assert new != secret
    assert api.client_secret == hashed(new)


@pytest.mark.parametrize("name", ["openid", "offline_access", "two words", 'quo"te', "account:read"])
def test_a_scope_with_a_bad_or_taken_name_is_refused(client, root, name):
    from authcenter.oauth.models import API

    assert new_api(client, **{"scopes-0-name": name}).status_code == 200
    assert not API.objects.filter(name="Orders").exists()


@pytest.mark.parametrize("identifier", ["orders", "https://orders.example/#x", "https://orders .example", "http://[x"])
def test_an_identifier_is_an_absolute_uri(client, root, identifier):
    assert new_api(client, identifier=identifier).status_code == 200


def test_the_own_api_follows_the_issuer_and_stays(client, root):
    from authcenter.oauth.own_api import ensure_own_api

    api = ensure_own_api()
    here = f"/admin/oauth/api/{api.pk}"
    saved(client, f"{here}/change/", identifier="https://evil.test", name="Ours")
    api.refresh_from_db()
    assert (api.name, api.identifier) == ("Ours", "http://localhost:8000/api")
    for act in ("delete", "roll-secret"):
        assert client.post(f"{here}/{act}/", {"post": "yes", "confirmed": "yes"}).status_code == 403
    assert client.post("/admin/oauth/scope/add/", {"api": api.pk, "name": "x", "title": "x"}).status_code == 403


def test_deleting_an_api_ends_what_its_applications_hold(client, root, application):
    from authcenter.oauth.models import API
    from authcenter.sessions.models import Revocation

    new_api(client)
    api = API.objects.get(name="Orders")
    app, _secret = application("machine", scopes=api.scopes.all())
    application("web", name="Other")
    assert client.post(f"/admin/oauth/api/{api.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not API.objects.filter(name="Orders").exists()
    assert [row.subject for row in Revocation.objects.all()] == [app.client_id]


def test_an_api_with_many_scopes_can_be_saved(client, root):
    from authcenter.oauth.models import API, Scope

    new_api(client)
    api = API.objects.get(name="Orders")
    Scope.objects.bulk_create(Scope(api=api, name=f"s{n}", title=f"S{n}") for n in range(60))
    saved(client, f"/admin/oauth/api/{api.pk}/change/?scopes-page=2", description="Many")
    api.refresh_from_db()
    assert (api.description, api.scopes.count()) == ("Many", 61)
