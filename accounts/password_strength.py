"""How hard a password is to guess: by zxcvbn, which knows words, names, dates and patterns of the keyboard."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.breached_passwords import is_in_file
from accounts.models import User
from authcenter import limits

JUDGED = 40
"""Letters that are looked at: the work grows faster than their number, and forty good ones are enough."""

LEAST = 2
"""The lowest score that is taken: some 10^6 guesses or more, which no guesser at the sign-in page ever makes."""

SHORTEST = 10
_LEFT = 6
_WORDS = (
    _("Far too easy to guess."),
    _("Too easy to guess."),
    _("That will do. A word more makes it strong."),
    _("Strong."),
    _("Very strong."),
)


class NotOfHere:
    """A validator: what is left without the names of this site and of the person must be something."""

    def validate(self, password: str, user: Any = None) -> None:
        left = password.lower()
        for word in sorted(words_of(user), key=len, reverse=True):
            left = left.replace(word, "")
        if left != password.lower() and len(left.strip()) < _LEFT:
            raise ValidationError(
                _("This is little more than your name, your address or the name of this site."), code="password_of_here"
            )

    def get_help_text(self) -> str:
        return ""


class HardToGuess:
    """A validator. A short one is refused for that, and needs no second reason."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) >= SHORTEST and score_of(password, words_of(user)) < LEAST:
            raise ValidationError(
                _("This password is too easy to guess. A few words that only you would put together are hard."),
                code="password_too_easy",
            )

    def get_help_text(self) -> str:
        return ""


def score_of(password: str, words: set[str]) -> int:
    """0 (a few guesses) to 4 (more than 10^10). The first is slow: its lists are read when they are needed."""
    from zxcvbn import zxcvbn

    judged: dict[str, Any] = zxcvbn(password[:JUDGED], user_inputs=sorted(words))
    return int(judged["score"])


def words_of(user: Any) -> set[str]:
    """What a guesser who knows the person and this site tries first; in small letters, four or more."""
    known = [settings.SITE_NAME, urlsplit(settings.ISSUER).hostname or ""]
    known += [str(getattr(user, name, "") or "") for name in ("email", "name", "given_name", "family_name", "nickname")]
    parts = [part for text in known for part in (text, *re.split(r"[\W_]+", text))]
    return {part.lower() for part in parts if len(part) >= 4}


@sensitive_post_parameters("password")
@require_POST
def strength(request: HttpRequest) -> HttpResponse:
    """/accounts/password-strength/, for the meter beside the field: what the form would say. Keeps and logs nothing."""
    if wait := limits.taken(limits.password_strength(request)):
        response = JsonResponse({}, status=429)
        response["Retry-After"] = str(wait)
        return response
    password, email = request.POST.get("password", "")[:1024], request.POST.get("email", "")[:254]
    user = request.user if isinstance(request.user, User) else User(email=email)
    score, words = _judged(password, user)
    return JsonResponse({"score": score, "words": str(words)})


def _judged(password: str, user: User) -> tuple[int, Any]:
    if len(password) < SHORTEST:
        return 0, _("Too short.")
    if is_in_file(password):
        return 0, _("This one was stolen somewhere: guessers try it first.")
    try:
        NotOfHere().validate(password, user)
    except ValidationError as error:
        return 0, error.messages[0]
    score = score_of(password, words_of(user))
    return score, _WORDS[score]
