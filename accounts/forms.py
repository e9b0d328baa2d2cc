"""The forms of the account pages."""

from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm, SignupForm


class SignInForm(LoginForm):  # type: ignore[misc]
    pass


class SignUpForm(SignupForm):  # type: ignore[misc]
    pass


class ChangePasswordForm(AllauthChangePasswordForm):  # type: ignore[misc]
    pass
