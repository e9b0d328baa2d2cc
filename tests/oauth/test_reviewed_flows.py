"""Faults that a review found (the change after 3458625); each test says what should happen, and why."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.adapter import AccountAdapter
from accounts.models import User
from authcenter.audit.models import AuditEvent
from authcenter.oauth import access_token, client_documents, granting
from authcenter.oauth.access_token import Grounds
from authcenter.oauth.granting import Wanted
from authcenter.oauth.models import Application, PushedRequest, TrustedIssuer
from authcenter.oauth.subjects import named, subject_of
from authcenter.outbox import outbound
from authcenter.outbox.models import Delivery
from authcenter.server.sweeping import sweep
from authcenter.sessions.models import PairwiseSubject
from authcenter.sessions.revocation import end_all_of_application, end_all_of_user, end_session
from authcenter.sessions.view import is_revoked
from tests.console_pages import allow as permit
from tests.console_pages import confirm, submit
from tests.oauth import devices
from tests.oauth.conftest import made
from tests.oauth.flow import (
    PASSWORD,
    App,
    answer,
    as_app,
    assert_refused,
    claims,
    post,
    redeem,
    refresh,
    secret,
    tokens,
    userinfo,
)
from tests.oauth.test_client_assertion import EC, public
from tests.oauth.test_jwt_bearer import GRANT as JWT_BEARER
from tests.oauth.test_jwt_bearer import KEY, THEIRS, vouched
from tests.oauth.test_legacy_flows import told
from tests.oauth.test_par import by, reference
from tests.oauth.test_register import at, registered, send, wanted
from tests.oauth.test_request_object import outside, packed
from tests.oauth.test_token_exchange import GRANT as EXCHANGE
from tests.oauth.test_token_exchange import exchange, exchanged

ADDRESS = "https://far.test/client.json"
CONSOLE_PASSWORD = "correct horse battery 7"


def answers(monkeypatch, body, act=lambda: None):
    """Somebody else's server, and what happens while it is asked; the addresses that were asked."""
    asked = []

    def send(method, url, **options):
        asked.append(url)
        act()
        return outbound.Answer(200, {}, json.dumps(body).encode())

    monkeypatch.setattr(outbound, "send", send)
    return asked


@pytest.fixture
def open_registration(settings):
    settings.REGISTRATION = "open"


@pytest.fixture
def stocked(orders, stock):
    """The orders API as an application that calls the stock API."""
    return made("machine", "Orders' server", ["stock:read"], grant_types=[EXCHANGE], represents=orders)


@pytest.fixture
def trusted(web):
    web.row.grant_types = [*web.row.grant_types, JWT_BEARER]
    web.row.save()
    issuer = TrustedIssuer.objects.create(issuer=THEIRS, name="HR", jwks={"keys": [KEY.as_dict(private=False)]})
    issuer.applications.add(web.row)
    return issuer


# --- Registration ---------------------------------------------------------------------------------------------

SECTOR = {"sector_identifier_uri": "https://rp9.test/sector.json"}


@pytest.mark.parametrize("act", ["disabled", "revoked", "deleted"])
def test_an_update_does_not_undo_what_an_operator_did_meanwhile(open_registration, monkeypatch, act):
    """RFC 7592 section 2.2 replaces metadata, and nothing else. `_replaced` reads the row, asks another server (the
    client's own, as slow as that likes) and then writes the whole row back: `is_active`, `epoch` and all, or the row
    that was deleted. So an application that is being disabled switches itself on again, and dead tokens revive
    (design: an epoch never falls; `AccountAdapter.set_password` says why whole rows are not written)."""
    said = registered()
    row = Application.objects.filter(client_id=said["client_id"])

    def operator():
        end_all_of_application(said["client_id"], reason="test")
        if act == "disabled":
            row.update(is_active=False)
        if act == "deleted":
            row.delete()

    answers(monkeypatch, wanted()["redirect_uris"], operator)
    at(said, "PUT", wanted(client_id=said["client_id"], **SECTOR))
    found = row.first()
    if act == "deleted":
        assert found is None
    else:
        assert (found.epoch, found.is_active) == (1, act != "disabled")


def test_who_may_not_register_makes_this_server_ask_nobody(settings, monkeypatch):
    """RFC 7591 section 3: with REGISTRATION=token a stranger has no business here. `sector_identifier_uri` is fetched
    before the initial access token is looked at: unlimited requests to addresses of a stranger's choice, and up to
    fifteen seconds of a worker for each."""
    settings.REGISTRATION = "token"
    asked = answers(monkeypatch, [])
    assert send(wanted(**SECTOR)).status_code in {400, 401}
    assert asked == []


def test_a_stranger_makes_this_server_ask_so_often_and_no_more(open_registration, monkeypatch):
    """REGISTRATION=open counts registrations that succeed. One that fails at its sector costs a request to another
    server each time, and is counted nowhere: `limits.client_documents` counts just that for documents."""
    asked = answers(monkeypatch, [])
    for _attempt in range(60):
        send(wanted(**SECTOR))
    assert len(asked) <= 30


def test_refusals_of_an_endpoint_that_is_off_make_so_many_rows_and_no_more(settings):
    """REGISTRATION is off: a stranger's requests are in the log, but he cannot fill it."""
    settings.REGISTRATION = "off"
    statuses = [send(wanted()).status_code for _attempt in range(205)]
    assert statuses == [404] * 200 + [429] * 5
    assert AuditEvent.objects.count() == 200


N = urlsafe_b64encode(b"\xff" * 256).decode().rstrip("=")
GOOD = KEY.as_dict(private=False)
ODD_KEYS = {
    "kty_is_a_list": '{"kty": []}',
    "kty_is_an_object": '{"kty": {}}',
    "alg_is_a_list": json.dumps({**GOOD, "alg": []}),
    "nan_in_a_member_of_nobody": json.dumps({**GOOD, "x-note": float("nan")}),
    "nul_in_a_member_of_nobody": json.dumps({**GOOD, "x-note": "\x00"}),
    "surrogate_in_a_member_of_nobody": json.dumps({**GOOD, "x-note": "\ud800"}),
    "kid_is_an_object": json.dumps({**GOOD, "kid": {}}),
    "exponent_is_even": json.dumps({"kty": "RSA", "n": N, "e": "BA"}),
    "exponent_is_empty": json.dumps({"kty": "RSA", "n": N, "e": ""}),
    "coordinates_are_nothing": json.dumps({"kty": "EC", "crv": "P-256", "x": "", "y": ""}),
    "off_the_curve": json.dumps({"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}),
    "curve_is_a_list": json.dumps({"kty": "EC", "crv": [], "x": "AQ", "y": "AQ"}),
    "coordinate_is_a_number": json.dumps({"kty": "EC", "crv": "P-256", "x": 1, "y": 1}),
    "unknown_okp": json.dumps({"kty": "OKP", "crv": "Nonsense", "x": "AQ"}),
    "short_okp": json.dumps({"kty": "OKP", "crv": "Ed25519", "x": "AQ"}),
    "nothing_but_kty": json.dumps({"kty": "RSA"}),
}


@pytest.mark.parametrize("key", ODD_KEYS.values(), ids=ODD_KEYS.keys())
def test_odd_keys_are_refused_and_break_nothing(open_registration, key):
    """RFC 7591 section 3.2.2: `invalid_client_metadata`. The contract: never a 500, whatever the input. What a key's
    other members say is kept as it came, so PostgreSQL's jsonb and SQLite's JSON_VALID judge it."""
    body = json.dumps(wanted(token_endpoint_auth_method="private_key_jwt", jwks="KEYS"))
    answer = send(body.replace('"KEYS"', f'{{"keys": [{key}]}}'))
    assert answer.status_code in {201, 400}


def test_deep_json_breaks_nothing(open_registration):
    """The same: what is shallow enough to be read can be too deep to be written again, some frames further down."""
    statuses = set()
    for depth in range(860, 960, 5):
        key = json.dumps(GOOD)[:-1] + ', "x-note": ' + "[" * depth + "]" * depth + "}"
        body = json.dumps(wanted(token_endpoint_auth_method="private_key_jwt", jwks="KEYS"))
        said = send(body.replace('"KEYS"', f'{{"keys": [{key}]}}'), address=f"10.{depth // 256}.{depth % 256}.1")
        statuses.add(said.status_code)
    assert statuses <= {201, 400}


def test_nul_in_the_address_of_a_registration(open_registration):
    """RFC 7592 section 3: an unknown client is a 401. On PostgreSQL a NUL in a value is a `ValueError`, so a 500."""
    assert send("", "GET", "/oauth/register/%00", "x").status_code == 401


def test_oidc_registration_2_implicit_web_clients_are_not_on_localhost(open_registration, settings):
    """OpenID Connect Registration section 2, application_type: web clients with the implicit grant MUST register
    https alone and MUST NOT use localhost; the server MUST verify it."""
    settings.LEGACY_FLOWS = ["implicit"]
    answer = send(
        wanted(
            application_type="web",
            grant_types=["implicit"],
            response_types=["id_token"],
            redirect_uris=["http://localhost:1234/cb"],
        )
    )
    assert answer.status_code == 400, answer.content


def test_rfc7592_3_the_registration_token_is_told_each_time(open_registration):
    """RFC 7592 section 3: `registration_client_uri` and `registration_access_token` are REQUIRED in each client
    information response. The request brings the token along, so it can be told though only its hash is kept."""
    said = registered()
    assert at(said, "GET").json()["registration_access_token"] == said["registration_access_token"]


def test_what_an_operator_reviewed_is_not_what_an_application_made_of_itself_since(open_registration):
    """`is_reviewed`: an operator knows its publisher. A registration that was reviewed as one thing renames and moves
    itself by PUT (RFC 7592 section 2.2) and keeps the mark: the consent page vouches for what nobody has seen."""
    said = registered()
    Application.objects.filter(client_id=said["client_id"]).update(is_reviewed=True)
    assert (
        at(
            said,
            "PUT",
            wanted(client_id=said["client_id"], client_name="Your Bank", redirect_uris=["https://evil.test/"]),
        ).status_code
        == 200
    )
    assert not Application.objects.get(client_id=said["client_id"]).is_reviewed


def test_an_application_that_an_operator_put_to_use_is_not_swept(open_registration):
    """Swept is what registered itself and nobody ever used. One that an operator reviewed and gave a grant without
    people (client_credentials, token exchange) never has an Authorization, and is deleted with its secret and rights
    after 30 days of service."""
    row = Application.objects.get(client_id=registered()["client_id"])
    row.is_reviewed, row.grant_types = True, ["client_credentials"]
    row.created = timezone.now() - timedelta(days=31)
    row.save()
    list(sweep(gently=False))
    assert Application.objects.filter(pk=row.pk).exists()


# --- Client ID metadata documents -----------------------------------------------------------------------------


@pytest.fixture
def documents(settings):
    settings.CLIENT_ID_METADATA_DOCUMENTS = True


def document(**changes):
    return {"client_id": ADDRESS, "client_name": "Far", "redirect_uris": ["https://far.test/cb"], **changes}


LONG = "https://" + "a" * 60 + "." + "b" * 60 + ".test/client.json"


@pytest.mark.parametrize(
    ("address", "changes"),
    [(ADDRESS, {"client_uri": "https://far.test/" + "x" * 300}), (LONG, {"client_id": LONG})],
    ids=["client_uri", "host"],
)
def test_long_values_in_a_document_are_a_page(documents, monkeypatch, browser, address, changes):
    """Before the client is known every fault is a page (RFC 6749 section 4.1.2.1). `_keep` inserts the row before
    `judged` looks at it, so PostgreSQL refuses what is longer than its column: a stranger's 500."""
    answers(monkeypatch, document(**changes))
    app = App(Application(client_id=address), "", "https://far.test/cb")
    assert browser.authorize(app).status_code in {302, 400}


def test_an_old_document_is_not_good_for_ever(documents, monkeypatch, browser):
    """`look`: “stays good for a while”. Whoever fills the window of the host (30 requests in five minutes, by anybody)
    keeps a document in force that is a month old, so its owner cannot take a redirect URI or key back."""
    answers(monkeypatch, document())
    app = App(Application(client_id=ADDRESS), "", "https://far.test/cb")
    assert browser.authorize(app).status_code == 302
    Application.objects.update(document_until=timezone.now() - timedelta(days=30))
    monkeypatch.setattr(client_documents.limits, "taken", lambda windows: 60)
    assert browser.authorize(app).status_code == 400


def test_documents_that_are_switched_off_are_off(documents, monkeypatch, browser, settings):
    """CLIENT_ID_METADATA_DOCUMENTS says whether an application may be known by its address. Off, those that came while
    it was on go on for ever, by a document that nobody looks at again."""
    answers(monkeypatch, document())
    app = App(Application(client_id=ADDRESS), "", "https://far.test/cb")
    assert browser.authorize(app).status_code == 302
    settings.CLIENT_ID_METADATA_DOCUMENTS = False
    assert browser.authorize(app).status_code == 400


def test_an_address_that_comes_back_after_its_row_was_deleted_gets_tokens_that_live(documents, monkeypatch, browser):
    """Design: ids that were ended are never used again. This one is: an operator (or the sweep) deletes the row, the
    next visitor makes it anew at epoch 0, and for a day all that it is issued is dead on arrival, for the revocation of
    the old row stands at 1. Either it stays out, or its epoch goes on from there."""
    answers(monkeypatch, document())
    app = App(Application(client_id=ADDRESS), "", "https://far.test/cb")
    assert browser.authorize(app).status_code == 302
    end_all_of_application(ADDRESS, reason="deleted by an operator")
    Application.objects.all().delete()
    if browser.authorize(app).status_code == 302:
        said = {"client_id": ADDRESS, "aep": Application.objects.get(client_id=ADDRESS).epoch}
        assert not is_revoked(said)


# --- Client authentication ------------------------------------------------------------------------------------


def assertion(**said):
    parts = [{"alg": "ES256", "kid": "k"}, said]
    return ".".join([*(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "AAAA"])


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/device"])
@pytest.mark.parametrize("subject", ["\ud800", "\x00", "a\x00b"], ids=["surrogate", "nul", "inner_nul"])
def test_a_subject_that_is_no_text_is_an_unknown_client(db, path, subject):
    """RFC 6749 section 5.2: `invalid_client`. JSON can write half a character (`\\ud800`), which no UTF-8 can, and NUL,
    which PostgreSQL cannot store; parameters refuse both, but the `sub` of an assertion is read from JSON. A stranger
    gets a 500 of every endpoint that authenticates clients."""
    form = {
        "grant_type": "client_credentials",
        "token": "x",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(sub=subject, iss=subject),
    }
    assert_refused(post(path, form), 401, "invalid_client")


@pytest.mark.parametrize("issuer", ["\ud800", "\x00"], ids=["surrogate", "nul"])
def test_an_issuer_that_is_no_text_is_not_trusted(web, trusted, issuer):
    """The same of the JWT bearer grant (RFC 7523 section 3.1): `invalid_grant`, not a 500."""
    form = {"grant_type": JWT_BEARER, "assertion": assertion(iss=issuer), "scope": "openid"}
    assert_refused(as_app(web, "/oauth/token", form), 400, "invalid_grant")


# --- Pushed and signed requests --------------------------------------------------------------------------------


def test_rfc9126_2_2_a_minute_is_the_applications_and_not_the_persons(web, alice, browser):
    """RFC 9126 sections 2.2 and 4: `expires_in` is how long the reference may be brought. It was brought in time; who
    then needs some minutes to sign in must not be refused after she agreed. The sweep deletes what is older than the
    minute, and `pushed.use` takes a row that is gone for one that was used."""
    uri = reference(web, scope="openid email")
    browser.ask(web, **by(web, uri))
    PushedRequest.objects.update(expires=timezone.now() - timedelta(minutes=5))
    list(sweep(gently=False))
    browser.sign_in(alice).allow()
    assert "code" in answer(browser.left_to), browser.left_to


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/par"])
@pytest.mark.parametrize("name", ["state", "nonce", "\ud800"], ids=["state", "nonce", "its_name"])
def test_half_a_character_in_a_request_object(web, browser, path, name):
    """RFC 9101 section 7: `invalid_request_object`. JSON can write half a character and UTF-8 cannot: `_as_parameters`
    encodes before `parsed` judges, so whoever registered a key gets a 500."""
    web.row.client_jwks = public(EC)
    web.row.save()
    token = packed(web, **{name: "\ud800"})
    if path == "/oauth/par":
        response = as_app(web, path, {"request": token})
    else:
        response = browser.authorize(web, **outside(web, request=token))
    assert response.status_code in {302, 303, 400}


# --- JWT bearer -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_nobody_is_asked_within_a_transaction(web, alice, trusted, monkeypatch):
    """`DirectGrant` opens its transaction before it judges; on SQLite that is the one write lock (BEGIN IMMEDIATE).
    The keys of a trusted issuer are fetched within it: fifteen seconds of a slow host, and nobody can sign in. On
    PostgreSQL the mark that limits requests is in the transaction too, where nobody else sees it."""
    TrustedIssuer.objects.update(jwks=None, jwks_uri="https://hr.example/jwks")
    cache.clear()
    within = []
    answers(monkeypatch, {"keys": [KEY.as_dict(private=False)]}, lambda: within.append(connection.in_atomic_block))
    as_app(web, "/oauth/token", {"grant_type": JWT_BEARER, "assertion": vouched(alice), "scope": "openid"})
    assert within == [False]


@pytest.mark.django_db(transaction=True)
def test_no_password_is_hashed_within_a_transaction(web, alice, settings, monkeypatch):
    """The same of the password grant: Argon2 is slow by intent, and each guess holds SQLite's one write lock for all of
    it; on PostgreSQL it holds the counters' rows, so that sign-ins from one address wait for each other."""
    settings.LEGACY_FLOWS = ["password"]
    web.row.grant_types = [*web.row.grant_types, "password"]
    web.row.save()
    within, authenticate = [], AccountAdapter.authenticate

    def look(self, *args, **options):
        within.append(connection.in_atomic_block)
        return authenticate(self, *args, **options)

    monkeypatch.setattr(AccountAdapter, "authenticate", look)
    form = {"grant_type": "password", "username": alice.email, "password": secret(PASSWORD), "scope": "openid"}
    as_app(web, "/oauth/token", form)
    assert within == [False]


def test_rfc7523_3_an_assertion_names_its_subject(web, alice, trusted):
    """RFC 7523 section 3, rule 2: the JWT MUST contain `sub`. Where people are found by e-mail nobody looks for it."""
    TrustedIssuer.objects.update(finds_people_by="email")
    granting.grant(alice, web.row, Wanted(["openid"]))
    said = vouched(alice, sub=None, email=alice.email, email_verified=True)
    form = {"grant_type": JWT_BEARER, "assertion": said, "scope": "openid"}
    assert_refused(as_app(web, "/oauth/token", form), 400, "invalid_grant")


# --- Token exchange -------------------------------------------------------------------------------------------


def test_its_own_token_does_not_become_what_the_person_did_not_grant(web, alice, browser):
    """RFC 6749 section 3.3 and RFC 8693 section 5: consent binds. An application that is not first-party exchanges its
    own `openid` token for `orders:write`, which the person was never asked about. Any operator can switch the grant
    type on: `represents` and `exchange` are for superusers, `grant_types` is not."""
    web.row.grant_types = [*web.row.grant_types, EXCHANGE]
    web.row.save()
    token = tokens(web, alice, browser, scope="openid")["access_token"]
    assert exchange(web, token, scope="orders:write").status_code == 400


def test_an_exchanged_token_dies_with_each_application_that_it_went_through(web, stocked, stock, alice, browser):
    """The module: “stands on all that the old one stands on”. Of a token that was exchanged twice only the first and
    the last application are named; “revoke everything” of the one between, whose secret leaked, leaves it alive."""
    behind = made("machine", "Stock's server", ["stock:read"], grant_types=[EXCHANGE], represents=stock)
    first = tokens(web, alice, browser, scope="openid orders:read", resource="https://orders.test/")["access_token"]
    last = exchanged(behind, exchanged(stocked, first)["access_token"])["access_token"]
    end_all_of_application(stocked.id, reason="secret leaked")
    assert is_revoked(claims(last))


def test_rfc7009_2_1_an_api_that_gives_back_its_token_ends_nobody_elses(web, stocked, alice, browser):
    """RFC 7009 section 2.1: a token is revoked by the client that it was issued to. An exchanged token carries the
    `fid` of the application that the person uses; the API that revokes its own ends that application's refresh token
    and every token of its family."""
    got = tokens(web, alice, browser, scope="openid orders:read offline_access", resource="https://orders.test/")
    new = exchanged(stocked, got["access_token"])["access_token"]
    assert as_app(stocked, "/oauth/revoke", {"token": new}).status_code == 200
    assert is_revoked(claims(new))
    assert not is_revoked(claims(got["access_token"]))
    assert refresh(web, got["refresh_token"]).status_code == 200


def test_rfc8693_2_1_audience_may_come_more_than_once(web, stocked, alice, browser):
    """RFC 8693 section 2.1: "Multiple `audience` parameters may be used". The grant reads all of them; the parser
    refuses them as repeated."""
    got = tokens(web, alice, browser, scope="openid orders:read", resource="https://orders.test/")
    said = exchange(stocked, got["access_token"], audience=["https://stock.test/", "http://localhost:8000/api"])
    assert said.status_code == 200, said.content


# --- Pairwise subjects ----------------------------------------------------------------------------------------


@pytest.fixture
def secretive(web):
    web.row.subject_type = "pairwise"
    web.row.save()
    return web


def test_a_worker_with_an_old_epoch_mints_dead_tokens_under_a_new_name_too(secretive, alice):
    """Design, Revocation: “a worker that still holds the old epoch mints tokens that are already dead”. A pairwise name
    that is made after (or, on PostgreSQL, beside) “sign out everywhere” has no row of its own, so for every API that
    checks offline the token lives on. So it is with JWT bearer, password, device code, exchange and implicit."""
    granted = granting.grant(alice, secretive.row, Wanted(["openid"]))
    secretive.row.api_scopes = {}
    stale = Grounds(secretive.row, ["openid"], user=alice, authorization=granted.pk, user_epoch=alice.epoch)
    end_all_of_user(alice.pk, reason="test")
    _token, said = access_token.mint(stale)
    assert is_revoked(said)


def test_everything_of_a_person_ends_at_one_price(alice):
    """`end_all_of_user`: “by one row”. Each pairwise name costs some nine statements more, under the feed's lock for
    which every other act of the installation waits; with open registration, strangers make the names."""

    def price():
        with CaptureQueriesContext(connection) as statements:
            end_all_of_user(alice.pk, reason="test")
        return len(statements)

    price()
    alone = price()
    for number in range(30):
        PairwiseSubject.objects.create(user=alice, sector=f"{number}.test")
    assert price() <= alone + 10


def test_loopback_is_nobodys_sector(db, alice):
    """Core section 8.1: one sector, one name. Every native application that comes back to 127.0.0.1 is in the one
    sector “127.0.0.1”: any two of them compare notes about a person."""
    first, second = (
        made("native", name, [], redirect_uris="http://127.0.0.1/cb", subject_type="pairwise") for name in ("A", "B")
    )
    assert subject_of(first.row, alice) != subject_of(second.row, alice)


def test_core_8_1_a_sector_is_joined_by_who_is_named_there(open_registration, monkeypatch):
    """Core section 8.1: the document of the sector names who belongs to it. A device names no redirect URI, so every
    list anywhere will do: it gets the names that the people have at somebody else's applications."""
    answers(monkeypatch, ["https://rp1.test/cb"])
    said = {
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
        "redirect_uris": [],
        "subject_type": "pairwise",
        "sector_identifier_uri": "https://rp1.test/sector.json",
        "token_endpoint_auth_method": "none",
    }
    assert send(wanted(**said)).status_code == 400


def test_a_sector_of_a_redirect_uri_that_is_none_is_a_complaint(db):
    """A typo in the console is a complaint at its field. `clean` collects it, and then reads the sector of it."""
    with pytest.raises(ValidationError):
        made("web", "Typo", [], redirect_uris="https://[", subject_type="pairwise")


@pytest.mark.postgres
def test_finding_a_person_by_the_name_in_a_token_reads_no_whole_table(alice):
    """Hot path (userinfo, introspection, /api/): `pk = x OR pk IN (…)` has no index on PostgreSQL, which reads every
    user for every token, also where no application is pairwise."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = User.objects.filter(named(alice.pk), is_active=True).order_by().explain()
    assert "Seq Scan on accounts_user" not in plan, plan


# --- Sign-outs, hybrid, claims --------------------------------------------------------------------------------


def test_back_channel_a_device_that_was_told_the_session_is_told_of_its_end(camera, alice):
    """Back-Channel Logout section 2.5 with Core: whoever got an ID token with this `sid` is told. `joined` is called by
    the authorization endpoint alone: device codes and the password grant hand out `sid` and are never told."""
    camera.row.backchannel_logout_uri = "https://camera.test/logout"
    camera.row.save()
    said = devices.allowed(camera, alice).poll().json()
    secret(said["access_token"])
    sid = claims(secret(said["id_token"]))["sid"]
    end_session(sid, reason="test")
    assert Delivery.objects.filter(receiver=camera.id).count() == 1


def test_a_code_does_not_outlive_the_token_that_came_with_it(web, alice, browser, settings):
    """RFC 7009 section 2.1 with revoke.py: “either token of a family ends the family”. A hybrid answer's access token
    is revoked; its code, of the same family, is still exchanged: a refresh token that works, and whose tokens come to
    life when the FAMILY row is swept after a day (design: nothing revives when rows go)."""
    settings.LEGACY_FLOWS = ["hybrid"]
    web.row.response_types = ["code", "code token"]
    web.row.save()
    granting.grant(alice, web.row, Wanted(["openid"]))
    browser.enter(alice).ask(web, response_type="code token")
    got = told(browser.left_to)
    assert as_app(web, "/oauth/revoke", {"token": secret(got["access_token"])}).status_code == 200
    assert_refused(redeem(web, secret(got["code"])), 400, "invalid_grant")


def test_a_claim_goes_with_the_scope_that_the_application_lost(web, alice, browser):
    """Core section 5.5 with `scopes.for_resources`: of what was granted, the application gets what it may still have.
    An operator takes `email` from an application: the scope goes at the next refresh, the single claim stays."""
    asked = json.dumps({"userinfo": {"email": None}, "id_token": {"email": None}})
    granting.grant(alice, web.row, Wanted(["openid", "offline_access"], claims={"userinfo": ["email"]}))
    got = tokens(web, alice, browser.enter(alice), scope="openid offline_access", claims=asked)
    web.row.identity_scopes = ["openid", "offline_access"]
    web.row.save()
    new = refresh(web, got["refresh_token"]).json()
    assert "email" not in claims(new["id_token"])
    assert "email" not in userinfo(new["access_token"]).json()


# --- The console ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["represents", "trusted_issuer"])
def test_an_operator_does_not_take_over_what_superusers_trusted(client, person, sign_in, web, orders, which):
    """Only a superuser lets an application exchange an API's tokens (`represents`, `exchange`) or present assertions
    about anybody (`TrustedIssuer`). A limited operator rolls its secret, reads the new one, and is that application."""
    if which == "represents":
        web.row.represents = orders
        web.row.grant_types = [*web.row.grant_types, EXCHANGE]
        web.row.save()
    else:
        TrustedIssuer.objects.create(issuer=THEIRS, name="HR", jwks={}).applications.add(web.row)
    operator = person("op@example.com", CONSOLE_PASSWORD, is_staff=True)
    permit(operator, "oauth.view_application", "oauth.change_application")
    sign_in(client, operator, CONSOLE_PASSWORD)
    kept = web.row.client_secret
    confirm(client, f"/admin/oauth/application/{web.row.pk}/roll-secret/")
    web.row.refresh_from_db()
    assert web.row.client_secret == kept


def test_an_operator_does_not_switch_the_exchange_on(client, person, sign_in, web):
    """The other half of the consent that is got round: `grant_types` with token-exchange in a limited operator's
    hands, while `represents` and `exchange` beside it are for superusers."""
    operator = person("op@example.com", CONSOLE_PASSWORD, is_staff=True)
    permit(operator, "oauth.view_application", "oauth.change_application")
    sign_in(client, operator, CONSOLE_PASSWORD)
    submit(client, f"/admin/oauth/application/{web.row.pk}/change/", grant_types=["authorization_code", EXCHANGE])
    web.row.refresh_from_db()
    assert EXCHANGE not in web.row.grant_types


@pytest.mark.usefixtures("open_registration")
def test_a_registration_token_ends_with_the_secret_that_leaked(client, person, sign_in):
    """RFC 7592 section 5: whoever holds the registration access token is the client. It lies beside the secret: after
    “roll, it leaked” the thief would ask by PUT for another method, and be told a fresh secret."""
    said = registered()
    row = Application.objects.get(client_id=said["client_id"])
    root = person("root@example.com", CONSOLE_PASSWORD, is_staff=True, is_superuser=True)
    sign_in(client, root, CONSOLE_PASSWORD)
    confirm(client, f"/admin/oauth/application/{row.pk}/roll-secret/", leaked="1")
    answer = at(said, "PUT", wanted(client_id=row.client_id, token_endpoint_auth_method="client_secret_post"))
    assert answer.status_code == 401
