"""/account/organisations/: those one belongs to, and those that one looks after."""

from django.urls import path

from accounts import organisation_office as office
from accounts import organisation_pages as own

urlpatterns = [
    path("", own.organisations_page, name="account-organisations"),
    path("invitations/<uuid:invitation>/answer/", own.answer, name="account-invitation-answer"),
    path("invitations/<str:token>/", own.invitation, name="account-invitation"),
    path("<slug:organisation>/", office.members, name="account-organisation"),
    path("<slug:organisation>/logo/", own.logo, name="account-organisation-logo"),
    path("<slug:organisation>/leave/", own.leave, name="account-organisation-leave"),
    path("<slug:organisation>/members/<uuid:membership>/", office.member, name="account-organisation-member"),
    path("<slug:organisation>/members/<uuid:membership>/remove/", office.remove, name="account-organisation-remove"),
    path(
        "<slug:organisation>/invitations/<uuid:invitation>/",
        office.invitation,
        name="account-organisation-invitation",
    ),
]
