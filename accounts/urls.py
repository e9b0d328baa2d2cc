"""/accounts/: signing in and up. The views are django-allauth's; only these are served."""

from allauth.account import views
from django.urls import path

from accounts import passkey_doors, passkey_enrolment, second_factor_pages, terms
from accounts.chooser import another, choose, remove, sign_out_all
from accounts.code_sign_in import AskView, CodeView
from accounts.deletion_pages import closed, keep_account
from accounts.entrance import SignInView, SignUpByPasskeyView, SignUpView, forget
from accounts.invitations import invitation
from accounts.not_me import not_me
from accounts.organisation_door import organisation_door
from accounts.password_strength import strength
from accounts.preferences import preferences
from accounts.second_factor_set_up import set_up
from accounts.signed_in_lately import signed_in_lately
from accounts.signing_out import signing_out
from accounts.social import newcomers
from accounts.social import views as social
from accounts.social.again import again
from accounts.social.linked import link_newcomer

urlpatterns = [
    path("login/", SignInView.as_view(), name="account_login"),
    path("login/forget/", forget, name="account-forget"),
    path("login/code/", AskView.as_view(), name="account_request_login_code"),
    path("login/code/confirm/", CodeView.as_view(), name="account_confirm_login_code"),
    path("organisation/", organisation_door, name="account-organisation-sign-in"),
    path("choose/", choose, name="account-choose"),
    path("choose/another/", another, name="account-choose-another"),
    path("choose/remove/", remove, name="account-choose-remove"),
    path("choose/sign-out/", sign_out_all, name="account-sign-out-all"),
    path("passkey/", passkey_doors.sign_in, name="mfa_login_webauthn"),
    path("passkey/options/", passkey_doors.sign_in_options, name="account-passkey-options"),
    path("logout/", views.logout, name="account_logout"),
    path("signing-out/", signing_out, name="account-signing-out"),
    path("deletion/", keep_account, name="account-keep"),
    path("closed/", closed, name="account-closed"),
    path("not-me/<str:token>/", not_me, name="account-not-me"),
    path("preferences/", preferences, name="preferences"),
    path("signup/", SignUpView.as_view(), name="account_signup"),
    path("invitation/<str:token>/", invitation, name="account-sign-up-invitation"),
    path("terms/", terms.ask, name="account-terms"),
    path("terms/<int:pk>/", terms.text, name="account-terms-text"),
    path("signup/passkey/", SignUpByPasskeyView.as_view(), name="account_signup_by_passkey"),
    path("signup/passkey/create/", passkey_enrolment.sign_up, name="mfa_signup_webauthn"),
    path("signup/passkey/options/", passkey_enrolment.sign_up_options, name="account-passkey-sign-up-options"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("2fa/", second_factor_pages.at_sign_in, name="mfa_authenticate"),
    path("2fa/passkey/", passkey_doors.second_factor, name="account-passkey-second-factor"),
    path("2fa/passkey/options/", passkey_doors.second_factor_options, name="account-passkey-second-factor-options"),
    path("2fa/again/", second_factor_pages.again, name="mfa_reauthenticate"),
    path("2fa/set-up/", set_up, name="second-factor-set-up"),
    path("again/", again, name="account-again"),
    path("social/<uuid:pk>/", social.begin, name="social-begin"),
    path("social/<uuid:pk>/callback/", social.callback, name="social-callback"),
    path("social/finish/", newcomers.finish, name="social-finish"),
    path("social/code/", newcomers.code, name="social-code"),
    path("social/known/", newcomers.has_account, name="social-known"),
    path("social/link/", link_newcomer, name="social-link"),
    path("2fa/set-up/passkey/", passkey_enrolment.set_up, name="account-passkey-set-up"),
    path("2fa/set-up/passkey/options/", passkey_enrolment.set_up_options, name="account-passkey-set-up-options"),
    path("reauthenticate/passkey/", passkey_doors.again, name="mfa_reauthenticate_webauthn"),
    path("reauthenticate/passkey/options/", passkey_doors.again_options, name="account-passkey-again-options"),
    path("confirm-email/", views.email_verification_sent, name="account_email_verification_sent"),
    path("email/", views.email, name="account_email"),
    path("password-strength/", strength, name="account-password-strength"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", signed_in_lately(views.password_set), name="account_set_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/confirm/", views.confirm_password_reset_code, name="account_confirm_password_reset_code"),
    path("password/reset/complete/", views.complete_password_reset, name="account_complete_password_reset"),
    path("password/reset/done/", views.password_reset_from_key_done, name="account_password_reset_completed"),
]
