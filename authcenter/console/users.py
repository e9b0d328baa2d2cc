"""People: who they are, what they may, where they are signed in; taking everything back, and starting a reset.

An operator who is no superuser may change people who are no operators (`operators.may_manage`), and hands out no
console rights: those fields are not in his form, so a crafted POST does not reach them either.
"""

from collections.abc import Iterable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.context import request_context
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.models import Group, Membership, User
from authcenter.audit import events
from authcenter.audit.models import AuditEvent
from authcenter.console import long_lists, receipts, user_factors
from authcenter.console.alive import alive
from authcenter.console.confirm import confirmation, is_confirmed, report
from authcenter.console.operators import may_manage
from authcenter.console.record import RecordAdmin, list_link, without
from authcenter.console.user_forms import EmailAddressInline, NewUserForm, PostalAddressField, UserForm
from authcenter.oauth.models import Authorization, Family
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import Kind, end_access_tokens, end_all_of_application, end_all_of_user

_RIGHTS = ("is_staff", "is_superuser", "groups")


class UserAdmin(RecordAdmin):
    list_display = ("email", "name", "is_active", "is_staff", "role_names", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "roles", "groups", "date_joined")
    search_fields = ("email", "name", "given_name", "family_name", "preferred_username", "id__startswith")
    search_help_text = _("E-mail address, name or user ID")
    ordering = ("email",)
    indexed = ("email", "date_joined")
    add_fieldsets = ((None, {"fields": ("email", "name", "roles", "send_mail")}),)
    fieldsets = (
        (None, {"fields": ("email", "name", "is_active", "ends", "access", "second_factors")}),
        (_("Roles"), {"fields": ("roles", "end_tokens")}),
        (_("Console"), {"fields": _RIGHTS}),
        (
            _("Profile"),
            {
                "classes": ["tab"],
                "fields": (
                    ("given_name", "family_name"),
                    ("middle_name", "nickname"),
                    ("preferred_username", "gender"),
                    ("locale", "zoneinfo"),
                    "birthdate",
                    ("phone_number", "phone_number_verified"),
                    "profile",
                    "picture",
                    "website",
                    "address",
                ),
            },
        ),
        (_("Record"), {"classes": ["tab"], "fields": ("id", "date_joined", "last_login", "updated_at", "epoch")}),
    )
    actions = ("revoke_selected",)
    actions_detail = ("revoke_one", "reset_one", "reset_factors")
    goes_along = (Session, Authorization, Family)
    revoked_as = Kind.USER

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("roles")

    def found_by_index(self, term: str) -> Q:
        return long_lists.of_people(term, "pk")

    @display(description=_("roles"))
    def role_names(self, user: User) -> str:
        return ", ".join(role.name for role in user.roles.all())

    def hit(self, objs: Iterable[User]) -> list[str]:
        return receipts.of_people(User.objects.filter(pk__in=[user.pk for user in objs]))

    @display(description=_("access"))
    def access(self, user: User) -> SafeString:
        sessions = Session.objects.filter(alive(), user=user).count()
        granted = Authorization.objects.filter(user=user, withdrawn=None).count()
        groups, organisations = user.member_of.count(), user.memberships.count()
        links = [
            list_link(Session, ngettext("%d session", "%d sessions", sessions) % sessions, user=user.pk, alive="yes"),
            list_link(
                Authorization,
                ngettext("%d authorization", "%d authorizations", granted) % granted,
                user=user.pk,
                living="yes",
            ),
            list_link(Group, ngettext("%d group", "%d groups", groups) % groups, members__id__exact=user.pk),
            list_link(
                Membership,
                ngettext("%d organisation", "%d organisations", organisations) % organisations,
                user__id__exact=user.pk,
            ),
            list_link(AuditEvent, _("Events"), q=user.pk),
        ]
        return format_html_join(" · ", "{}", ((link,) for link in links))

    @display(description=_("second factors"))
    def second_factors(self, user: User) -> str:
        return user_factors.told(user)

    # --- Whom and what an operator may touch ---

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes himself: the last superuser would lock everybody out."""
        if obj is not None and (obj.pk == request.user.pk or not may_manage(request.user, obj)):
            return False
        return super().has_delete_permission(request, obj)

    def has_revoke_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Asked with an address's id for the buttons of a page, without one for a list."""
        if not super().has_change_permission(request):
            return False
        person = self.get_object(request, object_id) if object_id else None
        return person is None or may_manage(request.user, person)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed: tuple[str, ...] = ("ends", "access", "second_factors", "id", "date_joined", "last_login")
        fixed += ("updated_at", "epoch")
        if not request.user.is_superuser:
            fixed += _RIGHTS
        elif obj is not None and obj.pk == request.user.pk:
            fixed += ("is_active", "is_staff", "is_superuser")  # nobody locks himself out
        return fixed

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = without(UserForm if obj else NewUserForm, self.get_readonly_fields(request, obj))
        return super().get_form(request, obj, change, form=form, **options)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [EmailAddressInline] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "address":
            options["form_class"] = PostalAddressField
        return super().formfield_for_dbfield(db_field, request, **options)

    # --- Saving ---

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            end_all_of_user(obj.pk, reason="disabled by an operator")
            events.record(request, events.Kind.USER_DISABLED, actor=request.user.pk, subject=obj.pk)
            receipts.told(request, _("Everything of %s ended.") % obj, Kind.USER, obj.pk)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Only `verified`: the form was read before this request's other writes, its `primary` may be old."""
        for address in formset.save(commit=False):
            address.save(update_fields=["verified"])
        for address in formset.deleted_objects:
            address.delete()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        user: User = form.instance
        if not change or "email" in form.changed_data:
            _make_primary(user)
        if change and "email" in form.changed_data:
            _end_all(request, user, "e-mail address changed by an operator")
            receipts.told(request, _("Everything of %s ended.") % user, Kind.USER, user.pk)
        if change and form.cleaned_data.get("end_tokens"):
            end_access_tokens(user.pk, reason="roles changed by an operator")
        if not change and form.cleaned_data.get("send_mail"):
            transaction.on_commit(lambda: _send_mail(request, user))

    def end_access(self, request: HttpRequest, obj: User) -> None:
        User.objects.select_for_update().get(pk=obj.pk)  # all rows before the feed, see `revocation.revoke`
        for application in list(obj.oauth_application.order_by("pk").select_for_update()):  # deleted with their owner
            end_all_of_application(application.client_id, reason="deleted by an operator")
        _end_all(request, obj, "deleted by an operator")

    # --- Actions ---

    @admin.action(description=_("Revoke everything"), permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        if not is_confirmed(request):
            return self._ask_to_revoke(request, queryset)
        done, kept = 0, 0
        for user in queryset:
            with transaction.atomic():  # one by one, see `revocation.revoke`
                if may_manage(request.user, user):
                    _end_all(request, user, "revoked by an operator")
                    done += 1
                else:
                    kept += 1
        ended = ngettext("Everything of %d user ended.", "Everything of %d users ended.", done) % done
        report(request, ended, kept, (Kind.USER, [user.pk for user in queryset]))
        return None

    @action(
        description=_("Revoke everything"),
        url_path="revoke",
        permissions=["revoke"],
        variant=ActionVariant.DANGER,
        icon="block",
    )
    def revoke_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = self._manageable(request, object_id)
        if not is_confirmed(request):
            return self._ask_to_revoke(request, [user], back=self.address_of(user))
        with transaction.atomic():
            _end_all(request, user, "revoked by an operator")
        receipts.told(request, _("Everything of %s ended.") % user, Kind.USER, user.pk)
        return redirect(self.address_of(user))

    @action(description=_("Reset password"), url_path="reset", permissions=["revoke"], icon="lock_reset")
    def reset_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = self._manageable(request, object_id)
        if not is_confirmed(request):
            return confirmation(
                request,
                self,
                title=_("Reset the password"),
                text=_(
                    "The present password stops working now, everything that this person is signed in to ends, "
                    "and a mail tells how to choose a new password. Nobody but its owner ever sees it."
                ),
                press=_("Reset"),
                objects=[user],
                hit=self.hit([user]),
                back=self.address_of(user),
            )
        with transaction.atomic():
            user.set_unusable_password()
            user.save(update_fields=["password"])
            self.record(request, user, "password reset started", fields=["password"])
            _end_all(request, user, "password reset by an operator")
        _send_mail(request, user)
        said = _("A mail to %s tells how to choose a new password.") % user.email
        receipts.told(request, said, Kind.USER, user.pk)
        return redirect(self.address_of(user))

    @action(description=_("Reset second factors"), url_path="reset-factors", permissions=["revoke"], icon="key_off")
    def reset_factors(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return user_factors.reset(self, request, self._manageable(request, object_id))

    def _manageable(self, request: HttpRequest, object_id: str) -> User:
        user: User = self.found(request, object_id)
        if not may_manage(request.user, user):
            raise PermissionDenied
        return user

    def _ask_to_revoke(self, request: HttpRequest, users: Any, back: str = "") -> HttpResponse:
        return confirmation(
            request,
            self,
            title=_("Revoke everything"),
            text=_(
                "Every session and every token of these people is refused from now on, on every device, in every app."
            ),
            press=_("Revoke"),
            objects=users,
            hit=self.hit(users),
            back=back,
        )


def _end_all(request: HttpRequest, user: User, reason: str) -> None:
    end_all_of_user(user.pk, reason=reason)
    events.record(request, events.Kind.USER_REVOKED, actor=request.user.pk, subject=user.pk, reason=reason)


def _make_primary(user: User) -> None:
    """The address of the account is its primary one for allauth too; a new one is verified by its owner."""
    EmailAddress.objects.filter(user=user, primary=True).exclude(email=user.email).update(primary=False)
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"primary": True})


def _send_mail(request: HttpRequest, user: User) -> None:
    """A mail with no key in it: the code comes when its owner asks for it on the page that it names."""
    with request_context(request):  # it may be sent after the request's own is over
        get_adapter(request).send_mail("console/email/choose_password", user.email, {"user": user})
