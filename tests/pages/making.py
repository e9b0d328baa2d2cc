"""Makes the people and things of the scene. It runs in the server's Django (`Scene.make`) and prints what it made."""

import json
import secrets
import time
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts import recovery_codes
from accounts.admission import Invitation
from accounts.alerts import Alert, hash_of
from accounts.home_rows import Deletion, Notice
from accounts.models import (
    Group,
    Membership,
    Organisation,
    OrganisationInvitation,
    Passkey,
    TotpStep,
    TrustedBrowser,
    User,
)
from accounts.social.models import IdentityProvider, LinkedIdentity
from authcenter.keys import vault
from authcenter.oauth.models import API, Authorization, Scope
from authcenter.oauth.registration import new_application
from authcenter.sessions.cookie_store import SessionStore
from authcenter.sessions.models import Session

SOON = timezone.now() + timedelta(days=9)
ADDRESS = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
    "warehouse-sync/2.1",
    "",
)
_LATER = time.time() + 3600
"""For what a session waits with: however slow the machine, it is not over when its page is looked at."""


def make(password: str, url: str) -> None:
    people = {
        "long": _person(
            "maximiliane-alexandra.von-und-zu-hohenlohe@a-long-domain.example",
            password,
            name="Maximiliane Alexandra Freifrau von und zu Hohenlohe-Langenburg",
            phone_number="+49 30 1234567",
            website="https://example.com/a/rather/long/address/that/does/not/break/anywhere",
        ),
        "plain": _person("keys-only@example.com", password),
        "guesser": _person("guesser@example.com", password),
        "careful": _person("wilhelmina.careful@a-long-domain.example", password, name="Wilhelmina Careful"),
        "enrolling": _person("enrolling@example.com", password, name="Enno Enrolling"),
        "social": _person("social@example.com", None, name="Sofia Social"),
        "leaving": _person("leaving@example.com", password, name="Lena Leaving"),
        "invited": _person("invited@example.com", password, name="Ines Invited"),
    }
    made: dict[str, Any] = {name: person.email for name, person in people.items()}
    made |= _applications(url, people["long"])
    made["codes"] = _factors(people["careful"])
    _sign_ins(people["long"])
    made |= _providers(people)
    made |= _organisations(people)
    Group.objects.create(name="needs-two", second_factor=True).members.add(people["enrolling"])
    Deletion.objects.create(user=people["leaving"], due=SOON)
    made["sign_up"] = secrets.token_urlsafe(24)
    Invitation.objects.create(email="asked-to-come@example.com", token_hash=hash_of(made["sign_up"]))
    made["notice"], made["notice_done"] = _notice(people["long"]), _notice(people["guesser"])
    print(json.dumps(made))


def _person(email: str, password: str | None, **fields: Any) -> User:
    user = User.objects.create_user(email, password, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _applications(url: str, person: User) -> dict[str, str]:
    api = API.objects.create(identifier="https://goods.example/", name="Orders and deliveries of the warehouse")
    texts = [
        ("See your orders", "", "read"),
        ("See deliveries", "Where they are, and when they come.", "read"),
        ("Place orders in your name", "", "write"),
        ("Change the account that is charged", "It may cost you money.", "write"),
    ]
    Scope.objects.bulk_create(
        Scope(api=api, name=f"goods:{number}", title=title, description=told, access=access, sensitive=number == 3)
        for number, (title, told, access) in enumerate(texts)
    )
    about = {
        "publisher": "Example Incorporated and Company",
        "client_uri": "https://example.com/",
        "policy_uri": "https://example.com/privacy",
        "tos_uri": "https://example.com/terms",
    }
    name = "The Extraordinarily Long-Named Warehouse Management Application of Example Incorporated"
    identity = ["openid", "profile", "email", "address", "phone", "offline_access", "organization"]
    app, _ = new_application("web", name, redirect_uris=f"{url}/rp/callback", identity_scopes=identity, **about)
    native, _ = new_application("native", "Terminal Tool", redirect_uris="http://127.0.0.1/cb")
    tv, _ = new_application("device", "The Extraordinarily Long-Named Television of Example Incorporated", **about)
    for one in (app, native, tv):
        one.save()
        one.scopes.set(api.scopes.all())
    for number in range(22):
        small, _ = new_application("spa", f"Sample application {number}", redirect_uris="https://a.example/cb")
        small.save()
        Authorization.objects.create(user=person, application=small, scopes=["openid", "email"])
    return {"app": app.client_id, "native": native.client_id, "tv": tv.client_id}


def _sign_ins(person: User) -> None:
    Session.objects.bulk_create(
        Session(
            user=person,
            kind="api" if number % 3 else "browser",
            expires=SOON,
            idle_seconds=10**6,
            user_agent=BROWSERS[number % 5],
            address=ADDRESS,
        )
        for number in range(23)
    )


def _factors(person: User) -> list[str]:
    """Each kind of factor, more than one of those that one may have more of; gives the recovery codes."""
    app = Authenticator.objects.create(
        user=person, type=Authenticator.Type.TOTP, data={"secret": vault.encrypt("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")}
    )
    TotpStep.objects.create(authenticator=app)
    names = ["iPhone of Wilhelmina", "The security key in the upper drawer of the desk", "Windows Hello"]
    for number, name in enumerate(names):
        row = Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={"name": name})
        identifier = secrets.token_bytes(32)
        Passkey.objects.create(
            authenticator=row,
            digest=hash_of(identifier.hex()),
            credential_id=identifier,
            public_key=b"",
            verifies=number != 1,
            discoverable=number != 1,
            backup_eligible=number == 0,
            backed_up=number == 0,
            aaguid="00000000-0000-0000-0000-000000000000",
            transports=["usb"] if number == 1 else ["internal"],
        )
        Authenticator.objects.filter(pk=row.pk, pk__gt=app.pk + 1).update(last_used_at=timezone.now())
    TrustedBrowser.objects.bulk_create(
        TrustedBrowser(
            user=person,
            user_epoch=person.epoch,
            digest=hash_of(str(number)),
            expires=SOON,
            user_agent=BROWSERS[number],
            address=ADDRESS,
        )
        for number in range(3)
    )
    return recovery_codes.make(person)


def _providers(people: dict[str, User]) -> dict[str, Any]:
    """A provider of each kind, and browsers in which somebody has come back from one."""
    made = {}
    for kind in IdentityProvider.Kind:
        name = "The Bureau of Example Incorporated" if kind == IdentityProvider.Kind.OPENID else str(kind.label)
        made[kind] = IdentityProvider.objects.create(
            kind=kind, name=name, issuer="https://login.example", client_id="x", position=kind == "openid"
        )
    rows = [(people["careful"], "google"), (people["careful"], "openid"), (people["social"], "openid")]
    links = [
        LinkedIdentity.objects.create(
            provider=made[IdentityProvider.Kind(kind)],
            subject=f"s-{number}",
            user=person,
            shown_as=person.email,
            last_used=timezone.now(),
        )
        for number, (person, kind) in enumerate(rows)
    ]
    return {
        "link": links[0].pk,
        "last_link": links[2].pk,
        "newcomer": _newcomer(made[IdentityProvider.Kind.GITHUB], ""),
        "newcomer_known": _newcomer(made[IdentityProvider.Kind.GITHUB], people["plain"].email),
    }


def _newcomer(provider: IdentityProvider, proved: str) -> str:
    """The key of a browser's session: `accounts/social/joining.py` says what is kept in it."""
    kept = SessionStore()
    identity = {
        "subject": "new",
        "email": proved or "newcomer@example.com",
        "email_verified": bool(proved),
        "name": "Nadia Newcomer",
        "given_name": "Nadia",
        "family_name": "Newcomer",
        "locale": "",
    }
    kept["provider_newcomer"] = {
        "provider": str(provider.pk),
        "identity": identity,
        "onward": "",
        "proved": proved,
        "at": _LATER,
    }
    kept.create()
    return str(kept.session_key)


def _organisations(people: dict[str, User]) -> dict[str, Any]:
    """One with many members that `careful` owns; smaller ones; and invitations."""
    large = Organisation.objects.create(
        name="The Society for Very Long Names of Organisations", custom_roles=["auditor", "warehouse-keeper"]
    )
    Membership.objects.create(organisation=large, user=people["careful"], role="owner")
    Membership.objects.create(organisation=large, user=people["long"], role="auditor")
    for number in range(22):
        person = _person(f"member-{number}@a-long-domain.example", None, name=f"Member Number {number}")
        member = Membership.objects.create(organisation=large, user=person)
    small = Organisation.objects.create(name="Example Club")
    Membership.objects.create(organisation=small, user=people["careful"], role="member")
    tokens = {}
    for name, email in (("invitation", people["invited"].email), ("invitation_2", "nobody-yet@a-long-domain.example")):
        tokens[name] = secrets.token_urlsafe(24)
        OrganisationInvitation.objects.create(
            organisation=large, email=email, token_hash=hash_of(tokens[name]), invited_by=people["careful"]
        )
    return {**tokens, "large": large.pk, "small": small.pk, "member": str(member.pk)}


def _notice(person: User) -> str:
    token = secrets.token_urlsafe(24)
    Notice.objects.create(
        user=person,
        alert=Alert.NEW_DEVICE,
        token_hash=hash_of(token),
        address=ADDRESS,
        user_agent=BROWSERS[0],
        expires=SOON,
    )
    return token
