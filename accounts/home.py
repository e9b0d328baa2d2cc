"""/account/: one's own profile. Each other page has a module of its own; what applications are in is in
`authcenter/portal/`.
"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms import ProfileForm
from accounts.models import User
from accounts.pages import own_picture, show

PER_PAGE = 20


def me(request: HttpRequest) -> User:
    """Whoever `login_required` has let through."""
    assert isinstance(request.user, User)
    return request.user


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return profile_page(request)
    form = ProfileForm(request.POST, instance=User.objects.get(pk=me(request).pk))
    if not form.is_valid():
        return profile_page(request, form)
    form.save()
    messages.success(request, _("Your profile is saved."))
    return redirect("account")


def profile_page(request: HttpRequest, form: ProfileForm | None = None, *, picture_error: str = "") -> HttpResponse:
    """`picture_error`: what is wrong with the picture that was just sent."""
    user = User.objects.get(pk=me(request).pk)
    context = {
        "form": form or ProfileForm(instance=user),
        "picture": own_picture(user),
        "picture_error": picture_error,
        "initial": user.full_name[:1].upper(),
        "here": "profile",
    }
    return show(request, "account/home/profile.html", context)
