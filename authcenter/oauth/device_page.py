"""/device: a person types in the code that a device shows, reads who asks for what, and answers (RFC 8628 section 3.3).

Whoever talks her into typing a code that is not her own device's gets into her account (section 5.4). So a code in the
address is only filled in, nobody is spared the question, and the page says where the request came from. What she is
asked is kept on the server, for her alone.
"""

import secrets
import time
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.device import device_name
from accounts.pages import ago, own_picture, show, too_many_requests
from accounts.sign_in import authentication, current_session, is_as_good_as
from authcenter import limits
from authcenter.audit import events
from authcenter.audit.address import client_address, network_of
from authcenter.audit.place import place_of
from authcenter.keys import vault
from authcenter.oauth import assurance, device_answer, user_code
from authcenter.oauth.asked_for import asked_for
from authcenter.oauth.consent import known_by
from authcenter.oauth.granting import Wanted, choices
from authcenter.oauth.models import Application, DeviceGrant
from authcenter.sessions.models import Session

_KEY = "device"
_MOST = 10
_SECONDS = 3600


class UserCodeForm(forms.Form):
    user_code = forms.CharField(
        label=gettext_lazy("Code on your device"),
        help_text=gettext_lazy("Eight letters, small or capital, with or without the dash."),
        widget=forms.TextInput(
            {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "autofocus": True}
        ),
    )

    def clean_user_code(self) -> str:
        code = user_code.normalised(self.cleaned_data["user_code"])
        if code is None:  # no guess, as no device is ever told such a code
            raise forms.ValidationError(_("A code has eight letters, such as BCDF-GHJK. None of them is a vowel."))
        return code


@login_required
@require_http_methods(["GET", "POST"])
def device(http: HttpRequest) -> HttpResponse:
    """The field for the code. From `verification_uri_complete` it is filled in, and still sent by hand."""
    if http.method == "GET":
        shown = user_code.normalised(http.GET.get("user_code", ""))
        return render(http, "oauth/device.html", {"form": UserCodeForm(initial={"user_code": shown})})
    form = UserCodeForm(http.POST)
    if not form.is_valid():
        return render(http, "oauth/device.html", {"form": form})
    windows = limits.user_code(http, http.user.pk)
    if wait := limits.taken(windows):
        events.record(http, events.Kind.LIMIT_REACHED, actor=http.user.pk, limit="user_code")
        return too_many_requests(http, wait)
    code = form.cleaned_data["user_code"]
    grant = device_answer.waiting().filter(user_code__in=user_code.kept_any(code)).first()
    if grant is None:
        events.record(http, events.Kind.CODE_REFUSED, actor=http.user.pk, what="user code")
        form.add_error("user_code", _("That code is wrong or has run out. Look at your device again."))
        return render(http, "oauth/device.html", {"form": form})
    limits.given_back(windows)
    return redirect(_path(_keep(http, grant, code)))


@require_http_methods(["GET", "POST"])
def confirm(http: HttpRequest) -> HttpResponse:
    """Allow or deny, once. Whoever comes back, by whatever button, reads what she has answered."""
    session = current_session(http)
    if session is None:
        return redirect_to_login(reverse("device"))
    key = (http.POST if http.method == "POST" else http.GET).get("txn", "")
    asked = _asked(http).get(key)
    if asked is None or asked["user"] != str(session.user_id):
        return _over(http)
    grant = device_answer.waiting().filter(pk=asked["grant"]).first()
    application = device_answer.asking(grant) if grant else None
    if grant is None or application is None:
        return _answered(http, session, asked)
    if not is_as_good_as(authentication(http, session.user)["acr"], assurance.floor_of(application)):
        return redirect(f"{assurance.again(session.user)}?{urlencode({'next': _path(key)})}")
    left_to_her = choices(application, Wanted(grant.scope.split()))
    if http.method == "GET":
        http.session[_KEY] = {**_asked(http), key: {**asked, "choices": left_to_her}}
        return show(http, "oauth/device_confirm.html", _page(http, session, grant, application, asked))
    if "deny" in http.POST:
        device_answer.deny(http, session, grant)
    elif "allow" in http.POST and asked.get("choices") == left_to_her:
        device_answer.allow(http, session, grant, http.POST.getlist("scope"))
    return redirect(_path(key))


def _page(
    http: HttpRequest, session: Session, grant: DeviceGrant, application: Application, asked: dict[str, Any]
) -> dict[str, Any]:
    code = vault.decrypt(asked["user_code"])
    return {
        **asked_for(session.user, grant.application, Wanted(grant.scope.split(), grant.resource), None),
        "application": application,
        "known_by": known_by(application),
        "user": session.user,
        "picture": own_picture(session.user),
        "user_code": code,
        "device": device_name(grant.user_agent),
        "address": grant.address,
        "place": place_of(grant.address),
        "same_network": network_of(grant.address) == network_of(client_address(http)),
        "when": ago(grant.created),
        "at": grant.created,
        "txn": asked["key"],
        "again": f"{reverse('device')}?{urlencode({'user_code': code})}",
    }


def _answered(http: HttpRequest, session: Session, asked: dict[str, Any]) -> HttpResponse:
    mine = DeviceGrant.objects.select_related("application").filter(pk=asked["grant"], user=session.user_id).first()
    if mine is None:
        return _over(http)
    answer = "denied" if mine.authorization_id is None else "allowed"
    return render(http, "oauth/device_answered.html", {"answer": answer, "name": mine.application.name})


def _over(http: HttpRequest) -> HttpResponse:
    """Unknown, another person's, answered by another or run out: all the same to whoever asks."""
    return render(http, "oauth/device_answered.html", {"answer": "over"}, status=404)


def _path(key: str) -> str:
    return f"{reverse('device-confirm')}?{urlencode({'txn': key})}"


def _keep(http: HttpRequest, grant: DeviceGrant, code: str) -> str:
    """Note for this browser that this person is asked about this request; the key of that. Ten at a time."""
    key = secrets.token_urlsafe(16)
    entry = {
        "key": key,
        "grant": grant.pk,
        "user": str(http.user.pk),
        "user_code": vault.encrypt(code),
        "at": time.time(),
    }
    newest = sorted([*_asked(http).values(), entry], key=lambda kept: kept["at"])[-_MOST:]
    http.session[_KEY] = {kept["key"]: kept for kept in newest}
    return key


def _asked(http: HttpRequest) -> dict[str, dict[str, Any]]:
    kept = http.session.get(_KEY) or {}
    return {key: entry for key, entry in kept.items() if entry["at"] > time.time() - _SECONDS}
