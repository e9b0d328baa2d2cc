"""What each act ends: acts times credentials, every cell tried over HTTP; and nothing of it revives.

The same table is `docs/revocation-table.md`; `WRITE_TABLE=1 pytest tests/test_ends.py` writes it anew.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client, RequestFactory, TestCase, override_settings
from django.utils import timezone

from accounts.alerts import Alert, tell
from authcenter.audit.models import Refusals
from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.keys.rotation import rotate
from authcenter.oauth.models import API, Authorization, Family, Scope
from authcenter.oauth.registration import DEVICE_CODE, TOKEN_EXCHANGE, new_application
from authcenter.server.sweeping import sweep
from authcenter.sessions.models import Revocation, Session
from authcenter.sessions.revocation import LEEWAY
from tests.accounts.factors import set_up
from tests.accounts.people import codes
from tests.conftest import as_new, new_person, with_defaults
from tests.console_pages import confirm, saved
from tests.credentials import (
    BY_OTHER_APP,
    CALENDAR,
    IN_APP,
    IN_BROWSER,
    OF_MACHINE,
    Held,
    InApp,
    InBrowser,
    OfMachine,
    marks,
)
from tests.kept import Kept
from tests.oauth import flow
from tests.oauth.devices import time_passes
from tests.oauth.flow import HOST, App, Browser, as_app, claims, redeem, refresh, tokens, userinfo
from tests.sampling import a_part

PAGE = Path(__file__).parent.parent / "docs" / "revocation-table.md"
NEW_PASSWORD = "some other long sentence 8"

GROUPS: dict[str, tuple[str, ...]] = {
    "this browser": IN_BROWSER,
    "JWT session": IN_APP,
    "other browser": IN_BROWSER,
    "other JWT session": IN_APP,
    "other application": BY_OTHER_APP,
    "other person": (*IN_BROWSER, *IN_APP),
    "machine": OF_MACHINE,
}
"""Whose credentials, and which of them, in the order of the marks. “Other browser”: of the same person, with the same
application. “Other application”: through this browser. “Machine”: the application's own tokens, without a person."""

TABLE = """
                                        this b.    JWT other b.   JWT oth.app   other pers.  machine
                                        caeo...cd  ar  caeo...cd  ar  aeo...cd  caeo...cdar  ao
nothing                                 .........  ..  .........  ..  ........  ...........  ..
# The person
signs out                               xxxxx..xx  ..  .........  ..  xxxx..xx  ...........  ..
signs out by an application's link      xxxxx..xx  ..  .........  ..  xxxx..xx  ...........  ..
ends one sign-in from another           xxxxx..xx  ..  .........  ..  xxxx..xx  ...........  ..
signs out all others                    .xxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
changes the password                    .xxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
resets the password                     xxxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
changes the e-mail address              .xxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
asks for the account to be deleted      xxxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
says: that was not me                   xxxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
sets up a second factor                 .........  ..  .........  ..  ........  ...........  ..
removes a second factor                 .xxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
withdraws a consent                     .xxxxxxxx  ..  .xxxxxxxx  ..  ........  ...........  ..
# A first-party app
signs its JWT session out               .........  xx  .........  ..  ........  ...........  ..
ends its JWT session by the API         .........  xx  .........  ..  ........  ...........  ..
repeats an old session refresh token    .........  xx  .........  ..  ........  ...........  ..
# An application
revokes a refresh token (RFC 7009)      .xxxx....  ..  .........  ..  ........  ...........  ..
revokes an offline refresh token        .....xx..  ..  .........  ..  ........  ...........  ..
revokes an access token (RFC 7009)      .xxxx....  ..  .........  ..  ........  ...........  ..
repeats an old refresh token            .xxxx....  ..  .........  ..  ........  ...........  ..
repeats a code                          .xxxx....  ..  .........  ..  ........  ...........  ..
repeats a device code                   .....xx..  ..  .........  ..  ........  ...........  ..
# An operator
ends a session                          xxxxx..xx  ..  .........  ..  xxxx..xx  ...........  ..
ends a family                           .xxxx....  ..  .........  ..  ........  ...........  ..
withdraws an authorization              .xxxxxxxx  ..  .xxxxxxxx  ..  ........  ...........  ..
revokes everything of a user            xxxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
resets a password                       xxxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
resets second factors                   xxxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
disables an account                     xxxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
deletes an account                      xxxxxxxxx  xx  xxxxxxxxx  xx  xxxxxxxx  ...........  ..
revokes everything of an application    .xxxxxxxx  ..  .xxxxxxxx  ..  ........  .xxxxxxxx..  xx
disables an application                 .xxxxxxxx  ..  .xxxxxxxx  ..  ........  .xxxxxxxx..  xx
deletes an application                  .xxxxxxxx  ..  .xxxxxxxx  ..  ........  .xxxxxxxx..  xx
rolls a secret                          .........  ..  .........  ..  ........  ...........  ..
rolls a secret that leaked              .xxxxxxxx  ..  .xxxxxxxx  ..  ........  .xxxxxxxx..  xx
rotates the keys                        .........  ..  .........  ..  ........  ...........  ..
revokes a compromised key               .xx..x...  xx  .xx..x...  xx  xx..x...  .xx..x...xx  x.
"""
"""x dies, . lives. One mark a credential, in the order of `GROUPS`: cookie, access, exchanged access, opaque access,
refresh, offline access, offline refresh, code, device code; access and refresh of a JWT session; access and opaque
access of a machine."""


def expected() -> dict[str, list[str]]:
    """The table by its acts; each has a mark for each credential."""
    rows = {}
    for line in TABLE.strip("\n").splitlines()[2:]:
        if not line.startswith("#"):
            rows[line[:40].strip()] = line[40:].split()
    return rows


# --- The world before an act ----------------------------------------------------------------------------------


@dataclass
class World:
    alice: Any
    bob: Any
    web: App
    other_app: App
    here: InBrowser
    elsewhere: InBrowser
    app: InApp
    other: InApp
    through_here: Held
    bobs: InBrowser
    bobs_app: InApp
    machine: OfMachine
    operator: Client

    def outcome(self) -> list[str]:
        tried = (
            (self.here.tries,),
            (self.app.tries,),
            (self.elsewhere.tries,),
            (self.other.tries,),
            (self.through_here.tries,),
            (self.bobs.tries, self.bobs_app.tries),
            (self.machine.tries,),
        )
        found = []
        for names, tries in zip(GROUPS.values(), tried, strict=True):
            Refusals.objects.all().delete()  # so many refusals would reach a limit, which would answer instead
            found.append(marks(names, *tries))
        return found

    @property
    def http(self) -> Client:
        """This browser, without the proof against forgery that its pages carry."""
        mine = Client(HTTP_HOST=HOST)
        mine.cookies = self.here.browser.http.cookies
        return mine

    def user_page(self, act: str) -> str:
        return f"/admin/accounts/user/{self.alice.pk}/{act}/"

    def app_page(self, act: str) -> str:
        return f"/admin/oauth/application/{self.web.row.pk}/{act}/"


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    limits = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS, False)
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers, ACCOUNT_RATE_LIMITS=limits):
        yield


def _app(calendar: Scope, name: str, uri: str) -> App:
    row, its_secret = with_defaults(
        "web",
        name,
        [calendar],
        redirect_uris=uri,
        post_logout_redirect_uris=f"{uri}/bye",
        grant_types=["authorization_code", "refresh_token", DEVICE_CODE, "client_credentials"],
    )
    return App(row, its_secret, uri)


def _broker(web: App) -> App:
    """AuthCenter's own API as an application that may exchange what was made for it."""
    row, its_secret = new_application(
        "machine", "Broker", grant_types=[TOKEN_EXCHANGE], represents=API.objects.get(client_id="authcenter")
    )
    row.save()
    row.scopes.set(web.row.scopes.all())
    return App(row, its_secret)


def _world() -> World:
    alice, bob = new_person("alice@example.com", flow.PASSWORD), new_person("bob@example.com", flow.PASSWORD)
    root = new_person("root@example.com", flow.PASSWORD, is_staff=True, is_superuser=True)
    calendar = Scope.objects.create(
        api=API.objects.create(identifier="https://calendar.test/", name="Calendar"), name=CALENDAR, title="Your days"
    )
    web, other_app = _app(calendar, "Web", "https://rp1.test/cb"), _app(calendar, "Other", "https://rp2.test/cb")
    broker = _broker(web)
    here = InBrowser.sign_in(web, broker, alice)
    made = World(
        alice,
        bob,
        web,
        other_app,
        here,
        InBrowser.sign_in(web, broker, alice),
        InApp.sign_in(alice),
        InApp.sign_in(alice),
        Held.get(other_app, broker, alice, here.browser),
        InBrowser.sign_in(web, broker, bob),
        InApp.sign_in(bob),
        OfMachine.get(web),
        Browser().enter(root).http,
    )
    made.operator.handler.enforce_csrf_checks = False
    for browser in (here.browser, made.elsewhere.browser, made.bobs.browser):
        browser.page = None  # an answer and all that belongs to its request: nothing to be copied
    return made


@pytest.fixture(scope="module")
def kept(signing_keys: list[Key], django_db_blocker: Any) -> Iterator[Kept[World]]:
    def make() -> World:
        as_new(signing_keys)
        return _world()

    worlds = Kept(make, 20)  # a code lives for a minute
    yield worlds
    with django_db_blocker.unblock():
        worlds.end()


@pytest.fixture
def beforehand(kept: Kept[World], django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        kept.ready()


@pytest.fixture
def operated(db: None, kept: Kept[World]) -> World:
    return kept.copied()


# --- The acts -------------------------------------------------------------------------------------------------

ACTS: dict[str, Callable[[World], Any]] = {}


def act(name: str) -> Callable[[Callable[[World], Any]], Callable[[World], Any]]:
    def register(function: Callable[[World], Any]) -> Callable[[World], Any]:
        assert name not in ACTS
        ACTS[name] = function
        return function

    return register


def went(response: Any, *statuses: int) -> Any:
    assert response.status_code in (statuses or (302,)), (response.status_code, response.content[:1500])
    return response


@act("nothing")
def _nothing(w: World) -> None:
    pass


@act("signs out")
def _signs_out(w: World) -> None:
    went(w.http.post("/accounts/logout/"))


@act("signs out by an application's link")
def _rp_logout(w: World) -> None:
    went(w.http.get("/oauth/logout", {"id_token_hint": w.here.held.online["id_token"]}), 200, 302, 303)


@act("ends one sign-in from another")
def _ends_one(w: World) -> None:
    sid = w.here.sid
    elsewhere = Client(HTTP_HOST=HOST)
    elsewhere.cookies = w.elsewhere.browser.http.cookies
    went(elsewhere.post(f"/account/sessions/{sid}/end/"))


@act("signs out all others")
def _all_others(w: World) -> None:
    went(w.http.post("/account/sessions/others/"))


@act("changes the password")
def _changes_password(w: World) -> None:
    new = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    went(w.http.post("/accounts/password/change/", {"oldpassword": flow.PASSWORD, **new}))


@act("resets the password")
def _resets_password(w: World) -> None:
    stranger = Client(HTTP_HOST=HOST)
    went(stranger.post("/accounts/password/reset/", {"email": w.alice.email}))
    went(stranger.post("/accounts/password/reset/confirm/", {"code": codes(w.alice.email)[-1]}))
    new = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    went(stranger.post("/accounts/password/reset/complete/", new))


@act("changes the e-mail address")
def _changes_email(w: World) -> None:
    went(w.http.post("/accounts/email/", {"email": "new@example.com", "action_add": "1"}))
    went(w.http.post("/accounts/confirm-email/", {"code": codes("new@example.com")[-1]}))
    w.alice.refresh_from_db()
    assert w.alice.email == "new@example.com"


@act("asks for the account to be deleted")
def _asks_for_deletion(w: World) -> None:
    went(w.http.post("/account/data/delete/"))


@act("says: that was not me")
def _was_not_me(w: World) -> None:
    """By the link of a mail, in a browser that is signed in nowhere."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        tell(RequestFactory().get("/"), w.alice, Alert.NEW_DEVICE)
    [link] = re.findall(r"http://localhost:8000(/accounts/not-me/\S+)", str(mail.outbox[-1].body))
    went(Client(HTTP_HOST=HOST).post(link), 200)


@act("sets up a second factor")
def _sets_up_factor(w: World) -> None:
    set_up(w.http)


@act("removes a second factor")
def _removes_factor(w: World) -> None:
    set_up(w.http)
    went(w.http.post("/account/security/app/remove/"))


@act("withdraws a consent")
def _withdraws(w: World) -> None:
    went(w.http.post(f"/account/apps/{authorization(w).pk}/remove/"))


def authorization(w: World) -> Authorization:
    return Authorization.objects.get(user=w.alice, application=w.web.row)


def api(path: str, method: str = "post", bearer: str = "", **body: str) -> Any:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return getattr(Client(HTTP_HOST=HOST), method)(path, body, content_type="application/json", headers=headers)


@act("signs its JWT session out")
def _jwt_logout(w: World) -> None:
    went(api("/api/token/logout/", refresh=w.app.refresh), 204)


@act("ends its JWT session by the API")
def _jwt_delete(w: World) -> None:
    went(api(f"/api/sessions/{claims(w.app.access)['sid']}/", "delete", w.other.access), 204)


@act("repeats an old session refresh token")
def _jwt_replay(w: World) -> None:
    went(api("/api/token/refresh/", refresh=w.app.stale_refresh), 401)


@act("revokes a refresh token (RFC 7009)")
def _revokes_refresh(w: World) -> None:
    went(as_app(w.web, "/oauth/revoke", {"token": w.here.held.online["refresh_token"]}), 200)


@act("revokes an offline refresh token")
def _revokes_offline(w: World) -> None:
    went(as_app(w.web, "/oauth/revoke", {"token": w.here.held.offline["refresh_token"]}), 200)


@act("revokes an access token (RFC 7009)")
def _revokes_access(w: World) -> None:
    went(as_app(w.web, "/oauth/revoke", {"token": w.here.held.online["access_token"]}), 200)


@act("repeats an old refresh token")
def _refresh_replay(w: World) -> None:
    went(refresh(w.web, w.here.held.stale_refresh), 400)


@act("repeats a code")
def _code_replay(w: World) -> None:
    went(redeem(w.web, w.here.held.spent_code), 400)


@act("repeats a device code")
def _device_code_replay(w: World) -> None:
    time_passes()
    went(w.here.held.spent_device.poll(), 400)


@act("ends a session")
def _operator_ends_session(w: World) -> None:
    went(confirm(w.operator, f"/admin/signins/session/{w.here.sid}/end/"))


@act("ends a family")
def _operator_ends_family(w: World) -> None:
    went(confirm(w.operator, f"/admin/oauth/family/{claims(w.here.held.online['access_token'])['fid']}/end/"))


@act("withdraws an authorization")
def _operator_withdraws(w: World) -> None:
    went(confirm(w.operator, f"/admin/oauth/authorization/{authorization(w).pk}/withdraw/"))


@act("revokes everything of a user")
def _everything_of_user(w: World) -> None:
    went(confirm(w.operator, w.user_page("revoke")))


@act("resets a password")
def _operator_resets(w: World) -> None:
    went(confirm(w.operator, w.user_page("reset")))


@act("resets second factors")
def _operator_resets_factors(w: World) -> None:
    set_up(w.http)
    went(confirm(w.operator, w.user_page("reset-factors")))


@act("disables an account")
def _disables_account(w: World) -> None:
    saved(w.operator, w.user_page("change"), is_active=None)


@act("deletes an account")
def _deletes_account(w: World) -> None:
    went(w.operator.post(w.user_page("delete"), {"post": "yes"}))


@act("revokes everything of an application")
def _everything_of_application(w: World) -> None:
    went(confirm(w.operator, w.app_page("revoke")))


@act("disables an application")
def _disables_application(w: World) -> None:
    saved(w.operator, w.app_page("change"), is_active=None)


@act("deletes an application")
def _deletes_application(w: World) -> None:
    went(w.operator.post(w.app_page("delete"), {"post": "yes"}))


@act("rolls a secret")
def _rolls(w: World, **more: str) -> None:
    w.web.secret = went(confirm(w.operator, w.app_page("roll-secret"), **more), 200).context["secret"]


@act("rolls a secret that leaked")
def _rolls_leaked(w: World) -> None:
    _rolls(w, leaked="on")


@act("rotates the keys")
def _rotates(w: World) -> None:
    went(confirm(w.operator, "/admin/keys/key/rotate/"))


@act("revokes a compromised key")
def _key_compromised(w: World) -> None:
    kid = Key.objects.get(algorithm="ES256", state=Key.State.ACTIVE).kid
    went(confirm(w.operator, f"/admin/keys/key/{kid}/revoke/"))


# --- The table ------------------------------------------------------------------------------------------------


def test_every_act_has_a_mark_for_every_credential():
    table = expected()
    assert table.keys() == ACTS.keys()
    for name, row in table.items():
        assert [len(group) for group in row] == [len(names) for names in GROUPS.values()], name
        assert set("".join(row)) <= {"x", "."}, name


@pytest.mark.parametrize("name", ACTS)
def test_what_dies_and_what_lives(operated, name):
    ACTS[name](operated)
    assert operated.outcome() == expected()[name]


@pytest.mark.parametrize("name", ["signs out all others", "changes the password", "changes the e-mail address"])
def test_this_sign_in_goes_on_with_a_cookie_of_its_own(operated, name):
    """The cookie as it was before may have been copied."""
    ACTS[name](operated)
    assert operated.here.browser.get("/account/").status_code == 200
    assert not operated.here.copy_lives()


@pytest.mark.parametrize("name", ["signs out all others", "changes the password", "changes the e-mail address"])
def test_applications_come_back_through_the_sign_in_that_stayed(operated, name):
    ACTS[name](operated)
    browser = operated.here.browser.ask(operated.web, scope="openid offline_access")
    again = redeem(operated.web, flow.answer(browser.left_to)["code"]).json()
    assert userinfo(again["access_token"]).status_code == 200
    assert refresh(operated.web, again["refresh_token"]).status_code == 200


def test_the_page_has_this_very_table():
    if os.environ.get("WRITE_TABLE"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "docs/revocation-table.md is old: WRITE_TABLE=1 pytest tests/test_ends.py"


def page() -> str:
    lines = [
        "# What ends what",
        "",
        "Each act, and what of a person's credentials it ends at the next request. What a cell does not name lives.",
        "`tests/test_ends.py` tries every cell over HTTP and writes this page.",
        "",
        "- *cookie*: a browser's sign-in. *access*, *refresh*: an application's tokens without `offline_access`;",
        "  *offline access*, *offline refresh*: with it. *opaque access*: where the application asks for opaque ones.",
        "  *exchanged access*: what another application got in exchange for the access token.",
        "- *code*: an authorization code that nobody has redeemed yet. *device code*: one that its person has allowed,",
        "  and whose device has not come back yet.",
        "- *session access*, *session refresh*: the tokens of a first-party app's own sign-in.",
        "- **This browser** is where the act happens or what it names, and **JWT session** the same of a first-party",
        "  app; **other application** has its tokens through this browser; **machine** is what the application",
        "  got with its own credentials, without a person. The others are there to see that they live.",
        "",
    ]
    for line in TABLE.strip("\n").splitlines()[2:]:
        if line.startswith("#"):
            title = line.strip("# ")
            lines += ["", f"## {title} …", "", _row(("act", *GROUPS)), _row(["---"] * (len(GROUPS) + 1))]
        elif not line.startswith("nothing"):
            ended = [_words(names, group) for names, group in zip(GROUPS.values(), line[40:].split(), strict=True)]
            lines.append(_row([f"… {line[:40].strip()}", *ended]))
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _words(names: tuple[str, ...], group: str) -> str:
    if "." not in group:
        return "**all**"
    ended = [name for name, mark in zip(names, group, strict=True) if mark == "x"]
    if len(ended) > len(names) - 2:
        return "all but " + ", ".join(name for name in names if name not in ended)
    return ", ".join(ended) or "–"


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


# --- Nothing revives ------------------------------------------------------------------------------------------


def _swept(w: World) -> None:
    """The day after: an access token cannot have lived so long, so none is there to revive."""
    soonest = min(Revocation.objects.values_list("expires", flat=True), default=None)
    for held in (w.here.held, w.elsewhere.held, w.through_here, w.bobs.held):
        for got in (held.online, held.offline):
            end = claims(got["access_token"])["exp"]
            assert soonest is None or soonest.timestamp() >= end + LEEWAY.total_seconds()
    Revocation.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert dict(sweep())["revocations"] or soonest is None
    assert not Revocation.objects.exists()


def _rotated(w: World) -> None:
    for algorithm in ("ES256", "RS256"):
        rotate(algorithm)


def _restarted(w: World) -> None:
    ring.__init__()  # type: ignore[misc]  # a new process has read nothing yet
    cache.clear()


def _enabled_again(w: World) -> None:
    for address in (w.user_page("change"), w.app_page("change")):
        if w.operator.get(address).status_code == 200:
            saved(w.operator, address, is_active="on")


def _tried_again(w: World) -> None:
    """Every refusal is asked for once more."""
    w.outcome()


LATER = {
    "swept": _swept,
    "rotated": _rotated,
    "restarted": _restarted,
    "enabled again": _enabled_again,
    "tried again": _tried_again,
}


ENDED_BY = (
    "signs out",
    "changes the password",
    "withdraws a consent",
    "repeats an old refresh token",
    "disables an account",
    "disables an application",
    "deletes an account",
    "revokes a compromised key",
)


@pytest.mark.parametrize(
    ("name", "later"),
    [(name, later) for number, name in enumerate(ENDED_BY) for later in a_part([*LATER], 2, number)],
)
def test_nothing_revives(operated, name, later):
    ACTS[name](operated)
    LATER[later](operated)
    for group, now, then in zip(GROUPS, operated.outcome(), expected()[name], strict=True):
        for credential, alive, mark in zip(GROUPS[group], now, then, strict=True):
            if mark == "x" and not (later == "swept" and "access" in credential):
                assert alive == "x", f"{credential} of {group} revived"


# --- Cheap and exact ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["revokes everything of a user", "signs out all others", "changes the password", "resets the password"]
)
def test_a_sign_in_at_the_same_moment_works_at_once(operated, name, monkeypatch):
    """The clock stands still, so that everything happens in one second: no instants are compared."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    ACTS[name](operated)
    if "password" in name:
        monkeypatch.setattr(flow, "PASSWORD", NEW_PASSWORD)
        browser = Browser().sign_in(operated.alice, NEW_PASSWORD)
    else:
        browser = Browser().sign_in(operated.alice)
    assert browser.get("/account/").status_code == 200
    fresh = tokens(operated.web, operated.alice, browser, scope="openid offline_access")
    assert userinfo(fresh["access_token"]).status_code == 200
    assert refresh(operated.web, fresh["refresh_token"]).status_code == 200
    assert marks(IN_APP, InApp.sign_in(operated.alice).tries) == ".."


@pytest.mark.parametrize(
    "name",
    [
        "revokes everything of a user",
        "disables an account",
        "resets the password",
        "changes the password",
        "changes the e-mail address",
        "signs out all others",
        "revokes everything of an application",
        "disables an application",
        "withdraws a consent",
        "withdraws an authorization",
    ],
)
def test_however_much_it_ends_it_is_one_row(operated, name):
    first = Family.objects.filter(user=operated.alice, application=operated.web.row).first()
    assert first
    Family.objects.bulk_create(_copies(first, 300))
    before = Revocation.objects.count()
    ACTS[name](operated)
    assert Revocation.objects.count() == before + 1


def _copies(row: Family, times: int) -> Iterator[Family]:
    fields = {field.attname: getattr(row, field.attname) for field in Family._meta.concrete_fields}
    for _ in range(times):
        yield Family(**{**fields, "id": Family._meta.get_field("id").get_default()})


def test_sessions_are_ended_where_they_are_checked(operated):
    ACTS["revokes everything of a user"](operated)
    assert not Session.objects.filter(user=operated.alice, ended=None).exists()
