"""On an application's page: which roles and groups of people it is told, and under which names."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from authcenter.oauth.models import ToldName


class ToldNameInline(TabularInline):
    """Whoever may change the application may change this; it needs no permission of its own."""

    model = ToldName
    fields = ("role", "group", "told_as")
    verbose_name_plural = _("Roles and groups that it is told")
    extra = 0
    per_page = 20  # the server takes at most 200 fields in a form
    tab = True
    hide_title = True

    def _may(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site._registry[self.parent_model].has_change_permission(request, obj))

    has_add_permission = _may
    has_change_permission = _may
    has_delete_permission = _may

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site._registry[self.parent_model].has_view_permission(request, obj))
