"""The signing keys: public halves only, rotation, and what to do when one has leaked."""

import json
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from authcenter.audit import events
from authcenter.console import receipts
from authcenter.console.confirm import confirmation, is_confirmed
from authcenter.console.record import ReadOnlyAdmin, moment
from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.keys.rotation import revoke_key, rotate
from authcenter.sessions.revocation import Kind, revoke


class KeyAdmin(ReadOnlyAdmin):
    list_display = ("short", "algorithm", "status", "made", "since")
    list_filter = ("state", "algorithm")
    search_fields = ("kid",)
    fields = ("kid", "algorithm", "state", "public_part", "created", "activated", "retired", "revoked")
    actions_list = ("rotate_all",)
    actions_detail = ("rotate_one", "revoke_one")

    @display(description=_("key ID"), ordering="kid")
    def short(self, key: Key) -> str:
        return f"{key.kid[:12]}…"

    @display(description=_("created"), ordering="created")
    def made(self, key: Key) -> str:
        return moment(key.created)

    @display(description=_("in this state since"))
    def since(self, key: Key) -> str:
        return moment(key.revoked or key.retired or key.activated or key.created)

    @display(
        description=_("state"),
        ordering="state",
        label={"next": "info", "active": "success", "retired": "default", "revoked": "danger"},
    )
    def status(self, key: Key) -> tuple[str, str]:
        return key.state, key.get_state_display()

    @display(description=_("public key"))
    def public_part(self, key: Key) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(key.public_jwk, indent=2))

    def has_rotate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("keys.change_key"))

    @action(description=_("Rotate"), url_path="rotate", permissions=["rotate"], icon="autorenew")
    def rotate_all(self, request: HttpRequest) -> HttpResponse:
        here = reverse("admin:keys_key_changelist")
        algorithms = sorted(Key.objects.filter(state=Key.State.ACTIVE).values_list("algorithm", flat=True))
        if not is_confirmed(request):
            return self._ask_to_rotate(request, algorithms, here)
        _rotate(request, algorithms)
        return redirect(here)

    @action(description=_("Rotate"), url_path="rotate", permissions=["rotate"], icon="autorenew")
    def rotate_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = self.found(request, object_id)
        if not is_confirmed(request):
            return self._ask_to_rotate(request, [key.algorithm], self.address_of(key))
        _rotate(request, [key.algorithm])
        return redirect(reverse("admin:keys_key_changelist"))

    @action(
        description=_("Revoke as compromised"),
        url_path="revoke",
        permissions=["rotate"],
        variant=ActionVariant.DANGER,
        icon="key_off",
    )
    def revoke_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = self.found(request, object_id)
        if not is_confirmed(request):
            return confirmation(
                request,
                self,
                title=_("Revoke a compromised key"),
                text=_(
                    "Whoever holds this key can make tokens for anybody. It leaves the published keys, everything that "
                    "it signed is refused, and the next key signs from now on. People and apps get new tokens."
                ),
                press=_("Revoke"),
                objects=[f"{key.algorithm} {key.kid}"],
                hit=receipts.of_everything(),
                back=self.address_of(key),
            )
        with transaction.atomic():
            revoked = revoke_key(key.kid)
            if revoked is not None:
                revoke(Kind.KEY, key.kid, reason="compromised")  # for those who check offline and keep our keys
                events.record(
                    request, events.Kind.KEY_REVOKED, actor=request.user.pk, subject=key.kid, algorithm=key.algorithm
                )
        ring.forget()  # once more: what was read before the commit is old
        said = _("The key is revoked.") if revoked else _("The key was revoked already.")
        receipts.told(request, str(said), Kind.KEY, key.kid)
        return redirect(self.address_of(key))

    def _ask_to_rotate(self, request: HttpRequest, algorithms: list[str], back: str) -> HttpResponse:
        return confirmation(
            request,
            self,
            title=_("Rotate signing keys"),
            text=_("The next key signs from now on. What the present one signed stays good until it expires."),
            press=_("Rotate"),
            objects=algorithms,
            back=back,
        )


def _rotate(request: HttpRequest, algorithms: list[str]) -> None:
    with transaction.atomic():
        for algorithm in algorithms:
            key: Any = rotate(algorithm)
            events.record(request, events.Kind.KEY_ROTATED, actor=request.user.pk, subject=key.kid, algorithm=algorithm)
    ring.forget()
    messages.success(request, _("The next keys sign from now on."))
