"""Errors of the API as problem details (RFC 9457), and the closed list of those that are ours.

`type` and `code` name the problem, `detail` is for the developer; `errors` points at the fields that are wrong.
"""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, NotFound, ParseError, PermissionDenied, Throttled, ValidationError
from rest_framework.views import set_rollback

CONTENT_TYPE = "application/problem+json"
REALM = "AuthCenter"
_CHALLENGE = f'Bearer realm="{REALM}"'


class WrongCredentials(APIException):
    """One answer for an unknown address, a wrong password and a disabled account."""

    status_code = 401
    default_detail = "The e-mail address or the password is not right."
    default_code = "invalid_credentials"
    auth_header = _CHALLENGE


class EmailNotVerified(APIException):
    """Told only to who knew the password."""

    status_code = 401
    default_detail = "The e-mail address is not verified yet: sign in on the web once and enter the code from the mail."
    default_code = "email_not_verified"
    auth_header = _CHALLENGE


class TermsNotAccepted(APIException):
    """Told only to who knew the password."""

    status_code = 401
    default_detail = "The terms have changed: sign in on the web once and accept them."
    default_code = "terms_not_accepted"
    auth_header = _CHALLENGE


class SecondFactorRequired(APIException):
    """The password was right, and is not enough: `mfa_token` and a code come next, on the same route."""

    status_code = 401
    default_detail = "A second factor is needed: send mfa_token and code to this route."
    default_code = "mfa_required"
    auth_header = _CHALLENGE

    def __init__(self, token: str, factors: list[str], seconds: int) -> None:
        super().__init__()
        self.members = {"mfa_token": token, "factors": factors, "expires_in": seconds}


class EnrolmentRequired(APIException):
    """Told only to who knew the password: setting up a factor needs pages."""

    status_code = 401
    default_detail = "This account must have a second factor and has none: sign in on the web once to set one up."
    default_code = "mfa_enrolment_required"
    auth_header = _CHALLENGE


class WrongCode(APIException):
    """The second factor was wrong, or used before. The `mfa_token` takes a few more."""

    status_code = 401
    default_detail = "The code is not right, or it was used before."
    default_code = "invalid_code"
    auth_header = _CHALLENGE


class TokenNotValid(APIException):
    """One answer for garbage, another kind of token, old age, a replay and the end of the session."""

    status_code = 401
    default_detail = "The token is not valid, or not any more."
    default_code = "token_not_valid"
    auth_header = f'{_CHALLENGE}, error="invalid_token", error_description="{default_detail}"'


class TooManyAttempts(Throttled):
    """429 with Retry-After, in seconds."""

    default_detail = "Too many attempts."
    default_code = "too_many_attempts"
    extra_detail_singular = extra_detail_plural = "Try again in {wait} s."


class CsrfFailed(PermissionDenied):
    """A cookie came without the proof that our own page sent it."""

    default_detail = "The CSRF check failed: send X-CSRFToken with the csrf_token that came with the cookies."
    default_code = "csrf_failed"


class ForeignOrigin(PermissionDenied):
    """Another site's page asked for cookies: it would sign a visitor in to somebody else's account."""

    default_detail = "Cookies are given to pages of this site only."
    default_code = "foreign_origin"


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "The body is too large."
    default_code = "body_too_large"


def problem_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """The framework's exception handler. What is no refusal stays an exception: a bug must not look like one."""
    if isinstance(error, Http404):
        error = NotFound()
    elif isinstance(error, DjangoPermissionDenied):
        error = PermissionDenied()
    elif isinstance(error, SuspiciousOperation | BadRequest):
        error = ParseError()
    if not isinstance(error, APIException):
        return None
    set_rollback()
    headers = {}
    if challenge := getattr(error, "auth_header", ""):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, ValidationError):
        errors = list(_field_errors(error.detail))
        return problem(error.status_code, "invalid", "Some fields are not right.", headers, errors=errors)
    members: dict[str, Any] = getattr(error, "members", {})
    return problem(error.status_code, str(error.get_codes()), str(error.detail), headers, **members)


def problem(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> HttpResponse:
    """An answer of RFC 9457 section 3."""
    body = {
        "type": f"urn:authcenter:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
    return HttpResponse(json.dumps(body), status=status, content_type=CONTENT_TYPE, headers=headers)


@csrf_exempt
def not_found(request: HttpRequest, path: str = "") -> HttpResponse:
    """Whatever else is asked for under /api/. Nothing to forge: else a POST would get the page about CSRF."""
    return problem(404, "not_found", "There is nothing here. Routes end with a slash; /api/docs/ lists them.")


def _field_errors(detail: Any, pointer: str = "#") -> Iterator[dict[str, str]]:
    """Each message with the JSON Pointer of its field (RFC 9457 section 3, RFC 6901)."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = pointer if name == "non_field_errors" else f"{pointer}/{name}"
            yield from _field_errors(inner, own)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _field_errors(inner, pointer)
    else:
        yield {"pointer": pointer, "detail": str(detail)}
