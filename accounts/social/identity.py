"""What a provider said about a person, after it was verified; and that it said something that cannot be true."""

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LONGEST_SUBJECT = 255
"""OpenID Connect Core section 2."""


class ProviderFault(Exception):
    """The provider's answer is not to be believed, or there is none. The text is for operators; it holds no secret."""


@dataclass(frozen=True)
class Identity:
    """All but the subject is hearsay: cut to what a column takes, and good for filling empty fields."""

    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    locale: str = ""
    auth_time: int | None = None
    """When the provider says that the person proved herself there, in seconds; None where it does not say."""

    @property
    def shown_as(self) -> str:
        return self.email or self.name


def read(claims: dict[str, Any], subject: str, **more: Any) -> Identity:
    """The standard claims (OpenID Connect Core section 5.1) that are of the right form. Raises `ProviderFault`."""
    if not subject or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise ProviderFault("The answer names nobody.")
    at = claims.get("auth_time")
    return Identity(
        subject=subject,
        email=address(claims.get("email")),
        email_verified=claims.get("email_verified") in (True, "true"),  # Apple says it as a text
        name=line(claims.get("name"), 255),
        given_name=line(claims.get("given_name"), 255),
        family_name=line(claims.get("family_name"), 255),
        locale=language(claims.get("locale")),
        auth_time=at if isinstance(at, int) and not isinstance(at, bool) else None,
        **more,
    )


def line(value: Any, longest: int) -> str:
    """A line of text that any column takes; nothing where it is none."""
    if not isinstance(value, str):
        return ""
    plain = value.encode("utf-8", "ignore").decode()
    return "".join(sign for sign in plain if sign.isprintable()).strip()[:longest]


def language(value: Any) -> str:
    """A tag of the shape of BCP 47, or nothing; Facebook and others write an underscore."""
    tag = line(value, 35).replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", tag) else ""


def address(value: Any) -> str:
    """An e-mail address as accounts keep it, or nothing."""
    email = value.strip().lower() if isinstance(value, str) else ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= 254 else ""
