"""Who must have a second factor: operators where `STAFF_SECOND_FACTOR` is on, and members of a group that asks for it.

What an application asks for comes on top (`authcenter/oauth/assurance.py`).
"""

from django.conf import settings

from accounts.models import Group, User


def needs_second_factor(user: User) -> bool:
    if user.is_staff and settings.STAFF_SECOND_FACTOR:
        return True
    return Group.objects.filter(members=user, second_factor=True).exists()
