"""/demo/web/: the sample application that has a server, cut down to its two ends.

`start` sends the browser to sign in; `callback` shows what came back and the command by which the application's server
would exchange it. What a real one keeps in its own session is here a signed cookie of this path, apart from the session
of AuthCenter.
"""

import base64
import hashlib
import json
import re
import secrets
import shlex
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from authcenter.demo import data_file, samples

_COOKIE, _SALT = "demo-web", "authcenter.demo.web"
_SECONDS = 600
_CODE = re.compile(r"^[\x21-\x7e]{1,512}$")
"""RFC 6749 appendix A.11. What else arrives as a code is shown, but no command is made of it."""


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    demo = data_file.read()
    if demo is None:
        return render(request, "demo/not_seeded.html", status=503)
    application = demo["applications"]["web"]
    kept = {"state": secrets.token_urlsafe(16), "verifier": secrets.token_urlsafe(48)}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(kept["verifier"].encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": application["client_id"],
        "redirect_uri": application["redirect_uris"][0],
        "scope": f"openid profile offline_access {samples.ORDERS_READ}",
        "state": kept["state"],
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    response = redirect(f"{settings.ISSUER}{reverse('oauth-authorize')}?{urlencode(asked)}")
    response.set_cookie(
        _COOKIE,
        signing.dumps(kept, salt=_SALT),
        max_age=_SECONDS,
        path=reverse("demo:web"),
        httponly=True,
        samesite="Lax",
        secure=settings.SECURE,
    )
    return response


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    kept = _kept(request)
    code, state = request.GET.get("code", ""), request.GET.get("state", "")
    mine = kept is not None and constant_time_compare(state, kept["state"])
    context = {
        "code": code,
        "error": request.GET.get("error", ""),
        "error_description": request.GET.get("error_description", ""),
        "state": state,
        "iss": request.GET.get("iss", ""),
        "iss_is_ours": request.GET.get("iss") == settings.ISSUER,
        "state_is_ours": mine,
        "seconds": settings.CODE_SECONDS,
        "command": _command(code, kept["verifier"] if kept and mine else ""),
    }
    return render(request, "demo/web_callback.html", context)


def _kept(request: HttpRequest) -> dict[str, str] | None:
    try:
        kept: dict[str, str] = signing.loads(request.COOKIES.get(_COOKIE, ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return None
    return kept


def _command(code: str, verifier: str) -> str:
    """For a shell. The code came with the address, so anybody may have written it: plain or nothing, and quoted."""
    demo = data_file.read()
    if demo is None or not _CODE.match(code):
        return ""
    application: dict[str, Any] = demo["applications"]["web"]
    file = json.dumps(str(data_file.path()))
    program = f'import json; print(json.load(open({file}))["applications"]["web"]["client_secret"])'
    fields = {
        "grant_type": "authorization_code",
        "redirect_uri": application["redirect_uris"][0],
        "code": code,
        **({"code_verifier": verifier} if verifier else {}),
    }
    lines = [f'curl --user "{application["client_id"]}:$(python3 -c {shlex.quote(program)})"']
    lines += [f"  --data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in fields.items()]
    if not verifier:
        lines.append('  --data-urlencode "code_verifier=$CODE_VERIFIER"')
    lines.append(f"  {shlex.quote(settings.ISSUER + reverse('oauth-token'))}")
    return " \\\n".join(lines)
