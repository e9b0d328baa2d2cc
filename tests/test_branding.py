"""Branding: the contrast is checked, each colour passes in both themes, and a page costs no more for it."""

import io
import re

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from authcenter.branding import colours, current, pictures
from authcenter.branding.models import Branding
from authcenter.oauth.models import Logo
from tests.console_pages import submit

SOME = ["#1f54c9", "#f5a623", "#ffff00", "#00ff00", "#e91e63", "#000000", "#ffffff", "#808080", "#0000ff", "#7f1d1d"]


def picture(kind="PNG", size=(600, 300), mode="RGB"):
    made = io.BytesIO()
    Image.new(mode, size, "red").save(made, kind)
    return SimpleUploadedFile(f"logo.{kind.lower()}", made.getvalue() + b"<script>alert(1)</script>")


# --- Colours ---


def test_contrast_is_wcags():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert colours.contrast("#ffffff", "#777777") == colours.contrast("#777777", "#ffffff")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", SOME)
def test_wcag_1_4_3_the_nearest_colour_passes_and_a_passing_one_stays(colour, theme):
    nearest = colours.nearest(colour, theme)
    assert colours.worst_contrast(nearest, theme) >= 4.5
    assert colours.nearest(nearest, theme) == nearest


@pytest.mark.parametrize("colour", SOME)
def test_wcag_1_4_3_what_a_style_sheet_says_passes_also_under_the_mouse(colour):
    rules = colours.rules(colour)
    for name in ("accent", "accent-strong"):
        light, dark = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", rules).groups()
        assert colours.worst_contrast(light, "light") >= 4.5 and colours.worst_contrast(dark, "dark") >= 4.5, name


def test_the_grounds_are_those_of_the_style_sheet():
    from tests.languages.extraction import ROOT

    css = (ROOT / "static/css/authcenter.css").read_text()
    for at, name in enumerate(("card", "page", "soft")):
        light, dark = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", css).groups()
        light = "#ffffff" if light == "#fff" else light
        assert (colours.GROUNDS["light"][at], colours.GROUNDS["dark"][at]) == (light, dark), name


def test_what_does_not_pass_is_refused_with_its_ratio_and_the_nearest_that_does(db):
    with pytest.raises(ValidationError) as refused:
        Branding(accent="#F5A623").full_clean()
    assert "1.8 to 1" in str(refused.value) and "#a55b00" in str(refused.value)
    Branding(accent="#a55b00", accent_dark="#f5a623").full_clean()
    for wrong in ("red", "#fff", "#12345g", "1f54c9"):
        with pytest.raises(ValidationError):
            Branding(accent=wrong).full_clean()
    with pytest.raises(ValidationError):
        Branding(accent_dark="#1f54c9").full_clean()


def test_a_style_sheet_is_kept_for_ever_and_made_of_colours_alone(client, db):
    answer = client.get(colours.stylesheet("#a55b00", "#f5a623"))
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/css")
    assert "immutable" in answer["Cache-Control"] and "#f5a623" in answer.content.decode()
    for wrong in ("red", "12345g", "a55b00-f5a623-000000", "A55B00", "a55b00%7D", "-"):
        assert client.get(f"/branding/{wrong}.css").status_code == 404, wrong


# --- Pages ---


@pytest.fixture
def branded(db):
    row = Branding.objects.create(
        pk=1,
        name="Acme",
        accent="#a55b00",
        headline="Welcome to Acme",
        sign_in_notice="Use your Acme address.",
        sign_up_notice="Staff only.",
        footer="Acme Ltd.",
        translations={"de": {"headline": "Willkommen bei Acme"}},
        privacy_url="https://acme.example/privacy",
        terms_url="https://acme.example/terms",
        help_url="https://acme.example/help",
        support_email="help@acme.example",
    )
    current.forget()
    yield row
    current.forget()


def test_every_page_has_the_name_colour_texts_and_links(client, branded):
    page = client.get("/accounts/login/").content.decode()
    for said in (
        *("Sign in · Acme", "Welcome to Acme", "Use your Acme address.", "Acme Ltd.", "/branding/a55b00.css?v="),
        *("https://acme.example/privacy", "https://acme.example/terms", "https://acme.example/help"),
        "mailto:help@acme.example",
    ):
        assert said in page, said
    assert "Staff only." in client.get("/accounts/signup/").content.decode()
    assert "Acme Ltd." in client.get("/no/such/page").content.decode()


def test_texts_come_in_the_language_of_the_page_where_they_are_given(client, branded):
    page = client.get("/accounts/login/", HTTP_ACCEPT_LANGUAGE="de").content.decode()
    assert "Willkommen bei Acme" in page and "Use your Acme address." in page


def test_a_page_asks_the_database_for_it_once_in_a_while_only(client, branded, sql, monkeypatch):
    client.get("/accounts/login/")
    with sql() as statements:
        client.get("/accounts/login/")
    assert not any("branding" in statement for statement in statements.sql)
    Branding.objects.filter(pk=1).update(name="Other")
    assert "Other" not in client.get("/accounts/login/").content.decode()
    monkeypatch.setattr(current, "FRESH_SECONDS", 0.0)  # what another worker sees a second later
    with sql() as statements:
        assert "Other" in client.get("/accounts/login/").content.decode()
    assert any("branding" in statement for statement in statements.sql)


def test_an_application_has_its_own_colour_where_people_sign_in_to_it(client, application, branded, person, sign_in):
    app, _secret = application("web", "Shop", accent="#7f1d1d", sign_in_text="Staff of <Shop> only.")
    asked = {"client_id": app.client_id, "redirect_uri": "https://rp.example/cb", "response_type": "code"}
    asked |= {"scope": "openid", "code_challenge": "x" * 43, "code_challenge_method": "S256"}
    page = client.get("/oauth/authorize", asked, follow=True)
    assert "Shop" in page.content.decode() and "/branding/7f1d1d.css" in page.content.decode()
    assert "/branding/a55b00.css" not in page.content.decode()
    assert "Staff of &lt;Shop&gt; only." in page.content.decode()
    sign_in(client, person())
    assert "/branding/7f1d1d.css" in client.get("/oauth/authorize", asked, follow=True).content.decode()
    assert "/branding/a55b00.css" in client.get("/account/").content.decode()
    app.accent = "#ffff00"
    with pytest.raises(ValidationError, match="nearest"):
        app.full_clean()


# --- Pictures ---


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("JPEG", "CMYK"), ("WEBP", "RGB"), ("GIF", "P")])
def test_a_logo_is_drawn_anew(kind, mode):
    drawn = pictures.redrawn(picture(kind, mode=mode))
    with Image.open(io.BytesIO(drawn)) as made:
        assert made.format == "PNG" and made.width <= 512 and made.height <= 192
    assert b"script" not in drawn


@pytest.mark.parametrize(
    "sent",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n" + b"x" * 100, b"x" * (1024 * 1024 + 1)],
    ids=["nothing", "svg", "broken", "large"],
)
def test_what_is_no_picture_is_refused(sent):
    with pytest.raises(ValidationError):
        pictures.redrawn(io.BytesIO(sent))


def test_a_picture_of_too_many_pixels_is_not_unpacked():
    bomb = io.BytesIO()
    Image.new("1", (8_000, 4_000)).save(bomb, "PNG")
    with pytest.raises(ValidationError, match="pixels"):
        pictures.redrawn(io.BytesIO(bomb.getvalue()))


# --- The console ---


@pytest.fixture
def root(person, client, sign_in):
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True))


def test_an_operator_brands_the_installation_and_pages_show_it_at_once(client, root):
    assert client.get("/admin/branding/branding/")["Location"] == "/admin/branding/branding/add/"
    form = {"name": "Acme", "accent": "#a55b00", "translations": "{}"}
    answer = submit(client, "/admin/branding/branding/add/", **form, logo_upload=picture())
    assert answer.status_code == 302, answer.content.decode()[:3000]
    row = Branding.objects.get()
    assert row.pk == 1 and row.logo_key
    page = client.get("/account/").content.decode()
    assert f'<img src="/branding/logo?v={row.logo_key}" alt="">' in page and "Acme" in page
    logo = client.get(f"/branding/logo?v={row.logo_key}")
    assert logo["Content-Type"] == "image/png" and "immutable" in logo["Cache-Control"]
    assert client.get("/admin/branding/branding/")["Location"] == "/admin/branding/branding/1/change/"
    submit(client, "/admin/branding/branding/1/change/", no_logo="on")
    assert client.get("/branding/logo").status_code == 404
    assert "/branding/logo" not in client.get("/account/").content.decode()


def test_a_colour_that_nobody_can_read_is_not_saved(client, root):
    answer = submit(client, "/admin/branding/branding/add/", accent="#ffff00", translations="{}")
    assert answer.status_code == 200 and "1.0 to 1" in answer.content.decode()
    assert not Branding.objects.exists()


def test_a_preview_shows_the_form_and_keeps_nothing(client, root, branded):
    form = {"name": "Draft", "accent": "#7f1d1d", "headline": "Try me", "translations": "{}", "logo_upload": picture()}
    page = client.post("/admin/branding/branding/preview/", form)
    text = page.content.decode()
    assert page.status_code == 200 and "Try me" in text and "/branding/7f1d1d.css" in text and "data:image/png" in text
    wrong = client.post("/admin/branding/branding/preview/", {**form, "accent": "#ffff00"})
    assert wrong.status_code == 400 and "nearest" in wrong.content.decode()
    assert client.get("/admin/branding/branding/preview/").status_code == 405
    assert Branding.objects.get().name == "Acme" and "Acme" in client.get("/account/").content.decode()


def test_nobody_but_who_may_change_it_brands_or_previews(client, person, sign_in):
    sign_in(client, person("op@example.com", is_staff=True))
    assert client.get("/admin/branding/branding/").status_code == 403
    assert client.post("/admin/branding/branding/preview/", {"name": "x"}).status_code in {302, 403}


def test_an_applications_logo_is_uploaded_and_served_from_here(client, root, application):
    app, _secret = application("web", "Shop")
    answer = submit(client, f"/admin/oauth/application/{app.pk}/change/", logo_upload=picture(), accent="#7f1d1d")
    assert answer.status_code == 302, answer.content.decode()[:3000]
    app.refresh_from_db()
    assert app.accent == "#7f1d1d" and Logo.objects.get().source == app.logo_uri
    shown = client.get(app.shown_logo.removeprefix("http://localhost:8000"))
    assert shown["Content-Type"] == "image/png"
