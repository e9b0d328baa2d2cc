"""/account/security/alerts/: which mails a person wants. What tells of a new password or method is always sent."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.home import me
from accounts.models import User
from authcenter.audit import events


class AlertForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("told_of_sign_ins", "told_of_apps")
        labels = {
            "told_of_sign_ins": gettext_lazy("Somebody signs in with a new browser or device"),
            "told_of_apps": gettext_lazy("A new app gets access"),
        }


@login_required
@require_POST
def choose_alerts(request: HttpRequest) -> HttpResponse:
    form = AlertForm(request.POST, instance=User.objects.get(pk=me(request).pk))
    if form.is_valid() and form.changed_data:
        form.instance.save(update_fields=form.changed_data)
        user = me(request)
        events.record(request, events.Kind.PROFILE_CHANGED, actor=user.pk, subject=user.pk, fields=form.changed_data)
    messages.success(request, _("Your choice is saved."))
    return redirect("account-security")
