"""A person's picture: made anew from any picture file, refused with a reason where it is none, and told to apps."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts import uploads
from accounts.models import Picture, User
from authcenter.oauth.claims import about_person
from tests.accounts.people import sign_in


@pytest.fixture
def alice(person, client):
    user = person("alice@example.com")
    sign_in(client, user.email)
    return user


def image(kind="PNG", size=(600, 400), colour="red", mode="RGB", **options):
    written = BytesIO()
    Image.new(mode, size, colour).save(written, kind, **options)
    return written.getvalue()


def send(client, content, name="me.png"):
    return client.post("/account/picture/", {"picture": SimpleUploadedFile(name, content)}, follow=True)


def shown(client):
    path = User.objects.get().picture.removeprefix("http://localhost:8000")
    return client.get(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_each_kind_becomes_a_small_square(client, alice, kind):
    assert "Your picture is saved." in send(client, image(kind)).content.decode()
    answer = shown(client)
    made = Image.open(BytesIO(answer.content))
    assert answer["Content-Type"] == "image/webp" and made.format == "WEBP" and made.size == (256, 256)
    assert answer["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer["Content-Security-Policy"]


def test_it_is_cut_in_the_middle_and_turned_upright(client, alice):
    wide = Image.new("RGB", (300, 100), "blue")
    wide.paste("red", (100, 0, 200, 100))
    written = BytesIO()
    wide.save(written, "PNG")
    send(client, written.getvalue())
    made = Image.open(BytesIO(shown(client).content)).convert("RGB")
    assert all(red > 200 and blue < 60 for red, _green, blue in (made.getpixel(at) for at in ((5, 128), (250, 128))))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    tall = Image.new("RGB", (200, 100), "red")
    tall.paste("blue", (0, 0, 100, 100))
    written = BytesIO()
    tall.save(written, "JPEG", exif=exif)
    send(client, written.getvalue())
    made = Image.open(BytesIO(shown(client).content)).convert("RGB")
    assert made.getpixel((128, 20))[2] > 150 and made.getpixel((128, 236))[0] > 150


def test_place_and_camera_and_what_hides_in_the_file_are_gone(client, alice):
    exif = Image.Exif()
    exif[0x010F] = "CAMERA-MAKER"
    content = image("JPEG", exif=exif, comment=b"HIDDEN-COMMENT", icc_profile=b"ICC-PROFILE") + b"<script>alert(1)"
    send(client, content)
    kept = shown(client).content
    assert not [word for word in (b"CAMERA", b"HIDDEN", b"ICC-", b"<script>", b"EXIF") if word in kept]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file first."),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "That is no picture"),
        (b"GIF89a<script>alert(1)</script>", "That is no picture"),
        (lambda: image("BMP"), "That is no picture"),
        (lambda: image("TIFF"), "That is no picture"),
        (lambda: image()[:200], "That is no picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, "That is no picture"),
        (lambda: image("PNG", (5000, 5000), "white", "1"), "too many pixels"),
        (lambda: image("GIF", (20000, 20000), 0, "P"), "too many pixels"),
        (b"\xff\xd8\xff" + b"x" * (5 * 1024 * 1024), "The file is too large: at most 5 MB."),
    ],
    ids=["none", "svg", "script", "bmp", "tiff", "cut", "zeros", "pixels", "bomb", "bytes"],
)
def test_what_is_none_is_refused_with_the_reason(client, alice, content, said):
    # Large pictures are made here, and not wherever this file is read.
    page = send(client, content() if callable(content) else content).content.decode()
    assert said in page and 'id="picture_error"' in page
    assert not Picture.objects.exists() and User.objects.get().picture == ""


def test_more_than_a_form_may_have_is_not_read(client, alice):
    answer = send(client, b"x" * (uploads.MOST_BYTES * 4 + 1))
    assert answer.status_code in {400, 413} and not Picture.objects.exists()


def test_applications_are_told_its_address(client, alice):
    send(client, image())
    user = User.objects.get()
    claim = about_person(user, ["profile"], told_to="app")["picture"]
    assert claim == f"http://localhost:8000/account/picture/{Picture.objects.get().pk}"


def test_a_new_one_has_a_new_address_and_a_removed_one_none(client, alice):
    send(client, image())
    first = User.objects.get().picture
    send(client, image(colour="blue"))
    assert User.objects.get().picture != first
    assert client.get(first.removeprefix("http://localhost:8000")).status_code == 404
    assert "Your picture is removed." in client.post("/account/picture/", {"remove": "1"}, follow=True).content.decode()
    assert User.objects.get().picture == "" and not Picture.objects.exists()


def test_nobody_changes_anothers_and_everybody_may_look(client, browser, alice):
    send(client, image())
    stranger = browser()
    assert stranger.post("/account/picture/", {"remove": "1"})["Location"].startswith("/accounts/login/")
    assert Picture.objects.exists() and shown(stranger).status_code == 200
    assert stranger.get("/account/picture/00000000-0000-4000-8000-000000000000").status_code == 404


def test_one_person_makes_twenty_an_hour(client, alice):
    for _ in range(20):
        send(client, b"no picture")
    assert "Try again in an hour." in send(client, image()).content.decode() and not Picture.objects.exists()
