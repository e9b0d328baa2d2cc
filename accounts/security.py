"""/account/security/: all that one signs in with, a section each (`templates/account/home/security/`)."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import factor_pages
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
    return {
        "person": me(request),
        "alert_form": AlertForm(instance=me(request)),
        "linked": linked_to(me(request)),
        **factor_pages.section(me(request)),
        **recent_activity(request),
    }
