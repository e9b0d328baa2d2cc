"""/oauth/organisation: which of her organisations a person goes on for, where an application asks for one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.organisation import role_in_words
from accounts.sign_in import current_session
from authcenter.oauth import acting_for, authorization_request, pending, respond
from authcenter.oauth.errors import AccessDeniedError, OAuth2Error


@require_http_methods(["GET", "POST"])
def organisation(http: HttpRequest) -> HttpResponse:
    source = http.POST if http.method == "POST" else http.GET
    waiting, session = pending.find(http, source.get("txn", "")), current_session(http)
    if waiting is None:
        return respond.expired(http)
    if session is None:
        return redirect(waiting.path)
    try:
        request = authorization_request.begun(http, waiting.parameters, waiting=waiting)
        authorization_request.checked(request)
    except OAuth2Error:  # the application changed meanwhile: the authorization endpoint knows how to say so
        return redirect(waiting.path)
    user: User = session.user
    memberships = list(acting_for.of_person(user))
    if http.method == "POST":
        if "deny" in http.POST:
            pending.drop(http, waiting)
            return respond.with_error(http, request, AccessDeniedError(description="The person said no."))
        picked = [one for one in memberships if one.organisation_id == http.POST.get("organisation")]
        if picked:
            acting_for.choose(user, picked[0], waiting)
            pending.save(http, waiting)
            return redirect(waiting.path)
    context = {
        "application": request.client,
        "user": user,
        "choices": [{"organisation": one.organisation, "role": role_in_words(one.role)} for one in memberships],
        "txn": waiting.key,
        "switch_url": reverse("oauth-switch-account"),
    }
    return render(http, "oauth/organisation.html", context)


def path(waiting: pending.Pending) -> str:
    return f"{reverse('oauth-organisation')}?{urlencode({'txn': waiting.key})}"
