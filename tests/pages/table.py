"""The table of pages: name, route, heading, how to get there, and who is there."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.pages.scene import PASSWORD, Scene
from tests.pages.visitor import Visitor

STRANGER, LONG, PLAIN = "", "long", "plain"
"""Nobody; one with a very long name and many rows; one who has next to nothing."""

Steps = Callable[[Visitor, Scene], object]


@dataclass(frozen=True)
class Page:
    name: str
    route: str
    heading: str
    steps: str | Steps
    """An address, or what is done to get there."""

    who: str = STRANGER
    anew: bool = False
    """Whether she signs in for this page alone: it ends her sign-in, or changes it."""

    def go(self, visitor: Visitor, scene: Scene) -> None:
        if isinstance(self.steps, str):
            visitor.open(self.steps)
        else:
            self.steps(visitor, scene)


def _sign_up(visitor: Visitor, scene: Scene, email: str) -> Visitor:
    return visitor.open("/accounts/signup/").send(email=email, password1=PASSWORD)


def _reset(visitor: Visitor, scene: Scene, who: str) -> Visitor:
    return visitor.open("/accounts/password/reset/").send(email=scene.made[who])


def _reset_code(visitor: Visitor, scene: Scene, who: str) -> Visitor:
    return _reset(visitor, scene, who).send(code=scene.mailed_code(scene.made[who]))


def _device(visitor: Visitor, scene: Scene) -> Visitor:
    return visitor.open("/device").send(user_code=scene.device_code()["user_code"])


def _button(visitor: Visitor, name: str) -> Visitor:
    return visitor.press(visitor.page.locator(f"button[name={name}]"))


def _too_many(visitor: Visitor, scene: Scene) -> None:
    visitor.open("/device")
    for _ in range(6):
        visitor.send(user_code="bbbb-bbbb")


ENTRANCE = [
    Page("sign-in-plain", "account_login", "Sign in", "/accounts/login/"),
    Page("sign-in", "account_login", "Sign in", lambda v, s: v.open(s.asks("app"))),
    Page(
        *("sign-in-refused", "account_login", "Sign in"),
        lambda v, s: v.open(s.asks("app")).send(login="somebody@example.com", password="not the password 1"),
    ),
    Page("sign-up", "account_signup", "Create an account", "/accounts/signup/"),
    Page(
        *("sign-up-refused", "account_signup", "Create an account"),
        lambda v, s: v.open("/accounts/signup/").send(email="pages@example.com", password1="short"),
    ),
    Page(
        *("verify", "account_email_verification_sent", "Check your mail"),
        lambda v, s: _sign_up(v, s, "pages-1@example.com"),
    ),
    Page(
        *("verify-refused", "account_email_verification_sent", "Check your mail"),
        lambda v, s: _sign_up(v, s, "pages-2@example.com").send(code="BBBB-BBBB"),
    ),
    Page("reset", "account_reset_password", "Reset your password", "/accounts/password/reset/"),
    Page(
        *("reset-code", "account_confirm_password_reset_code", "Check your mail"),
        lambda v, s: _reset(v, s, "long"),
    ),
    Page(
        *("reset-new", "account_complete_password_reset", "Choose a new password"),
        lambda v, s: _reset_code(v, s, "guesser"),
    ),
    Page(
        *("reset-done", "account_password_reset_completed", "Your password is changed"),
        "/accounts/password/reset/done/",
    ),
    Page("closed", "account_inactive", "This account is closed", "/accounts/inactive/"),
    Page("404", "", "There is nothing here", "/no/such/page"),
    Page("oauth-error", "oauth-authorize", ".", "/oauth/authorize?client_id=nobody"),
    Page("signed-out", "oidc-signed-out", "You are signed out", "/oauth/logout/done"),
]

APPS = [
    Page("consent", "oauth-consent", "wants to access", lambda v, s: v.open(s.asks("app")), LONG),
    Page("consent-native", "oauth-consent", "wants to access", lambda v, s: v.open(s.asks("native", "openid")), LONG),
    Page(
        *("sign-in-again", "account_reauthenticate", "Sign in again"),
        *(lambda v, s: v.open(s.asks("app", "openid", prompt="login")), LONG),
    ),
    Page(
        *("sign-in-again-refused", "account_reauthenticate", "Sign in again"),
        lambda v, s: v.open(s.asks("app", "openid", prompt="login")).send(password="not the password 1"),
        LONG,
    ),
    Page("device-code", "device", "Connect a device", "/device", LONG),
    Page(
        *("device-code-none", "device", "Connect a device"),
        *(lambda v, s: v.open("/device").send(user_code="bcd"), LONG),
    ),
    Page(
        *("device-code-wrong", "device", "Connect a device"),
        *(lambda v, s: v.open("/device").send(user_code="bbbb-bbbb"), LONG),
    ),
    Page("device-too-many", "device", "Too many attempts", _too_many, "guesser", anew=True),
    Page("device-confirm", "device-confirm", "on a device wants", _device, LONG),
    Page(
        *("device-denied", "device-confirm", "gets no access"),
        *(lambda v, s: _button(_device(v, s), "deny"), LONG),
    ),
    Page(
        *("device-allowed", "device-confirm", "go back to your device"),
        *(lambda v, s: _button(_device(v, s), "allow"), LONG),
    ),
    Page("device-over", "device-confirm", "is over", "/device/confirm?txn=x", LONG),
    Page("oauth-logout", "oidc-end-session", "Sign out of", "/oauth/logout", LONG),
    Page("sign-out", "account_logout", "Sign out of", "/accounts/logout/", LONG),
    Page(
        *("sign-in-after", "account_login", "Sign in"),
        *(lambda v, s: v.open("/accounts/logout/").send(), PLAIN),
        anew=True,
    ),
]

HOME = [
    Page("profile", "account", "Your profile", "/account/", LONG),
    Page(
        *("profile-refused", "account", "Your profile"),
        *(lambda v, s: v.open("/account/").send(zoneinfo="Mars/Olympus"), LONG),
    ),
    Page("security", "account-security", "Security", "/account/security/", LONG),
    Page("security-first", "account-security", "Security", "/account/security/", PLAIN),
    Page("sessions", "account-sessions", "Where you are signed in", "/account/sessions/", LONG),
    Page("sessions-first", "account-sessions", "Where you are signed in", "/account/sessions/", PLAIN),
    Page("sessions-others", "account-end-others", "Sign out all others", "/account/sessions/others/", LONG),
    Page("apps", "account-apps", "Connected apps", "/account/apps/", LONG),
    Page("apps-none", "account-apps", "Connected apps", "/account/apps/?q=nothing", LONG),
    Page("apps-first", "account-apps", "Connected apps", "/account/apps/", PLAIN),
    Page(
        *("apps-remove", "account-remove-app", "Remove the access"),
        *(lambda v, s: v.open("/account/apps/").press(v.page.locator(".item a.danger").first), LONG),
    ),
    Page("email", "account_email", "Your e-mail address", "/accounts/email/", LONG),
    Page(
        *("email-code", "account_email_verification_sent", "Check your mail"),
        *(lambda v, s: v.open("/accounts/email/").send(email="another@example.com"), "guesser"),
        anew=True,
    ),
    Page("password", "account_change_password", "Change your password", "/accounts/password/change/", LONG),
    Page(
        *("password-refused", "account_change_password", "Change your password"),
        lambda v, s: v.open("/accounts/password/change/").send(
            oldpassword="not the password 1", password1="short", password2="other"
        ),
        LONG,
    ),
]


def _code_by_mail(visitor: Visitor, scene: Scene) -> Visitor:
    return visitor.open("/accounts/login/code/").send(email=scene.made["guesser"])


def _second_step(visitor: Visitor, scene: Scene) -> Visitor:
    return visitor.open(scene.asks("app", "openid")).send(login=scene.made["careful"], password=PASSWORD)


def _set_up(visitor: Visitor, scene: Scene) -> Visitor:
    return visitor.open("/accounts/login/").send(login=scene.made["enrolling"], password=PASSWORD)


def _another_account(visitor: Visitor, scene: Scene) -> None:
    """Two in one browser."""
    visitor.open("/accounts/choose/")
    visitor.press(visitor.page.get_by_role("button", name="Use another account"))
    visitor.send(login=scene.made["plain"], password=PASSWORD).open("/accounts/choose/")


def _not_me(visitor: Visitor, scene: Scene) -> None:
    visitor.open(f"/accounts/not-me/{scene.made['notice_done']}/").send()


def _linking(visitor: Visitor, scene: Scene) -> None:
    visitor.open("/accounts/social/known/")
    visitor.press(visitor.page.locator("main a.primary, main a.button").first).send(password=PASSWORD)


ORGANISATION = "/account/organisations"

WAYS_IN = [
    Page("code-ask", "account_request_login_code", "Sign in with a code", "/accounts/login/code/"),
    Page("code-enter", "account_confirm_login_code", "Check your mail", _code_by_mail),
    Page(
        *("code-refused", "account_confirm_login_code", "Check your mail"),
        lambda v, s: _code_by_mail(v, s).send(code="BBBB-BBBB"),
    ),
    Page("choose", "account-choose", "Choose an account", _another_account, LONG, anew=True),
    Page("second-factor", "mfa_authenticate", "Second step", _second_step),
    Page(
        *("second-factor-refused", "mfa_authenticate", "Second step"),
        lambda v, s: v.open("/accounts/login/").send(login=s.made["careful"], password=PASSWORD).send(code="000000"),
    ),
    Page(
        *("second-factor-recovery", "mfa_authenticate", "Second step"),
        lambda v, s: (_second_step(v, s), v.open("/accounts/2fa/?way=recovery_codes")),
    ),
    Page("second-factor-again", "mfa_reauthenticate", "Is it you", "/accounts/2fa/again/", "careful"),
    Page("second-factor-set-up", "second-factor-set-up", "Set up a second factor", _set_up),
    Page("passkey-sign-up", "account_signup_by_passkey", ".", "/accounts/signup/passkey/"),
    Page("sign-up-invitation-over", "account-sign-up-invitation", "does not work", "/accounts/invitation/nothing/"),
    Page("not-me", "account-not-me", "Was that not you", lambda v, s: v.open(f"/accounts/not-me/{s.made['notice']}/")),
    Page("not-me-done", "account-not-me", "Everything has ended", _not_me),
    Page("not-me-over", "account-not-me", "no good any more", "/accounts/not-me/nothing/"),
    Page("again", "account-again", "Sign in again", "/accounts/again/", "social"),
    Page("social-finish", "social-finish", ".", "/accounts/social/finish/", "newcomer"),
    Page(
        *("social-code", "social-code", "Check your mail"),
        *(lambda v, s: v.open("/accounts/social/finish/").send(email="newcomer@example.com"), "newcomer"),
    ),
    Page("social-known", "social-known", ".", "/accounts/social/known/", "newcomer_known"),
    Page("social-link", "social-link", ".", _linking, "newcomer_known"),
]

FACTORS = [
    Page("security-full", "account-security", "Security", "/account/security/", "careful"),
    Page("app-set-up", "mfa_activate_totp", ".", "/account/security/app/", LONG),
    Page("app-remove", "mfa_deactivate_totp", ".", "/account/security/app/remove/", "careful"),
    Page("recovery-codes", "mfa_view_recovery_codes", "ecovery codes", "/account/security/codes/", "careful"),
    Page("passkeys", "account-passkeys", "Passkeys", "/account/security/passkeys/", "careful"),
    Page("passkeys-none", "account-passkeys", "Passkeys", "/account/security/passkeys/", PLAIN),
    Page("passkey-add", "account-passkey-add", ".", "/account/security/passkeys/add/", PLAIN),
    Page(
        *("passkey-name", "account-passkey-name", "."),
        lambda v, s: v.open("/account/security/passkeys/").press(v.page.locator(".item .acts a").first),
        "careful",
    ),
    Page(
        *("passkey-remove", "account-passkey-remove", "."),
        lambda v, s: v.open("/account/security/passkeys/").press(v.page.locator(".item .acts a.danger").first),
        "careful",
    ),
    Page("linked", "socialaccount_connections", ".", "/account/security/linked/", "careful"),
    Page("linked-none", "socialaccount_connections", ".", "/account/security/linked/", PLAIN),
    Page(
        *("unlink", "social-unlink", "."),
        *(lambda v, s: v.open(f"/account/security/linked/{s.made['link']}/unlink/"), "careful"),
    ),
    Page("activity", "account-activity", "ctivity", "/account/activity/", "careful"),
    Page("activity-first", "account-activity", "ctivity", "/account/activity/", "invited"),
]

ORGANISATIONS = [
    Page("organisations", "account-organisations", ".", f"{ORGANISATION}/", "careful"),
    Page("organisations-none", "account-organisations", ".", f"{ORGANISATION}/", PLAIN),
    Page("organisations-invited", "account-organisations", ".", f"{ORGANISATION}/", "invited"),
    Page(
        *("organisation", "account-organisation", "."),
        *(lambda v, s: v.open(f"{ORGANISATION}/{s.made['large']}/"), "careful"),
    ),
    Page(
        *("organisation-member", "account-organisation-member", "."),
        lambda v, s: v.open(f"{ORGANISATION}/{s.made['large']}/members/{s.made['member']}/"),
        "careful",
    ),
    Page(
        *("organisation-leave", "account-organisation-leave", "."),
        *(lambda v, s: v.open(f"{ORGANISATION}/{s.made['small']}/leave/"), "careful"),
    ),
    Page(
        *("invitation", "account-invitation", "You are invited"),
        *(lambda v, s: v.open(f"{ORGANISATION}/invitations/{s.made['invitation']}/"), "invited"),
    ),
    Page(
        *("invitation-stranger", "account-invitation", "You are invited"),
        lambda v, s: v.open(f"{ORGANISATION}/invitations/{s.made['invitation_2']}/"),
    ),
    Page(
        *("invitation-of-another", "account-invitation", "You are invited"),
        *(lambda v, s: v.open(f"{ORGANISATION}/invitations/{s.made['invitation']}/"), LONG),
    ),
    Page("invitation-over", "account-invitation", "is over", f"{ORGANISATION}/invitations/nothing/"),
]

COMING_AND_GOING = [
    Page(
        *("invited-sign-up", "account_signup", "Create an account"),
        lambda v, s: v.open(f"/accounts/invitation/{s.made['sign_up']}/"),
    ),
    Page("invited-over", "account-sign-up-invitation", ".", "/accounts/invitation/nothing/"),
    Page(
        *("deletion-keep", "account-keep", "."),
        lambda v, s: v.open("/accounts/login/").send(login=s.made["leaving"], password=PASSWORD),
    ),
    Page("deletion-closed", "account-closed", ".", "/accounts/closed/"),
    Page("data", "account-data", ".", "/account/data/", LONG),
    Page("data-delete", "account-delete", ".", "/account/data/delete/", LONG),
    Page("apps-remove-all", "account-remove-all-apps", ".", "/account/apps/remove-all/", LONG),
    Page(
        *("consent-organisation", "oauth-organisation", "For which organisation"),
        *(lambda v, s: v.open(s.asks("app", "openid organization")), "careful"),
    ),
]

PAGES = COMING_AND_GOING + ENTRANCE + APPS + HOME + WAYS_IN + FACTORS + ORGANISATIONS

REASONS = {
    "front-door": "only leads to one's account",
    "oauth-switch-account": "only signs out, by POST",
    "oauth-logo": "a picture",
    "oidc-logout": "the answer to oidc-end-session, by POST",
    "account-signing-out": "tests/test_answers_browser.py: its frames are of applications elsewhere",
    "account_set_password": "for who has none",
    "account-end-session": "by POST only",
    "preferences": "by POST only",
    **dict.fromkeys(
        (
            *("account-choose-another", "account-choose-remove", "account-sign-out-all", "account-end-trust"),
            *("account-alerts", "account-organisation-remove", "account-organisation-invitation"),
            *("account-invitation-answer", "social-begin", "mfa_login_webauthn", "account-passkey-second-factor"),
            *("account-passkey-set-up", "mfa_reauthenticate_webauthn", "account-forget"),
        ),
        "by POST only",
    ),
    **dict.fromkeys(
        (
            *("account-passkey-options", "account-passkey-sign-up-options", "account-passkey-add-options"),
            *("account-passkey-second-factor-options", "account-passkey-set-up-options"),
            *("account-passkey-again-options",),
        ),
        "JSON for a script",
    ),
    "account-terms": "test_the_terms, which are asked of everybody as long as there are some",
    "account-terms-text": "test_the_terms",
    "account-organisation-sign-in": "leads to the organisation's provider, or back to the sign-in page",
    "account-password-strength": "JSON for a script",
    "account-change-picture": "by POST only",
    "account-data-download": "by POST only",
    "account-forget": "by POST only",
    **dict.fromkeys(("branding-logo", "branding-style", "account-picture", "account-organisation-logo"), "not a page"),
    "mfa_index": "another name of account-security",
    "mfa_signup_webauthn": "tests/pages/test_passkeys.py: after a code by mail",
    "social-callback": "leads on; where a provider refuses, tests/accounts/test_social.py",
}
"""Routes of people that are no page of the table, and why."""

NOT_FOR_PEOPLE = (".well-known/", "oauth/par", "oauth/token", "oauth/revoke", "oauth/introspect", "oauth/register")
NOT_FOR_PEOPLE += ("oauth/device", "oauth/userinfo", "livez", "readyz", "metrics", "api/")
ELSEWHERE = {"admin/": "tests/test_console_browser.py", "demo/": "tests/test_demo_live.py"}
