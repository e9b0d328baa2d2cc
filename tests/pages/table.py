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

PAGES = ENTRANCE + APPS + HOME

REASONS = {
    "front-door": "only leads to one's account",
    "oauth-switch-account": "only signs out, by POST",
    "oauth-logo": "a picture",
    "oidc-logout": "the answer to oidc-end-session, by POST",
    "account-signing-out": "tests/test_answers_browser.py: its frames are of applications elsewhere",
    "account_set_password": "for who has none",
    "account-end-session": "by POST only",
    "preferences": "by POST only",
    "account_request_login_code": "to come",
    "account_confirm_login_code": "to come",
    "account-choose": "to come",
    "social-unlink": "to come",
    "socialaccount_connections": "to come",
    "social-link": "to come",
    "social-known": "to come",
    "social-code": "to come",
    "social-finish": "to come",
    "social-callback": "to come",
    "social-begin": "to come",
    "account-again": "to come",
    "account-choose-another": "to come",
    "account-choose-remove": "to come",
    "account-sign-out-all": "to come",
    "account-not-me": "to come",
    "mfa_authenticate": "to come",
    "mfa_reauthenticate": "to come",
    "second-factor-set-up": "to come",
    "mfa_index": "to come",
    "mfa_activate_totp": "to come",
    "mfa_deactivate_totp": "to come",
    "mfa_view_recovery_codes": "to come",
    "account-end-trust": "to come",
    "account-alerts": "to come",
    **dict.fromkeys(
        (
            *("account-passkeys", "account-passkey-add", "account-passkey-name", "account-passkey-remove"),
            *("account_signup_by_passkey", "mfa_signup_webauthn", "mfa_reauthenticate_webauthn"),
        ),
        "tests/pages/test_passkeys.py: with a browser that has passkeys",
    ),
    **dict.fromkeys(
        (
            *("mfa_login_webauthn", "account-passkey-second-factor", "account-passkey-set-up"),
            *("account-passkey-options", "account-passkey-second-factor-options", "account-passkey-set-up-options"),
            *("account-passkey-add-options", "account-passkey-again-options", "account-passkey-sign-up-options"),
        ),
        "what forms are sent to, and what scripts read",
    ),
    "account-activity": "to come",
    "account-organisations": "to come",
    "account-invitation-answer": "to come",
    "account-invitation": "to come",
    "account-organisation": "to come",
    "account-organisation-leave": "to come",
    "account-organisation-member": "to come",
    "account-organisation-remove": "to come",
    "account-organisation-invitation": "to come",
}
"""Routes of people that are no page of the table, and why."""

NOT_FOR_PEOPLE = (".well-known/", "oauth/par", "oauth/token", "oauth/revoke", "oauth/introspect", "oauth/register")
NOT_FOR_PEOPLE += ("oauth/device", "oauth/userinfo", "livez", "readyz", "metrics", "api/")
ELSEWHERE = {"admin/": "tests/test_console_browser.py", "demo/": "tests/test_demo_live.py"}
