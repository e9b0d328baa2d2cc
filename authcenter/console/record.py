"""What every kind of record in the console has in common: pages of 50, an audit event a change, safe deletion."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError, models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from authcenter.audit import events
from authcenter.console import long_lists, receipts
from authcenter.sessions.models import Revocation

_LONGEST_SEARCH = 200


class RecordAdmin(ModelAdmin):
    """A record that operators may edit, each change with an audit event that names the fields and no values."""

    list_per_page = 50
    list_max_show_all = 150  # all of them ticked stay below what the server takes in a form
    show_full_result_count = False  # no count of the whole for a number that nobody needs
    show_facets = admin.ShowFacets.NEVER  # each would be one more
    paginator = long_lists.BoundedPaginator
    warn_unsaved_form = True

    unsearchable: ClassVar[frozenset[str]] = frozenset(
        {
            "password",
            "client_secret",
            "readable_secret",
            "registration_token",
            "private_key",
            "code",
            "token_hash",
            "token_checksum",
            "successor",
            "refresh_jti",
        }
    )
    """Columns that no filter in an address may name: answers to prefixes would spell them out."""

    indexed: ClassVar[tuple[str, ...]] = ()
    """Orders that an index serves: a long list has the first, and others are offered for the columns named here only.
    Empty where no list grows long."""

    goes_along: ClassVar[tuple[type[models.Model], ...]] = ()
    """Read-only records that are deleted with this one, whoever deletes it; they need no permission of their own."""

    revoked_as: ClassVar[Revocation.Kind | None] = None
    """The kind of the revocation that a deletion writes, of the subject that `about` names."""

    def about(self, obj: Any) -> dict[str, Any]:
        """Whom an audit event about this record names."""
        return {"subject": obj.pk}

    def hit(self, objs: Iterable[Any]) -> list[str]:
        """Lines that say what ends with these records; none where nothing does."""
        return []

    @display(description=_("if turned off"))
    def ends(self, obj: Any) -> SafeString:
        """The same, on the page where one record is turned off."""
        if "_hit" not in obj.__dict__:  # a page asks for it several times
            obj.__dict__["_hit"] = self.hit([obj])
        return format_html_join("", "<div>{}</div>", ((line,) for line in obj.__dict__["_hit"]))

    def end_access(self, request: HttpRequest, obj: Any) -> None:
        """Called before a deletion, in its transaction: tokens outlive rows."""

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The record that an action's address names."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        return obj

    def address_of(self, obj: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(obj.pk)])

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        if self.unsearchable & set(lookup.split("__")):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Numbers and dates in an address that no column can hold get a refusal; Django lets the database raise."""
        try:
            return super().changelist_view(request, extra_context)
        except (OverflowError, ValueError, DataError) as fault:
            raise BadRequest("No such filter.") from fault

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Each word is a condition on each column: a page of text would be more than a database takes."""
        search_term = search_term[:_LONGEST_SEARCH].replace("\x00", "")
        if search_term.strip() and self.is_long(request):
            return queryset.filter(self.found_by_index(search_term.strip())), False
        return super().get_search_results(request, queryset, search_term)

    def is_long(self, request: HttpRequest) -> bool:
        """Whether only what has an index may be asked for. A page asks several times."""
        kept = request.__dict__.setdefault("_is_long", {})
        if self.model not in kept:
            kept[self.model] = bool(self.indexed) and long_lists.is_long(self.model)
        return bool(kept[self.model])

    def found_by_index(self, term: str) -> models.Q:
        """What a long list is searched for; see `long_lists`."""
        raise NotImplementedError

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[Any]:
        return long_lists.LongChangeList

    def get_ordering(self, request: HttpRequest) -> Any:
        return self.indexed[:1] if self.is_long(request) else super().get_ordering(request)

    def get_sortable_by(self, request: HttpRequest) -> Any:
        if not self.is_long(request):
            return super().get_sortable_by(request)
        kept = {order.lstrip("-") for order in self.indexed}
        shown = ((name, getattr(self, name, None)) for name in self.get_list_display(request))
        return [name for name, column in shown if (getattr(column, "admin_order_field", None) or name) in kept]

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """Ticked boxes that no page of ours has are refused before the database refuses them."""
        for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.to_python(chosen)
            except ValidationError as fault:
                raise BadRequest("No such record.") from fault
            if "\x00" in chosen:
                raise BadRequest("No such record.")
        if request.POST.get("select_across") == "1" and queryset.order_by()[long_lists.MOST :].exists():
            messages.error(request, _("These are too many for one act. Search or filter first."))
            return redirect(request.get_full_path())
        return super().response_action(request, queryset)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return None if "\x00" in object_id else super().get_object(request, object_id, from_field)

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **options: Any) -> Any:
        if isinstance(db_field, models.URLField):
            options.setdefault("assume_scheme", "https")
        return super().formfield_for_dbfield(db_field, request, **options)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **options)

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        """Write the changed columns only: an epoch that rose meanwhile must not fall back to what the form read."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        changed = set(form.changed_data)
        columns = obj._meta.concrete_fields
        written = [column.name for column in columns if column.name in changed]
        if written:
            stamps = [column.name for column in columns if getattr(column, "auto_now", False)]
            obj.save(update_fields=[*written, *stamps])

    def save_related(self, request: HttpRequest, form: forms.ModelForm, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        fields = [*form.changed_data, *_changed_inline(formsets)]
        if fields or not change:
            self.record(request, form.instance, "changed" if change else "added", fields=sorted(fields))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        name, subject = str(obj), self.about(obj)["subject"]
        self._delete(request, obj)
        if self.revoked_as:
            receipts.told(request, _("Everything of %s ended.") % name, self.revoked_as, subject)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:  # each in its own transaction, see `revocation.revoke`
            self._delete(request, obj)
        if self.revoked_as:
            receipts.told_many(request, str(_("Everything of these ended.")), self.revoked_as)

    def _delete(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            self.end_access(request, obj)
            self.record(request, obj, "deleted")
            super().delete_model(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Counts of what goes along, not its list: it may be thousands, and some are named by their hashes.

        Both pages that ask, for one and for many, show the list that this gives: so what ends is told there.
        """
        _nested, counts, needed, protected = super().get_deleted_objects(objs, request)
        waived = {str(model._meta.verbose_name) for model in self.goes_along}
        shown: list[Any] = [str(obj) for obj in objs]
        if lines := self.hit(objs):
            shown += [format_html("<strong>{}</strong>", _("What this hits now")), lines]
        return shown, counts, {name for name in needed if str(name) not in waived}, protected

    def record(self, request: HttpRequest, obj: Any, act: str, **detail: Any) -> None:
        events.record(
            request,
            events.Kind.OPERATOR_CHANGE,
            actor=request.user.pk,
            **self.about(obj),
            record=self.opts.label_lower,
            act=act,
            **detail,
        )


class ReadOnlyAdmin(RecordAdmin):
    """A record that nobody edits here, superusers included. What may be done to it is an action of its own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        raise Http404


def moment(at: datetime | None) -> SafeString | str:
    """A time to the second, short enough for a list."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    shown = f"{local:%Y-%m-%d %H:%M:%S}"
    return format_html('<time class="whitespace-nowrap" datetime="{}">{}</time>', local.isoformat(), shown)


def list_link(model: type[models.Model], text: Any, **filters: Any) -> SafeString:
    """A link to the list of a model, filtered."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a class="text-link" href="{}?{}">{}</a>', address, urlencode(filters), text)


def without(form: type[forms.ModelForm], names: Iterable[str]) -> type[forms.ModelForm]:
    """The form without those of its declared fields: Django leaves them in, read-only or not, where a form is given."""
    gone = dict.fromkeys(name for name in names if name in form.declared_fields)
    return type(form.__name__, (form,), gone)


def _changed_inline(formsets: Any) -> list[str]:
    fields = []
    for formset in formsets:
        name = formset.model._meta.model_name
        fields += [f"{name}.{field}" for _obj, changed in formset.changed_objects for field in changed]
        fields += [f"{name} added" for _obj in formset.new_objects]
        fields += [f"{name} deleted" for _obj in formset.deleted_objects]
    return list(dict.fromkeys(fields))
