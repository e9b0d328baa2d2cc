"""Accounts that their people asked to be deleted, and that wait; an operator may keep one on its person's word."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from accounts import deletion
from accounts.models import Deletion
from authcenter.console.confirm import confirmation, is_confirmed
from authcenter.console.operators import may_manage
from authcenter.console.record import ReadOnlyAdmin, moment


class DeletionAdmin(ReadOnlyAdmin):
    list_display = ("user", "asked_at", "due_at")
    search_fields = ("user__email", "user__id__startswith")
    search_help_text = _("E-mail address or user ID")
    fields = ("user", "asked_at", "due_at")
    readonly_fields = fields
    list_select_related = ("user",)
    actions_detail = ("keep",)

    @display(description=_("asked for"), ordering="asked")
    def asked_at(self, row: Deletion) -> Any:
        return moment(row.asked)

    @display(description=_("deleted after"), ordering="due")
    def due_at(self, row: Deletion) -> Any:
        return moment(row.due)

    def has_keep_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("accounts.change_user"))

    @action(description=_("Keep the account"), url_path="keep", permissions=["keep"], icon="undo")
    def keep(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Deletion = self.found(request, object_id)
        if not may_manage(request.user, row.user):
            raise PermissionDenied
        if not is_confirmed(request):
            return confirmation(
                request,
                self,
                title=_("Keep the account"),
                text=_("The account is open again, as it was. Its person has to sign in again, and is told by mail."),
                press=_("Keep"),
                objects=[row.user],
                back=self.address_of(row),
            )
        operator: Any = request.user
        deletion.cancel(request, row.user, by=operator)
        self.message_user(request, _("The account stays."))
        return redirect("admin:accounts_deletion_changelist")
