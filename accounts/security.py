"""/account/security/: all that one signs in with, a section each (`templates/account/home/security/`)."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import factor_pages, passkey_pages
from accounts.activity import recent_activity
from accounts.alert_choice import AlertForm
from accounts.home import me
from accounts.pages import show
from accounts.social.linked import linked_to


@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    return show(request, "account/home/security.html", {**_sections(request), "here": "security"})


def _sections(request: HttpRequest) -> dict[str, Any]:
    """What the sections show."""
    user = me(request)
    return {
        "person": user,
        "alert_form": AlertForm(instance=user),
        "linked": linked_to(user),
        **passkey_pages.section(user),
        **factor_pages.section(user),
        **recent_activity(request),
    }
