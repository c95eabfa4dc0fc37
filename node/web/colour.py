"""The company's accent colour, made readable: shades that keep WCAG contrast on our surfaces, by day and by night. Pure."""

from __future__ import annotations

import colorsys
import re

Colour = tuple[float, float, float]
"""Red, green and blue, each 0..1."""

DAY, NIGHT = "#f4f1ea", "#282622"
"""The surfaces an accent stands on at worst: tokens.css --paper by day, --raised by night."""
WANTED = 4.8
"""WCAG 2.2 asks 4.5 for text; a little more allows for rounding."""
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")


def read(text: str) -> Colour | None:
    """Return the colour written as #rrggbb, or None for anything else."""
    found = _HEX.fullmatch(text.strip())
    if found is None:
        return None
    digits = found.group(1)
    return int(digits[0:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:6], 16) / 255


def write(colour: Colour) -> str:
    """Return '#rrggbb'."""
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)


def luminance(colour: Colour) -> float:
    """Return the relative luminance (WCAG 2.2), 0 for black and 1 for white."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2), 1 to 21."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def fit(colour: Colour, surface: Colour) -> Colour:
    """Return the shade nearest to `colour` that can be read on `surface`."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    step = -0.01 if luminance(surface) > 0.4 else 0.01
    while contrast(colour, surface) < WANTED and 0 <= lightness <= 1:
        lightness += step
        colour = colorsys.hls_to_rgb(hue, min(max(lightness, 0.0), 1.0), saturation)
    return colour


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return `share` (0..1) of `one` in `other`."""
    red, green, blue = (a * share + b * (1 - share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def stylesheet(text: str) -> str | None:
    """Return the stylesheet that sets the accent to the colour `text`, or None when it is not a colour."""
    wish = read(text)
    day, night = read(DAY), read(NIGHT)
    if wish is None or day is None or night is None:
        return None
    light, dark = fit(wish, day), fit(wish, night)
    white, black = (1.0, 1.0, 1.0), (0.04, 0.05, 0.05)
    light_soft, dark_soft = mix(light, (1.0, 1.0, 1.0), 0.1), mix(dark, (0.1, 0.1, 0.09), 0.14)
    return (
        ":root {\n"
        f"  --accent: light-dark({write(fit(light, light_soft))}, {write(fit(dark, dark_soft))});\n"
        f"  --accent-ink: light-dark({write(white)}, {write(black)});\n"
        f"  --accent-soft: light-dark({write(light_soft)}, {write(dark_soft)});\n"
        "}\n"
    )
