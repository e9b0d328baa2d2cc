"""One accent colour makes a theme: what passes as text (WCAG 2.2 section 1.4.3), the nearest that does, a style sheet.

Colours are written `#rrggbb`. Lightness is changed in Oklab (Björn Ottosson, 2020), in which a change looks as large as
it is and keeps the hue.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

Theme = Literal["light", "dark"]
ENOUGH = 4.5
"""The contrast that text needs."""

GROUNDS: dict[Theme, tuple[str, ...]] = {
    "light": ("#ffffff", "#f3f5f8", "#eef1f6"),
    "dark": ("#1a2029", "#10141a", "#232b36"),
}
"""What text in the accent stands on: `--card`, `--page` and `--soft` of static/css/authcenter.css."""

_ON_ACCENT: dict[Theme, str] = {"light": "#ffffff", "dark": "#0d1626"}
_STEP = 0.004
_VERSION = 1
"""Raised when the same colours make another style sheet: browsers keep one for a year."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_Triple = tuple[float, float, float]


def is_colour(text: str) -> bool:
    return bool(_COLOUR.fullmatch(text))


def contrast(one: str, other: str) -> float:
    """From 1 to 21 (WCAG 2.2, contrast ratio)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def worst_contrast(accent: str, theme: Theme) -> float:
    """Of text in this colour on any ground of the theme, and of the text on a button of this colour."""
    return min(contrast(accent, other) for other in (*GROUNDS[theme], _ON_ACCENT[theme]))


@lru_cache(maxsize=256)  # anybody may think of more
def nearest(accent: str, theme: Theme) -> str:
    """The colour itself where it passes; else the one of its hue that does and is least lighter or darker."""
    steps = (step * _STEP for step in range(int(1 / _STEP)))
    return next(
        (
            one
            for step in steps
            for one in dict.fromkeys((_moved(accent, -step), _moved(accent, step)))
            if worst_contrast(one, theme) >= ENOUGH
        ),
        "#000000" if theme == "light" else "#ffffff",
    )


def stylesheet(accent: str, dark: str = "") -> str:
    """The address of the style sheet of these colours; nothing without a colour. It names all that is in it."""
    if not is_colour(accent):
        return ""
    name = "-".join(colour.removeprefix("#") for colour in (accent, dark) if is_colour(colour))
    return f"/branding/{name}.css?v={_VERSION}"


def rules(accent: str, dark: str = "") -> str:
    """What the style sheet says. Colours that would not pass are moved until they do."""
    light, dark = nearest(accent, "light"), nearest(dark or accent, "dark")
    return (
        ":root {\n"
        f"  --accent: light-dark({light}, {dark});\n"
        f"  --accent-strong: light-dark({_moved(light, -0.06)}, {_moved(dark, 0.06)});\n"
        f"  --on-accent: light-dark({_ON_ACCENT['light']}, {_ON_ACCENT['dark']});\n"
        "}\n"
    )


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(colour: str) -> _Triple:
    """Linear light of sRGB."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _triple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def _moved(colour: str, by: float) -> str:
    """As much lighter (or darker) in Oklab; what sRGB cannot show is clipped."""
    red, green, blue = _linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short + by
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return _written(
        _triple(
            (
                4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
                -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
                -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
            )
        )
    )


def _written(linear: _Triple) -> str:
    parts = (min(max(part, 0.0), 1.0) for part in linear)
    encoded = (part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055 for part in parts)
    return "#" + "".join(f"{round(part * 255):02x}" for part in encoded)


def _triple(parts: Iterable[float]) -> _Triple:
    first, second, third = parts
    return first, second, third
