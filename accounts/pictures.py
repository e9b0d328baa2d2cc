"""A person's picture: made anew from what she uploads, shown at an address that nobody guesses.

What is kept is 256 pixels square, without place, camera or anything else that a file carries; and no byte of the file
itself is ever shown, so nothing can hide in it.
"""

import warnings
from io import BytesIO
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from PIL import Image, ImageOps

from accounts.home import me, profile_page
from accounts.models import Picture, User
from accounts.uploads import MOST_BYTES
from authcenter import limits
from authcenter.audit import events

SIDE = 256
_MOST_PIXELS = {"JPEG": 60_000_000, "PNG": 16_000_000, "WEBP": 16_000_000, "GIF": 16_000_000}
"""A JPEG is decoded at an eighth of its size, the others in full: 64 MB at most."""


@require_safe
def picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """For everybody who has the address: applications show it to others."""
    kept = get_object_or_404(Picture, pk=pk)
    response = HttpResponse(bytes(kept.image), content_type=kept.content_type)
    response["Cache-Control"] = "public, max-age=3600"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_POST
def change_picture(request: HttpRequest) -> HttpResponse:
    """A new one (`picture`), or none (`remove`)."""
    user = User.objects.get(pk=me(request).pk)
    if "remove" in request.POST:
        _keep(request, user, None)
        messages.success(request, _("Your picture is removed."))
        return redirect("account")
    if limits.taken(limits.pictures(user.pk)):
        return profile_page(request, picture_error=_("That were many pictures. Try again in an hour."))
    uploaded: Any = request.FILES.get("picture")
    try:
        image = made_of(uploaded.read() if uploaded else b"")
    except ValidationError as fault:
        return profile_page(request, picture_error=fault.messages[0])
    _keep(request, user, image)
    messages.success(request, _("Your picture is saved."))
    return redirect("account")


def made_of(file: bytes) -> bytes:
    """The picture as it is kept, a WebP; raises `ValidationError` that says what is wrong with the file."""
    if not file:
        raise ValidationError(_("Choose a file first."))
    if len(file) > MOST_BYTES:
        raise ValidationError(_("The file is too large: at most %(size)s MB.") % {"size": MOST_BYTES // 1024 // 1024})
    try:
        with warnings.catch_warnings(), Image.open(BytesIO(file), formats=list(_MOST_PIXELS)) as opened:
            warnings.simplefilter("error")  # Pillow's own guard against bombs only warns
            if opened.width * opened.height > _MOST_PIXELS[str(opened.format)]:
                raise Image.DecompressionBombError
            opened.draft("RGB", (SIDE * 2, SIDE * 2))
            return _square(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise ValidationError(_("The picture has too many pixels. Make it smaller, then try again.")) from fault
    except Exception as fault:  # a decoder may raise anything at a bent file
        raise ValidationError(_("That is no picture that can be read. Use a PNG, JPEG, WebP or GIF file.")) from fault


def _square(opened: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(opened)
    mode = "RGBA" if upright.has_transparency_data else "RGB"
    cropped = ImageOps.fit(upright.convert(mode), (SIDE, SIDE), Image.Resampling.LANCZOS)
    clean = Image.new(mode, (SIDE, SIDE))  # a new one: what the file carried beside its pixels stays behind
    clean.paste(cropped)
    written = BytesIO()
    clean.save(written, "WEBP", quality=86, method=4)
    return written.getvalue()


def _keep(request: HttpRequest, user: User, image: bytes | None) -> None:
    """The old one goes, with its address; applications hear of the change by `picture` and `updated_at`."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        Picture.objects.filter(user=user).delete()
        address = ""
        if image is not None:
            row = Picture.objects.create(user=user, image=image, content_type="image/webp")
            address = settings.ISSUER + reverse("account-picture", args=[row.pk])
        User.objects.filter(pk=user.pk).update(picture=address, updated_at=timezone.now())
        events.record(request, events.Kind.PROFILE_CHANGED, actor=user.pk, subject=user.pk, fields=["picture"])
